import { createHash } from 'node:crypto';
import type { BlobStat, RestoreRequest } from '../driver';
import { DriverError } from '../driver.errors';
import type { S3Client, SendOptions } from './s3-client';
import { s3Error } from './s3-errors';
import type { S3Answer } from './s3-exchange';
import { completeUploadXml, parseXml, restoreXml } from './s3-xml';
import type { XmlElement } from './s3-xml';

/** Metadata that tells which write an object came from, so that a lost answer can be asked for. */
const WRITE_TOKEN = 'x-amz-meta-vaultaire-write';

export interface ObjectHead {
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  /** The token of the write that made it; undefined: no write of this driver. */
  readonly writeToken: string | undefined;
  readonly restore: BlobStat['restore'];
}

export interface ListedObject {
  readonly objectKey: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

export interface ListedUpload {
  readonly objectKey: string;
  readonly uploadId: string;
  readonly initiatedAt: Date;
}

/** The operations of S3 that the driver consists of, one request each. All reject with a `DriverError`. */
export class S3Objects {
  constructor(readonly client: S3Client) {}

  /** Rejects with `NotFound`; the answer to a HEAD can't tell a missing bucket from a missing object. */
  async head(objectKey: string, signal: AbortSignal): Promise<ObjectHead> {
    const { headers } = await this.client.send({ method: 'HEAD', objectKey }, { signal });
    return {
      sizeBytes: sizeOf(headers),
      modifiedAt: modifiedAtOf(headers),
      writeToken: textOf(headers[WRITE_TOKEN]),
      restore: restoreOf(headers),
    };
  }

  /** Rejects with `Unavailable` when the bucket is not there. */
  async checkBucket(signal: AbortSignal): Promise<void> {
    try {
      await this.client.send({ method: 'HEAD', objectKey: undefined }, { signal });
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
      throw new DriverError('Unavailable', 'the bucket is not there', { cause: error, isRetryable: false });
    }
  }

  /** A missing object is success. */
  async delete(objectKey: string, signal: AbortSignal): Promise<void> {
    try {
      await this.client.send({ method: 'DELETE', objectKey }, { signal });
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
  }

  /** An object that is being restored, or that can be read, is success. */
  async restore(objectKey: string, { days, tier }: RestoreRequest, signal: AbortSignal): Promise<void> {
    const body = Buffer.from(restoreXml(days, tier));
    const headers = {
      'content-type': 'application/xml',
      'content-md5': createHash('md5').update(body).digest('base64'),
    };
    try {
      await this.client.send({ method: 'POST', objectKey, query: { restore: '' }, headers, body }, { signal });
    } catch (error) {
      if (!isKind(error, 'AlreadyExists') && !isKind(error, 'Archived')) throw error;
    }
  }

  async createUpload(objectKey: string, writeToken: string, options: SendOptions): Promise<string> {
    const headers: Record<string, string> = { [WRITE_TOKEN]: writeToken };
    if (this.client.settings.checksum === 'crc32') {
      headers['x-amz-checksum-algorithm'] = 'CRC32';
      headers['x-amz-checksum-type'] = 'FULL_OBJECT';
    }
    const answer = await this.client.send({ method: 'POST', objectKey, query: { uploads: '' }, headers }, options);
    const uploadId = rootOf(answer).textOf('UploadId');
    if (uploadId === undefined) throw new DriverError('Unexpected', 'the backend gave no upload id');
    return uploadId;
  }

  /** Like a PUT that must not replace anything. AWS tells of failures with status 200 too. */
  async completeUpload(
    objectKey: string,
    uploadId: string,
    etags: readonly string[],
    options: SendOptions,
  ): Promise<void> {
    const answer = await this.client.send(
      {
        method: 'POST',
        objectKey,
        query: { uploadId },
        headers: { 'content-type': 'application/xml', ...this.exclusiveHeaders() },
        body: Buffer.from(completeUploadXml(etags)),
      },
      options,
    );
    if (rootOf(answer).name !== 'Error') return;
    options.onUnanswered?.();
    throw s3Error({ ...answer, status: 500 });
  }

  /** An upload that is not there any more is success. */
  async abortUpload(objectKey: string, uploadId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.client.send({ method: 'DELETE', objectKey, query: { uploadId } }, { signal });
    } catch (error) {
      if (!isKind(error, 'NotFound') && !isKind(error, 'Aborted')) throw error;
      if (signal.aborted) throw error;
    }
  }

  /** Ends every unfinished upload under exactly this key. */
  async abortUploadsOf(objectKey: string, signal: AbortSignal): Promise<void> {
    for await (const upload of this.listUploads(objectKey, signal)) {
      if (upload.objectKey === objectKey) await this.abortUpload(objectKey, upload.uploadId, signal);
    }
  }

  /** In the order of keys; `startAfter`: only those behind that key. */
  async *list(prefix: string, signal: AbortSignal, startAfter?: string): AsyncGenerator<ListedObject> {
    const isV2 = this.client.settings.hasListV2;
    let next: Record<string, string> =
      startAfter === undefined ? {} : { [isV2 ? 'start-after' : 'marker']: startAfter };
    for (;;) {
      const query: Record<string, string> = { prefix, ...(isV2 && { 'list-type': '2' }), ...next };
      const page = rootOf(await this.client.send({ method: 'GET', objectKey: undefined, query }, { signal }));
      const contents = page.all('Contents');
      for (const object of contents) {
        yield {
          objectKey: object.textOf('Key') ?? '',
          sizeBytes: Number(object.textOf('Size')),
          modifiedAt: new Date(object.textOf('LastModified') ?? 0),
        };
      }
      if (page.textOf('IsTruncated') !== 'true') return;
      // Version 1 names the next marker only with a delimiter; without one it is the last key.
      const marker = isV2
        ? page.textOf('NextContinuationToken')
        : (page.textOf('NextMarker') ?? contents.at(-1)?.textOf('Key'));
      if (marker === undefined) throw new DriverError('Unexpected', 'a truncated listing does not say how to go on');
      next = isV2 ? { 'continuation-token': marker } : { marker };
    }
  }

  async *listUploads(prefix: string, signal: AbortSignal): AsyncGenerator<ListedUpload> {
    let next: Record<string, string> = {};
    for (;;) {
      const query = { uploads: '', prefix, ...next };
      const page = rootOf(await this.client.send({ method: 'GET', objectKey: undefined, query }, { signal }));
      for (const upload of page.all('Upload')) {
        yield {
          objectKey: upload.textOf('Key') ?? '',
          uploadId: upload.textOf('UploadId') ?? '',
          initiatedAt: new Date(upload.textOf('Initiated') ?? 0),
        };
      }
      const keyMarker = page.textOf('NextKeyMarker');
      if (page.textOf('IsTruncated') !== 'true' || keyMarker === undefined) return;
      next = { 'key-marker': keyMarker, 'upload-id-marker': page.textOf('NextUploadIdMarker') ?? '' };
    }
  }

  /** Headers of a PutObject: which write it is, and that it must not replace anything. */
  putHeaders(writeToken: string): Record<string, string> {
    return {
      [WRITE_TOKEN]: writeToken,
      'content-type': 'application/octet-stream',
      ...this.exclusiveHeaders(),
    };
  }

  private exclusiveHeaders(): Record<string, string> {
    return this.client.settings.hasConditionalWrites ? { 'if-none-match': '*' } : {};
  }
}

export function sizeOf(headers: S3Answer['headers']): number {
  const sizeBytes = Number(textOf(headers['content-length']) ?? Number.NaN);
  if (!Number.isSafeInteger(sizeBytes)) throw new DriverError('Unexpected', 'the backend gave no length');
  return sizeBytes;
}

export function modifiedAtOf(headers: S3Answer['headers']): Date {
  const modifiedAt = new Date(textOf(headers['last-modified']) ?? Number.NaN);
  return Number.isNaN(modifiedAt.getTime()) ? new Date(0) : modifiedAt;
}

/** `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"` */
function restoreOf(headers: S3Answer['headers']): BlobStat['restore'] {
  const text = textOf(headers['x-amz-restore']);
  if (text === undefined) return undefined;
  const expiresAt = new Date(/expiry-date="([^"]*)"/.exec(text)?.[1] ?? Number.NaN);
  const isOngoing = text.includes('ongoing-request="true"');
  return Number.isNaN(expiresAt.getTime()) ? { isOngoing } : { isOngoing, expiresAt };
}

export function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

export function isKind(error: unknown, kind: DriverError['kind']): error is DriverError {
  return error instanceof DriverError && error.kind === kind;
}

function rootOf(answer: S3Answer): XmlElement {
  try {
    return parseXml(answer.body.toString());
  } catch (error) {
    throw new DriverError('Unexpected', 'the backend answered with XML that is not well-formed', { cause: error });
  }
}
