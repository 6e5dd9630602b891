import { createHash, hash as hashOnce } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64, createXXHash128, createXXHash3, createXXHash64 } from 'hash-wasm';
import type { IHasher } from 'hash-wasm';

/** Digest algorithms that can be computed over a passing stream, in Node's or hash-wasm's names, lower case. */
export type DigestAlgorithm =
  'md5' | 'sha1' | 'sha256' | 'sha512' | 'crc32' | 'crc32c' | 'crc64nvme' | 'xxhash64' | 'xxhash3' | 'xxhash128';

/** A digest over bytes that pass by. Synchronous; the bytes of a chunk are not kept. */
export interface Digest {
  update(chunk: Uint8Array): void;
  /**
   * The digest as S3 encodes it before base64: the bytes of a hash, or a checksum in big-endian order. Ends the digest:
   * no call may follow.
   */
  digest(): Buffer;
}

type NodeAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512';
type WasmAlgorithm = 'crc32c' | 'crc64nvme' | 'xxhash64' | 'xxhash3' | 'xxhash128';

/** Reflected polynomials: Castagnoli (RFC 3720) and the CRC-64 of the NVMe specification. */
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC64NVME_POLYNOMIAL = '9a6c9329ac4bc9b5';

/**
 * One hash-wasm instance shared by any number of digests: such an instance can only be made asynchronously, so a digest
 * borrows it and the state moves out when another digest takes its turn. Runs of updates by one digest move nothing.
 */
class SharedHasher {
  private owner: WasmDigest | undefined;

  constructor(private readonly hasher: IHasher) {}

  update(digest: WasmDigest, chunk: Uint8Array): void {
    this.lend(digest);
    this.hasher.update(chunk);
  }

  finish(digest: WasmDigest): Buffer {
    this.lend(digest);
    this.owner = undefined;
    return Buffer.from(this.hasher.digest('binary'));
  }

  once(bytes: Uint8Array): Buffer {
    this.evict();
    this.hasher.init();
    this.hasher.update(bytes);
    return Buffer.from(this.hasher.digest('binary'));
  }

  private lend(digest: WasmDigest): void {
    if (this.owner === digest) return;
    this.evict();
    if (digest.savedState === undefined) this.hasher.init();
    else this.hasher.load(digest.savedState);
    this.owner = digest;
  }

  private evict(): void {
    if (this.owner === undefined) return;
    this.owner.savedState = this.hasher.save();
    this.owner = undefined;
  }
}

class WasmDigest implements Digest {
  /** Where the digest stands while another one uses the instance; undefined before the first byte. */
  savedState: Uint8Array | undefined;

  constructor(private readonly hasher: SharedHasher) {}

  update(chunk: Uint8Array): void {
    this.hasher.update(this, chunk);
  }

  digest(): Buffer {
    return this.hasher.finish(this);
  }
}

class NodeDigest implements Digest {
  private readonly hash;

  constructor(algorithm: NodeAlgorithm) {
    this.hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): void {
    this.hash.update(chunk);
  }

  digest(): Buffer {
    return this.hash.digest();
  }
}

class Crc32Digest implements Digest {
  private value = 0;

  update(chunk: Uint8Array): void {
    this.value = crc32(chunk, this.value);
  }

  digest(): Buffer {
    return uint32Bytes(this.value);
  }
}

const hashers = new Map<WasmAlgorithm, SharedHasher>();
let initialisation: Promise<void> | undefined;

/** Loads what the synchronous functions below need; once per thread, later calls return the same promise. */
export function initDigests(): Promise<void> {
  initialisation ??= loadHashers();
  return initialisation;
}

async function loadHashers(): Promise<void> {
  const created = await Promise.all([
    createCRC32(CRC32C_POLYNOMIAL),
    createCRC64(CRC64NVME_POLYNOMIAL),
    createXXHash64(0, 0),
    createXXHash3(0, 0),
    createXXHash128(0, 0),
  ]);
  const names = ['crc32c', 'crc64nvme', 'xxhash64', 'xxhash3', 'xxhash128'] as const;
  created.forEach((hasher, index) => {
    const name = names[index];
    if (name !== undefined) hashers.set(name, new SharedHasher(hasher));
  });
}

/**
 * A new digest. XXHash runs with seed 0.
 *
 * Throws when {@link initDigests} has not finished and the algorithm is one that it loads.
 */
export function createDigest(algorithm: DigestAlgorithm): Digest {
  switch (algorithm) {
    case 'md5':
    case 'sha1':
    case 'sha256':
    case 'sha512':
      return new NodeDigest(algorithm);
    case 'crc32':
      return new Crc32Digest();
    case 'crc32c':
    case 'crc64nvme':
    case 'xxhash64':
    case 'xxhash3':
    case 'xxhash128':
      return new WasmDigest(hasherOf(algorithm));
  }
}

/** The digest of bytes that are all at hand; cheaper than a {@link Digest} for small buffers. Throws like {@link createDigest}. */
export function digestOf(algorithm: DigestAlgorithm, bytes: Uint8Array): Buffer {
  switch (algorithm) {
    case 'md5':
    case 'sha1':
    case 'sha256':
    case 'sha512':
      return hashOnce(algorithm, bytes, 'buffer');
    case 'crc32':
      return uint32Bytes(crc32(bytes));
    case 'crc32c':
    case 'crc64nvme':
    case 'xxhash64':
    case 'xxhash3':
    case 'xxhash128':
      return hasherOf(algorithm).once(bytes);
  }
}

function hasherOf(algorithm: WasmAlgorithm): SharedHasher {
  const hasher = hashers.get(algorithm);
  if (hasher === undefined) throw new Error(`digest ${algorithm} is used before initDigests() has finished`);
  return hasher;
}

function uint32Bytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
