import { Injectable, Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import type { PlacementConfig, PlacementRuleConfig } from '../../config/placement-config';
import { Database } from '../../database/database';
import type { Queryable, Statement } from '../../database/database';
import { NotificationListener } from '../../database/notification-listener';
import { Placements } from './placements';

const LIST: Statement = {
  name: 'list_placements',
  text: 'SELECT name, document, revision, created_at, updated_at FROM placements ORDER BY name',
};

const POLICY: Statement = {
  name: 'get_placement_policy',
  text: 'SELECT storage_classes, rules, revision FROM placement_policy',
};

/** An example of what names each placement that there is not. */
const SETTINGS: Statement = {
  name: 'settings_of_no_placement',
  text: `SELECT DISTINCT ON (placement) owner, placement FROM (
      SELECT 'the container ' || t.name || '/' || c.name AS owner, c.placement
      FROM containers c JOIN tenants t ON t.id = c.tenant_id WHERE c.placement IS NOT NULL
      UNION ALL SELECT 'the tenant ' || name, policy ->> 'placement' FROM tenants WHERE policy ->> 'placement' IS NOT NULL
      UNION ALL SELECT 'the plan ' || name, policy ->> 'placement' FROM plans WHERE policy ->> 'placement' IS NOT NULL
    ) s WHERE placement <> ALL ($1::text[]) ORDER BY placement, owner`,
};

/** Storage classes and rules that the admin API set. */
export interface DefinedPolicy {
  readonly storageClasses: Readonly<Record<string, string>>;
  readonly rules: readonly PlacementRuleConfig[];
  /** Counts the changes. */
  readonly revision: string;
}

interface PolicyRow {
  readonly [column: string]: unknown;
  readonly storage_classes: Readonly<Record<string, string>>;
  readonly rules: readonly PlacementRuleConfig[];
  readonly revision: string;
}

/** A placement that the admin API defined. */
export interface DefinedPlacement {
  readonly name: string;
  readonly document: PlacementConfig;
  /** Counts the changes. */
  readonly revision: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Brings what the admin API defines into the {@link Placements} of this process, at its start and after every change. */
@Injectable()
export class PlacementStore implements OnModuleInit {
  private readonly logger = new Logger(PlacementStore.name);
  private loading: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly placements: Placements,
    notifications: NotificationListener,
  ) {
    notifications.subscribe('vaultaire_placements', () => {
      this.reload().catch((error: unknown) => {
        // The next notification, or the connection's return, asks again.
        this.logger.warn(`the placements were not read: ${error instanceof Error ? error.message : String(error)}`);
      });
    });
  }

  async onModuleInit(): Promise<void> {
    await this.reload();
    const settings = await this.database.query<{ owner: string; placement: string }>(SETTINGS, [
      [...this.placements.byName.keys()],
    ]);
    for (const { owner, placement } of settings) {
      this.logger.error(`${owner} and what it holds can not be written: there is no placement ${placement}`);
    }
  }

  /** Resolves when this process has what was committed before the call. */
  reload(): Promise<void> {
    const load = this.loading.then(async () => {
      const rows = await this.list(this.database);
      const defined = new Map(rows.map(({ name, document }) => [name, document]));
      const problems = this.placements.define(defined, await this.policy(this.database));
      for (const problem of problems) this.logger.error(`a defined placement can not be used: ${problem}`);
    });
    this.loading = load.catch(() => undefined);
    return load;
  }

  list(database: Queryable): Promise<DefinedPlacement[]> {
    return database.query<DefinedPlacement & Readonly<Record<string, unknown>>>(LIST, []);
  }

  async policy(database: Queryable): Promise<DefinedPolicy> {
    const [row] = await database.query<PolicyRow>(POLICY, []);
    if (row === undefined) throw new Error('the row of the placement policy is gone');
    return { storageClasses: row.storage_classes, rules: row.rules, revision: row.revision };
  }
}
