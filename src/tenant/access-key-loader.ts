import type { Database } from '../database/database';
import type { TenantState } from './entities/tenant.entity';
import type { KeyScope } from '../context/policy/key-scope';
import type { TenantPolicy } from '../context/policy/tenant-policy';

/** An access key with the user and tenant it belongs to, the secret still sealed. */
export interface AccessKeyRow {
  readonly id: string;
  readonly secret_ciphertext: Buffer;
  readonly expires_at: Date | null;
  readonly user_id: string;
  readonly canonical_id: string;
  readonly display_name: string;
  readonly user_name: string;
  readonly tenant_id: string;
  readonly tenant_name: string;
  readonly tenant_state: TenantState;
  readonly scope: KeyScope | null;
  readonly plan: string | null;
  readonly plan_policy: TenantPolicy | null;
  readonly tenant_policy: TenantPolicy;
}

const SELECT_KEYS = {
  name: 'access-keys-select',
  text: `SELECT k.id, k.secret_ciphertext, k.expires_at, u.id AS user_id, u.canonical_id, u.display_name,
      u.name AS user_name, t.id AS tenant_id, t.name AS tenant_name, t.state AS tenant_state, k.scope, t.plan, p.policy AS plan_policy, t.policy AS tenant_policy
    FROM access_keys k JOIN users u ON u.id = k.user_id JOIN tenants t ON t.id = u.tenant_id
      LEFT JOIN plans p ON p.name = t.plan
    WHERE k.id = ANY($1::text[]) AND k.state = 'active'`,
};

const MAX_BATCH = 500;

interface Waiter {
  readonly id: string;
  readonly resolve: (row: AccessKeyRow | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Loads access keys in batches, one query at a time: what is asked for while a query runs is in the next one. So a flood
 * of ids that nobody has ever seen costs this process one connection and few queries, not a query per request.
 */
export class AccessKeyLoader {
  private waiting: Waiter[] = [];
  private isRunning = false;

  constructor(private readonly database: Pick<Database, 'query'>) {}

  /** Undefined: there is no such active key. Throws `DatabaseUnavailableError`. */
  load(id: string): Promise<AccessKeyRow | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ id, resolve, reject });
      if (!this.isRunning) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.isRunning = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, MAX_BATCH);
      this.waiting = this.waiting.slice(MAX_BATCH);
      try {
        const rows = await this.database.query<AccessKeyRow & Record<string, unknown>>(SELECT_KEYS, [
          batch.map((waiter) => waiter.id),
        ]);
        const byId = new Map(rows.map((row) => [row.id, row]));
        for (const waiter of batch) waiter.resolve(byId.get(waiter.id));
      } catch (error) {
        for (const waiter of batch) waiter.reject(error);
      }
    }
    this.isRunning = false;
  }
}
