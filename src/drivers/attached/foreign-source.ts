import type { Readable } from 'node:stream';
import type { ByteSpan } from '../byte-range';

/** Headers that an object has besides its length, by the names that the engine keeps them under. */
export type ForeignHeaders = Readonly<Record<string, string>>;

/** An object that somebody else stored. */
export interface ForeignObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Without quotes. Another one means other bytes. */
  readonly etag: string;
  readonly modifiedAt: Date;
  readonly contentType: string | undefined;
  readonly headers: ForeignHeaders;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Which object is read, and what it was when it was attached. */
export interface KnownObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** Objects of somebody else: read, never written, and deleted only where an operator said so. Every failure is a `DriverError`. */
export abstract class ForeignSource {
  abstract readonly name: string;

  /** Resolves when the source can be listed; costs little. */
  abstract check(signal: AbortSignal): Promise<void>;

  /** Keys in an order of the source's own that stays the same; those behind `after`, where given. */
  abstract keys(after: string | undefined, signal: AbortSignal): AsyncIterable<string>;

  /** Undefined: it is gone. */
  abstract describe(key: string, signal: AbortSignal): Promise<ForeignObject | undefined>;

  /** Rejects with `NotFound` for what is gone, `Corrupted` for what has changed. */
  abstract read(object: KnownObject, span: ByteSpan, signal: AbortSignal): Promise<Readable>;

  /** Deletes an object unless it is another one by now; one that is gone is success. */
  abstract remove(object: Pick<KnownObject, 'key' | 'etag'>, signal: AbortSignal): Promise<void>;

  abstract close(): Promise<void>;
}
