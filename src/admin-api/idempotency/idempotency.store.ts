import { createHash } from 'node:crypto';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { Database } from '../../database/database';
import { SecretCipher } from '../../tenant/secret-cipher';
import { AdminProblem } from '../admin-problem';

/** A successful answer, to be given again. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The right to carry out the request: nobody else does meanwhile. */
export interface IdempotencyClaim {
  readonly tokenId: string;
  readonly key: string;
  /** Text of `created_at`, in full precision: tells this claim from a later one. */
  readonly claimedAt: string;
}

export type IdempotencyOutcome =
  | { readonly kind: 'first'; readonly claim: IdempotencyClaim }
  | { readonly kind: 'replay'; readonly answer: StoredAnswer };

interface KeyRow {
  readonly fingerprint: Buffer;
  readonly status: number | null;
  readonly answer: Buffer | null;
}

/** A claim without an answer is taken over after two minutes: its process died, or it takes longer than any request may. */
const CLAIM = {
  name: 'idempotency-claim',
  text: `INSERT INTO idempotency_keys AS i (actor, key, fingerprint, created_at) VALUES ($1, $2, $3, clock_timestamp())
    ON CONFLICT (actor, key) DO UPDATE
      SET fingerprint = excluded.fingerprint, status = NULL, answer = NULL, created_at = excluded.created_at
      WHERE i.created_at < now() - interval '24 hours'
        OR (i.status IS NULL AND i.fingerprint = excluded.fingerprint AND i.created_at < now() - interval '2 minutes')
    RETURNING created_at::text AS claimed_at`,
};
const SELECT = {
  name: 'idempotency-select',
  text: 'SELECT fingerprint, status, answer FROM idempotency_keys WHERE actor = $1 AND key = $2',
};
const COMPLETE = {
  name: 'idempotency-complete',
  text: `UPDATE idempotency_keys SET status = $4, answer = $5
    WHERE actor = $1 AND key = $2 AND created_at = $3::timestamptz AND status IS NULL`,
};
const RELEASE = {
  name: 'idempotency-release',
  text: 'DELETE FROM idempotency_keys WHERE actor = $1 AND key = $2 AND created_at = $3::timestamptz AND status IS NULL',
};
const SWEEP = {
  name: 'idempotency-sweep',
  text: `DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'`,
};

const KEY = /^[\x21-\x7e]{1,255}$/;
const SWEEP_INTERVAL_MS = 3_600_000;

/**
 * Answers of requests with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), kept for 24 hours per token. An
 * answer may hold a secret, so all of them are encrypted under the master key.
 */
@Injectable()
export class IdempotencyStore implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(IdempotencyStore.name);
  private readonly cipher: SecretCipher;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    environment: Environment,
  ) {
    this.cipher = new SecretCipher(environment.masterKey);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.database.query(SWEEP, []).catch(() => undefined);
    }, SWEEP_INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /**
   * Claims `key` for a request, or finds what the first request of that key was answered.
   *
   * @param request what a repetition has in common with the first: method, target, body
   * @throws AdminProblem 400 for a bad key, 409 while the first request runs, 422 when the key was used for another request
   */
  async begin(tokenId: string, key: string, request: readonly (string | Buffer)[]): Promise<IdempotencyOutcome> {
    if (!KEY.test(key)) throw AdminProblem.badRequest('Idempotency-Key must be 1 to 255 printable ASCII characters');
    const fingerprint = fingerprintOf(request);
    const [claimed] = await this.database.query<{ claimed_at: string }>(CLAIM, [tokenId, key, fingerprint]);
    if (claimed !== undefined) return { kind: 'first', claim: { tokenId, key, claimedAt: claimed.claimed_at } };
    const [row] = await this.database.query<KeyRow & Record<string, unknown>>(SELECT, [tokenId, key]);
    if (row !== undefined && !fingerprint.equals(row.fingerprint)) {
      throw new AdminProblem({ status: 422, detail: 'This Idempotency-Key was used for another request' });
    }
    if (row === undefined || row.status === null || row.answer === null) {
      throw new AdminProblem({
        status: 409,
        detail: 'The first request with this Idempotency-Key has not ended yet',
        headers: { 'Retry-After': '1' },
      });
    }
    return { kind: 'replay', answer: this.open(tokenId, key, row.status, row.answer) };
  }

  /** Keeps the answer of a claimed request. Never rejects: the request was carried out, whatever becomes of its answer. */
  async complete({ tokenId, key, claimedAt }: IdempotencyClaim, answer: StoredAnswer): Promise<void> {
    const sealed = this.cipher.seal(boundTo(tokenId, key), JSON.stringify([answer.headers, answer.body]));
    try {
      await this.database.query(COMPLETE, [tokenId, key, claimedAt, answer.status, sealed]);
    } catch (error) {
      this.logger.warn('An answer was not kept for its Idempotency-Key', error);
    }
  }

  /** A claimed request failed: it may be tried again with its key. Never rejects. */
  async release({ tokenId, key, claimedAt }: IdempotencyClaim): Promise<void> {
    await this.database.query(RELEASE, [tokenId, key, claimedAt]).catch(() => undefined);
  }

  private open(tokenId: string, key: string, status: number, sealed: Buffer): StoredAnswer {
    const [headers, body] = JSON.parse(this.cipher.open(boundTo(tokenId, key), sealed)) as [
      Record<string, string>,
      unknown,
    ];
    return { status, headers, body };
  }
}

/** Apart from access keys, whose ids hold no colon. */
function boundTo(tokenId: string, key: string): string {
  return `idempotency:${tokenId}:${key}`;
}

/** Each part is preceded by its length, so that no two requests look the same put together. */
function fingerprintOf(request: readonly (string | Buffer)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of request) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest();
}
