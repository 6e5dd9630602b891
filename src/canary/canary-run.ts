import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import { encodePath, encodeQuery, SigV4Signer } from '../drivers/s3/sigv4-signer';

/** What a run does, in this order. */
export const CANARY_STEPS = ['write', 'read', 'list', 'delete'] as const;
export type CanaryStep = (typeof CANARY_STEPS)[number];

/** More than is kept in PostgreSQL by default, so that the driver takes part. */
const BODY_BYTES = 64 * 1_024;
const REQUEST_TIMEOUT_MS = 10_000;
/** Objects of runs that failed are removed by a later one. */
const LEFTOVER_AGE_MS = 600_000;
const MAX_ERROR_CHARS = 300;

export interface CanaryTarget {
  /** Where clients reach the S3 plane: scheme, host and port. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A run ended at `step`. */
export class CanaryFailure extends Error {
  override readonly name = 'CanaryFailure';

  constructor(
    readonly step: CanaryStep,
    override readonly cause: unknown,
  ) {
    super(`the canary could not ${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/**
 * Writes an object, reads it and compares every byte, finds it in a listing, deletes it and finds it gone, as a client would: over
 * a connection of its own, with signatures, through whatever stands before the gateway.
 *
 * @throws CanaryFailure at the first step that does not do what it should, or takes longer than ten seconds a request
 */
export async function runCanary(
  target: CanaryTarget,
  observe: (step: CanaryStep, seconds: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const client = new CanaryClient(target, signal);
  const key = `canary-${Date.now()}-${randomUUID()}`;
  const body = randomBytes(BODY_BYTES);
  let listed: readonly string[] = [];
  const steps: Readonly<Record<CanaryStep, () => Promise<void>>> = {
    write: async () => {
      await client.createBucket();
      await client.send('PUT', key, {}, body);
    },
    read: async () => {
      if (!(await client.send('GET', key)).equals(body)) throw new Error('other bytes came back than were written');
    },
    list: async () => {
      const page = await client.send('GET', '', { 'list-type': '2', prefix: 'canary-' });
      listed = [...page.toString().matchAll(/<Key>([-\w]+)<\/Key>/g)].map(([, name]) => name ?? '');
      if (!listed.includes(key)) throw new Error('the object is not in the listing');
    },
    delete: async () => {
      await client.send('DELETE', key);
      const status = await client.statusOf('HEAD', key);
      if (status !== 404) throw new Error(`the deleted object answers ${status}`);
      for (const name of listed.filter(isLeftover)) await client.send('DELETE', name);
    },
  };
  try {
    for (const step of CANARY_STEPS) {
      const startedAtMs = performance.now();
      try {
        await steps[step]();
      } catch (error) {
        throw new CanaryFailure(step, error);
      }
      observe(step, (performance.now() - startedAtMs) / 1_000);
    }
  } finally {
    await client.close();
  }
}

function isLeftover(key: string): boolean {
  return Number(key.split('-')[1]) < Date.now() - LEFTOVER_AGE_MS;
}

class CanaryClient {
  private readonly agent = new Agent();
  private readonly signer: SigV4Signer;

  constructor(
    private readonly target: CanaryTarget,
    private readonly signal: AbortSignal,
  ) {
    this.signer = new SigV4Signer(target, target.region);
  }

  /** Does nothing when it is there. */
  async createBucket(): Promise<void> {
    const { status, body } = await this.exchange('PUT', '', {}, Buffer.alloc(0));
    if (status !== 200 && !body.includes('BucketAlreadyOwnedByYou')) throw refused(status, body);
  }

  /** The body of the answer. Throws for anything but a success. */
  async send(method: Method, key: string, query = {}, body?: Buffer): Promise<Buffer> {
    const answer = await this.exchange(method, key, query, body);
    if (answer.status >= 300) throw refused(answer.status, answer.body);
    return answer.body;
  }

  async statusOf(method: Method, key: string): Promise<number> {
    return (await this.exchange(method, key, {}, undefined)).status;
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async exchange(
    method: Method,
    key: string,
    query: Readonly<Record<string, string>>,
    body: Buffer | undefined,
  ): Promise<{ readonly status: number; readonly body: Buffer }> {
    const { host, origin } = new URL(this.target.endpoint);
    const path = `/${this.target.bucket}${key === '' ? '' : `/${encodePath(key)}`}`;
    const queryText = encodeQuery(query);
    const headers = this.signer.sign({
      method,
      path,
      query: queryText,
      headers: { host },
      payloadHash: createHash('sha256')
        .update(body ?? '')
        .digest('hex'),
    });
    const answer = await request(`${origin}${path}${queryText === '' ? '' : `?${queryText}`}`, {
      dispatcher: this.agent,
      method,
      headers,
      body: body ?? null,
      signal: AbortSignal.any([this.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    return { status: answer.statusCode, body: Buffer.from(await answer.body.arrayBuffer()) };
  }
}

type Method = 'GET' | 'HEAD' | 'PUT' | 'DELETE';

function refused(status: number, body: Buffer): Error {
  return new Error(`${status} ${body.toString().slice(0, MAX_ERROR_CHARS)}`);
}
