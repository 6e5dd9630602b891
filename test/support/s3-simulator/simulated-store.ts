import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

export interface SimulatedObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modifiedAt: Date;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64 of the CRC32 of all bytes; undefined where none is kept. */
  readonly crc32: string | undefined;
}

export interface SimulatedUpload {
  readonly id: string;
  readonly key: string;
  readonly initiatedAt: Date;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>;
}

/** The objects and unfinished uploads of one bucket, in memory. */
export class SimulatedStore {
  readonly objects = new Map<string, SimulatedObject>();
  readonly uploads = new Map<string, SimulatedUpload>();

  put(key: string, bytes: Buffer, headers: Readonly<Record<string, string>>, kept: KeptDigests): SimulatedObject {
    const object: SimulatedObject = {
      bytes,
      etag: kept.hasMd5ETag ? md5(bytes) : randomBytes(16).toString('hex'),
      modifiedAt: new Date(),
      headers,
      crc32: kept.hasChecksums ? crc32Of(bytes) : undefined,
    };
    this.objects.set(key, object);
    return object;
  }

  begin(key: string, headers: Readonly<Record<string, string>>): SimulatedUpload {
    const upload = {
      id: randomBytes(12).toString('base64url'),
      key,
      initiatedAt: new Date(),
      headers,
      parts: new Map(),
    };
    this.uploads.set(upload.id, upload);
    return upload;
  }

  /** Undefined when the parts are not those that were uploaded, or not in order. */
  complete(
    upload: SimulatedUpload,
    parts: readonly { readonly number: number; readonly etag: string }[],
    kept: KeptDigests,
  ): SimulatedObject | undefined {
    const bodies: Buffer[] = [];
    let last = 0;
    for (const { number, etag } of parts) {
      const part = upload.parts.get(number);
      if (part?.etag !== etag || number <= last) return undefined;
      last = number;
      bodies.push(part.bytes);
    }
    const object = this.put(upload.key, Buffer.concat(bodies), upload.headers, { ...kept, hasMd5ETag: false });
    this.uploads.delete(upload.id);
    return object;
  }
}

export interface KeptDigests {
  readonly hasMd5ETag: boolean;
  readonly hasChecksums: boolean;
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

export function crc32Of(bytes: Uint8Array): string {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString('base64');
}
