import { Injectable, Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import { NotificationListener } from '../../database/notification-listener';

const RETRY_MS = 5_000;

const LOAD: Statement = {
  name: 'access-log-buckets',
  text: `SELECT c.id, t.name AS tenant, c.name, u.canonical_id
    FROM container_settings s JOIN containers c ON c.id = s.container_id JOIN tenants t ON t.id = c.tenant_id
      JOIN users u ON u.id = c.owner_id
    WHERE s.sub_resource = 'logging' AND (s.document ->> 'isEnabled')::boolean`,
};

/** A bucket that has an access log. */
export interface LoggedBucket {
  /** Row id of the container. */
  readonly id: string;
  readonly name: string;
  readonly ownerCanonicalId: string;
}

/** The buckets that have an access log, of all tenants, in memory: each request asks for its own. */
@Injectable()
export class LoggedBuckets implements OnModuleInit {
  private readonly logger = new Logger('AccessLog');
  private buckets: ReadonlyMap<string, LoggedBucket> = new Map();
  private loading: Promise<void> | undefined;
  private isReloadWanted = false;

  constructor(
    private readonly database: Database,
    private readonly notifications: NotificationListener,
  ) {}

  async onModuleInit(): Promise<void> {
    this.notifications.subscribe('vaultaire_access_logs', () => {
      this.reload();
    });
    await this.load();
  }

  get isEmpty(): boolean {
    return this.buckets.size === 0;
  }

  /** By the name of the tenant. Undefined: the bucket has no log, or there is none. */
  find(tenantName: string, bucket: string): LoggedBucket | undefined {
    return this.buckets.get(`${tenantName}/${bucket}`);
  }

  private reload(): void {
    this.isReloadWanted = true;
    this.loading ??= this.loadWhileWanted().finally(() => {
      this.loading = undefined;
    });
  }

  /** Never rejects. */
  private async loadWhileWanted(): Promise<void> {
    while (this.isReloadWanted) {
      this.isReloadWanted = false;
      try {
        await this.load();
      } catch (error) {
        this.logger.warn('Which buckets are logged could not be read, and is tried again', error);
        setTimeout(() => {
          this.reload();
        }, RETRY_MS).unref();
      }
    }
  }

  private async load(): Promise<void> {
    const rows = await this.database.query<{ id: string; tenant: string; name: string; canonical_id: string }>(
      LOAD,
      [],
    );
    this.buckets = new Map(
      rows.map(({ id, tenant, name, canonical_id }) => [
        `${tenant}/${name}`,
        { id, name, ownerCanonicalId: canonical_id },
      ]),
    );
  }
}
