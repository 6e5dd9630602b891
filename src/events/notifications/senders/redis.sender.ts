import { Redis } from 'ioredis';
import { isIP } from 'node:net';
import type { AddressGuard } from './address-guard';
import type { OutgoingEvent, Sender } from './sender';
import { DeliveryError } from './sender';

const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 10_000;

export interface RedisSettings {
  /** `redis` or `rediss`, with the user's name where there is one, and the number of the database as its path. */
  readonly url: string;
  /** Key of the stream that events are added to. */
  readonly stream: string;
  /** About how many entries the stream keeps; undefined: all. */
  readonly maxEntries?: number;
}

/** Adds events to a Redis stream, as entries of `id` and `event`. An entry that was added is delivered. */
export class RedisSender implements Sender {
  private connection: Promise<Redis> | undefined;

  constructor(
    private readonly settings: RedisSettings,
    private readonly password: string | undefined,
    private readonly guard: AddressGuard,
  ) {}

  async send({ id, body }: OutgoingEvent): Promise<void> {
    const { stream, maxEntries } = this.settings;
    try {
      const redis = await this.connect();
      if (maxEntries === undefined) await redis.xadd(stream, '*', 'id', id, 'event', body);
      else await redis.xadd(stream, 'MAXLEN', '~', maxEntries, '*', 'id', id, 'event', body);
    } catch (cause) {
      await this.close();
      const reason = cause instanceof Error ? cause.message : String(cause);
      // The key holds something else: no event will ever fit.
      const kind = reason.startsWith('WRONGTYPE') ? 'refused' : 'unavailable';
      throw new DeliveryError(kind, reason, { cause });
    }
  }

  async close(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    const redis = await connection?.catch(() => undefined);
    redis?.disconnect();
  }

  private connect(): Promise<Redis> {
    this.connection ??= this.open();
    return this.connection;
  }

  private async open(): Promise<Redis> {
    const url = new URL(this.settings.url);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const redis = new Redis({
      // The very address that was looked at.
      host: await this.guard.resolve(host),
      port: Number(url.port || '6379'),
      db: Number(url.pathname.slice(1) || '0'),
      ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
      ...(this.password !== undefined && { password: this.password }),
      ...(url.protocol === 'rediss:' && { tls: isIP(host) === 0 ? { servername: host } : {} }),
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      // Whoever sends next connects anew, after another look at the address.
      retryStrategy: () => null,
    });
    redis.on('error', () => undefined);
    redis.on('end', () => {
      this.connection = undefined;
    });
    await redis.connect();
    return redis;
  }
}
