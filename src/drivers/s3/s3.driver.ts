import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { throwIfAborted } from '../abort-scope';
import { spanOf } from '../byte-range';
import { blobNameOf, isBlobName, keyOfBlobName, tenantPrefix } from '../driver-keys';
import { Driver } from '../driver';
import type {
  BlobListing,
  BlobRead,
  BlobSource,
  BlobStat,
  ByteRange,
  DriverCapabilities,
  DriverHealth,
  RestoreRequest,
  WriteOptions,
} from '../driver';
import { DriverError } from '../driver.errors';
import { probeHealth } from '../probe-health';
import type { TransferBuffers } from '../transfer-buffers';
import type { S3Settings } from './profiles';
import type { BodyExpectation } from './s3-body';
import { S3Client } from './s3-client';
import type { S3ClientObserver } from './s3-client';
import type { S3Answer } from './s3-exchange';
import { isKind, modifiedAtOf, S3Objects, sizeOf, textOf } from './s3-objects';
import { S3Write } from './s3-write';

const MAX_PARTS = 10_000;

export interface S3DriverOptions {
  readonly settings: S3Settings;
  /** Memory for uploads, shared with the other drivers of the process. */
  readonly buffers: TransferBuffers;
  readonly observer?: S3ClientObserver | undefined;
}

/**
 * Keeps each blob as an object of an S3 backend, under the profile's prefix and the blob's key.
 *
 * Keys are exclusive over all processes where the backend honours `If-None-Match`; where it does not, over one process, and
 * by a HEAD before each write otherwise. Keys are UUIDs that the engine gives out once, so that nobody depends on more.
 */
export class S3Driver extends Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;

  private readonly client: S3Client;
  private readonly objects: S3Objects;
  private readonly settings: S3Settings;
  private readonly buffers: TransferBuffers;
  /** Keys that this process is writing. */
  private readonly writing = new Set<string>();

  constructor({ settings, buffers, observer }: S3DriverOptions) {
    super();
    this.settings = settings;
    this.name = settings.name;
    this.buffers = buffers;
    this.client = new S3Client(settings, observer);
    this.objects = new S3Objects(this.client);
    this.capabilities = {
      canCopy: false,
      isDurable: true,
      maxBlobBytes: settings.hasMultipart ? settings.maxPutBytes * MAX_PARTS : settings.maxPutBytes,
    };
  }

  async write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    const objectKey = this.objectKeyOf(ctx, key);
    throwIfAborted(ctx.signal);
    if (this.writing.has(objectKey)) throw new DriverError('AlreadyExists', 'the key is being written');
    this.writing.add(objectKey);
    try {
      const write = new S3Write(this.objects, this.buffers, objectKey, source, options.sizeBytes, ctx.signal);
      return { key, sizeBytes: await write.run(), modifiedAt: new Date() };
    } finally {
      this.writing.delete(objectKey);
    }
  }

  async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const objectKey = this.objectKeyOf(ctx, key);
    throwIfAborted(ctx.signal);
    if (range !== undefined && !isRequestable(range)) {
      // Tells a missing blob from a range that no blob has.
      spanOf(range, (await this.stat(ctx, key)).sizeBytes);
    }
    const answer = await this.client.open(
      { method: 'GET', objectKey, headers: this.readHeaders(range) },
      ctx.signal,
      (status, headers) => expectationOf(status, headers, range),
    );
    const stat = { key, sizeBytes: totalOf(answer.headers), modifiedAt: modifiedAtOf(answer.headers) };
    return { stat, body: answer.body, crc32: checksumOf(answer.headers) };
  }

  async stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    const objectKey = this.objectKeyOf(ctx, key);
    throwIfAborted(ctx.signal);
    try {
      const { sizeBytes, modifiedAt, restore } = await this.objects.head(objectKey, ctx.signal);
      return { key, sizeBytes, modifiedAt, restore };
    } catch (error) {
      if (isKind(error, 'NotFound')) await this.objects.checkBucket(ctx.signal);
      throw error;
    }
  }

  async delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    const objectKey = this.objectKeyOf(ctx, key);
    throwIfAborted(ctx.signal);
    await Promise.all([
      this.objects.delete(objectKey, ctx.signal),
      this.settings.hasMultipart ? this.objects.abortUploadsOf(objectKey, ctx.signal) : undefined,
    ]);
  }

  override async restore(ctx: OperationContext, key: BlobKey, request: RestoreRequest): Promise<void> {
    const objectKey = this.objectKeyOf(ctx, key);
    throwIfAborted(ctx.signal);
    await this.objects.restore(objectKey, request, ctx.signal);
  }

  async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    const prefix = this.settings.keyPrefix + tenantPrefix(ctx.tenantId);
    throwIfAborted(ctx.signal);
    for await (const { objectKey, sizeBytes, modifiedAt } of this.objects.list(prefix, ctx.signal)) {
      const name = objectKey.slice(prefix.length);
      if (!isBlobName(name)) continue;
      yield { key: keyOfBlobName(ctx.tenantId, name), sizeBytes, modifiedAt, isPartial: false };
      throwIfAborted(ctx.signal);
    }
    if (!this.settings.hasMultipart) return;
    for await (const { objectKey, initiatedAt } of this.objects.listUploads(prefix, ctx.signal)) {
      const name = objectKey.slice(prefix.length);
      if (!isBlobName(name)) continue;
      yield { key: keyOfBlobName(ctx.tenantId, name), sizeBytes: 0, modifiedAt: initiatedAt, isPartial: true };
      throwIfAborted(ctx.signal);
    }
  }

  health(ctx: OperationContext): Promise<DriverHealth> {
    return probeHealth(this, ctx);
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private objectKeyOf(ctx: OperationContext, key: BlobKey): string {
    blobNameOf(ctx, key);
    return this.settings.keyPrefix + key;
  }

  private readHeaders(range: ByteRange | undefined): Record<string, string> {
    if (range !== undefined) return { range: `bytes=${String(range.start)}-${String(range.end ?? '')}` };
    return this.settings.checksum === 'crc32' ? { 'x-amz-checksum-mode': 'ENABLED' } : {};
  }
}

function isRequestable({ start, end }: ByteRange): boolean {
  if (!Number.isSafeInteger(start) || start < 0) return false;
  return end === undefined || (Number.isSafeInteger(end) && end >= start);
}

/** How many bytes have to come. A server that ignores ranges sends all, which is only right where all was asked for. */
function expectationOf(status: number, headers: S3Answer['headers'], range: ByteRange | undefined): BodyExpectation {
  const sizeBytes = sizeOf(headers);
  if (range === undefined) return { sizeBytes, crc32: checksumOf(headers) };
  const span = spanOf(range, totalOf(headers));
  if (status !== 206 && span.endExclusive - span.start !== sizeBytes)
    throw new DriverError('Unsupported', 'the backend ignores ranges');
  if (span.endExclusive - span.start !== sizeBytes)
    throw new DriverError('Unexpected', 'the backend answered with another range than the one asked for');
  return { sizeBytes, crc32: undefined };
}

/** Length of the whole blob: the part behind the slash of `Content-Range`, or the body's. */
function totalOf(headers: S3Answer['headers']): number {
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(textOf(headers['content-range']) ?? '')?.[1];
  return total === undefined ? sizeOf(headers) : Number(total);
}

/** Undefined also for checksums of checksums, which end in `-<parts>`. */
function checksumOf(headers: S3Answer['headers']): number | undefined {
  const text = textOf(headers['x-amz-checksum-crc32']) ?? '';
  return /^[A-Za-z0-9+/]{6}==$/.test(text) ? Buffer.from(text, 'base64').readUInt32BE() : undefined;
}
