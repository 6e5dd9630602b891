import { randomBytes, randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { Registry } from 'prom-client';
import { createTestDatabase } from '../../../test/support/test-database';
import type { TestDatabase } from '../../../test/support/test-database';
import { Environment } from '../../config/environment';
import { NotificationsConfig, VaultaireConfig } from '../../config/vaultaire-config';
import { connectionSettings } from '../../database/data-source';
import { Database } from '../../database/database';
import { NotificationMetrics } from '../../metrics/notification.metrics';
import { ResolvedCounter, SampledGauge } from '../../metrics/resolved-metrics';
import { SecretCipher } from '../../tenant/secret-cipher';
import { NotificationDeliveryService } from './notification-delivery.service';
import type { NotificationRule } from './notification-rules';
import { SenderFactory } from './targets/sender-factory';
import { NotificationTargets } from './targets/notification-targets';
import type { TargetSettings } from './targets/target.types';

const MASTER_KEY = randomBytes(32);

/** A container of the fixture, with what its key changes come from. */
export interface NotifiedContainer {
  readonly id: string;
  readonly name: string;
}

/** Loopback is allowed, unless said otherwise. */
export interface ProcessOptions {
  readonly allowedNetworks?: readonly string[];
  readonly retrySeconds?: number;
}

/** An outbox in a database of its own, and any number of processes that deliver from it. */
export class OutboxFixture {
  readonly database: Database;
  readonly targets: NotificationTargets;
  private readonly processes: NotificationDeliveryService[] = [];

  private constructor(
    readonly pool: Pool,
    readonly tenant: string,
    private readonly user: string,
    private readonly testDatabase: TestDatabase,
  ) {
    this.database = new Database(pool);
    this.targets = new NotificationTargets(this.database, new SecretCipher(MASTER_KEY), ENVIRONMENT);
  }

  static async open(): Promise<OutboxFixture> {
    const testDatabase = await createTestDatabase();
    const pool = new Pool({ ...connectionSettings(testDatabase.url), max: 8 });
    const [tenant, user] = [randomUUID(), randomUUID()];
    await pool.query('INSERT INTO tenants (id, name) VALUES ($1, $2)', [tenant, 'notified']);
    await pool.query(
      'INSERT INTO users (id, tenant_id, name, canonical_id, display_name) VALUES ($1, $2, $3, $4, $3)',
      [user, tenant, 'owner', randomBytes(32).toString('hex')],
    );
    return new OutboxFixture(pool, tenant, user, testDatabase);
  }

  async close(): Promise<void> {
    await this.stop();
    await this.pool.end();
    await this.testDatabase.drop();
  }

  /** Begins to deliver, as a process of the gateway does. */
  start({ allowedNetworks = ['127.0.0.0/8'], retrySeconds = 0.01 }: ProcessOptions = {}): NotificationDeliveryService {
    const config = Object.assign(new VaultaireConfig(), {
      notifications: Object.assign(new NotificationsConfig(), { allowedNetworks, retrySeconds }),
    });
    const senders = new SenderFactory(new SecretCipher(MASTER_KEY), config);
    const process = new NotificationDeliveryService(
      this.database,
      senders,
      metrics(this.database),
      ENVIRONMENT,
      config,
    );
    process.onApplicationBootstrap();
    this.processes.push(process);
    return process;
  }

  /** All processes. */
  async stop(): Promise<void> {
    await Promise.all(this.processes.splice(0).map((process) => process.beforeApplicationShutdown()));
  }

  /** Its id. */
  async target(settings: TargetSettings, secret?: string): Promise<string> {
    const name = `t-${randomBytes(6).toString('hex')}`;
    const created = await this.targets.create({ tenantId: this.tenant, name, settings, secret, createdBy: 'spec' });
    if (created === undefined) throw new Error('the target was not made');
    return created.id;
  }

  /** With rules that each name a target by its id. */
  async container(
    rules: readonly (Partial<NotificationRule> & { readonly targetId: string })[],
  ): Promise<NotifiedContainer> {
    const name = `c-${randomBytes(8).toString('hex')}`;
    const { rows } = await this.pool.query<{ id: string }>(
      'INSERT INTO containers (tenant_id, name, owner_id, region) VALUES ($1, $2, $3, $4) RETURNING id',
      [this.tenant, name, this.user, 'us-east-1'],
    );
    const id = rows[0]?.id ?? '';
    const all = rules.map((rule, at) => ({
      id: `rule-${at}`,
      element: 'QueueConfiguration',
      arn: '',
      events: ['ObjectCreated:*', 'ObjectRemoved:*'],
      ...rule,
    }));
    await this.pool.query('SELECT vaultaire_set_notification_rules($1, $2, $3)', [id, JSON.stringify(all), ORIGIN]);
    return { id, name };
  }

  /** An empty artifact, as the engine commits it. */
  async put(container: NotifiedContainer, key: string): Promise<void> {
    await this.pool.query(
      `SELECT vaultaire_commit_artifact($1, $2, $3, $4, 0, $5, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         'STANDARD', 'written', NULL, NULL, NULL, NULL, NULL, NULL, NULL, p_origin => $6)`,
      [container.id, key, this.tenant, this.user, 'd41d8cd98f00b204e9800998ecf8427e', ORIGIN],
    );
  }

  async delete(container: NotifiedContainer, key: string): Promise<void> {
    await this.pool.query(
      `SELECT vaultaire_delete_artifact($1, $2, 'latest', NULL, $3, NULL, NULL, NULL, p_origin => $4)`,
      [container.id, key, this.user, ORIGIN],
    );
  }

  /** How many events of a target are in each state. */
  async states(targetId: string): Promise<Record<string, number>> {
    const { rows } = await this.pool.query<{ state: string; count: number }>(
      'SELECT state, count(*)::integer AS count FROM notification_outbox WHERE target_id = $1 GROUP BY state',
      [targetId],
    );
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }
}

const ORIGIN = 'PutObject REQUEST 192.0.2.7 someone';
const ENVIRONMENT = Environment.load({});

function metrics(database: Database): NotificationMetrics {
  const registry = new Registry();
  const gauge = (name: string): SampledGauge<'kind'> => new SampledGauge(registry, name, name, ['kind'], 'max');
  const deliveries = new ResolvedCounter(registry, 'deliveries_total', 'deliveries', ['kind', 'outcome']);
  return new NotificationMetrics(database, deliveries, gauge('waiting'), gauge('lag'), gauge('dead'));
}
