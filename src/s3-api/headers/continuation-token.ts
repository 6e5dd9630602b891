import { invalidArgument } from './request-header';

/** The opaque token behind which a page goes on after `key`. */
export function toContinuationToken(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

/** The key that a token stands for; an empty token is the start. Throws `InvalidArgument` for one that was never handed out. */
export function fromContinuationToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString('utf8');
  if (toContinuationToken(key) !== token || key.includes('\0')) {
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token);
  }
  return key;
}
