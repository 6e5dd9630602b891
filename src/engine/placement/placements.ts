import { Injectable } from '@nestjs/common';
import type { PlacementConfig, PlacementRuleConfig } from '../../config/placement-config';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { matchesGlob } from '../../context/glob';
import type { OperationContext } from '../../context/operation-context';
import type { Container } from '../containers/container.types';
import { EngineError } from '../engine.errors';

/** The classes that S3 clients may name anywhere. Those of directory buckets and Outposts are bound to their own buckets. */
const S3_STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'GLACIER_IR',
  'DEEP_ARCHIVE',
];

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
  readonly tier: { readonly afterDays: number; readonly to: string } | undefined;
}

/** What a placement is chosen by. */
export interface PlacementSubject {
  readonly container: Pick<Container, 'name' | 'placement'>;
  readonly storageClass: string;
  readonly contentType: string | undefined;
  /** Undefined: not known, or not that of the artifact. */
  readonly sizeBytes: number | undefined;
}

/** The placements of the configuration, and which of them an artifact has. */
@Injectable()
export class Placements {
  readonly byName: ReadonlyMap<string, Placement>;
  private readonly classes: ReadonlySet<string>;
  private readonly byStorageClass: ReadonlyMap<string, Placement>;
  private readonly rules: readonly { readonly rule: PlacementRuleConfig; readonly placement: Placement }[];
  private readonly readRanks: ReadonlyMap<string, number>;
  private readonly sharing: ReadonlySet<string>;

  constructor(config: VaultaireConfig) {
    this.byName = new Map([...config.placements].map(([name, given]) => [name, toPlacement(name, given)]));
    this.classes = new Set([...S3_STORAGE_CLASSES, ...Object.keys(config.storageClasses)]);
    this.byStorageClass = new Map(
      Object.entries(config.storageClasses).map(([name, placement]) => [name, this.get(placement)] as const),
    );
    this.rules = config.placementRules.map((rule) => ({ rule, placement: this.get(rule.placement) }));
    const order = config.drivers.map(({ name }) => name);
    const read = new Set([...this.byName.values()].flatMap(({ drivers }) => drivers));
    this.sharing = new Set(
      [...this.byName.values()]
        .filter(({ copies, backup }) => copies + backup.length > 1)
        .flatMap(({ drivers, backup }) => [...drivers, ...backup]),
    );
    this.readRanks = new Map(order.map((name, index) => [name, index + (read.has(name) ? 0 : order.length)]));
  }

  /**
   * The placement of what is written: by the first rule that applies, else by the storage class where the client asked for one that
   * the configuration names, else by the container, the tenant or its plan (`ctx.placement`), else by the class `STANDARD`.
   *
   * @throws EngineError `UnknownStorageClass`; `UnknownPlacement` where a container, tenant or plan names what there is not
   */
  choose(ctx: OperationContext, subject: PlacementSubject): Placement {
    if (!this.classes.has(subject.storageClass)) {
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
    const placement = this.find(ctx, subject);
    if (placement !== undefined) return placement;
    throw new EngineError({ kind: 'UnknownPlacement', placement: settingOf(ctx, subject) ?? DEFAULT_PLACEMENT });
  }

  /** {@link ofStored}, undefined where a container, tenant or plan names what there is not. */
  find(ctx: OperationContext, subject: PlacementSubject): Placement | undefined {
    if (this.rules.length > 0) {
      const chosen = this.rules.find(({ rule }) => applies(rule, ctx.planName, subject));
      if (chosen !== undefined) return chosen.placement;
    }
    const { storageClass } = subject;
    const ofClass = this.byStorageClass.get(storageClass);
    if (storageClass !== DEFAULT_STORAGE_CLASS && ofClass !== undefined) return ofClass;
    const setting = settingOf(ctx, subject);
    return setting === undefined ? (ofClass ?? this.get(DEFAULT_PLACEMENT)) : this.byName.get(setting);
  }

  /** Whether bytes that were written to `stored` are where `placement` has its own: in it, or where those go by age. */
  isWithin(placement: Placement, stored: string): boolean {
    const seen = new Set<Placement>();
    const held = this.ofBlob(stored);
    for (let at = placement; !seen.has(at); at = this.ofBlob(at.tier?.to ?? at.name)) {
      if (at === held) return true;
      seen.add(at);
    }
    return false;
  }

  /** The placement that a blob was written with; the default one where the configuration has it no more. */
  ofBlob(name: string | null): Placement {
    return this.byName.get(name ?? DEFAULT_PLACEMENT) ?? this.get(DEFAULT_PLACEMENT);
  }

  /** Where a driver stands among those to read from: drivers that only hold backups come after all others. */
  readRank(driver: string): number {
    return this.readRanks.get(driver) ?? Number.MAX_SAFE_INTEGER;
  }

  /** A blob of this driver may have copies on others. */
  mayHaveCopies(driver: string): boolean {
    return this.sharing.has(driver);
  }

  private get(name: string): Placement {
    const placement = this.byName.get(name);
    if (placement === undefined) throw new Error(`there is no placement named ${name}`);
    return placement;
  }
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

function settingOf(ctx: OperationContext, { container }: PlacementSubject): string | undefined {
  return container.placement ?? ctx.placement;
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
