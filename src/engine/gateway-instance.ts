import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { ActiveReads } from './blobs/active-reads';
import { GATEWAY_DATABASE } from '../database/database.tokens';

const HEARTBEAT_MS = 5_000;
const RECONNECT_MS = 1_000;
/** Advisory lock class of living gateway processes (`database/migrations/engine/locks.ts`). */
const LIVENESS_CLASS = 3;

/**
 * This process among all gateways on the database. It is known to be alive as long as its own connection holds an advisory
 * lock, which PostgreSQL gives up the moment the process dies; `writing` blobs of a process that is gone are swept.
 */
@Injectable()
export class GatewayInstance implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(GatewayInstance.name);
  private client: Client | undefined;
  private instanceId: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(
    @Inject(GATEWAY_DATABASE) private readonly connection: ClientConfig,
    private readonly activeReads: ActiveReads,
  ) {}

  /** Row id in `gateway_instances`, written with every blob that this process begins. */
  get id(): string {
    if (this.instanceId === undefined) throw new Error('the gateway instance is not registered yet');
    return this.instanceId;
  }

  async onModuleInit(): Promise<void> {
    await this.connect();
    this.timer = setInterval(() => void this.heartbeat(), HEARTBEAT_MS);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    const client = this.client;
    this.client = undefined;
    if (client === undefined) return;
    await client.query('DELETE FROM gateway_instances WHERE id = $1', [this.instanceId]).catch(() => undefined);
    await client.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client(this.connection);
    client.on('error', (error) => {
      this.lost(client, error);
    });
    client.on('end', () => {
      this.lost(client, undefined);
    });
    await client.connect();
    this.instanceId ??= await insertInstance(client);
    await client.query('SELECT pg_advisory_lock($1::integer, $2::integer)', [LIVENESS_CLASS, this.instanceId]);
    // A row that a sweeper took for dead while the connection was lost comes back under the same id.
    await client.query(
      'INSERT INTO gateway_instances (id) OVERRIDING SYSTEM VALUE VALUES ($1) ON CONFLICT DO NOTHING',
      [this.instanceId],
    );
    this.client = client;
  }

  private lost(client: Client, error: Error | undefined): void {
    if (this.isStopping || this.client !== client) return;
    this.client = undefined;
    this.logger.warn(`lost the liveness connection${error === undefined ? '' : `: ${error.message}`}`);
    client.end().catch(() => undefined);
    this.reconnect();
  }

  private reconnect(): void {
    setTimeout(() => {
      if (this.isStopping) return;
      this.connect().catch(() => {
        this.reconnect();
      });
    }, RECONNECT_MS).unref();
  }

  private async heartbeat(): Promise<void> {
    const ageMs = this.activeReads.oldestAgeMs();
    await this.client
      ?.query(
        `UPDATE gateway_instances SET heartbeat_at = clock_timestamp(),
           oldest_read_at = clock_timestamp() - make_interval(secs => $2::double precision / 1000)
         WHERE id = $1`,
        [this.instanceId, ageMs],
      )
      .catch(() => undefined);
  }
}

async function insertInstance(client: Client): Promise<string> {
  const result = await client.query<{ id: string }>('INSERT INTO gateway_instances DEFAULT VALUES RETURNING id');
  const row = result.rows[0];
  if (row === undefined) throw new Error('gateway_instances returned no row');
  return row.id;
}
