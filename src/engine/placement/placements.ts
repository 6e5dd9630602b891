import { Injectable } from '@nestjs/common';
import type { PlacementConfig, PlacementRuleConfig } from '../../config/placement-config';
import { S3_STORAGE_CLASSES } from '../../config/placement-config';
import { problemsOfPlacement, withoutLabel } from '../../config/placement-problems';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { matchesGlob } from '../../context/glob';
import type { OperationContext } from '../../context/operation-context';
import type { Container } from '../containers/container.types';
import { EngineError } from '../engine.errors';

const DEFAULT_PLACEMENT = 'default';
/** Of artifacts whose client asked for no class: it asks for no placement either. */
const DEFAULT_STORAGE_CLASS = 'STANDARD';

/** Which drivers hold a blob, and how; the configuration with its defaults filled in. */
export interface Placement {
  readonly name: string;
  /** Drivers that may hold a copy, the preferred first. */
  readonly drivers: readonly string[];
  /** How many of them do. */
  readonly copies: number;
  /** Copies that are durable before a write is answered. */
  readonly quorum: number;
  readonly backup: readonly string[];
  /** Label that all its drivers have. */
  readonly residency: string | undefined;
  readonly tier: { readonly afterDays: number; readonly idleDays?: number; readonly to: string } | undefined;
}

/** What a placement is chosen by. */
export interface PlacementSubject {
  readonly container: Pick<Container, 'name' | 'placement'>;
  readonly storageClass: string;
  readonly contentType: string | undefined;
  /** Undefined: not known, or not that of the artifact. */
  readonly sizeBytes: number | undefined;
}

/** What placements are chosen by, besides settings. */
interface PlacementPolicy {
  readonly storageClasses: ReadonlyMap<string, string>;
  readonly rules: readonly PlacementRuleConfig[];
}

/**
 * The placements there are, and which of them an artifact has: those of the configuration, and those that were defined by the admin API
 * (`PlacementStore` brings them).
 */
@Injectable()
export class Placements {
  private readonly configured: ReadonlyMap<string, Placement>;
  private readonly filePolicy: PlacementPolicy;
  private policy: PlacementPolicy;
  private all: ReadonlyMap<string, Placement> = new Map();
  private readRanks: ReadonlyMap<string, number> = new Map();
  private sharing: ReadonlySet<string> = new Set();

  constructor(private readonly config: VaultaireConfig) {
    this.configured = new Map([...config.placements].map(([name, given]) => [name, toPlacement(name, given)]));
    this.filePolicy = {
      storageClasses: new Map(Object.entries(config.storageClasses)),
      rules: config.placementRules,
    };
    this.policy = this.filePolicy;
    this.take(this.configured);
  }

  get byName(): ReadonlyMap<string, Placement> {
    return this.all;
  }

  /** It stands in the configuration, and is changed only there. */
  isConfigured(name: string): boolean {
    return this.configured.has(name);
  }

  /**
   * Takes `defined` beside the placements of the configuration, in the place of what was defined before. One whose name the
   * configuration has, or that contradicts itself or the configuration, is left out. The configuration's rules come before those of
   * `policy`, and its storage classes are not changed by it.
   *
   * @returns why what was left out was, one line each
   */
  define(
    defined: ReadonlyMap<string, PlacementConfig>,
    policy: {
      readonly storageClasses: Readonly<Record<string, string>>;
      readonly rules: readonly PlacementRuleConfig[];
    },
  ): string[] {
    const problems: string[] = [];
    const kept = new Map([...defined].filter(([name]) => !this.configured.has(name)));
    for (const name of defined.keys()) {
      if (!kept.has(name)) problems.push(`${name}: the configuration has a placement of this name`);
    }
    for (let isStable = false; !isStable;) {
      const placements = new Map([...this.config.placements, ...kept]);
      const [bad, reason] = firstProblem({ drivers: this.config.drivers, placements }, kept) ?? [];
      if (bad === undefined) isStable = true;
      else {
        kept.delete(bad);
        problems.push(`${bad}${reason ?? ''}`);
      }
    }
    this.take(
      new Map([...this.configured, ...[...kept].map(([name, given]) => [name, toPlacement(name, given)] as const)]),
    );
    this.policy = {
      storageClasses: new Map([...Object.entries(policy.storageClasses), ...this.filePolicy.storageClasses]),
      rules: [...this.filePolicy.rules, ...policy.rules],
    };
    return problems;
  }

  /**
   * The placement of what is written: by the first rule that applies, else by the storage class where the client asked for one that
   * the configuration names, else by the container, the tenant or its plan (`ctx.placement`), else by the class `STANDARD`.
   *
   * @throws EngineError `UnknownStorageClass`; `UnknownPlacement` where a container, tenant or plan names what there is not
   */
  choose(ctx: OperationContext, subject: PlacementSubject): Placement {
    if (!S3_STORAGE_CLASSES.has(subject.storageClass) && !this.policy.storageClasses.has(subject.storageClass)) {
      throw new EngineError({ kind: 'UnknownStorageClass', storageClass: subject.storageClass });
    }
    return this.ofStored(ctx, subject);
  }

  /**
   * {@link choose} for what was accepted before: a class that the configuration has no more counts as the default.
   *
   * @throws EngineError `UnknownPlacement`
   */
  ofStored(ctx: OperationContext, subject: PlacementSubject): Placement {
    const name = this.nameOf(ctx, subject);
    const placement = this.all.get(name);
    if (placement === undefined) throw new EngineError({ kind: 'UnknownPlacement', placement: name });
    return placement;
  }

  /** Whether {@link ofStored} would be `placement`. */
  isOf(ctx: OperationContext, subject: PlacementSubject, placement: Placement): boolean {
    return this.nameOf(ctx, subject) === placement.name;
  }

  /** Whether bytes that were written to `stored` are where `placement` has its own: in it, or where those go by age. */
  isWithin(placement: Placement, stored: string): boolean {
    const seen = new Set<string>();
    const held = this.ofBlob(stored).name;
    for (let at = placement; !seen.has(at.name); at = this.ofBlob(at.tier?.to ?? at.name)) {
      if (at.name === held) return true;
      seen.add(at.name);
    }
    return false;
  }

  /** The placement that a blob was written with; the default one where the configuration has it no more. */
  ofBlob(name: string | null): Placement {
    const placement = this.all.get(name ?? DEFAULT_PLACEMENT) ?? this.all.get(DEFAULT_PLACEMENT);
    if (placement === undefined) throw new Error('there is no default placement');
    return placement;
  }

  /** Whether bytes of the placement may be on the driver at all. */
  allows({ residency }: Placement, driver: string): boolean {
    return residency === undefined || withoutLabel(this.config, driver, residency) === undefined;
  }

  /** Where a driver stands among those to read from: drivers that only hold backups come after all others. */
  readRank(driver: string): number {
    return this.readRanks.get(driver) ?? Number.MAX_SAFE_INTEGER;
  }

  /** It holds more than backups, which are only read when nothing else is there. */
  isReadFrom(driver: string): boolean {
    return this.readRank(driver) < this.config.drivers.length;
  }

  /** A blob of this driver may have copies on others. */
  mayHaveCopies(driver: string): boolean {
    return this.sharing.has(driver);
  }

  private nameOf(ctx: OperationContext, subject: PlacementSubject): string {
    const { rules, storageClasses } = this.policy;
    for (const rule of rules) {
      if (applies(rule, ctx.planName, subject)) return rule.placement;
    }
    const { storageClass, container } = subject;
    const ofClass = storageClasses.get(storageClass);
    if (storageClass !== DEFAULT_STORAGE_CLASS && ofClass !== undefined) return ofClass;
    return container.placement ?? ctx.placement ?? ofClass ?? DEFAULT_PLACEMENT;
  }

  private take(all: ReadonlyMap<string, Placement>): void {
    const order = this.config.drivers.map(({ name }) => name);
    const read = new Set([...all.values()].flatMap(({ drivers }) => drivers));
    this.all = all;
    this.sharing = new Set(
      [...all.values()]
        .filter(({ copies, backup }) => copies + backup.length > 1)
        .flatMap(({ drivers, backup }) => [...drivers, ...backup]),
    );
    this.readRanks = new Map(order.map((name, index) => [name, index + (read.has(name) ? 0 : order.length)]));
  }
}

/** The first of `candidates` with a problem, and what that is. */
function firstProblem(
  among: Pick<VaultaireConfig, 'drivers' | 'placements'>,
  candidates: ReadonlyMap<string, PlacementConfig>,
): readonly [name: string, problem: string] | undefined {
  for (const [name, placement] of candidates) {
    const [problem] = problemsOfPlacement(among, placement);
    if (problem !== undefined) return [name, problem];
  }
  return undefined;
}

function toPlacement(name: string, given: PlacementConfig): Placement {
  const drivers = given.drivers ?? (given.driver === undefined ? [] : [given.driver]);
  const copies = given.copies ?? drivers.length;
  return {
    name,
    drivers,
    copies,
    quorum: given.quorum ?? Math.floor(copies / 2) + 1,
    backup: given.backup,
    residency: given.residency,
    tier: given.tier,
  };
}

function applies(rule: PlacementRuleConfig, planName: string | undefined, subject: PlacementSubject): boolean {
  const { storageClasses, buckets, plans, contentTypes, minBytes, maxBytes } = rule;
  const { sizeBytes, contentType = '' } = subject;
  if (storageClasses !== undefined && !storageClasses.includes(subject.storageClass)) return false;
  if (plans !== undefined && (planName === undefined || !plans.includes(planName))) return false;
  if (buckets !== undefined && !buckets.some((pattern) => matchesGlob(pattern, subject.container.name))) return false;
  if (contentTypes !== undefined && !contentTypes.some((pattern) => matchesGlob(pattern, contentType))) return false;
  if (minBytes !== undefined && (sizeBytes === undefined || sizeBytes < minBytes)) return false;
  return maxBytes === undefined || (sizeBytes !== undefined && sizeBytes <= maxBytes);
}
