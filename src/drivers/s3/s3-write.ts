import { createHash, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { AbortScope } from '../abort-scope';
import type { BlobSource } from '../driver';
import { DriverError } from '../driver.errors';
import { SourceReader } from '../source-reader';
import type { TransferBuffer, TransferBuffers } from '../transfer-buffers';
import { isOfSource, toAborted } from '../upload-failure';
import type { SendOptions, StreamedBody } from './s3-client';
import { isKind, textOf } from './s3-objects';
import type { S3Objects } from './s3-objects';

/** An abort waits so long for the answer to a request that was sent whole, to know whether there is something to remove. */
const GRACE_MS = 2_000;
const CLEAN_UP_MS = 10_000;
const MAX_PARTS = 10_000;

/**
 * One write to an S3 backend: a PUT for what fits into a part, else a multipart upload whose parts go up in parallel.
 *
 * Bodies are sent from memory where the process has some to spare, for only then can a fault be retried; else straight from the
 * source. Whatever fails, nothing is left: not the upload, and not an object of which no answer came. What can't be removed because
 * the backend is gone is found by `delete` and `list`.
 */
export class S3Write {
  private readonly token = randomUUID();
  private readonly stop = new AbortController();
  private readonly scope = new AbortScope(this.stop.signal);
  private readonly reader: SourceReader;
  private readonly etags: string[] = [];
  private readonly inFlight = new Set<Promise<void>>();
  private partFailure: { readonly error: unknown } | undefined;
  private uploading: Promise<string> | undefined;
  /** An answer was lost: an object or an upload of ours may be there. */
  private mayHaveObject = false;

  constructor(
    private readonly objects: S3Objects,
    private readonly buffers: TransferBuffers,
    private readonly objectKey: string,
    source: BlobSource,
    private readonly sizeBytes: number | undefined,
    private readonly signal: AbortSignal,
  ) {
    this.reader = new SourceReader(source, sizeBytes, this.scope);
  }

  /** Resolves to the length in bytes. */
  async run(): Promise<number> {
    const onAbort = (): void => {
      this.stop.abort(this.signal.reason);
    };
    this.signal.addEventListener('abort', onAbort, { once: true });
    if (this.signal.aborted) onAbort();
    try {
      const free = this.checkFree();
      free.catch(() => undefined);
      await this.transfer(free);
      return this.reader.position;
    } catch (error) {
      const cause = this.partFailure?.error ?? this.reader.failure?.error ?? error;
      this.stop.abort(cause);
      await this.cleanUp();
      throw this.signal.aborted && !(this.reader.failure && isOfSource(cause)) ? toAborted(cause, this.signal) : cause;
    } finally {
      this.reader.dismiss();
      this.scope.close();
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  private async transfer(free: Promise<void>): Promise<void> {
    const { partBytes, hasMultipart, maxPutBytes } = this.settings;
    if (this.sizeBytes === undefined) {
      await this.transferUnknown(free);
    } else if (this.sizeBytes <= partBytes) {
      await this.putSmall(this.sizeBytes, free);
    } else if (hasMultipart) {
      await this.multipart(free, Math.max(partBytes, Math.ceil(this.sizeBytes / MAX_PARTS)), undefined);
    } else if (this.sizeBytes <= maxPutBytes) {
      await free;
      await this.putStreamed(this.sizeBytes);
    } else {
      throw new DriverError('TooLarge', 'the backend takes no blob of this size');
    }
  }

  private async transferUnknown(free: Promise<void>): Promise<void> {
    const { partBytes, hasMultipart } = this.settings;
    const first = await this.scope.guard(this.buffers.take(partBytes, this.stop.signal));
    let isHandedOn = false;
    try {
      const filledBytes = await this.reader.fill(first.bytes);
      if (filledBytes < partBytes) {
        await this.scope.guard(free);
        await this.put(first.bytes.subarray(0, filledBytes));
        return;
      }
      if (!hasMultipart)
        throw new DriverError(
          'Unsupported',
          'the backend has no multipart uploads and takes no body of unknown length',
        );
      isHandedOn = true;
    } finally {
      if (!isHandedOn) first.release();
    }
    await this.multipart(free, partBytes, first);
  }

  private async putSmall(sizeBytes: number, free: Promise<void>): Promise<void> {
    const buffer = this.buffers.tryTake(sizeBytes);
    if (buffer === undefined) {
      await this.scope.guard(free);
      await this.putStreamed(sizeBytes);
      return;
    }
    try {
      const filledBytes = await this.reader.fill(buffer.bytes);
      await this.reader.expectEnd();
      await this.scope.guard(free);
      await this.put(buffer.bytes.subarray(0, filledBytes));
    } finally {
      buffer.release();
    }
  }

  private async put(bytes: Buffer): Promise<void> {
    const headers = { ...this.objects.putHeaders(this.token), ...this.digestHeaders(bytes) };
    let eTag: string | string[] | undefined;
    try {
      const answer = await this.client.upload(
        { method: 'PUT', objectKey: this.objectKey, headers, body: bytes },
        this.sendOptions(),
      );
      eTag = answer.headers.etag;
    } catch (error) {
      await this.acceptOwn(error);
      return;
    }
    this.verifyETag(eTag, headers);
  }

  private async putStreamed(sizeBytes: number): Promise<void> {
    const body: StreamedBody = { sizeBytes, chunks: this.reader.stream(sizeBytes, true) };
    const headers = this.objects.putHeaders(this.token);
    await this.client.send({ method: 'PUT', objectKey: this.objectKey, headers, body }, this.sendOptions());
    await this.reader.expectEnd();
  }

  private async multipart(free: Promise<void>, partBytes: number, first: TransferBuffer | undefined): Promise<void> {
    let filled = first;
    try {
      this.uploading = free.then(() => this.client.retrying(this.stop.signal, () => this.createUpload()));
      this.uploading.catch(() => undefined);
      for (let number = 1; ; number += 1) {
        if (number > MAX_PARTS) throw new DriverError('TooLarge', 'the blob needs more parts than S3 allows');
        const part = filled ?? (await this.nextPart(partBytes));
        filled = undefined;
        if (part === undefined) break;
        await this.startPart(number, part);
      }
    } finally {
      filled?.release();
    }
    while (this.inFlight.size > 0) await this.scope.guard(Promise.race(this.inFlight));
    await this.reader.expectEnd();
    const uploadId = await this.uploading;
    try {
      await this.client.retrying(this.stop.signal, () =>
        this.objects.completeUpload(this.objectKey, uploadId, this.etags, this.sendOptions()),
      );
    } catch (error) {
      await this.acceptOwn(error);
    }
    this.uploading = undefined;
  }

  private createUpload(): Promise<string> {
    // Not ended by an abort once it is sent: without its answer nobody knows the upload's id.
    return this.objects.createUpload(this.objectKey, this.token, { signal: this.stop.signal, graceMs: GRACE_MS });
  }

  /** The next part in memory; its length where there is no memory and nothing of ours that would give some back; undefined at the end. */
  private async nextPart(partBytes: number): Promise<TransferBuffer | number | undefined> {
    if (this.sizeBytes === undefined) return this.fillPart(await this.takeBuffer(partBytes));
    const lengthBytes = Math.min(partBytes, this.sizeBytes - this.reader.position);
    if (lengthBytes === 0) return undefined;
    for (;;) {
      const buffer = this.buffers.tryTake(lengthBytes);
      if (buffer !== undefined) return this.fillPart(buffer);
      if (this.inFlight.size === 0) return lengthBytes;
      await this.scope.guard(Promise.race(this.inFlight));
    }
  }

  private takeBuffer(partBytes: number): Promise<TransferBuffer> {
    return this.scope.guard(this.buffers.take(partBytes, this.stop.signal));
  }

  private async fillPart(buffer: TransferBuffer): Promise<TransferBuffer | undefined> {
    let filledBytes = 0;
    try {
      filledBytes = await this.reader.fill(buffer.bytes);
    } finally {
      if (filledBytes === 0) buffer.release();
    }
    if (filledBytes === 0) return undefined;
    return {
      bytes: buffer.bytes.subarray(0, filledBytes),
      release: () => {
        buffer.release();
      },
    };
  }

  private async startPart(number: number, part: TransferBuffer | number): Promise<void> {
    if (typeof part === 'number') {
      await this.uploadStreamed(number, part);
      return;
    }
    const sending: Promise<void> = this.uploadPart(number, part).then(
      () => {
        this.inFlight.delete(sending);
      },
      (error: unknown) => {
        this.inFlight.delete(sending);
        this.partFailure ??= { error };
        this.stop.abort(error);
      },
    );
    this.inFlight.add(sending);
    while (this.inFlight.size >= this.settings.parallelParts) await this.scope.guard(Promise.race(this.inFlight));
    if (this.partFailure !== undefined) throw toError(this.partFailure.error);
  }

  private async uploadPart(number: number, part: TransferBuffer): Promise<void> {
    try {
      const headers = this.digestHeaders(part.bytes);
      const answer = await this.client.upload(
        { ...(await this.partRequest(number)), headers, body: part.bytes },
        { signal: this.stop.signal },
      );
      this.verifyETag(answer.headers.etag, headers);
      this.keepETag(number, answer.headers.etag);
    } finally {
      part.release();
    }
  }

  private async uploadStreamed(number: number, lengthBytes: number): Promise<void> {
    const body: StreamedBody = { sizeBytes: lengthBytes, chunks: this.reader.stream(lengthBytes, false) };
    const request = await this.partRequest(number);
    const answer = await this.client.send({ ...request, body }, { signal: this.stop.signal });
    this.keepETag(number, answer.headers.etag);
  }

  private async partRequest(number: number): Promise<{
    readonly method: 'PUT';
    readonly objectKey: string;
    readonly query: Readonly<Record<string, string>>;
  }> {
    const uploadId = (await this.uploading) ?? '';
    return { method: 'PUT', objectKey: this.objectKey, query: { partNumber: String(number), uploadId } };
  }

  private keepETag(number: number, etag: string | string[] | undefined): void {
    const text = textOf(etag);
    if (text === undefined) throw new DriverError('Unexpected', 'the backend gave a part no ETag');
    this.etags[number - 1] = text;
  }

  private digestHeaders(bytes: Buffer): Record<string, string> {
    switch (this.settings.checksum) {
      case 'crc32': {
        const value = Buffer.alloc(4);
        value.writeUInt32BE(crc32(bytes));
        return { 'x-amz-checksum-crc32': value.toString('base64') };
      }
      case 'md5':
        return { 'content-md5': createHash('md5').update(bytes).digest('base64') };
      case 'none':
        return {};
    }
  }

  private verifyETag(etag: string | string[] | undefined, headers: Readonly<Record<string, string>>): void {
    const sent = headers['content-md5'];
    if (!this.settings.trustsETag || sent === undefined) return;
    const received = textOf(etag)?.replaceAll('"', '').toLowerCase();
    if (received === Buffer.from(sent, 'base64').toString('hex')) return;
    this.mayHaveObject = true;
    throw new DriverError('Unavailable', 'the backend received other bytes than were sent', { isRetryable: false });
  }

  private sendOptions(): SendOptions {
    return {
      signal: this.stop.signal,
      graceMs: GRACE_MS,
      onUnanswered: () => {
        this.mayHaveObject = true;
      },
    };
  }

  /** Where the backend can't refuse a taken key by itself, it is looked at before. Rejects with `AlreadyExists`. */
  private async checkFree(): Promise<void> {
    if (this.settings.hasConditionalWrites) return;
    try {
      await this.client.retrying(this.stop.signal, () => this.objects.head(this.objectKey, this.stop.signal));
    } catch (error) {
      if (isKind(error, 'NotFound')) return;
      throw error;
    }
    throw new DriverError('AlreadyExists', 'the key already holds a blob');
  }

  /** After a lost answer a failure, or a refusal of the repetition, may hide a success: the object itself tells. */
  private async acceptOwn(error: unknown): Promise<void> {
    if (!this.mayHaveObject || this.stop.signal.aborted) throw error;
    const isOurs = await this.isOurs(this.stop.signal).catch(() => false);
    if (!isOurs) throw error;
    this.mayHaveObject = false;
  }

  private async isOurs(signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.objects.head(this.objectKey, signal)).writeToken === this.token;
    } catch (error) {
      if (isKind(error, 'NotFound')) return false;
      throw error;
    }
  }

  /** Never rejects. */
  private async cleanUp(): Promise<void> {
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    try {
      await Promise.allSettled(this.inFlight);
      if (this.uploading !== undefined) {
        const uploadId = await this.uploading.catch(() => undefined);
        if (uploadId !== undefined) await this.objects.abortUpload(this.objectKey, uploadId, signal);
        else await this.objects.abortUploadsOf(this.objectKey, signal);
      }
      // Asked for first: under the key there may be the blob of another writer, by whom ours was refused.
      if (this.mayHaveObject && (await this.isOurs(signal))) await this.objects.delete(this.objectKey, signal);
    } catch {
      // The backend is gone. Whoever deletes the key later removes the rest.
    }
  }

  private get client(): S3Objects['client'] {
    return this.objects.client;
  }

  private get settings(): S3Objects['client']['settings'] {
    return this.objects.client.settings;
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a part failed', { cause: error });
}
