import { Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import type { ClientConfig, Notification } from 'pg';
import { NotificationListener } from './notification-listener';
import type { NotificationChannel } from './notification-listener';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

type Listener = (payload: string | undefined) => void;

/**
 * {@link NotificationListener} on one node-postgres client. Connects when the application starts; a PostgreSQL that is away
 * is tried again for ever, ever more slowly, and is never a reason to fail.
 */
@Injectable()
export class PostgresNotificationListener
  extends NotificationListener
  implements OnApplicationBootstrap, OnApplicationShutdown
{
  private readonly logger = new Logger(PostgresNotificationListener.name);
  private readonly listeners = new Map<NotificationChannel, Listener[]>();
  private client: Client | undefined;
  private retryMs = FIRST_RETRY_MS;
  private retryTimer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(private readonly connection: ClientConfig) {
    super();
  }

  override subscribe(channel: NotificationChannel, listener: Listener): void {
    const known = this.listeners.get(channel);
    if (known !== undefined) {
      known.push(listener);
      return;
    }
    this.listeners.set(channel, [listener]);
    // Before the first connection there is nothing to ask; afterwards a failure shows as a lost connection.
    this.client?.query(`LISTEN ${channel}`).catch(() => undefined);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.retryTimer);
    const client = this.client;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new Client(this.connection);
    client.on('error', (error) => {
      this.lose(client, error.message);
    });
    client.on('end', () => {
      this.lose(client, 'the connection ended');
    });
    client.on('notification', (notification) => {
      this.pass(notification);
    });
    this.client = client;
    try {
      await client.connect();
      for (const channel of this.listeners.keys()) await client.query(`LISTEN ${channel}`);
    } catch (error) {
      this.lose(client, error instanceof Error ? error.message : String(error));
      return;
    }
    this.retryMs = FIRST_RETRY_MS;
    // Whatever changed before LISTEN took effect was not heard.
    this.missed();
  }

  private lose(client: Client, reason: string): void {
    if (this.isStopped || this.client !== client) return;
    this.client = undefined;
    client.end().catch(() => undefined);
    this.logger.warn(`Not listening for notifications: ${reason}`);
    this.missed();
    this.retryTimer = setTimeout(() => void this.connect(), this.retryMs);
    this.retryTimer.unref();
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }

  private pass(notification: Notification): void {
    for (const [channel, listeners] of this.listeners) {
      if (channel !== notification.channel) continue;
      for (const listener of listeners) listener(notification.payload ?? '');
    }
  }

  private missed(): void {
    for (const listeners of this.listeners.values()) for (const listener of listeners) listener(undefined);
  }
}
