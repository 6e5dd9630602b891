import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { SessionPolicy } from '../context/policy/session-policy';

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES;
/** More than any token that is issued takes; what is longer is not looked at. */
const MAX_TOKEN_LENGTH = 8_192;

/** What temporary credentials are good for. Nothing of it is stored: it travels, sealed, in the session token. */
export interface SessionStatement {
  /** `ASIA` and 16 of `A-Z 2-7`. */
  readonly accessKeyId: string;
  readonly secretKey: string;
  /** The access key that the session comes from, over however many roles; its rights are the most that the session has. */
  readonly parentKeyId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** All of them must allow a request. */
  readonly policies: readonly SessionPolicy[];
  /** Undefined for `GetSessionToken`. */
  readonly role: SessionRole | undefined;
}

export interface SessionRole {
  readonly name: string;
  readonly id: string;
  readonly sessionName: string;
}

/** Short names, since the token goes with every request. */
interface Sealed {
  readonly s: string;
  readonly k: string;
  readonly i: number;
  readonly e: number;
  readonly p?: readonly SessionPolicy[];
  readonly r?: readonly [name: string, id: string, sessionName: string];
}

/**
 * Seals session tokens: AES-256-GCM under a key of each session's own, which HKDF-SHA-256 (RFC 5869) derives from the master key
 * and the session's access key id. So a token opens for its own id only, and no nonce is ever used twice with a key.
 *
 * Format, in base64url: one byte version (1), nonce, tag, ciphertext of a JSON document.
 */
export class SessionTokenCipher {
  constructor(private readonly masterKey: Buffer) {}

  seal(statement: SessionStatement): string {
    const { role, policies } = statement;
    const sealed: Sealed = {
      s: statement.secretKey,
      k: statement.parentKeyId,
      i: statement.issuedAtMs,
      e: statement.expiresAtMs,
      ...(policies.length === 0 ? {} : { p: policies }),
      ...(role === undefined ? {} : { r: [role.name, role.id, role.sessionName] }),
    };
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.keyOf(statement.accessKeyId), nonce);
    const ciphertext = Buffer.concat([cipher.update(JSON.stringify(sealed), 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), ciphertext]).toString('base64url');
  }

  /** Undefined for whatever was not sealed here for this id. Says nothing about the time. */
  open(accessKeyId: string, token: string): SessionStatement | undefined {
    if (token.length > MAX_TOKEN_LENGTH) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length <= HEADER_BYTES || bytes[0] !== FORMAT || bytes.toString('base64url') !== token) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.keyOf(accessKeyId), bytes.subarray(1, 1 + NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, HEADER_BYTES));
    let text: string;
    try {
      text = decipher.update(bytes.subarray(HEADER_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
    return parseSealed(accessKeyId, text);
  }

  private keyOf(accessKeyId: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.masterKey, accessKeyId, 'vaultaire:session-token:v1', 32));
  }
}

/** `text` was authenticated: it is what {@link SessionTokenCipher.seal} wrote. */
function parseSealed(accessKeyId: string, text: string): SessionStatement {
  const { s, k, i, e, p = [], r } = JSON.parse(text) as Sealed;
  return {
    accessKeyId,
    secretKey: s,
    parentKeyId: k,
    issuedAtMs: i,
    expiresAtMs: e,
    policies: p,
    role: r === undefined ? undefined : { name: r[0], id: r[1], sessionName: r[2] },
  };
}
