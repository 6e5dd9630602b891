import { hash, randomBytes, randomInt } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { SessionStatement } from './session-token';
import { SessionTokenCipher } from './session-token';

const MAX_CACHED = 10_000;
/** Tokens with long policies take more room than others. */
const MAX_CACHED_CHARS = 16 * 1024 * 1024;
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SESSION_KEY_ID = /^ASIA[A-Z2-7]{16}$/;

/** Temporary credentials, as a client gets them. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly sessionToken: string;
  readonly expiresAtMs: number;
}

/** Whether the id looks like one of temporary credentials, which are of no use without their token. */
export function isSessionKeyId(accessKeyId: string): boolean {
  return SESSION_KEY_ID.test(accessKeyId);
}

/**
 * Issues and opens session tokens. Nothing is stored, so that any worker or machine with the master key knows them; those that
 * were seen lately are kept open in memory, found by the hash of the token and the id they came with.
 */
export class SessionTokens {
  private readonly cipher: SessionTokenCipher;
  private readonly opened = new LRUCache<string, SessionStatement>({
    max: MAX_CACHED,
    maxSize: MAX_CACHED_CHARS,
  });

  constructor(masterKey: Buffer) {
    this.cipher = new SessionTokenCipher(masterKey);
  }

  issue(session: Omit<SessionStatement, 'accessKeyId' | 'secretKey'>): SessionCredentials {
    const suffix = Array.from({ length: 16 }, () => ID_ALPHABET.charAt(randomInt(ID_ALPHABET.length))).join('');
    const accessKeyId = `ASIA${suffix}`;
    const secretKey = randomBytes(30).toString('base64url');
    const sessionToken = this.cipher.seal({ ...session, accessKeyId, secretKey });
    return { accessKeyId, secretKey, sessionToken, expiresAtMs: session.expiresAtMs };
  }

  /**
   * The same object for the same token while it is in memory. Undefined for a token that was not issued here, or for another
   * id. The caller decides about expiry and the parent.
   */
  open(accessKeyId: string, token: string): SessionStatement | undefined {
    const name = hash('sha256', `${accessKeyId}\n${token}`, 'base64');
    const known = this.opened.get(name);
    if (known !== undefined) return known;
    const statement = this.cipher.open(accessKeyId, token);
    if (statement !== undefined) this.opened.set(name, statement, { size: token.length });
    return statement;
  }
}
