import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/** A stored secret can't be opened: the master key is another one, or the row was altered. Holds no secret. */
export class SecretUnreadableError extends Error {
  override readonly name = 'SecretUnreadableError';
}

/**
 * Encrypts the secrets of access keys at rest: AES-256-GCM under the master key (NIST SP 800-38D), with a random nonce of
 * 96 bits per secret.
 *
 * Format: one byte version (1), nonce, tag, ciphertext. The version and the id of the access key are authenticated, so
 * that a ciphertext copied to another row does not open.
 */
export class SecretCipher {
  /** @throws RangeError unless `masterKey` has 32 bytes */
  constructor(private readonly masterKey: Buffer) {
    if (masterKey.length !== 32) throw new RangeError('The master key must have 32 bytes');
  }

  seal(accessKeyId: string, secret: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.masterKey, nonce);
    cipher.setAAD(boundTo(accessKeyId));
    const ciphertext = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), ciphertext]);
  }

  /** @throws SecretUnreadableError */
  open(accessKeyId: string, sealed: Buffer): string {
    if (sealed[0] !== FORMAT || sealed.length < HEADER_BYTES) {
      throw new SecretUnreadableError(`The secret of access key ${accessKeyId} has an unknown format`);
    }
    const decipher = createDecipheriv('aes-256-gcm', this.masterKey, sealed.subarray(1, 1 + NONCE_BYTES));
    decipher.setAAD(boundTo(accessKeyId));
    decipher.setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEADER_BYTES));
    try {
      return decipher.update(sealed.subarray(HEADER_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch (cause) {
      throw new SecretUnreadableError(
        `The secret of access key ${accessKeyId} was not encrypted under this master key`,
        { cause },
      );
    }
  }
}

function boundTo(accessKeyId: string): Buffer {
  return Buffer.from(`vaultaire:access-key:v${String(FORMAT)}:${accessKeyId}`, 'utf8');
}
