import { S3Error } from '../errors/s3-error';
import type { BytePacer } from '../../tenant/throttling/byte-pacer';
import { continueBody } from '../http/continue';
import { keepConnection } from '../http/keep-connection';
import type { S3Request } from '../http/s3-request';

/** Bytes waiting for the consumer beyond which the client is made to wait. */
const HIGH_WATER_BYTES = 128 * 1024;

/** Memory of a chunk from this size on is given back at once; below, the collector does it cheaply enough. */
const RELEASED_FROM_BYTES = 32 * 1024;

/** The client went away before it had sent the whole body: nobody is left to be told. */
export class BodyAbortedError extends S3Error {
  constructor(cause?: unknown) {
    super('IncompleteBody', { message: 'The client disconnected before it had sent the whole body', cause });
  }
}

/** What of a request the reading of its body needs. The signal is only asked for when the body has to be waited for. */
export interface BodyOrigin extends Pick<S3Request, 'message' | 'response' | 'pacing'> {
  readonly ctx: { readonly signal: AbortSignal };
}

/** Counts payload that came in; a `RequestRecord` is one. */
export interface ByteCounter {
  bytesIn: number;
}

const DONE: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

interface Waiter {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The bytes of a message's body, pulled. Nothing is read, and no `100 Continue` is sent, before the first pull. Leaving early
 * keeps the connection, so that a refusal can still be written. For one consumer, once. A chunk is valid until the next one is
 * asked for: its memory is then given back.
 *
 * Throws the reason of the request's abort signal (a client that stalled or left), `IncompleteBody` when other than `expectedBytes` came, and {@link BodyAbortedError}.
 */
export class RequestBytes implements AsyncIterableIterator<Uint8Array, undefined> {
  private readonly queue: Uint8Array[] = [];
  private queuedBytes = 0;
  private receivedBytes = 0;
  private state: 'new' | 'flowing' | 'paused' | 'ended' = 'new';
  private failure: Error | undefined;
  private waiter: Waiter | undefined;
  private signal: AbortSignal | undefined;
  private handedOn: Uint8Array | undefined;

  /**
   * `expectedBytes` undefined: all there are, until the message ends. `counter` is told of the bytes that are handed on, unless
   * somebody else counts them.
   */
  constructor(
    private readonly origin: BodyOrigin,
    private readonly expectedBytes: number | undefined,
    private readonly counter: ByteCounter | undefined,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const pacer = this.origin.pacing?.bytesIn;
    return pacer === undefined ? this.pull() : this.pullPaced(pacer);
  }

  private async pullPaced(pacer: BytePacer): Promise<IteratorResult<Uint8Array, undefined>> {
    const pulled = await this.pull();
    if (pulled.done === true) return pulled;
    const { message, ctx } = this.origin;
    await pacer.reserve(pulled.value.length, ctx.signal, () => {
      keepConnection(message.socket);
    });
    return pulled;
  }

  private pull(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.handedOn !== undefined) giveBack(this.handedOn);
    this.handedOn = undefined;
    if (this.state === 'new') {
      const atHand = this.start();
      if (atHand !== undefined) return Promise.resolve(this.handOn(atHand));
    }
    const chunk = this.queue.shift();
    if (chunk !== undefined) {
      this.queuedBytes -= chunk.length;
      if (this.state === 'paused' && this.queuedBytes === 0) this.resume();
      return Promise.resolve(this.handOn(chunk));
    }
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.state === 'ended') return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.state === 'flowing' || this.state === 'paused') {
      this.stopListening();
      this.origin.message.pause();
    }
    this.state = 'ended';
    this.queue.length = 0;
    return Promise.resolve(DONE);
  }

  /** The whole body, where it is at hand. Small ones mostly came along with their headers; they need no listener. */
  private start(): Uint8Array | undefined {
    const { message, response } = this.origin;
    continueBody(message, response);
    if (message.readableEnded) {
      this.onEnd();
      return undefined;
    }
    if (message.destroyed) {
      this.fail(new BodyAbortedError(message.errored ?? undefined));
      return undefined;
    }
    if (this.expectedBytes === 0 && message.headers['transfer-encoding'] === undefined) {
      this.state = 'ended';
      message.resume();
      return undefined;
    }
    if (message.readableLength > 0 && message.readableLength === this.expectedBytes) {
      const whole: unknown = message.read();
      if (whole instanceof Uint8Array) {
        this.receivedBytes = whole.length;
        this.state = 'ended';
        // Lets the message come to its end, which the server waits for before it reads the next request.
        message.resume();
        return whole;
      }
    }
    this.signal = this.origin.ctx.signal;
    if (this.signal.aborted) {
      this.fail(reasonOf(this.signal));
      return undefined;
    }
    this.signal.addEventListener('abort', this.onAbort);
    this.state = 'flowing';
    message.on('data', this.onData);
    message.on('end', this.onEnd);
    message.on('error', this.onError);
    message.on('close', this.onClose);
    if (message.isPaused()) message.resume();
    return undefined;
  }

  private resume(): void {
    this.state = 'flowing';
    this.origin.message.resume();
  }

  private handOn(chunk: Uint8Array): IteratorResult<Uint8Array, undefined> {
    if (this.counter !== undefined) this.counter.bytesIn += chunk.length;
    this.handedOn = chunk;
    return { done: false, value: chunk };
  }

  private readonly onData = (chunk: Uint8Array): void => {
    this.receivedBytes += chunk.length;
    if (this.expectedBytes !== undefined && this.receivedBytes > this.expectedBytes) {
      this.origin.message.pause();
      this.fail(new S3Error('IncompleteBody'));
      return;
    }
    const { waiter } = this;
    if (waiter !== undefined) {
      this.waiter = undefined;
      waiter.resolve(this.handOn(chunk));
      return;
    }
    this.queue.push(chunk);
    this.queuedBytes += chunk.length;
    if (this.queuedBytes >= HIGH_WATER_BYTES && this.state === 'flowing') {
      this.state = 'paused';
      this.origin.message.pause();
    }
  };

  private readonly onEnd = (): void => {
    this.stopListening();
    this.state = 'ended';
    if (this.expectedBytes !== undefined && this.receivedBytes !== this.expectedBytes) {
      this.fail(new S3Error('IncompleteBody'));
      return;
    }
    const { waiter } = this;
    this.waiter = undefined;
    waiter?.resolve(DONE);
  };

  private readonly onError = (error: Error): void => {
    this.fail(new BodyAbortedError(error));
  };

  private readonly onClose = (): void => {
    this.fail(new BodyAbortedError());
  };

  private readonly onAbort = (): void => {
    this.origin.message.pause();
    if (this.signal !== undefined) this.fail(reasonOf(this.signal));
  };

  private fail(error: Error): void {
    this.stopListening();
    this.state = 'ended';
    this.failure = error;
    this.queue.length = 0;
    const { waiter } = this;
    this.waiter = undefined;
    waiter?.reject(error);
  }

  private stopListening(): void {
    const { message } = this.origin;
    this.signal?.removeEventListener('abort', this.onAbort);
    message.off('data', this.onData);
    message.off('end', this.onEnd);
    message.off('error', this.onError);
    message.off('close', this.onClose);
  }
}

/**
 * Frees the memory of a chunk that nobody uses any more. Left to the collector, each 64 MiB of received chunks make V8 mark
 * the whole heap, about seventeen times in an upload of 1 GiB: most of what the upload cost the main thread. Chunks that share
 * their memory with others are left alone.
 */
function giveBack(chunk: Uint8Array): void {
  const { buffer } = chunk;
  if (chunk.byteLength < RELEASED_FROM_BYTES || chunk.byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new BodyAbortedError(reason);
}
