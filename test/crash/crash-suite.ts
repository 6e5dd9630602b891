import type { S3Client } from '@aws-sdk/client-s3';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { runningPostgresUrl } from '../../src/database/embedded-postgres';
import { codeOf } from '../e2e/raw-answer';
import type { RunningVaultaire, VaultaireOptions } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { StoredState } from '../support/stored-state';
import { until } from '../support/until';

/** Displaced and abandoned blobs go at once, so that tests see them go. */
export const QUICK_SWEEPS = { engine: { doomedGraceSeconds: 1, sweepIntervalSeconds: 1 } };

/** Below and above what is kept inline. */
export const SMALL_BYTES = 4_000;
export const LARGE_BYTES = 3_000_000;

/** A key or an upload, of the suite's bucket. */
export type CommitLock = { readonly key: string } | { readonly uploadId: string };

/** A gateway that is killed and started again in the same folder, with its state in sight. */
export class CrashSuite {
  s3: S3Client;

  private constructor(
    readonly vaultaire: RunningVaultaire,
    private seen: StoredState,
    private readonly lock: Client,
    readonly bucket: string,
  ) {
    this.s3 = this.newClient();
  }

  get state(): StoredState {
    return this.seen;
  }

  static async start(options: Pick<VaultaireOptions, 'database' | 'workers'>): Promise<CrashSuite> {
    const vaultaire = await startVaultaire({ ...options, config: QUICK_SWEEPS });
    try {
      const url = databaseUrlOf(vaultaire);
      const lock = new Client(url);
      lock.on('error', () => undefined);
      await lock.connect();
      const bucket = `b-${randomBytes(8).toString('hex')}`;
      const suite = new CrashSuite(vaultaire, await StoredState.of(vaultaire, url), lock, bucket);
      await suite.s3.send(new CreateBucketCommand({ Bucket: bucket }));
      return suite;
    } catch (error) {
      await vaultaire.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.lock.end().catch(() => undefined);
    await this.seen.close();
    await this.vaultaire.stop();
  }

  /** Starts the gateway after a kill. The locks of {@link hold} stay. */
  async startAgain(): Promise<void> {
    await this.vaultaire.start();
    this.s3 = this.newClient();
    if (await this.isDatabaseThere()) return;
    await this.seen.close();
    this.seen = await StoredState.of(this.vaultaire, databaseUrlOf(this.vaultaire));
  }

  /**
   * Lets no commit on these through until the returned function is called: it waits inside of PostgreSQL, with all its bytes
   * stored.
   */
  async hold(locks: readonly CommitLock[]): Promise<() => Promise<void>> {
    const [container] = await this.seen.query<{ id: string }>('SELECT id FROM containers WHERE name = $1', [
      this.bucket,
    ]);
    await this.lock.query('BEGIN');
    for (const lock of locks) {
      if ('key' in lock) await this.lock.query('SELECT vaultaire_lock_key($1, $2)', [container?.id, lock.key]);
      else await this.lock.query('SELECT pg_advisory_xact_lock(2, hashtext($1))', [lock.uploadId]);
    }
    return async () => {
      await this.lock.query('COMMIT');
    };
  }

  /** Resolves when so many commits have come to the locks of {@link hold}. */
  untilCommitsWait(count: number): Promise<void> {
    return until(`${String(count)} commits wait`, async () => {
      const waiting = await this.seen.query(
        `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return waiting.length === count;
    });
  }

  /** Resolves when no statement of a gateway runs in PostgreSQL any more, be the gateway dead or alive. */
  untilCommitted(): Promise<void> {
    return until('PostgreSQL has done its work', async () => {
      const active = await this.seen.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'vaultaire'
           AND state <> 'idle' AND query LIKE '%vaultaire\\_%'`,
      );
      return active.length === 0;
    });
  }

  put(key: string, bytes: Buffer): Promise<unknown> {
    return this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: bytes }));
  }

  /** The object's bytes, checked against its ETag unless it was uploaded in parts; undefined when there is none. */
  async get(key: string): Promise<Buffer | undefined> {
    try {
      const answer = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
      expect(bytes).toHaveLength(answer.ContentLength ?? -1);
      if (answer.ETag?.includes('-') === false) expect(answer.ETag).toBe(etagOf(bytes));
      return bytes;
    } catch (error) {
      if (codeOf(error) === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  /** Resolves when nothing is left but what is live, and nothing that is live is amiss. */
  async untilClean(): Promise<void> {
    await this.seen.untilSwept();
    expect(await this.seen.violations()).toEqual([]);
    expect(this.seen.files().filter((name) => name.endsWith('.partial'))).toEqual([]);
  }

  private newClient(): S3Client {
    return this.vaultaire.s3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
  }

  private async isDatabaseThere(): Promise<boolean> {
    try {
      await this.seen.query('SELECT');
      return true;
    } catch {
      return false;
    }
  }
}

export function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function databaseUrlOf(vaultaire: RunningVaultaire): string {
  const url = vaultaire.databaseUrl ?? runningPostgresUrl(vaultaire.dataDir);
  if (url === undefined) throw new Error('no database runs');
  return url;
}
