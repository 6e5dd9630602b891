import { hash, randomBytes } from 'node:crypto';
import type { WireRequest } from './connection.ts';
import type { Job, OperationName } from './job.ts';
import { EMPTY_SHA256, encodePath, encodeQuery, type RequestSigner, UNSIGNED_PAYLOAD } from './signer.ts';

/** A request with what its answer must look like. */
export interface PlannedRequest extends WireRequest {
  readonly operation: OperationName | 'plain';
  readonly expectedStatus: number;
  /** Bytes that the answer's body must have; undefined where they vary. */
  readonly expectedBytes: number | undefined;
  readonly sentBytes: number;
}

/** S3 servers take a signature for 15 minutes; one that was made ahead is renewed well before. */
const SIGNATURE_LIFE_MS = 5 * 60_000;
const LIST_PAGE_KEYS = 1000;
/** Bodies larger than this are sent in pieces of this size, all of them the same memory. */
const PIECE_BYTES = 64 * 1024 * 1024;

interface Signed {
  readonly request: PlannedRequest;
  readonly signedAtMs: number;
}

/**
 * Makes the requests of a job. What reads is signed once per key and sent again and again; what writes names a fresh key
 * each time and is signed when it is sent. All bodies are the same random bytes.
 */
export class RequestSource {
  private readonly job: Job;
  private readonly signer: RequestSigner;
  private readonly cache = new Map<string, Signed>();
  private readonly body: readonly Buffer[];
  private readonly bodyHash: string;
  private readonly schedule: readonly OperationName[];
  private turn = 0;
  private written: number;
  private deleted: number;

  constructor(job: Job, signer: RequestSigner) {
    this.job = job;
    this.signer = signer;
    const writes = job.kind === 'put' || job.kind === 'fill' || (job.kind === 'mixed' && (job.mix.put ?? 0) > 0);
    this.body = writes ? makeBody(job.sizeBytes) : [];
    this.bodyHash = job.payload === 'unsigned' || !writes ? UNSIGNED_PAYLOAD : hash('sha256', Buffer.concat(this.body));
    this.schedule = job.kind === 'mixed' ? interleave(job.mix) : [];
    this.written = job.firstFresh;
    this.deleted = job.kind === 'mixed' ? 0 : job.firstFresh;
  }

  /** The next unused number for a fresh key. */
  get nextFresh(): number {
    return this.job.kind === 'delete' ? this.deleted : this.written;
  }

  /** The next request, or undefined when the keys that the job may use are used up. */
  next(): PlannedRequest | undefined {
    const { kind, freshLimit } = this.job;
    const turn = this.turn++;
    switch (kind) {
      case 'plain':
        return this.plain();
      case 'mixed':
        return this.make(this.schedule[turn % this.schedule.length] ?? 'get', turn);
      case 'fill':
        return this.written < freshLimit ? this.make('put', turn) : undefined;
      case 'delete':
        return this.deleted < freshLimit ? this.make('delete', turn) : undefined;
      default:
        return this.make(kind, turn);
    }
  }

  private make(operation: OperationName, turn: number): PlannedRequest {
    const { prefix, keyCount, freshPrefix, sizeBytes } = this.job;
    // A stride prime to any key count that is used: neighbours in time are not neighbours in the index.
    const existing = `${prefix}${String((turn * 7919) % keyCount)}`;
    switch (operation) {
      case 'get':
        return this.cached('GET', existing, '', { operation, expectedBytes: sizeBytes });
      case 'head':
        return this.cached('HEAD', existing, '', { operation, expectedBytes: 0 });
      case 'list':
        return this.cached('GET', '', encodeQuery({ 'list-type': '2', 'max-keys': String(LIST_PAGE_KEYS), prefix }), {
          operation,
          expectedBytes: undefined,
        });
      case 'put':
        return this.put(`${freshPrefix}${String(this.written++)}`);
      case 'delete':
        return this.delete(this.keyToDelete());
    }
  }

  /** A mixed load deletes what it wrote before; while there is nothing, a key that is not there. */
  private keyToDelete(): string {
    return `${this.job.freshPrefix}${String(this.deleted++)}`;
  }

  private plain(): PlannedRequest {
    const { host } = new URL(this.job.target.url);
    const cached = this.cache.get('plain');
    if (cached !== undefined) return cached.request;
    const request: PlannedRequest = {
      operation: 'plain',
      head: Buffer.from(`GET ${this.job.plainPath} HTTP/1.1\r\nhost: ${host}\r\n\r\n`),
      body: [],
      isHead: false,
      keepsBody: false,
      expectedStatus: 200,
      expectedBytes: this.job.sizeBytes,
      sentBytes: 0,
    };
    this.cache.set('plain', { request, signedAtMs: 0 });
    return request;
  }

  private cached(
    method: 'GET' | 'HEAD',
    key: string,
    query: string,
    expectation: Pick<PlannedRequest, 'operation' | 'expectedBytes'>,
  ): PlannedRequest {
    const name = `${method}${key}`;
    const nowMs = Date.now();
    const known = this.cache.get(name);
    if (known !== undefined && nowMs - known.signedAtMs < SIGNATURE_LIFE_MS) return known.request;
    const head = this.signer.head(method, encodePath(this.job.bucket, key), query, EMPTY_SHA256, undefined, nowMs);
    const request: PlannedRequest = {
      ...expectation,
      head: Buffer.from(head),
      body: [],
      isHead: method === 'HEAD',
      keepsBody: false,
      expectedStatus: 200,
      sentBytes: 0,
    };
    this.cache.set(name, { request, signedAtMs: nowMs });
    return request;
  }

  private put(key: string): PlannedRequest {
    const path = encodePath(this.job.bucket, key);
    return {
      operation: 'put',
      head: this.signer.head('PUT', path, '', this.bodyHash, this.job.sizeBytes),
      body: this.body,
      isHead: false,
      keepsBody: false,
      expectedStatus: 200,
      expectedBytes: undefined,
      sentBytes: this.job.sizeBytes,
    };
  }

  private delete(key: string): PlannedRequest {
    return {
      operation: 'delete',
      head: this.signer.head('DELETE', encodePath(this.job.bucket, key), '', EMPTY_SHA256, undefined),
      body: [],
      isHead: false,
      keepsBody: false,
      expectedStatus: 204,
      expectedBytes: undefined,
      sentBytes: 0,
    };
  }
}

/** Random bytes, in pieces; beyond one piece the bytes repeat. */
export function makeBody(sizeBytes: number): Buffer[] {
  const piece = randomBytes(Math.min(sizeBytes, PIECE_BYTES));
  const pieces: Buffer[] = [];
  for (let left = sizeBytes; left > 0; left -= PIECE_BYTES) pieces.push(piece.subarray(0, Math.min(left, PIECE_BYTES)));
  return pieces;
}

/** A hundred turns in which each operation comes as often as its share says, spread evenly. */
function interleave(mix: Job['mix']): OperationName[] {
  const shares = (['get', 'put', 'head', 'list', 'delete'] as const).map((name) => ({ name, share: mix[name] ?? 0 }));
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  const credit = new Map<OperationName, number>();
  return Array.from({ length: 100 }, () => {
    for (const { name, share } of shares) credit.set(name, (credit.get(name) ?? 0) + share / total);
    const [chosen] = [...credit].sort((a, b) => b[1] - a[1])[0] ?? ['get' as const];
    credit.set(chosen, (credit.get(chosen) ?? 0) - 1);
    return chosen;
  });
}
