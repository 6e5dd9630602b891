import type { Readable } from 'node:stream';
import type { ByteSpan } from '../byte-range';
import { DriverError } from '../driver.errors';
import type { S3Settings } from '../s3/profiles';
import { S3Client } from '../s3/s3-client';
import type { S3Answer } from '../s3/s3-exchange';
import { isKind, modifiedAtOf, S3Objects, sizeOf, textOf } from '../s3/s3-objects';
import type { ForeignHeaders, ForeignObject, KnownObject } from './foreign-source';
import { ForeignSource } from './foreign-source';

const METADATA = 'x-amz-meta-';
/** Header of S3, and the name that the engine keeps it under. */
const KEPT_HEADERS = [
  ['cache-control', 'cacheControl'],
  ['content-disposition', 'contentDisposition'],
  ['content-encoding', 'contentEncoding'],
  ['content-language', 'contentLanguage'],
  ['expires', 'expires'],
] as const;

/** The objects of a bucket, or below the configured prefix of its keys, which is no part of their keys here. */
export class S3Source extends ForeignSource {
  readonly name: string;
  private readonly client: S3Client;
  private readonly objects: S3Objects;
  private readonly prefix: string;

  constructor(settings: S3Settings) {
    super();
    this.name = settings.name;
    this.client = new S3Client(settings);
    this.objects = new S3Objects(this.client);
    this.prefix = settings.keyPrefix;
  }

  async check(signal: AbortSignal): Promise<void> {
    for await (const _object of this.objects.list(this.prefix, signal)) return;
  }

  async *keys(after: string | undefined, signal: AbortSignal): AsyncGenerator<string> {
    const start = after === undefined ? undefined : this.prefix + after;
    for await (const { objectKey } of this.objects.list(this.prefix, signal, start)) {
      if (objectKey.length > this.prefix.length) yield objectKey.slice(this.prefix.length);
    }
  }

  async describe(key: string, signal: AbortSignal): Promise<ForeignObject | undefined> {
    try {
      const request = { method: 'HEAD', objectKey: this.prefix + key } as const;
      const { headers } = await this.client.retrying(signal, () => this.client.send(request, { signal }));
      const metadata = Object.entries(headers).filter(([name]) => name.startsWith(METADATA));
      return {
        key,
        sizeBytes: sizeOf(headers),
        etag: etagOf(headers),
        modifiedAt: modifiedAtOf(headers),
        contentType: textOf(headers['content-type']),
        headers: keptHeaders(headers),
        metadata: Object.fromEntries(
          metadata.map(([name, value]) => [name.slice(METADATA.length), textOf(value) ?? '']),
        ),
      };
    } catch (error) {
      if (isKind(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async read(object: KnownObject, { start, endExclusive }: ByteSpan, signal: AbortSignal): Promise<Readable> {
    const isWhole = start === 0 && endExclusive === object.sizeBytes;
    const headers: Record<string, string> = isWhole ? {} : { range: `bytes=${start}-${endExclusive - 1}` };
    const request = { method: 'GET', objectKey: this.prefix + object.key, headers } as const;
    const { body } = await this.client.retrying(signal, () =>
      this.client.open(request, signal, (status, answered) => {
        if (etagOf(answered) !== object.etag)
          throw new DriverError('Corrupted', 'an object has changed since it was attached');
        if (!isWhole && status !== 206) throw new DriverError('Unsupported', 'the backend ignores ranges');
        return { sizeBytes: endExclusive - start, crc32: undefined };
      }),
    );
    return body;
  }

  /** What takes the object's place between the look at it and the deletion is deleted too: few backends know conditions here. */
  async remove({ key, etag }: Pick<KnownObject, 'key' | 'etag'>, signal: AbortSignal): Promise<void> {
    const found = await this.describe(key, signal);
    if (found?.etag !== etag) return;
    await this.client.retrying(signal, () => this.objects.delete(this.prefix + key, signal));
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

function etagOf(headers: S3Answer['headers']): string {
  return (textOf(headers.etag) ?? '').replace(/^W\//, '').replaceAll('"', '');
}

function keptHeaders(headers: S3Answer['headers']): ForeignHeaders {
  const kept = KEPT_HEADERS.map(([header, name]) => [name, textOf(headers[header])] as const);
  return Object.fromEntries(kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
