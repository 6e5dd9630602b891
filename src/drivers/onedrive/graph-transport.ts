import { Agent } from 'undici';
import { abortedError } from '../abort-scope';
import { DriverError } from '../driver.errors';
import type { BodyExpectation } from '../s3/s3-body';
import { bodyOf } from '../s3/s3-client';
import type { SendOptions, StreamedBody } from '../s3/s3-client';
import { s3Error } from '../s3/s3-errors';
import { S3Exchange } from '../s3/s3-exchange';
import type { S3Answer, S3OpenAnswer } from '../s3/s3-exchange';

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;
/** These do not say whether something was done; other failures say that nothing was. */
const LEAVES_OPEN: ReadonlySet<number> = new Set([500, 502, 504]);

export interface TransportRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly url: URL;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
}

/** Plain requests to any of the hosts that Graph sends its callers to: the API, tokens, uploads, downloads. */
export class GraphTransport {
  private readonly agent = new Agent({
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });

  constructor(private readonly stallMs: number) {}

  /** Resolves to any answer, read whole. Rejects with a {@link DriverError} when there is none. */
  async send(request: TransportRequest, options: SendOptions): Promise<S3Answer> {
    const exchange = new S3Exchange({ stallMs: this.stallMs, ...options });
    let status: number | undefined;
    try {
      this.dispatch(request, exchange);
      const { headers, body, ...answer } = await exchange.answered;
      status = answer.status;
      if (!Buffer.isBuffer(body)) throw new DriverError('Unexpected', 'the answer was not read whole');
      return { status, headers, body };
    } catch (error) {
      throw s3Error(error);
    } finally {
      if (exchange.wasSent && (status === undefined || LEAVES_OPEN.has(status))) options.onUnanswered?.();
    }
  }

  /** A successful answer comes with its body as a stream that verifies its length, any other read whole. */
  async open(
    request: TransportRequest,
    signal: AbortSignal,
    expectBody: (status: number, headers: S3Answer['headers']) => BodyExpectation,
  ): Promise<S3OpenAnswer | S3Answer> {
    if (signal.aborted) throw abortedError(signal);
    const exchange = new S3Exchange({ stallMs: this.stallMs, signal, expectBody });
    try {
      this.dispatch(request, exchange);
      return await exchange.answered;
    } catch (error) {
      throw s3Error(error);
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private dispatch({ method, url, headers, body }: TransportRequest, exchange: S3Exchange): void {
    const sizeBytes = body instanceof Uint8Array ? body.length : (body?.sizeBytes ?? 0);
    const hasLength = method === 'PUT' || method === 'POST';
    this.agent.dispatch(
      {
        origin: url.origin,
        method,
        path: url.pathname + url.search,
        headers: { ...headers, ...(hasLength && { 'content-length': String(sizeBytes) }) },
        body: sizeBytes === 0 ? null : bodyOf(body, exchange),
      },
      exchange,
    );
  }
}
