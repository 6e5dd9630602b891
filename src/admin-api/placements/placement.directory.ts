import { Injectable } from '@nestjs/common';
import { problemsOfPlacement, STORAGE_CLASS } from '../../config/placement-problems';
import type { PlacementConfig, PlacementRuleConfig } from '../../config/placement-config';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { Database } from '../../database/database';
import type { Queryable, Statement } from '../../database/database';
import { PlacementStore } from '../../engine/placement/placement-store';
import type { DefinedPlacement, DefinedPolicy } from '../../engine/placement/placement-store';
import { Placements } from '../../engine/placement/placements';
import { AdminProblem } from '../admin-problem';
import type { FieldError } from '../admin-problem';

/** One change at a time: each is checked against all the others. */
const HOLD: Statement = { name: 'hold-placements', text: 'LOCK TABLE placements IN SHARE ROW EXCLUSIVE MODE' };
const INSERT: Statement = { name: 'define-placement', text: 'INSERT INTO placements (name, document) VALUES ($1, $2)' };
const UPDATE: Statement = {
  name: 'redefine-placement',
  text: 'UPDATE placements SET document = $2, revision = revision + 1, updated_at = now() WHERE name = $1',
};
const DELETE: Statement = { name: 'undefine-placement', text: 'DELETE FROM placements WHERE name = $1' };
const USED_BY: Statement = {
  name: 'placement-used-by',
  text: `(SELECT 'the container ' || t.name || '/' || c.name AS user FROM containers c JOIN tenants t ON t.id = c.tenant_id
      WHERE c.placement = $1 LIMIT 1)
    UNION ALL (SELECT 'the tenant ' || name FROM tenants WHERE policy ->> 'placement' = $1 LIMIT 1)
    UNION ALL (SELECT 'the plan ' || name FROM plans WHERE policy ->> 'placement' = $1 LIMIT 1)
    UNION ALL (SELECT 'the storage class ' || c.key FROM placement_policy, jsonb_each_text(storage_classes) c
      WHERE c.value = $1 LIMIT 1)
    UNION ALL (SELECT 'a rule' FROM placement_policy, jsonb_array_elements(rules) r WHERE r ->> 'placement' = $1 LIMIT 1)
    UNION ALL (SELECT 'the placement ' || name FROM placements WHERE document #>> '{tier,to}' = $1 LIMIT 1)`,
};

const SET_POLICY: Statement = {
  name: 'set-placement-policy',
  text: `UPDATE placement_policy SET storage_classes = $2, rules = $3, revision = revision + 1
    WHERE revision = $1 RETURNING revision`,
};

/** The placements that the admin API defines beside those of the configuration. Other processes hear of changes by notification. */
@Injectable()
export class PlacementDirectory {
  constructor(
    private readonly database: Database,
    private readonly store: PlacementStore,
    private readonly placements: Placements,
    private readonly config: VaultaireConfig,
  ) {}

  /** What was defined, by name; also what can't be used because the configuration is another by now. */
  async defined(): Promise<ReadonlyMap<string, DefinedPlacement>> {
    return byName(await this.store.list(this.database));
  }

  /** @throws AdminProblem 409 where the name is taken, 400 where it contradicts itself or names what there is not */
  async create(name: string, document: PlacementConfig): Promise<void> {
    await this.change(async (tx, defined) => {
      if (this.placements.isConfigured(name) || defined.has(name)) {
        throw AdminProblem.conflict(`There is a placement ${name} already`);
      }
      this.check(name, document, defined);
      await tx.query(INSERT, [name, JSON.stringify(document)]);
    });
  }

  /** @throws AdminProblem 404; 409 for one of the configuration; 412 unless `revision` is the current one; 400 as {@link create} */
  async replace(name: string, revision: string, document: PlacementConfig): Promise<void> {
    await this.change(async (tx, defined) => {
      if (this.find(name, defined).revision !== revision) throw AdminProblem.preconditionFailed();
      this.check(name, document, defined);
      await tx.query(UPDATE, [name, JSON.stringify(document)]);
    });
  }

  /** @throws AdminProblem 404; 409 for one of the configuration, and while something names it */
  async delete(name: string): Promise<void> {
    await this.change(async (tx, defined) => {
      this.find(name, defined);
      const users = await tx.query<{ user: string }>(USED_BY, [name]);
      if (users.length > 0) {
        throw AdminProblem.conflict(`The placement ${name} is that of ${users.map(({ user }) => user).join(', ')}`);
      }
      await tx.query(DELETE, [name]);
    });
  }

  /** What was set here, without what the configuration says. */
  policy(): Promise<DefinedPolicy> {
    return this.store.policy(this.database);
  }

  /** @throws AdminProblem 412 unless `revision` is the current one; 400 for names that there are not, or that the configuration has */
  async setPolicy(
    revision: string,
    storageClasses: Readonly<Record<string, unknown>>,
    rules: readonly PlacementRuleConfig[],
  ): Promise<void> {
    await this.change(async (tx, defined) => {
      const isKnown = (name: unknown): boolean =>
        typeof name === 'string' && (this.placements.isConfigured(name) || defined.has(name));
      const wrong = [
        ...Object.entries(storageClasses).flatMap(([name, placement]) => this.checkClass(name, isKnown(placement))),
        ...rules.flatMap(({ placement }, index) => (isKnown(placement) ? [] : [missing(`rules[${index}].placement`)])),
      ];
      if (wrong.length > 0) throw AdminProblem.badFields(wrong);
      const values = [revision, JSON.stringify(storageClasses), JSON.stringify(rules)];
      if ((await tx.query(SET_POLICY, values)).length === 0) throw AdminProblem.preconditionFailed();
    });
  }

  private checkClass(name: string, isKnown: boolean): FieldError[] {
    const field = `storageClasses.${name}`;
    if (!STORAGE_CLASS.test(name)) {
      return [
        { field, message: `${field} must have a name of upper-case letters, digits and underscores, at most 32` },
      ];
    }
    if (Object.hasOwn(this.config.storageClasses, name)) {
      return [{ field, message: `${field}: the configuration has a placement for this class` }];
    }
    return isKnown ? [] : [missing(field)];
  }

  private async change(
    work: (tx: Queryable, defined: ReadonlyMap<string, DefinedPlacement>) => Promise<void>,
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query(HOLD, []);
      await work(tx, byName(await this.store.list(tx)));
    });
    await this.store.reload();
  }

  private find(name: string, defined: ReadonlyMap<string, DefinedPlacement>): DefinedPlacement {
    if (this.placements.isConfigured(name)) {
      throw AdminProblem.conflict(`The placement ${name} stands in the configuration file: change it there`);
    }
    const found = defined.get(name);
    if (found === undefined) throw AdminProblem.notFound(`placement ${name}`);
    return found;
  }

  /** The placement by itself, and those that lead to it by age. */
  private check(name: string, document: PlacementConfig, defined: ReadonlyMap<string, DefinedPlacement>): void {
    const others = [...defined.values()].map((other) => [other.name, other.document] as const);
    const placements = new Map([...others, [name, document], ...this.config.placements]);
    const among = { drivers: this.config.drivers, placements };
    const own = problemsOfPlacement(among, document).map((problem) => {
      const [field = '', ...rest] = problem.slice(1).split(/:? /);
      return { field, message: `${field}: ${rest.join(' ')}` };
    });
    if (own.length > 0) throw AdminProblem.badFields(own);
    for (const [other, given] of others) {
      const [problem] = other !== name && given.tier?.to === name ? problemsOfPlacement(among, given) : [];
      if (problem !== undefined) throw AdminProblem.conflict(`The placement ${other}${problem}`);
    }
  }
}

function missing(field: string): FieldError {
  return { field, message: `${field}: there is no placement of this name` };
}

function byName(rows: readonly DefinedPlacement[]): ReadonlyMap<string, DefinedPlacement> {
  return new Map(rows.map((row) => [row.name, row]));
}
