import type { Dispatcher } from 'undici';
import { abortedError } from '../abort-scope';
import { DriverError } from '../driver.errors';
import { StallClock } from '../stall-clock';
import { S3Body } from './s3-body';
import type { BodyExpectation } from './s3-body';
import type { S3Refusal } from './s3-errors';

type Headers = S3Refusal['headers'];

/** An answer whose body was read whole. */
export type S3Answer = S3Refusal;

/** A successful answer whose body is still to be read. */
export interface S3OpenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: S3Body;
}

export interface ExchangeOptions {
  readonly signal: AbortSignal;
  readonly stallMs: number;
  /** When it aborts after the request was sent whole, an answer is still waited for so long, to know what became of it. */
  readonly graceMs?: number;
  /** Where given, a successful answer is handed on as a stream with these expectations. */
  readonly expectBody?: (status: number, headers: Headers) => BodyExpectation;
}

/** Answers that are read whole are listings, error documents and the like. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * One request and its answer, as undici's dispatcher sees it: with the stall deadline, the abort signal, and a memory of how far
 * it came.
 */
export class S3Exchange implements Dispatcher.DispatchHandler {
  /** Settles with the answer, whatever its status, or rejects with a {@link DriverError} or the connection's error. */
  readonly answered: Promise<S3Answer | S3OpenAnswer>;
  /** The backend may have the whole request. */
  wasSent = false;

  readonly clock: StallClock;
  private controller: Dispatcher.DispatchController | undefined;
  private failure: Error | undefined;
  private graceTimer: NodeJS.Timeout | undefined;
  private status = 0;
  private headers: Headers = {};
  private body: S3Body | undefined;
  private readonly pieces: Buffer[] = [];
  private collectedBytes = 0;
  private readonly outcome = Promise.withResolvers<S3Answer | S3OpenAnswer>();

  constructor(private readonly options: ExchangeOptions) {
    this.answered = this.outcome.promise;
    this.clock = new StallClock(options.stallMs, () => {
      this.fail(new DriverError('Unavailable', `nothing moved for ${String(options.stallMs)} ms`));
    });
    // Until a connection is there, its own time-out counts.
    this.clock.hold();
    options.signal.addEventListener('abort', this.onAbort, { once: true });
    if (options.signal.aborted) this.onAbort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.clock.touch();
    if (this.failure !== undefined) controller.abort(this.failure);
  }

  onBodySent(): void {
    this.clock.touch();
  }

  onRequestSent(): void {
    this.wasSent = true;
    this.clock.touch();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.clock.touch();
    this.status = status;
    this.headers = headers;
    if (this.options.expectBody === undefined || status >= 300) return;
    try {
      this.body = new S3Body(this.options.expectBody(status, headers), {
        pause: () => {
          controller.pause();
          this.clock.hold();
        },
        resume: () => {
          if (!controller.paused) return;
          this.clock.touch();
          controller.resume();
        },
        cancel: () => {
          this.fail(new DriverError('Aborted', 'the body was destroyed'));
        },
      });
    } catch (error) {
      this.fail(error instanceof Error ? error : new DriverError('Unexpected', 'the answer is not understood'));
      return;
    }
    // Bytes that were received and not read yet are given up at an abort too.
    this.body.once('close', () => {
      this.options.signal.removeEventListener('abort', this.onAbort);
    });
    this.outcome.resolve({ status, headers, body: this.body });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.clock.touch();
    if (this.body !== undefined) {
      this.body.receive(chunk);
      return;
    }
    this.collectedBytes += chunk.length;
    if (this.collectedBytes > MAX_ANSWER_BYTES)
      this.fail(new DriverError('Unexpected', 'the answer of the backend is too long'));
    else this.pieces.push(chunk);
  }

  onResponseEnd(): void {
    this.close();
    if (this.body !== undefined) this.body.finish();
    else this.outcome.resolve({ status: this.status, headers: this.headers, body: Buffer.concat(this.pieces) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.settle(this.failure ?? error);
  }

  /** Ends it for a reason of our own, at once and whatever the connection does. */
  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.controller?.abort(error);
    this.settle(error);
  }

  private settle(error: Error): void {
    this.close();
    this.outcome.reject(error);
    if (this.body?.destroyed === false) this.body.destroy(toBodyError(error));
  }

  private close(): void {
    this.clock.close();
    clearTimeout(this.graceTimer);
    if (this.body === undefined) this.options.signal.removeEventListener('abort', this.onAbort);
  }

  private readonly onAbort = (): void => {
    const error = abortedError(this.options.signal);
    const { graceMs } = this.options;
    if (graceMs === undefined || !this.wasSent) {
      this.fail(error);
      return;
    }
    this.graceTimer = setTimeout(() => {
      this.fail(error);
    }, graceMs);
  };
}

function toBodyError(error: Error): DriverError {
  if (error instanceof DriverError) return error;
  return new DriverError('Unavailable', 'the connection broke within the body', { cause: error });
}
