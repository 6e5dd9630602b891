import { createHmac, hkdfSync } from 'node:crypto';
import type { EventValues } from '../query/event-fields';
import { EVENT_FIELDS } from '../query/event-fields';

const SALT_BYTES = 32;
const PURPOSE = 'vaultaire event export, keys, version 1';
const HASH_DIGITS = 32;
const KEY_AT = EVENT_FIELDS.findIndex(({ name }) => name === 'artifact_key');
const TENANT_AT = EVENT_FIELDS.findIndex(({ name }) => name === 'tenant_id');

/**
 * Puts an HMAC-SHA-256 (128 bits of it) in the place of each key: the same key of a tenant has the same hash in every export, and
 * nobody without the master key can try keys out or compare those of two tenants.
 */
export class KeyHasher {
  private readonly salts = new Map<string, Buffer>();

  constructor(private readonly masterKey: Buffer) {}

  hashed(values: EventValues): EventValues {
    const key = values[KEY_AT];
    if (typeof key !== 'string') return values;
    const hash = createHmac('sha256', this.saltOf(String(values[TENANT_AT])))
      .update(key)
      .digest('hex');
    return values.with(KEY_AT, hash.slice(0, HASH_DIGITS));
  }

  private saltOf(tenantId: string): Buffer {
    let salt = this.salts.get(tenantId);
    if (salt === undefined) {
      salt = Buffer.from(hkdfSync('sha256', this.masterKey, tenantId, PURPOSE, SALT_BYTES));
      this.salts.set(tenantId, salt);
    }
    return salt;
  }
}
