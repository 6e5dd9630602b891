import { Client } from 'pg';
import type { AdminAnswer, AdminRequestOptions } from '../support/admin-requests';
import { ask } from '../support/admin-requests';
import { until } from '../support/until';
import { useS3 } from './s3-suite';

jest.setTimeout(60_000);

const NUL = '%00';

/** Where the tenants, users, keys and plans of the admin API have their edges. */
describe('administration at its edges', () => {
  const suite = useS3({ config: { plans: [{ name: 'bronze', policy: {} }] } });
  let database: Client;
  let count = 0;

  beforeAll(async () => {
    database = new Client({ connectionString: suite.vaultaire.databaseUrl });
    // The database may go before the connection.
    database.on('error', () => undefined);
    await database.connect();
  });
  afterAll(() => database.end());

  const api = (method: string, path: string, body?: unknown, options: AdminRequestOptions = {}): Promise<AdminAnswer> =>
    ask(suite.vaultaire, method, `/api/v1${path}`, { ...options, ...(body === undefined ? {} : { body }) });
  /** Changes what is there now. */
  const change = async (path: string, body: unknown): Promise<AdminAnswer> => {
    const { headers } = await api('GET', path);
    return api('PATCH', path, body, { headers: { 'If-Match': headers.get('etag') ?? '' } });
  };
  const newTenant = async (more: object = {}): Promise<string> => {
    count += 1;
    const name = `edge-${count}`;
    expect((await api('POST', '/tenants', { name, ...more })).status).toBe(201);
    expect((await api('POST', `/tenants/${name}/users`, { name: 'alice' })).status).toBe(201);
    return `/tenants/${name}`;
  };
  const createKey = (tenant: string, body: object = {}): Promise<AdminAnswer> =>
    api('POST', `${tenant}/users/alice/keys`, body);
  /** Path of a new key. */
  const newKey = async (tenant: string): Promise<string> =>
    `${tenant}/keys/${(await createKey(tenant)).body.accessKeyId}`;
  const expire = async (key: string): Promise<void> => {
    await database.query(`UPDATE access_keys SET expires_at = now() - interval '1 second' WHERE id = $1`, [
      key.split('/').at(-1),
    ]);
  };
  const activeKeys = async (tenant: string): Promise<number> => (await api('GET', `${tenant}/usage`)).body.accessKeys;

  describe('the bound of active keys', () => {
    const oneKey = { policy: { quota: { accessKeys: 1 } } };

    it('holds when an expired key is given more time', async () => {
      const tenant = await newTenant(oneKey);
      const key = await newKey(tenant);
      await expire(key);
      await newKey(tenant);
      expect((await change(key, { expiresAt: null })).status).toBe(409);
      expect(await activeKeys(tenant)).toBe(1);
      expect((await change(key, { description: 'old' })).status).toBe(200);
    });

    it('holds when many expired keys are given more time at once', async () => {
      const tenant = await newTenant();
      const keys = await Promise.all(Array.from({ length: 6 }, () => newKey(tenant)));
      for (const key of keys) await expire(key);
      await change(tenant, { policy: { quota: { accessKeys: 2 } } });
      const answers = await Promise.all(keys.map((key) => change(key, { expiresAt: null })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 409, 409, 409, 409]);
      expect(await activeKeys(tenant)).toBe(2);
    });

    it('lets a key be rotated without overlap, and not with', async () => {
      const tenant = await newTenant(oneKey);
      const key = await newKey(tenant);
      expect((await api('POST', `${key}/rotate`, { overlapSeconds: 60 })).status).toBe(409);
      expect((await api('GET', key)).body).not.toHaveProperty('expiresAt');
      expect((await api('POST', `${key}/rotate`, { overlapSeconds: 0 })).status).toBe(201);
      expect(await activeKeys(tenant)).toBe(1);
      expect((await api('GET', key)).body.state).toBe('expired');
    });

    it('lets the keys of a tenant change that has more than it may since', async () => {
      const tenant = await newTenant();
      const [key] = [await newKey(tenant), await newKey(tenant)];
      await change(tenant, oneKey);
      expect((await change(key, { description: 'still here' })).status).toBe(200);
      expect((await api('POST', `${key}/rotate`, { overlapSeconds: 0 })).status).toBe(201);
      expect((await createKey(tenant)).status).toBe(409);
    });
  });

  it.each(['expired', 'revoked'])('rotates no key that is %s', async (state) => {
    const tenant = await newTenant();
    const key = await newKey(tenant);
    await (state === 'expired' ? expire(key) : api('DELETE', key));
    expect((await api('GET', key)).body.state).toBe(state);
    expect((await api('POST', `${key}/rotate`, {})).status).toBe(409);
    expect(await activeKeys(tenant)).toBe(0);
  });

  it('rotates a key once, however often it is asked at once', async () => {
    const tenant = await newTenant();
    const key = await newKey(tenant);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => api('POST', `${key}/rotate`, { overlapSeconds: 0 })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect(await activeKeys(tenant)).toBe(1);
  });

  describe('a tenant that is closing', () => {
    const unfinishedJobs = async (name: string): Promise<number> => {
      const { rows } = await database.query(`SELECT id FROM jobs WHERE parameters ->> 'tenant' = $1`, [name]);
      return rows.length;
    };

    it('gets nothing new', async () => {
      const tenant = await newTenant();
      const key = await newKey(tenant);
      await database.query(`UPDATE tenants SET state = 'closing' WHERE name = $1`, [tenant.split('/').at(-1)]);
      const answers = [
        await api('POST', `${tenant}/users`, { name: 'bob' }),
        await createKey(tenant),
        await api('POST', `${key}/rotate`, {}),
        await api('POST', `${tenant}/containers`, { name: 'new-box', owner: 'alice' }),
        await change(tenant, { state: 'active' }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 409, 409]);
    });

    it('is closed by one job, however often it is asked for', async () => {
      const tenant = await newTenant();
      const answers = await Promise.all(Array.from({ length: 5 }, () => api('DELETE', tenant)));
      // Whoever came when the job was done found nothing any more.
      expect(answers.every(({ status }) => status === 202 || status === 404)).toBe(true);
      await until('the tenant is gone', async () => (await api('GET', tenant)).status === 404);
      expect(await unfinishedJobs(tenant.split('/').at(-1) ?? '')).toBe(1);
    });

    it('stays as it was when it has containers and is not forced', async () => {
      const tenant = await newTenant();
      await api('POST', `${tenant}/containers`, { name: 'a-box', owner: 'alice' });
      expect((await api('DELETE', tenant)).status).toBe(409);
      expect((await api('GET', tenant)).body.state).toBe('active');
      expect(await unfinishedJobs(tenant.split('/').at(-1) ?? '')).toBe(0);
    });
  });

  it.each([
    ['/tenants/TENANT', { state: null }, 'state'],
    ['/tenants/TENANT', { policy: null }, 'policy'],
    ['/tenants/TENANT/users/alice', { displayName: null }, 'displayName'],
    ['/plans/PLAN', { policy: null }, 'policy'],
  ])("refuses null for what can't be nothing: PATCH %s %j", async (path, body, field) => {
    const tenant = await newTenant();
    const plan = `plan-${count}`;
    await api('POST', '/plans', { name: plan, policy: {} });
    const answer = await change(path.replace('/tenants/TENANT', tenant).replace('PLAN', plan), body);
    expect({ status: answer.status, field: answer.body.errors?.[0].field }).toEqual({ status: 400, field });
  });

  it('names the field of a plan that is not there', async () => {
    const tenant = await newTenant();
    for (const answer of [
      await api('POST', '/tenants', { name: 'without-plan', plan: 'nowhere' }),
      await change(tenant, { plan: 'nowhere' }),
    ]) {
      expect({ status: answer.status, field: answer.body.errors?.[0].field }).toEqual({ status: 400, field: 'plan' });
    }
    expect((await api('GET', '/tenants/without-plan')).status).toBe(404);
  });

  it('names the operations of a scope that S3 does not have', async () => {
    const tenant = await newTenant();
    const scope = { operations: ['read', 'GetObjects', 'PutObject'] };
    const errors = [{ field: 'scope.operations', message: 'S3 has no operation GetObjects' }];
    for (const answer of [await createKey(tenant, { scope }), await change(await newKey(tenant), { scope })]) {
      expect({ status: answer.status, errors: answer.body.errors }).toEqual({ status: 400, errors });
    }
    expect((await createKey(tenant, { scope: { operations: ['read', 'PutObject'] } })).status).toBe(201);
  });

  it.each(['/tenants', '/tenants/default/users'])('gives no name that looks like an id: POST %s', async (path) => {
    const answer = await api('POST', path, { name: '0190a000-0000-7000-8000-000000000001' });
    expect({ status: answer.status, field: answer.body.errors?.[0].field }).toEqual({ status: 400, field: 'name' });
  });

  it.each([
    `/tenants/${NUL}`,
    `/tenants?prefix=${NUL}`,
    `/tenants?cursor=${Buffer.from(JSON.stringify('\0')).toString('base64url')}`,
    `/plans/${NUL}`,
    `/tenants/default/users/${NUL}`,
    `/tenants/default/keys/${NUL}`,
    `/tenants/default/containers/${NUL}`,
    `/jobs?tenant=${NUL}`,
  ])('refuses NUL, which PostgreSQL has no place for: %s', async (path) => {
    expect((await api('GET', path)).status).toBe(400);
  });

  it('refuses NUL in texts that are stored', async () => {
    const tenant = await newTenant();
    for (const [path, body] of [
      ['/tenants', { name: 'with-nul', displayName: 'a\0' }],
      ['/plans', { name: 'with-nul', description: 'a\0', policy: {} }],
      [`${tenant}/users/alice/keys`, { description: 'a\0' }],
      [`${tenant}/containers`, { name: 'new-box', owner: 'a\0' }],
    ] as const) {
      expect([path, (await api('POST', path, body)).status]).toEqual([path, 400]);
    }
  });

  it('takes over a plan that no longer stands in the configuration', async () => {
    await database.query(`INSERT INTO plans (name, source) VALUES ('left-the-file', 'file')`);
    expect((await api('DELETE', '/plans/left-the-file')).status).toBe(409);
    await suite.vaultaire.terminate();
    await suite.vaultaire.start();
    expect((await api('GET', '/plans/left-the-file')).body.source).toBe('api');
    expect((await api('DELETE', '/plans/left-the-file')).status).toBe(204);
    expect((await api('GET', '/plans/bronze')).body.source).toBe('file');
  });
});
