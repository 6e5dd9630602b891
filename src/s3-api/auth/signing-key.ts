import { createHmac, createSecretKey, hash, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Credential, SignedService } from './signature-claim';

const MAX_CACHED_SIGNING_KEYS = 10_000;

/** A signing key in both of the forms that are asked for. */
export interface SigningKey {
  readonly bytes: Buffer;
  /** Hashing with it is quicker than with the bytes, which Node would wrap anew each time. */
  readonly key: KeyObject;
}

/** The key of one day, region, service and secret: four HMACs over the scope, as signature v4 has it. */
export function deriveSigningKey(
  secretKey: string,
  credential: Pick<Credential, 'date' | 'region'> & { readonly service?: SignedService },
): Buffer {
  const dateKey = hmac(`AWS4${secretKey}`, credential.date);
  const regionKey = hmac(dateKey, credential.region);
  return hmac(hmac(regionKey, credential.service ?? 's3'), 'aws4_request');
}

/** Signing keys in memory, bounded, by access key, day, region and service. A key derived from another secret is never answered. */
export class SigningKeyCache {
  private readonly keys = new LRUCache<string, SigningKey & { readonly secretKey: string }>({
    max: MAX_CACHED_SIGNING_KEYS,
  });

  get(secretKey: string, credential: Credential): SigningKey {
    const name = `${credential.accessKeyId}/${credential.scope}`;
    const cached = this.keys.get(name);
    if (cached?.secretKey === secretKey) return cached;
    const bytes = deriveSigningKey(secretKey, credential);
    const derived = { secretKey, bytes, key: createSecretKey(bytes) };
    this.keys.set(name, derived);
    return derived;
  }
}

/** The string to sign of a whole request. A character of `canonical` stands for a byte. */
export function stringToSign(timestamp: string, scope: string, canonical: string): string {
  return `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash('sha256', Buffer.from(canonical, 'latin1'), 'hex')}`;
}

/** Lower-case hexadecimal signature of `text`, whose characters stand for bytes. */
export function sign(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text, 'latin1').digest('hex');
}

/** Compares in a time that depends on the lengths only. */
export function isSameSignature(expected: string, given: string): boolean {
  if (expected.length !== given.length) return false;
  const expectedBytes = Buffer.from(expected, 'utf8');
  const givenBytes = Buffer.from(given, 'utf8');
  return expectedBytes.length === givenBytes.length && timingSafeEqual(expectedBytes, givenBytes);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
