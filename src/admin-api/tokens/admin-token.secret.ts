import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'vat_';
const TOKEN_BYTES = 32;

/** A new bearer token: `vat_` and 256 random bits in base64url. */
export function newAdminToken(): string {
  return PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
}

/**
 * What is stored of a token. A plain SHA-256, since a token is random and long: there is no dictionary to try, so that a slow
 * password hash would only slow every request down.
 */
export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}
