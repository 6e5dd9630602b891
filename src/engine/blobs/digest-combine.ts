import type { DigestAlgorithm } from './digests';

/** Checksums of which S3 defines a FULL_OBJECT form for multipart uploads, because they combine. */
export type CombinableAlgorithm = Extract<DigestAlgorithm, 'crc32' | 'crc32c' | 'crc64nvme'>;

/** True for the checksums that {@link combineCrc} knows. */
export function isCombinable(algorithm: DigestAlgorithm): algorithm is CombinableAlgorithm {
  return algorithm === 'crc32' || algorithm === 'crc32c' || algorithm === 'crc64nvme';
}

/**
 * Polynomials over GF(2) modulo that of the CRC, in the reflected form: the highest bit is the coefficient of x^0.
 */
interface CrcField {
  readonly bits: bigint;
  readonly polynomial: bigint;
  /** `squares[i]` is x^(2^i). Grown when first needed; at most 56 long. */
  readonly squares: bigint[];
  /** The last length asked for, with x^(8 * lengthBytes): the parts of an upload mostly are of one length. */
  shift: { readonly lengthBytes: number; readonly factor: bigint };
}

const fields: Readonly<Record<CombinableAlgorithm, CrcField>> = {
  crc32: crcField(32n, 0xedb88320n),
  crc32c: crcField(32n, 0x82f63b78n),
  crc64nvme: crcField(64n, 0x9a6c9329ac4bc9b5n),
};

/**
 * The checksum of A followed by B, from the checksums of both (big-endian) and the length of B in bytes.
 *
 * The algorithm of zlib's `crc32_combine` (Mark Adler): the CRC of A times x^(8 * lengthB), plus that of B. Its cost is
 * logarithmic in the length, and constant while the length stays the same.
 */
export function combineCrc(algorithm: CombinableAlgorithm, crcA: Buffer, crcB: Buffer, lengthB: number): Buffer {
  if (!Number.isSafeInteger(lengthB) || lengthB < 0) throw new RangeError(`not a length in bytes: ${String(lengthB)}`);
  const field = fields[algorithm];
  if (field.shift.lengthBytes !== lengthB) field.shift = { lengthBytes: lengthB, factor: powerOfX(field, lengthB) };
  return toBytes(multiply(field, toBigInt(crcA), field.shift.factor) ^ toBigInt(crcB), field.bits);
}

function crcField(bits: bigint, polynomial: bigint): CrcField {
  return { bits, polynomial, squares: [1n << (bits - 2n)], shift: { lengthBytes: 0, factor: 1n << (bits - 1n) } };
}

function powerOfX(field: CrcField, lengthBytes: number): bigint {
  let factor = 1n << (field.bits - 1n);
  let remaining = lengthBytes;
  // 8 bits to a byte: bit 0 of the length stands for x^(2^3). Division keeps lengths above 2^32 exact.
  for (let exponent = 3; remaining > 0; exponent += 1) {
    if (remaining % 2 === 1) factor = multiply(field, squareOf(field, exponent), factor);
    remaining = Math.floor(remaining / 2);
  }
  return factor;
}

function squareOf(field: CrcField, exponent: number): bigint {
  let square = field.squares[exponent];
  if (square !== undefined) return square;
  const root = squareOf(field, exponent - 1);
  square = multiply(field, root, root);
  field.squares[exponent] = square;
  return square;
}

function multiply(field: CrcField, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = field.bits - 1n; bit >= 0n; bit -= 1n) {
    if (((a >> bit) & 1n) === 1n) product ^= shifted;
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ field.polynomial : shifted >> 1n;
  }
  return product;
}

function toBigInt(bytes: Buffer): bigint {
  return bytes.length === 8 ? bytes.readBigUInt64BE() : BigInt(bytes.readUInt32BE());
}

function toBytes(value: bigint, bits: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(Number(bits) / 8);
  if (bits === 64n) bytes.writeBigUInt64BE(value);
  else bytes.writeUInt32BE(Number(value));
  return bytes;
}
