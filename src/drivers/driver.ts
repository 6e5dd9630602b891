import type { Readable } from 'node:stream';
import type { BlobKey } from '../context/ids';
import type { OperationContext } from '../context/operation-context';
import { DriverError } from './driver.errors';

/** What a driver can do, as data (never `instanceof`). */
export interface DriverCapabilities {
  /** `copy` works without moving bytes through the gateway. */
  readonly canCopy: boolean;
  /** Blobs survive the end of the process. */
  readonly isDurable: boolean;
  /** Largest blob in bytes; undefined: no limit of the driver's own. */
  readonly maxBlobBytes: number | undefined;
}

export interface BlobStat {
  readonly key: BlobKey;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  /** Of a blob that the backend has archived and was asked to make readable; undefined: nothing is known of that. */
  readonly restore?: { readonly isOngoing: boolean; readonly expiresAt?: Date } | undefined;
}

export interface RestoreRequest {
  /** How long the blob is to be readable. */
  readonly days: number;
  readonly tier: 'expedited' | 'standard' | 'bulk';
}

/** A listed blob. `isPartial`: bytes of a write that never completed (a killed process), deletable by its key. */
export interface BlobListing extends BlobStat {
  readonly isPartial: boolean;
}

/** Inclusive byte positions, as in RFC 9110. `end` undefined: to the last byte. */
export interface ByteRange {
  readonly start: number;
  readonly end: number | undefined;
}

/**
 * The bytes of a write, pulled in order. A chunk's memory is only valid until the next one is asked for: the producer
 * reuses it. A driver that keeps bytes longer copies them.
 */
export type BlobSource = AsyncIterable<Uint8Array>;

export interface WriteOptions {
  /** Length in bytes where known; a source of another length is refused as `Corrupted` and nothing is kept. */
  readonly sizeBytes: number | undefined;
}

export interface ReadOptions {
  /** Other drivers that hold the same blob now. Asked for at most once, and only by who means to read parts of a large blob there. */
  readonly alsoOn?: () => Promise<readonly Driver[]>;
}

export interface BlobRead {
  readonly stat: BlobStat;
  /** Exactly the bytes of the range asked for. Destroying it frees every resource of the read. */
  readonly body: Readable;
  /** CRC32 of the whole blob, from backends that tell it: for who puts the blob together from several reads. */
  readonly crc32?: number | undefined;
}

export type DriverHealth =
  { readonly isHealthy: true; readonly latencyMs: number } | { readonly isHealthy: false; readonly reason: string };

/**
 * Adapter to one storage backend. Blobs are immutable: a key is written once.
 *
 * Behaviour, for every method:
 * - a key that does not begin `tenant/<ctx.tenantId>/`, or has an empty, `.` or `..` segment, rejects with
 *   `PermissionDenied` before the backend is touched;
 * - an aborted `ctx.signal` rejects promptly with `Aborted` and frees what the call held;
 * - every failure is a {@link DriverError}.
 */
export abstract class Driver {
  abstract readonly name: string;
  abstract readonly capabilities: DriverCapabilities;

  /**
   * Stores a blob.
   *
   * Behaviour:
   * - visible whole or not at all; when the promise resolves the bytes are durable (as far as `capabilities.isDurable`);
   * - a source that throws, an abort, or a length other than `sizeBytes` leaves nothing behind, and the source's
   *   own error is passed on unchanged;
   * - a key that already holds a blob rejects with `AlreadyExists` and leaves the old bytes; of concurrent writers on
   *   one key at most one succeeds;
   * - no room left rejects with `NoSpace`.
   */
  abstract write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat>;

  /**
   * Opens a blob, or a range of it.
   *
   * Behaviour:
   * - rejects with `NotFound`, or `RangeNotSatisfiable` for a start at or past the end, before any stream is returned;
   * - an end past the last byte is cut to it;
   * - an abort while the body is read destroys the body.
   */
  abstract read(ctx: OperationContext, key: BlobKey, range?: ByteRange, options?: ReadOptions): Promise<BlobRead>;

  /** Behaviour: rejects with `NotFound` when there is no whole blob under the key. */
  abstract stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat>;

  /** Behaviour: also removes what a killed write left under the key; a missing key is success. */
  abstract delete(ctx: OperationContext, key: BlobKey): Promise<void>;

  /**
   * Asks a backend that archives blobs by itself to make one readable; `stat` tells when it is.
   *
   * Behaviour: one that is being restored already is success; so is one that can be read. Rejects with `Unsupported` where nothing is ever archived.
   */
  restore(ctx: OperationContext, key: BlobKey, request: RestoreRequest): Promise<void> {
    return Promise.reject(
      new DriverError('Unsupported', `${this.name} archives nothing, neither ${key} (${request.tier})`),
    );
  }

  /**
   * Walks all blobs of `ctx.tenantId`, in no particular order, without holding them in memory. Blobs written or deleted
   * meanwhile may or may not appear.
   */
  abstract list(ctx: OperationContext): AsyncIterable<BlobListing>;

  /** False while calls would be refused without the backend being asked. */
  isAvailable(): boolean {
    return true;
  }

  /** A write, read and delete of a small probe blob of the context's tenant. Never rejects. */
  abstract health(ctx: OperationContext): Promise<DriverHealth>;

  /** Frees what the driver holds. Calls in flight may fail. */
  abstract close(): Promise<void>;
}
