import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Pool } from 'undici';
import { delayBeforeRetry, DEFAULT_BACKOFF, sleep } from '../backoff';
import { DriverError } from '../driver.errors';
import { Semaphore } from '../semaphore';
import type { BodyExpectation } from './s3-body';
import { s3Error } from './s3-errors';
import { S3Exchange } from './s3-exchange';
import type { S3Answer, S3OpenAnswer } from './s3-exchange';
import type { S3Settings } from './profiles';
import { encodePath, encodeQuery, SigV4Signer, UNSIGNED_PAYLOAD } from './sigv4-signer';

const CONNECT_TIMEOUT_MS = 10_000;
/** Below what S3 servers keep idle connections for, so that a request seldom meets a closing one. */
const KEEP_ALIVE_MS = 15_000;
/** Of a body in memory: small enough for the stall deadline to see it move, large enough to cost no turns of the event loop. */
const PIECE_BYTES = 1024 * 1024;

/** Bytes of a request that come as they are asked for. */
export interface StreamedBody {
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Object key, prefix included; undefined: the bucket. */
  readonly objectKey: string | undefined;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
}

export interface SendOptions {
  readonly signal: AbortSignal;
  readonly graceMs?: number;
  /** Called when the backend may have received the whole request without an answer of ours to show for it. */
  readonly onUnanswered?: () => void;
}

/** Counts what the client does on its own. */
export interface S3ClientObserver {
  retried(): void;
  hedged(): void;
}

/** Signed requests to one bucket of an S3 backend, over a pool of connections of its own. */
export class S3Client {
  private readonly pool: Pool;
  private readonly signer: SigV4Signer;
  private readonly host: string;
  private readonly basePath: string;
  /** Requests with a body in memory: so many at once as the backend is at its best with. */
  private readonly uploads: Semaphore;

  constructor(
    readonly settings: S3Settings,
    private readonly observer?: S3ClientObserver,
  ) {
    const url = new URL(settings.endpoint);
    const isHostStyle = settings.addressing === 'host';
    this.host = isHostStyle ? `${settings.bucket}.${url.host}` : url.host;
    this.basePath = isHostStyle ? '' : `/${encodePath(settings.bucket)}`;
    this.signer = new SigV4Signer(settings.credentials, settings.region);
    this.uploads = new Semaphore(settings.targetConcurrency);
    this.pool = new Pool(`${url.protocol}//${this.host}`, {
      allowH2: settings.httpVersion === 'any' && url.protocol === 'https:',
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    });
  }

  /** Resolves to a successful answer, read whole. Rejects with a {@link DriverError} for any other. */
  async send(request: S3Request, options: SendOptions): Promise<S3Answer> {
    const exchange = new S3Exchange({ stallMs: this.settings.stallMs, ...options });
    let status: number | undefined;
    try {
      this.dispatch(request, exchange);
      const answer = await exchange.answered;
      status = answer.status;
      if (!Buffer.isBuffer(answer.body)) throw new DriverError('Unexpected', 'the answer was not read whole');
      const whole = { status: answer.status, headers: answer.headers, body: answer.body };
      if (status >= 300) throw s3Error(whole);
      return whole;
    } catch (error) {
      // A 5xx leaves open what was done.
      if (exchange.wasSent && (status === undefined || status >= 500)) options.onUnanswered?.();
      throw s3Error(error);
    }
  }

  /** Like {@link send}, with the body as a stream that verifies its length. */
  async open(
    request: S3Request,
    signal: AbortSignal,
    expectBody: (status: number, headers: S3Answer['headers']) => BodyExpectation,
  ): Promise<S3OpenAnswer> {
    const exchange = new S3Exchange({ stallMs: this.settings.stallMs, signal, expectBody });
    try {
      this.dispatch(request, exchange);
      const answer = await exchange.answered;
      const { status, headers, body } = answer;
      if (Buffer.isBuffer(body)) throw s3Error({ status, headers, body });
      return { status, headers, body };
    } catch (error) {
      throw s3Error(error);
    }
  }

  /** Sends a body that is in memory, as often as the backend's faults make it worth while. */
  async upload(request: S3Request & { readonly body: Uint8Array }, options: SendOptions): Promise<S3Answer> {
    await this.uploads.take(options.signal);
    try {
      return await this.retrying(options.signal, () => this.sendHedged(request, options));
    } finally {
      this.uploads.give();
    }
  }

  /** Repeats `attempt` after faults that may pass. */
  async retrying<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
        const delayMs = signal.aborted ? undefined : delayBeforeRetry(error, attempts, DEFAULT_BACKOFF);
        if (delayMs === undefined) throw error;
        this.observer?.retried();
        await sleep(delayMs, signal);
      }
    }
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  /** Where the profile says so, a PUT that takes long is sent once more beside the first; the first success counts. */
  private async sendHedged(request: S3Request, options: SendOptions): Promise<S3Answer> {
    const { hedgeAfterMs } = this.settings;
    if (hedgeAfterMs === undefined) return this.send(request, options);
    const losing = new AbortController();
    const both = { ...options, signal: AbortSignal.any([options.signal, losing.signal]) };
    let timer: NodeJS.Timeout | undefined;
    const first = this.send(request, both);
    const second = new Promise<S3Answer>((resolve, reject) => {
      timer = setTimeout(() => {
        this.observer?.hedged();
        this.send(request, both).then(resolve, reject);
      }, hedgeAfterMs);
      // A first that fails before is for the retries, not for the hedge.
      first.catch((error: unknown) => {
        if (timer === undefined) return;
        clearTimeout(timer);
        reject(s3Error(error));
      });
    });
    try {
      return await Promise.any([first, second]);
    } catch (error) {
      throw s3Error(error instanceof AggregateError ? error.errors[0] : error);
    } finally {
      clearTimeout(timer);
      losing.abort();
    }
  }

  private dispatch(request: S3Request, exchange: S3Exchange): void {
    const { method, objectKey, body } = request;
    const query = encodeQuery(request.query ?? {});
    const path = `${this.basePath}/${objectKey === undefined ? '' : encodePath(objectKey)}`;
    const isStreamed = body !== undefined && !(body instanceof Uint8Array);
    const headers = this.signer.sign({
      method,
      path,
      query,
      headers: { host: this.host, ...request.headers },
      payloadHash: this.payloadHashOf(request),
    });
    const sizeBytes = isStreamed ? body.sizeBytes : (body?.length ?? 0);
    if (method === 'PUT' || method === 'POST') headers['content-length'] = String(sizeBytes);
    this.pool.dispatch(
      {
        method,
        path: query === '' ? path : `${path}?${query}`,
        headers,
        body: sizeBytes === 0 ? null : bodyOf(body, exchange),
      },
      exchange,
    );
  }

  private payloadHashOf({ body }: S3Request): string {
    if (!this.settings.signsPayload) return UNSIGNED_PAYLOAD;
    if (body === undefined) return EMPTY_SHA256;
    // A body that comes as it is sent has no hash yet.
    return body instanceof Uint8Array ? createHash('sha256').update(body).digest('hex') : UNSIGNED_PAYLOAD;
  }
}

const EMPTY_SHA256 = createHash('sha256').digest('hex');

/** A body as undici takes it, such that the exchange's clock sees it move, and stands still while the source is slow. */
export function bodyOf(body: S3Request['body'], { clock }: S3Exchange): Uint8Array | Readable | null {
  if (body === undefined) return null;
  if (body instanceof Uint8Array) {
    // In pieces, so that the stall deadline sees a large body move.
    return body.length <= PIECE_BYTES ? body : Readable.from(piecesOf(body), { objectMode: false });
  }
  const heldWhileWaiting = async function* (): AsyncGenerator<Uint8Array> {
    const iterator = body.chunks[Symbol.asyncIterator]();
    try {
      for (;;) {
        // A slow source is not the backend's stall.
        clock.hold();
        const step = await iterator.next();
        clock.touch();
        if (step.done === true) return;
        yield step.value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  return Readable.from(heldWhileWaiting(), { objectMode: false });
}

function* piecesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < body.length; from += PIECE_BYTES) yield body.subarray(from, from + PIECE_BYTES);
}
