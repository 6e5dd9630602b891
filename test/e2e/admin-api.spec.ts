import { randomUUID } from 'node:crypto';
import type { OpenAPIObject } from '@nestjs/swagger';
import { Client } from 'pg';
import type { AdminAnswer, AdminRequestOptions } from '../support/admin-requests';
import { ask } from '../support/admin-requests';
import type { RunningVaultaire, VaultaireOptions } from '../support/start-vaultaire';
import { prepareVaultaire, startVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';

jest.setTimeout(120_000);

const TENANT_A = randomUUID();
const TENANT_B = randomUUID();
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

let vaultaire: RunningVaultaire;
let database: Client;

async function start(options: VaultaireOptions): Promise<void> {
  vaultaire = await startVaultaire(options);
  database = new Client({ connectionString: vaultaire.databaseUrl });
  await database.connect();
  await database.query(`INSERT INTO tenants (id, name) VALUES ($1, 'acme'), ($2, 'bolt')`, [TENANT_A, TENANT_B]);
}

async function stop(): Promise<void> {
  await database.end();
  await vaultaire.stop();
}

const api = (method: string, path: string, options?: AdminRequestOptions): Promise<AdminAnswer> =>
  ask(vaultaire, method, `/api/v1${path}`, options);

let count = 0;

/** Creates a token of a new name, and tells the token itself. */
async function tokenOf(role: string, tenant?: string): Promise<{ token: string; name: string; id: string }> {
  count += 1;
  const name = `${role}-${count}`;
  const { status, body } = await api('POST', '/tokens', { body: { name, role, tenant } });
  expect(status).toBe(201);
  return { token: body.token, name, id: body.id };
}

describe('the admin API', () => {
  beforeAll(() => start({}), 60_000);
  afterAll(stop, 60_000);

  describe('problems', () => {
    it('answers what it refuses as a problem document with the id of the request', async () => {
      const { status, headers, body } = await api('GET', '/tokens/nobody?x=1');
      expect(status).toBe(404);
      expect(headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
      expect(body).toEqual({
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        detail: 'There is no token nobody',
        instance: '/api/v1/tokens/nobody',
        requestId: headers.get('X-Request-Id'),
      });
    });

    it('knows no other paths, and tells the methods of those it knows', async () => {
      expect(await api('GET', '/nothing')).toMatchObject({ status: 404, body: { status: 404 } });
      expect(await ask(vaultaire, 'GET', '/my-bucket/key')).toMatchObject({ status: 404, body: { status: 404 } });
      const refused = await api('PATCH', '/tokens', { body: {} });
      expect(refused.status).toBe(405);
      expect(refused.headers.get('Allow')).toBe('GET, POST');
    });

    it('names every bad field by its path', async () => {
      const { status, body } = await api('POST', '/tokens', {
        body: { name: 'Not A Name', role: 'king', expiresAt: 'soon', unknown: true },
      });
      expect(status).toBe(400);
      expect(body.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
        'expiresAt',
        'name',
        'role',
        'unknown',
      ]);
      for (const { field, message } of body.errors) expect(message).toContain(field);
      expect((await api('GET', '/tokens?limit=1001&colour=red')).body.errors).toHaveLength(2);
    });

    it.each([
      ['malformed JSON', '{"name":', {}, 400],
      ['an empty name of a field', '{"":1}', {}, 400],
      ['an array', '[]', {}, 400],
      ['null', 'null', {}, 400],
      ['deep nesting', `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`, {}, 400],
      ['another media type', 'name=x', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
      ['an encoded body', '{}', { 'Content-Encoding': 'gzip' }, 415],
      ['a body of more than 1 MiB', `{"name":"${'x'.repeat(1024 * 1024)}"}`, {}, 413],
    ])('refuses %s', async (_what, body, headers, status) => {
      const answer = await api('POST', '/tokens', { body, headers });
      expect(answer).toMatchObject({ status, body: { status } });
    });

    it('refuses a cursor that it did not give', async () => {
      for (const cursor of ['x', 'IjEi', Buffer.from('{"a":1}').toString('base64url')]) {
        const { status, body } = await api('GET', `/tokens?cursor=${cursor}`);
        expect({ status, field: body.errors[0].field }).toEqual({ status: 400, field: 'cursor' });
      }
    });
  });

  describe('tokens', () => {
    it('asks for one, and refuses those that it does not know', async () => {
      const none = await api('GET', '/server', { token: null });
      expect(none.status).toBe(401);
      expect(none.headers.get('WWW-Authenticate')).toBe('Bearer realm="vaultaire"');
      const unknown = await api('GET', '/server', { token: 'vat_unknown' });
      expect(unknown.status).toBe(401);
      expect(unknown.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
      const basic = await api('GET', '/server', { token: null, headers: { Authorization: 'Basic YTpi' } });
      expect(basic.status).toBe(401);
    });

    it('shows a token once and stores only its hash', async () => {
      const { token, id } = await tokenOf('viewer');
      expect(token).toMatch(/^vat_[\w-]{43}$/);
      expect((await api('GET', `/tokens/${id}`)).body).not.toHaveProperty('token');
      expect(JSON.stringify((await api('GET', '/tokens')).body)).not.toContain(token);
      const { rows } = await database.query<{ row: string }>('SELECT t::text AS row FROM admin_tokens t');
      expect(rows.map(({ row }) => row).join('\n')).not.toContain(token);
    });

    it('refuses one that has expired', async () => {
      const { token, id } = await tokenOf('viewer');
      expect((await api('GET', '/server', { token })).status).toBe(200);
      await database.query(`UPDATE admin_tokens SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
      await until('the token is refused', async () => (await api('GET', '/server', { token })).status === 401, 1_000);
      expect((await api('GET', `/tokens/${id}`)).body.state).toBe('expired');
    });

    it('keeps the last active token of an operator, and lets another one revoke it', async () => {
      const [first] = (await api('GET', '/tokens')).body.items.filter(
        ({ name }: { name: string }) => name === 'environment',
      );
      expect((await api('DELETE', `/tokens/${first.id}`)).status).toBe(409);
      const { token, id } = await tokenOf('operator');
      expect((await api('DELETE', `/tokens/${id}`, { token })).status).toBe(204);
      await until('it revoked itself', async () => (await api('GET', '/server', { token })).status === 401, 1_000);
      expect((await api('GET', '/server')).status).toBe(200);
    });

    it('refuses a second active token of a name, and names of the start-up', async () => {
      const { name, id } = await tokenOf('viewer');
      expect((await api('POST', '/tokens', { body: { name, role: 'viewer' } })).status).toBe(409);
      expect((await api('POST', '/tokens', { body: { name: 'first', role: 'viewer' } })).status).toBe(400);
      await api('DELETE', `/tokens/${id}`);
      expect((await api('POST', '/tokens', { body: { name, role: 'viewer' } })).status).toBe(201);
    });

    it('binds a tenant-admin to a tenant, and nobody else', async () => {
      for (const body of [
        { name: 'x', role: 'tenant-admin' },
        { name: 'x', role: 'tenant-admin', tenant: 'nobody' },
        { name: 'x', role: 'viewer', tenant: 'acme' },
      ]) {
        const { status, body: problem } = await api('POST', '/tokens', { body });
        expect({ status, field: problem.errors[0].field }).toEqual({ status: 400, field: 'tenant' });
      }
    });

    it('refuses the tenant-admin of a suspended tenant within a second', async () => {
      const id = randomUUID();
      await database.query(`INSERT INTO tenants (id, name) VALUES ($1, 'paused')`, [id]);
      const { token } = await tokenOf('tenant-admin', 'paused');
      expect((await api('GET', '/jobs', { token })).status).toBe(200);
      await database.query(`UPDATE tenants SET state = 'suspended' WHERE id = $1`, [id]);
      await until('it is refused', async () => (await api('GET', '/jobs', { token })).status === 403, 1_000);
    });

    it('pages through the list without losing or repeating one', async () => {
      for (let made = 0; made < 5; made += 1) await tokenOf('viewer');
      const all = (await api('GET', '/tokens?limit=1000')).body.items.map(({ id }: { id: string }) => id);
      const seen: string[] = [];
      let cursor = '';
      do {
        const { body } = await api('GET', `/tokens?limit=2${cursor}`);
        expect(body.items.length).toBeLessThanOrEqual(2);
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor === undefined ? '' : `&cursor=${body.nextCursor}`;
      } while (cursor !== '');
      expect(seen).toEqual(all);
    });
  });

  describe('Idempotency-Key', () => {
    const post = (key: string, body: unknown, token?: string): Promise<AdminAnswer> =>
      api('POST', '/tokens', { body, headers: { 'Idempotency-Key': key }, ...(token === undefined ? {} : { token }) });

    it('gives the first answer again, secrets included, which are sealed meanwhile', async () => {
      const first = await post('again', { name: 'again', role: 'viewer' });
      const second = await post('again', { name: 'again', role: 'viewer' });
      expect(first.headers.get('Idempotency-Replayed')).toBeNull();
      expect(second.headers.get('Idempotency-Replayed')).toBe('true');
      expect({ status: second.status, body: second.body }).toEqual({ status: first.status, body: first.body });
      const { rows } = await database.query<{ answer: Buffer }>('SELECT answer FROM idempotency_keys');
      expect(rows.length).toBeGreaterThan(0);
      for (const { answer } of rows) expect(answer.includes(first.body.token)).toBe(false);
    });

    it('refuses another request with the same key', async () => {
      await post('other', { name: 'one', role: 'viewer' });
      expect((await post('other', { name: 'two', role: 'viewer' })).status).toBe(422);
    });

    it('carries one of many concurrent requests out', async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => post('at-once', { name: 'at-once', role: 'viewer' })),
      );
      const created = answers.filter(({ status }) => status === 201);
      expect(created.length).toBeGreaterThan(0);
      expect(new Set(created.map(({ body }) => body.token)).size).toBe(1);
      for (const { status } of answers) expect([201, 409]).toContain(status);
      expect(created.filter(({ headers }) => !headers.has('Idempotency-Replayed'))).toHaveLength(1);
    });

    it('lets a failed request be tried again', async () => {
      const { id } = await tokenOf('viewer');
      await database.query(`UPDATE admin_tokens SET name = 'taken' WHERE id = $1`, [id]);
      expect((await post('retry', { name: 'taken', role: 'viewer' })).status).toBe(409);
      await api('DELETE', `/tokens/${id}`);
      expect((await post('retry', { name: 'taken', role: 'viewer' })).status).toBe(201);
    });

    it('keeps the keys of different tokens apart', async () => {
      const { token } = await tokenOf('operator');
      expect((await post('shared', { name: 'mine', role: 'viewer' })).status).toBe(201);
      expect((await post('shared', { name: 'theirs', role: 'viewer' }, token)).status).toBe(201);
    });

    it('takes over a key whose process died, and forgets keys after a day', async () => {
      const { id } = (await api('GET', '/tokens/environment')).body;
      await post('died', { name: 'died-1', role: 'viewer' });
      const age = (interval: string): Promise<unknown> =>
        database.query(
          `UPDATE idempotency_keys SET status = NULL, answer = NULL, created_at = now() - $1::interval
            WHERE actor = $2 AND key = 'died'`,
          [interval, id],
        );
      await age('1 minute');
      expect((await post('died', { name: 'died-1', role: 'viewer' })).status).toBe(409);
      await api('DELETE', '/tokens/died-1');
      await age('3 minutes');
      expect((await post('died', { name: 'died-1', role: 'viewer' })).status).toBe(201);
      await database.query(`UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'died'`);
      expect((await post('died', { name: 'died-2', role: 'viewer' })).status).toBe(201);
    });
  });

  describe('the event log', () => {
    const rowOf = async (requestId: string | null): Promise<Record<string, unknown>> => {
      let found: Record<string, unknown> | undefined;
      await until('the event is written', async () => {
        const { rows } = await database.query<Record<string, unknown>>(
          `SELECT operation, actor, status, tenant_id, host(remote_address::inet) AS address, latency_ms > 0 AS is_timed
            FROM events WHERE request_id = $1`,
          [requestId],
        );
        found = rows[0];
        return found !== undefined;
      });
      return found ?? {};
    };

    it('tells who did what, also what was refused', async () => {
      const { token, name } = await tokenOf('viewer');
      const common = { address: '127.0.0.1', is_timed: true, tenant_id: null };
      const made = await api('POST', '/tokens', { body: { name: 'logged', role: 'viewer' } });
      const denied = await api('GET', '/tokens', { token });
      const stranger = await api('GET', '/tokens', { token: null });
      const lost = await api('GET', '/nowhere');
      expect(await rowOf(made.headers.get('X-Request-Id'))).toEqual({
        ...common,
        operation: 'admin.TokenCreate',
        actor: 'token:environment',
        status: 201,
      });
      expect(await rowOf(denied.headers.get('X-Request-Id'))).toEqual({
        ...common,
        operation: 'admin.TokenList',
        actor: `token:${name}`,
        status: 403,
      });
      expect(await rowOf(stranger.headers.get('X-Request-Id'))).toEqual({
        ...common,
        operation: 'admin.TokenList',
        actor: null,
        status: 401,
      });
      expect(await rowOf(lost.headers.get('X-Request-Id'))).toMatchObject({ operation: 'admin.Unknown', status: 404 });
    });

    it('has a counterpart in the metrics', async () => {
      const metrics = await (await fetch(`${vaultaire.adminEndpoint}/metrics`)).text();
      expect(metrics).toMatch(/^vaultaire_admin_requests_total\{operation="admin.TokenCreate",code="201"\} [1-9]/m);
      expect(metrics).toMatch(/^vaultaire_admin_request_duration_seconds_count\{operation="admin.TokenList"\} [1-9]/m);
    });

    it('names the tenant of a tenant-admin', async () => {
      const { token } = await tokenOf('tenant-admin', 'bolt');
      const { headers } = await api('GET', '/jobs', { token });
      expect(await rowOf(headers.get('X-Request-Id'))).toMatchObject({ tenant_id: TENANT_B });
    });
  });

  describe('the server and its drivers', () => {
    it('tells its version, addresses and database', async () => {
      const { body } = await api('GET', '/server');
      expect(body).toMatchObject({
        workers: 1,
        region: 'us-east-1',
        endpoints: { s3: vaultaire.s3Endpoint, admin: vaultaire.adminEndpoint },
        database: { gateways: 1 },
      });
      expect(body.version).toMatch(/^\d+\.\d+\.\d+/);
    });

    it('tells how each driver is', async () => {
      const { body } = await api('GET', '/drivers');
      expect(body.items).toMatchObject([
        { name: 'local', type: 'local', isDefault: true, health: { isHealthy: true } },
      ]);
      expect((await api('GET', '/drivers/local')).body.name).toBe('local');
      expect((await api('GET', '/drivers/none')).status).toBe(404);
    });

    it('leaves health and metrics open', async () => {
      expect((await fetch(`${vaultaire.adminEndpoint}/health/ready`)).status).toBe(200);
      expect((await fetch(`${vaultaire.adminEndpoint}/metrics`)).status).toBe(200);
    });
  });

  describe('jobs', () => {
    const addJob = async (tenantId: string | null, state = 'queued'): Promise<string> => {
      const id = randomUUID();
      await database.query(
        `INSERT INTO jobs (id, kind, tenant_id, state, parameters, created_by) VALUES ($1, 'of-nobody', $2, $3, '{}', 'test')`,
        [id, tenantId, state],
      );
      return id;
    };

    it('shows each tenant-admin the jobs of its own tenant', async () => {
      const own = await addJob(TENANT_A);
      const foreign = [await addJob(TENANT_B), await addJob(null)];
      const { token } = await tokenOf('tenant-admin', 'acme');
      const { body } = await api('GET', '/jobs', { token });
      expect(body.items).toMatchObject([{ id: own, tenant: 'acme' }]);
      expect((await api('GET', '/jobs?tenant=bolt', { token })).status).toBe(404);
      for (const id of foreign) {
        expect((await api('GET', `/jobs/${id}`, { token })).status).toBe(404);
        expect((await api('POST', `/jobs/${id}/cancel`, { token })).status).toBe(404);
      }
      expect((await api('GET', '/jobs?kind=of-nobody')).body.items).toHaveLength(3);
    });

    it('cancels one that waits, and none that has ended', async () => {
      const id = await addJob(null);
      const { status, body } = await api('POST', `/jobs/${id}/cancel`);
      expect({ status, state: body.state }).toEqual({ status: 200, state: 'cancelled' });
      expect((await api('POST', `/jobs/${id}/cancel`)).status).toBe(409);
      expect((await api('POST', `/jobs/${randomUUID()}/cancel`)).status).toBe(404);
      expect((await api('GET', '/jobs/not-an-id')).status).toBe(404);
    });
  });

  describe('roles', () => {
    interface Route {
      readonly method: string;
      readonly path: string;
      readonly role: string;
    }

    let routes: Route[];
    beforeAll(async () => {
      const document: OpenAPIObject = (await ask(vaultaire, 'GET', '/docs-json', { token: null })).body;
      routes = Object.entries(document.paths).flatMap(([path, item]) =>
        METHODS.flatMap((method) => {
          const operation = item[method];
          return operation === undefined
            ? []
            : [{ method: method.toUpperCase(), path, role: String(Reflect.get(operation, 'x-required-role')) }];
        }),
      );
      expect(routes.length).toBeGreaterThan(8);
    });

    /** Asks for nothing that exists, unless it is the tenant. */
    const status = async ({ method, path }: Route, token: string | null, tenant = 'nobody'): Promise<number> => {
      const target = path.replace('{tenant}', tenant).replaceAll(/\{\w+\}/g, 'nothing');
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: { 'not a field': 1 } };
      return (await ask(vaultaire, method, target, { token, ...body })).status;
    };
    const failing = async (isRight: (route: Route) => Promise<boolean>): Promise<Route[]> => {
      const wrong: Route[] = [];
      for (const route of routes) if (!(await isRight(route))) wrong.push(route);
      return wrong;
    };

    it('every route needs a token', async () => {
      expect(await failing(async (route) => (await status(route, null)) === 401)).toEqual([]);
    });

    it('an operator may use every route', async () => {
      const { token } = await tokenOf('operator');
      expect(await failing(async (route) => ![401, 403, 500].includes(await status(route, token)))).toEqual([]);
    });

    it('a viewer may read what is not for operators alone, and write nothing', async () => {
      const { token } = await tokenOf('viewer');
      const wrong = await failing(async (route) => {
        const isAllowed = route.method === 'GET' && route.role !== 'operator';
        return isAllowed === ((await status(route, token)) !== 403);
      });
      expect(wrong).toEqual([]);
    });

    it.each([
      ['name', 'acme'],
      ['id', TENANT_A],
    ])("a tenant-admin finds nothing of another tenant's, which it names by %s", async (_by, tenant) => {
      const { token } = await tokenOf('tenant-admin', 'bolt');
      const wrong = await failing(async (route) => {
        const isOfTenant = route.role === 'tenant-admin' && route.path.includes('{tenant}');
        if (isOfTenant) return (await status(route, token, tenant)) === 404;
        return route.role === 'tenant-admin' || (await status(route, token, tenant)) === 403;
      });
      expect(wrong).toEqual([]);
    });

    it('a tenant-admin may use the routes of its own tenant', async () => {
      const { token } = await tokenOf('tenant-admin', 'bolt');
      const wrong = await failing(async (route) => {
        const isReading = route.method === 'GET' && route.role === 'tenant-admin';
        return !isReading || ![401, 403, 500].includes(await status(route, token, 'bolt'));
      });
      expect(wrong).toEqual([]);
    });
  });

  // The last: from here on the address is out of tries for a while.
  it('slows down who tries tokens, and no one else', async () => {
    await api('GET', '/server');
    const answers: AdminAnswer[] = [];
    for (let tries = 0; tries < 40; tries += 1)
      answers.push(await api('GET', '/server', { token: `vat_try-${tries}` }));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(Number(refused[0]?.headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
    expect((await api('GET', '/server')).status).toBe(200);
  });
});

describe('several workers', () => {
  beforeAll(() => start({ workers: 2 }), 60_000);
  afterAll(stop, 60_000);

  it('refuse a revoked token within a second, all of them', async () => {
    const { token, id } = await tokenOf('viewer');
    const statuses = async (): Promise<number[]> => {
      // A connection of its own each, which the workers take in turn.
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => api('GET', '/server', { token, headers: { Connection: 'close' } })),
      );
      return answers.map(({ status }) => status);
    };
    expect(new Set(await statuses())).toEqual(new Set([200]));
    expect((await api('DELETE', `/tokens/${id}`)).status).toBe(204);
    await until('all refuse it', async () => (await statuses()).every((status) => status === 401), 1_000);
  });
});

describe('the first token', () => {
  afterEach(() => vaultaire.stop());

  it('is generated at the first start and shown once', async () => {
    vaultaire = await prepareVaultaire({ env: { VAULTAIRE_ADMIN_TOKEN: undefined } });
    await vaultaire.start();
    const token = /Admin token {3}(vat_\S+)/.exec(vaultaire.output)?.[1] ?? '';
    expect((await api('GET', '/tokens', { token })).body.items).toMatchObject([{ name: 'first', role: 'operator' }]);
    await vaultaire.terminate();
    const shown = vaultaire.output.length;
    await vaultaire.start();
    expect(vaultaire.output.slice(shown)).not.toContain('Admin token');
    expect((await api('GET', '/server', { token })).status).toBe(200);
    expect(vaultaire.log).not.toContain(token);
  });
});
