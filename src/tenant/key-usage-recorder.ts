import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { RequestObserver } from '../context/request-observer';
import type { RequestRecord } from '../context/request-record';
import { Database } from '../database/database';
import type { Statement } from '../database/database';

const FLUSH_INTERVAL_MS = 5_000;
/** How often the last use of one key is written by one process. */
const RECORD_INTERVAL_MS = 60_000;
const MAX_REMEMBERED_KEYS = 10_000;

/** Other processes write the same keys: a row that says nearly the same already is left alone. In the order of ids, so that two batches
 * can't lock each other out. */
const RECORD_USES: Statement = {
  name: 'access-keys-record-uses',
  text: `UPDATE access_keys k SET last_used_at = s.used_at
    FROM (
      SELECT k.id, u.used_at FROM access_keys k
      JOIN unnest($1::text[], $2::timestamptz[]) AS u (id, used_at) ON u.id = k.id
      WHERE k.last_used_at IS NULL OR k.last_used_at < u.used_at - interval '50 seconds'
      ORDER BY k.id FOR UPDATE OF k
    ) s WHERE k.id = s.id`,
};

/**
 * Keeps `last_used_at` of access keys, accurate to about a minute: batches are written off the request path, each key at most once a
 * minute by each process. What can't be written is forgotten, as is what a process that is killed had not written.
 */
@Injectable()
export class KeyUsageRecorder implements RequestObserver, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(KeyUsageRecorder.name);
  /** When the use that was last taken for writing was, epoch milliseconds. */
  private readonly recordedAtMs = new LRUCache<string, number>({ max: MAX_REMEMBERED_KEYS });
  private pending = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      void this.flush();
    }, FLUSH_INTERVAL_MS).unref();
  }

  /** While the database is still there. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  /** Only a request whose signature was right has a user. */
  requestSettled({ accessKeyId, userId, startedAtMs }: RequestRecord): void {
    if (accessKeyId === undefined || userId === undefined) return;
    const recorded = this.recordedAtMs.get(accessKeyId);
    if (recorded !== undefined && startedAtMs - recorded < RECORD_INTERVAL_MS) return;
    if (this.pending.size >= MAX_REMEMBERED_KEYS) return;
    this.recordedAtMs.set(accessKeyId, startedAtMs);
    this.pending.set(accessKeyId, startedAtMs);
  }

  /** Writes what was seen since the last call. Never rejects. */
  flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  private async write(): Promise<void> {
    if (this.pending.size === 0) return;
    const uses = this.pending;
    this.pending = new Map();
    try {
      await this.database.query(RECORD_USES, [[...uses.keys()], [...uses.values()].map((usedAt) => new Date(usedAt))]);
    } catch (error) {
      // The next request of a key tries again.
      for (const id of uses.keys()) this.recordedAtMs.delete(id);
      this.logger.warn(`The last uses of ${uses.size} access keys were not written`, error);
    }
  }
}
