import { S3Error } from '../errors/s3-error';

const PERCENT = 0x25;

/**
 * Undoes percent-encoding once and nothing else: `+`, `//`, `.` and `..` stay as they are. Throws `InvalidURI` for a `%`
 * without two hexadecimal digits and for bytes that are not UTF-8.
 */
export function percentDecode(encoded: string): string {
  let isPlain = true;
  for (let index = 0; index < encoded.length; index++) {
    const code = encoded.charCodeAt(index);
    if (code === PERCENT || code > 0x7e) {
      isPlain = false;
      break;
    }
  }
  if (isPlain) return encoded;
  try {
    return decodeURIComponent(encodeRawBytes(encoded));
  } catch (cause) {
    throw new S3Error('InvalidURI', { fields: { URI: encoded }, cause });
  }
}

/**
 * Node hands out bytes beyond ASCII in a request target as one character per byte. Clients that send them mean the same
 * as their percent-encoding, which is also what signatures are made over.
 */
export function encodeRawBytes(target: string): string {
  return target.replace(/[\x7f-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}
