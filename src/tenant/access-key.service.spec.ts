import { randomBytes } from 'node:crypto';
import type { QueryResultRow } from 'pg';
import { Pool } from 'pg';
import type { Statement } from '../database/database';
import { Database, DatabaseUnavailableError } from '../database/database';
import type { NotificationChannel } from '../database/notification-listener';
import { NotificationListener } from '../database/notification-listener';
import { VaultaireConfig } from '../config/vaultaire-config';
import type { AccessKeyRow } from './access-key-loader';
import { AccessKeyService } from './access-key.service';
import { SecretCipher } from './secret-cipher';

const cipher = new SecretCipher(randomBytes(32));
const TENANT = '0190a000-0000-7000-8000-000000000001';

function row(id: string, tenant = TENANT): AccessKeyRow {
  return {
    id,
    secret_ciphertext: cipher.seal(id, `secret of ${id}`),
    expires_at: null,
    user_id: '0190a000-0000-7000-8000-000000000002',
    canonical_id: 'a'.repeat(64),
    display_name: 'root',
    user_name: 'root',
    tenant_id: tenant,
    tenant_name: 'default',
    tenant_state: 'active',
    scope: null,
    plan: null,
    plan_policy: null,
    tenant_policy: {},
  };
}

class FakeListener extends NotificationListener {
  private readonly listeners = new Map<NotificationChannel, (payload: string | undefined) => void>();

  subscribe(channel: NotificationChannel, listener: (payload: string | undefined) => void): void {
    this.listeners.set(channel, listener);
  }

  notify(channel: NotificationChannel, payload: string | undefined): void {
    this.listeners.get(channel)?.(payload);
  }
}

/** Answers queries from `rows`, each only once `answer` was called for it, or at once while `isHeld` is false. */
class FakeDatabase extends Database {
  readonly rows = new Map<string, AccessKeyRow>();
  readonly queries: (readonly string[])[] = [];
  isAway = false;
  isHeld = false;
  private readonly held: (() => void)[] = [];

  constructor() {
    super(new Pool());
  }

  override async query<Row extends QueryResultRow>(_: Statement, values: readonly unknown[]): Promise<Row[]> {
    const ids = values[0] as string[];
    this.queries.push(ids);
    const found = ids.flatMap((id) => this.rows.get(id) ?? []);
    if (this.isHeld) await new Promise<void>((resolve) => this.held.push(resolve));
    if (this.isAway) throw new DatabaseUnavailableError('away');
    return found as unknown as Row[];
  }

  answer(): void {
    this.isHeld = false;
    for (const resolve of this.held.splice(0)) resolve();
  }
}

describe('AccessKeyService', () => {
  let database: FakeDatabase;
  let listener: FakeListener;
  let service: AccessKeyService;

  beforeEach(() => {
    database = new FakeDatabase();
    listener = new FakeListener();
    service = new AccessKeyService(database, listener, cipher, new VaultaireConfig());
  });

  it('loads a key once and then has it in memory', async () => {
    database.rows.set('AKIA1', row('AKIA1'));
    expect(service.findCached('AKIA1')).toBeUndefined();
    await expect(service.find('AKIA1')).resolves.toMatchObject({ secretKey: 'secret of AKIA1', tenantId: TENANT });
    expect(service.findCached('AKIA1')).toMatchObject({ accessKeyId: 'AKIA1', expiresAtMs: undefined });
    await service.find('AKIA1');
    expect(database.queries).toHaveLength(1);
  });

  it('asks once for what many ask at the same time', async () => {
    database.rows.set('AKIA1', row('AKIA1'));
    const found = await Promise.all([service.find('AKIA1'), service.find('AKIA1'), service.find('AKIA1')]);
    expect(database.queries).toEqual([['AKIA1']]);
    expect(new Set(found).size).toBe(1);
  });

  it('does not ask again for an id that is unknown', async () => {
    await expect(service.find('nobody')).resolves.toBeUndefined();
    await expect(service.find('nobody')).resolves.toBeUndefined();
    expect(database.queries).toHaveLength(1);
  });

  it('asks for a flood of unknown ids in a few queries', async () => {
    await Promise.all(Array.from({ length: 1_400 }, (_, index) => service.find(`random-${String(index)}`)));
    expect(database.queries.length).toBeLessThanOrEqual(4);
  });

  it('never asks for what can be no access key id', async () => {
    for (const id of ['', 'a/b', 'x\0yz', 'x'.repeat(129)]) await expect(service.find(id)).resolves.toBeUndefined();
    expect(database.queries).toHaveLength(0);
  });

  it('finds a key that is created elsewhere after it was asked for in vain', async () => {
    await service.find('AKIA1');
    database.rows.set('AKIA1', row('AKIA1'));
    listener.notify('vaultaire_access_keys', 'AKIA1');
    await expect(service.find('AKIA1')).resolves.toMatchObject({ accessKeyId: 'AKIA1' });
  });

  it('forgets a key that is revoked elsewhere', async () => {
    database.rows.set('AKIA1', row('AKIA1'));
    await service.find('AKIA1');
    database.rows.clear();
    listener.notify('vaultaire_access_keys', 'AKIA1');
    expect(service.findCached('AKIA1')).toBeUndefined();
    await expect(service.find('AKIA1')).resolves.toBeUndefined();
  });

  it('does not keep what it was reading while the key changed', async () => {
    database.rows.set('AKIA1', row('AKIA1'));
    database.isHeld = true;
    const stale = service.find('AKIA1');
    database.rows.clear();
    listener.notify('vaultaire_access_keys', 'AKIA1');
    database.answer();
    await stale;
    expect(service.findCached('AKIA1')).toBeUndefined();
    await expect(service.find('AKIA1')).resolves.toBeUndefined();
  });

  it('forgets the keys of a tenant that changes, and no others', async () => {
    database.rows.set('AKIA1', row('AKIA1'));
    database.rows.set('AKIA2', row('AKIA2', '0190a000-0000-7000-8000-000000000009'));
    await Promise.all([service.find('AKIA1'), service.find('AKIA2')]);
    listener.notify('vaultaire_tenants', TENANT);
    expect(service.findCached('AKIA1')).toBeUndefined();
    expect(service.findCached('AKIA2')).toBeDefined();
  });

  it('forgets everything when notifications may have been missed', async () => {
    database.rows.set('AKIA1', row('AKIA1'));
    await service.find('AKIA1');
    listener.notify('vaultaire_tenants', undefined);
    expect(service.findCached('AKIA1')).toBeUndefined();
  });

  it('goes on with the keys in memory while PostgreSQL is away, and says so for others', async () => {
    database.rows.set('AKIA1', row('AKIA1'));
    await service.find('AKIA1');
    database.isAway = true;
    await expect(service.find('AKIA1')).resolves.toMatchObject({ accessKeyId: 'AKIA1' });
    await expect(service.find('AKIA2')).rejects.toBeInstanceOf(DatabaseUnavailableError);
    database.isAway = false;
    await expect(service.find('AKIA2')).resolves.toBeUndefined();
  });

  it('refuses a key whose secret another master key sealed', async () => {
    const foreign = new SecretCipher(randomBytes(32)).seal('AKIA1', 'secret');
    database.rows.set('AKIA1', { ...row('AKIA1'), secret_ciphertext: foreign });
    await expect(service.find('AKIA1')).rejects.toThrow(/master key/);
    expect(service.findCached('AKIA1')).toBeUndefined();
  });
});
