import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { TenantId, UserId } from '../context/ids';
import { tenantId, userId } from '../context/ids';
import { VaultaireConfig } from '../config/vaultaire-config';
import { Database } from '../database/database';
import { NotificationListener } from '../database/notification-listener';
import { isAccessKeyId } from './access-key-id';
import type { AccessKeyRow } from './access-key-loader';
import { AccessKeyLoader } from './access-key-loader';
import type { TenantState } from './entities/tenant.entity';
import type { EffectivePolicy } from '../context/policy/effective-policy';
import { effectivePolicy } from '../context/policy/effective-policy';
import type { KeyScope } from '../context/policy/key-scope';
import { SecretCipher } from './secret-cipher';

/** An active access key, as the check of a signature needs it. The caller decides about expiry and the tenant's state. */
export interface AccessKeyRecord {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly userId: UserId;
  readonly userName: string;
  /** 64 hex digits. */
  readonly canonicalId: string;
  readonly displayName: string;
  readonly tenantState: TenantState;
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** Undefined: all that the user may. */
  readonly scope: KeyScope | undefined;
  /** Plan of the tenant; undefined: none. */
  readonly planName?: string | undefined;
  /** Quotas and limits of the tenant. */
  readonly policy: EffectivePolicy;
}

const MAX_CACHED_KEYS = 10_000;
const MAX_CACHED_UNKNOWN = 10_000;
const UNKNOWN_TTL_MS = 5_000;

/**
 * Finds access keys, from memory where it can.
 *
 * A change on any worker or machine drops the entry by notification, and so does the creation of a key that was asked for
 * before it existed. When notifications may have been missed, everything is dropped. A load that a change overtook is
 * answered but not kept.
 */
@Injectable()
export class AccessKeyService {
  private readonly known = new LRUCache<string, AccessKeyRecord>({ max: MAX_CACHED_KEYS });
  private readonly unknown = new LRUCache<string, true>({ max: MAX_CACHED_UNKNOWN, ttl: UNKNOWN_TTL_MS });
  private readonly loading = new Map<string, Promise<AccessKeyRecord | undefined>>();
  private readonly loader: AccessKeyLoader;

  constructor(
    database: Database,
    listener: NotificationListener,
    private readonly cipher: SecretCipher,
    private readonly config: VaultaireConfig,
  ) {
    this.loader = new AccessKeyLoader(database);
    listener.subscribe('vaultaire_access_keys', (id) => {
      if (id === undefined) this.forgetAll();
      else this.forgetKey(id);
    });
    listener.subscribe('vaultaire_tenants', (id) => {
      if (id === undefined) this.forgetAll();
      else this.forgetTenant(id);
    });
    listener.subscribe('vaultaire_plans', () => {
      this.forgetAll();
    });
  }

  /** The key if it is in memory; undefined says nothing about whether it exists. Never waits. */
  findCached(accessKeyId: string): AccessKeyRecord | undefined {
    return this.known.get(accessKeyId);
  }

  /** {@link find} would ask the database, and nobody has asked already. */
  needsLoad(accessKeyId: string): boolean {
    return (
      !this.known.has(accessKeyId) &&
      !this.unknown.has(accessKeyId) &&
      !this.loading.has(accessKeyId) &&
      isAccessKeyId(accessKeyId)
    );
  }

  /**
   * The key, loaded if need be. Undefined: no such key, or it was revoked.
   *
   * @throws DatabaseUnavailableError when it is not in memory and PostgreSQL is away
   * @throws SecretUnreadableError when it was stored under another master key
   */
  find(accessKeyId: string): Promise<AccessKeyRecord | undefined> {
    const known = this.known.get(accessKeyId);
    if (known !== undefined || this.unknown.has(accessKeyId) || !isAccessKeyId(accessKeyId)) {
      return Promise.resolve(known);
    }
    const underway = this.loading.get(accessKeyId);
    if (underway !== undefined) return underway;

    const load: Promise<AccessKeyRecord | undefined> = this.loader.load(accessKeyId).then((row) => {
      const record = row === undefined ? undefined : this.toRecord(row);
      if (this.finish(accessKeyId, load)) {
        if (record === undefined) this.unknown.set(accessKeyId, true);
        else this.known.set(accessKeyId, record);
      }
      return record;
    });
    this.loading.set(accessKeyId, load);
    load.catch(() => this.finish(accessKeyId, load));
    return load;
  }

  /** False when a change of the key overtook the load: what was read may be out of date. */
  private finish(accessKeyId: string, load: Promise<AccessKeyRecord | undefined>): boolean {
    return this.loading.get(accessKeyId) === load && this.loading.delete(accessKeyId);
  }

  private toRecord(row: AccessKeyRow): AccessKeyRecord {
    return {
      accessKeyId: row.id,
      secretKey: this.cipher.open(row.id, row.secret_ciphertext),
      tenantId: tenantId(row.tenant_id),
      tenantName: row.tenant_name,
      userId: userId(row.user_id),
      userName: row.user_name,
      canonicalId: row.canonical_id,
      displayName: row.display_name,
      tenantState: row.tenant_state,
      expiresAtMs: row.expires_at?.getTime(),
      scope: row.scope ?? undefined,
      planName: row.plan ?? undefined,
      policy: effectivePolicy({ limits: this.config.defaultLimits() }, row.plan_policy, row.tenant_policy),
    };
  }

  private forgetKey(accessKeyId: string): void {
    this.known.delete(accessKeyId);
    this.unknown.delete(accessKeyId);
    this.loading.delete(accessKeyId);
  }

  private forgetTenant(id: string): void {
    for (const [accessKeyId, record] of this.known.entries()) {
      if (record.tenantId === id) this.known.delete(accessKeyId);
    }
    this.loading.clear();
  }

  private forgetAll(): void {
    this.known.clear();
    this.unknown.clear();
    this.loading.clear();
  }
}
