import { COMMANDS } from '../commands';
import { FakeAdminApi } from '../fake-admin-api.fixture';
import type { CliRun } from '../fake-admin-api.fixture';

describe('a command', () => {
  let api: FakeAdminApi;
  beforeAll(async () => {
    api = await FakeAdminApi.start();
  });
  afterAll(async () => {
    await api.stop();
  });

  const run = (...args: string[]): Promise<CliRun> => api.run(COMMANDS, args);
  const asked = (): unknown[] =>
    api.requests.map(({ method, target, body }) => [method, target, ...(body === undefined ? [] : [body])]);

  it.each([
    ['tenant show a/b', 'GET', '/tenants/a%2Fb'],
    [
      'tenant create acme --plan gold --display-name Acme',
      'POST',
      '/tenants',
      { name: 'acme', plan: 'gold', displayName: 'Acme' },
    ],
    [
      'user create alice --tenant acme --email a@b.example',
      'POST',
      '/tenants/acme/users',
      { name: 'alice', email: 'a@b.example' },
    ],
    ['user show alice --tenant acme', 'GET', '/tenants/acme/users/alice'],
    ['user delete alice --tenant acme', 'DELETE', '/tenants/acme/users/alice'],
    ['key show AK --tenant acme', 'GET', '/tenants/acme/keys/AK'],
    ['key revoke AK --tenant acme', 'DELETE', '/tenants/acme/keys/AK'],
    ['key rotate AK --tenant acme --overlap 12h', 'POST', '/tenants/acme/keys/AK/rotate', { overlapSeconds: 43_200 }],
    [
      'key create --tenant acme --user alice --expires 2030-01-31 --operations read,PutObject --containers a --containers b* --prefix x,y',
      'POST',
      '/tenants/acme/users/alice/keys',
      {
        expiresAt: '2030-01-31T00:00:00.000Z',
        scope: { operations: ['read', 'PutObject'], containers: ['a', 'b*'], prefixes: ['x,y'] },
      },
    ],
    [
      'plan create gold --bytes 1TB --read 10/20 --placement mirrored',
      'POST',
      '/plans',
      {
        name: 'gold',
        policy: {
          quota: { bytes: { hard: 1e12 } },
          limits: { tenant: { requests: { read: { perSecond: 10, burst: 20 } } } },
          placement: 'mirrored',
        },
      },
    ],
    ['plan delete gold', 'DELETE', '/plans/gold'],
    ['usage show acme', 'GET', '/tenants/acme/usage'],
    [
      'container create photos --tenant acme --owner alice',
      'POST',
      '/tenants/acme/containers',
      { name: 'photos', owner: 'alice' },
    ],
    ['container delete photos --tenant acme', 'DELETE', '/tenants/acme/containers/photos'],
    [
      'container attach photos --tenant acme --source old',
      'POST',
      '/tenants/acme/containers/photos/attach',
      { source: 'old' },
    ],
    [
      'container attach photos --tenant acme --source old --delete-foreign-data',
      'POST',
      '/tenants/acme/containers/photos/attach',
      { source: 'old', deleteForeignData: true },
    ],
    [
      'container detach photos --tenant acme --source old --yes',
      'DELETE',
      '/tenants/acme/containers/photos/attachments/old',
    ],
    [
      'container detach photos --tenant acme --source old --yes --delete-foreign-data',
      'DELETE',
      '/tenants/acme/containers/photos/attachments/old?deleteForeignData=true',
    ],
    ['container empty photos --tenant acme --yes', 'POST', '/tenants/acme/containers/photos/empty', {}],
    ['tenant delete acme --yes', 'DELETE', '/tenants/acme'],
    ['tenant delete acme --yes --force', 'DELETE', '/tenants/acme?force=true'],
    ['driver show local', 'GET', '/drivers/local'],
    ['driver probe local', 'POST', '/drivers/local/probe', {}],
    ['driver drain old --yes', 'POST', '/drivers/old/drain', {}],
    ['driver drain old --to new --yes', 'POST', '/drivers/old/drain', { to: 'new' }],
    ['driver verify old', 'POST', '/drivers/old/verify', {}],
    ['driver verify old --rate 20MiB', 'POST', '/drivers/old/verify', { bytesPerSecond: 20_971_520 }],
    [
      'placement create eu --drivers a,b --copies 1 --backup c --residency eu --tier-days 30 --tier-idle-days 60 --tier-to cold',
      'POST',
      '/placements',
      {
        name: 'eu',
        drivers: ['a', 'b'],
        copies: 1,
        backup: ['c'],
        residency: 'eu',
        tier: { afterDays: 30, idleDays: 60, to: 'cold' },
      },
    ],
    ['placement show eu', 'GET', '/placements/eu'],
    ['placement delete eu', 'DELETE', '/placements/eu'],
    ['notification show t-1', 'GET', '/notification-targets/t-1'],
    [
      'notification create hook --kind redis --to redis://a --stream s --max-entries 9 --tenant acme',
      'POST',
      '/notification-targets',
      { name: 'hook', kind: 'redis', tenant: 'acme', url: 'redis://a', stream: 's', maxEntries: 9 },
    ],
    [
      'notification create bus --kind nats --to nats://b --subject buckets.photos',
      'POST',
      '/notification-targets',
      { name: 'bus', kind: 'nats', url: 'nats://b', subject: 'buckets.photos' },
    ],
    ['notification delete t-1', 'DELETE', '/notification-targets/t-1'],
    ['notification dead-letters t-1 --limit 5', 'GET', '/notification-targets/t-1/dead-letters?limit=5'],
    [
      'notification replay t-1 --from 2030-01-31 --dead-letters',
      'POST',
      '/notification-targets/t-1/replay',
      { from: '2030-01-31T00:00:00.000Z', deadLettersOnly: true },
    ],
    ['job show j-1', 'GET', '/jobs/j-1'],
    ['job cancel j-1', 'POST', '/jobs/j-1/cancel', {}],
    ['token create ci --role viewer', 'POST', '/tokens', { name: 'ci', role: 'viewer' }],
    ['token revoke ci', 'DELETE', '/tokens/ci'],
    ['server', 'GET', '/server'],
  ])('%s', async (line, ...[method, path, body]: [method: string, path: string, body?: object]) => {
    api.answers(() => ({ body: { id: 'x', isUsable: true } }));
    expect(await run(...line.split(' '))).toMatchObject({ exitCode: 0 });
    expect(asked()).toEqual([[method, `/api/v1${path}`, ...(body === undefined ? [] : [body])]]);
  });

  it.each([
    ['tenant update acme', 'Nothing to change was given'],
    ['plan update gold', 'Nothing to change was given'],
    ['container update photos --tenant acme', 'Nothing to change was given'],
    ['tenant delete acme', "can't be undone: say --yes"],
    ['tenant show ..', '.. is no name'],
    ['container detach photos --tenant acme --source old', "can't be undone: say --yes"],
    ['container empty photos --tenant acme', "can't be undone: say --yes"],
    ['quota set acme', 'Nothing to set was given'],
    ['quota set acme --bytes much', '--bytes wants a size'],
    ['limit set acme --read fast', '--read wants requests a second'],
    ['key create --tenant a --user b --expires soon', '--expires wants a time'],
    ['key create --tenant a --user b --access-key AK', 'go together'],
    ['key create --tenant a --user b --rclone --env', 'Only one of'],
    ['key create --tenant a --user b --rclone --output json', 'exclude each other'],
    ['key create --tenant a --user b --profile x', '--profile goes with'],
    ['key create --tenant a --user b --rclone --profile [x]', '--profile wants'],
    ['key create --tenant a --user b --rclone --endpoint host --region r', '--endpoint wants a URL'],
    ['placement create x', '--drivers is missing'],
    ['notification create x --kind webhook', '--to is missing'],
    ['notification create x --to a --kind pigeon', '--kind wants one of'],
    ['notification update t-1', 'Nothing to change was given'],
    ['notification update t-1 --secret-file /not/there', "The secret file /not/there can't be read (ENOENT)"],
    ['placement create x --drivers a --tier-to cold', 'go together'],
    ['token create x --role tenant-admin', '--tenant goes with'],
    ['token create x --role king', '--role wants one of'],
    ['usage history acme --step week', '--step wants one of'],
    ['container update photos --tenant acme --versioning maybe', '--versioning wants one of'],
  ])('%s is refused before the server is asked', async (line, message) => {
    api.answers(() => ({ body: {} }));
    const { exitCode, err } = await run(...line.split(' '));
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
    expect(api.requests).toEqual([]);
  });

  it('that lists gets all pages, in the form of one answer', async () => {
    api.answers(({ target }) => ({
      body: target.includes('cursor=c1') ? { items: [{ name: 'b' }] } : { items: [{ name: 'a' }], nextCursor: 'c1' },
    }));
    expect(JSON.parse((await run('tenant', 'list')).out)).toEqual({ items: [{ name: 'a' }, { name: 'b' }] });
    expect(asked()).toEqual([
      ['GET', '/api/v1/tenants?limit=1000'],
      ['GET', '/api/v1/tenants?limit=1000&cursor=c1'],
    ]);
  });

  it('that lists gets the page that is asked for, as it is answered', async () => {
    const body = { items: [{ name: 'a' }], nextCursor: 'c1' };
    api.answers(() => ({ body }));
    expect(JSON.parse((await run('tenant', 'list', '--limit', '1')).out)).toEqual(body);
    expect(asked()).toEqual([['GET', '/api/v1/tenants?limit=1']]);
    const table = await api.run(COMMANDS, ['tenant', 'list', '--limit', '1'], true);
    expect(table.out).toMatch(/^NAME .*\na /);
  });

  it.each([
    ['container update photos --tenant acme --placement eu', { placement: 'eu' }],
    ['container update photos --tenant acme --placement inherit', { placement: null }],
    ['tenant update acme --placement eu', { policy: { quota: { containers: 3 }, placement: 'eu' } }],
    ['tenant update acme --placement none', { policy: { quota: { containers: 3 }, placement: null } }],
    ['placement replace eu --drivers a --quorum 1', { drivers: ['a'], quorum: 1 }],
    ['plan update gold --placement inherit', { policy: { quota: { containers: 3 } } }],
  ])('%s', async (line, change) => {
    const body = { policy: { quota: { containers: 3 }, placement: 'us' } };
    api.answers(() => ({ headers: { etag: '"1"' }, body }));
    await run(...line.split(' '));
    expect(asked().at(-1)).toEqual([expect.stringMatching(/^(PATCH|PUT)$/), expect.any(String), change]);
  });

  it('that changes something names what it saw, and looks again when it was changed meanwhile', async () => {
    let revision = 1;
    api.answers(({ method, headers, body }) => {
      const etag = `"${revision}"`;
      if (method === 'GET') {
        revision += revision < 3 ? 1 : 0;
        return { headers: { etag }, body: { name: 'acme' } };
      }
      return headers['if-match'] === etag ? { body } : { status: 412, body: { detail: 'It was changed meanwhile' } };
    });
    expect(JSON.parse((await run('tenant', 'suspend', 'acme')).out)).toEqual({ state: 'suspended' });
    expect(api.requests.map(({ method, headers }) => [method, headers['if-match']])).toEqual([
      ['GET', undefined],
      ['PATCH', '"1"'],
      ['GET', undefined],
      ['PATCH', '"2"'],
      ['GET', undefined],
      ['PATCH', '"3"'],
    ]);
  });

  it('gives up when others change it again and again', async () => {
    api.answers(() => ({ status: 412, body: { detail: 'It was changed meanwhile' } }));
    api.answers(({ method }) => (method === 'GET' ? { body: {} } : { status: 412, body: { detail: 'Changed' } }));
    expect(await run('tenant', 'resume', 'acme')).toMatchObject({ exitCode: 1, err: 'Changed\n' });
  });

  describe('that answers a secret', () => {
    const key = { accessKeyId: 'AKIAX', secretKey: 's3cr3t' };
    const server = { region: 'eu-north-1', endpoints: { s3: 'http://127.0.0.1:8080' } };
    const args = ['key', 'create', '--tenant', 'acme', '--user', 'alice'];
    beforeEach(() => {
      api.answers(({ target }) => ({ body: target.endsWith('/server') ? server : key }));
    });

    it('prints the key as the server answered it', async () => {
      const { out, err } = await run(...args);
      expect(JSON.parse(out)).toEqual(key);
      expect(err).toBe('The secret is shown this once: keep it.\n');
    });

    it('prints a client configuration with what the server says of itself', async () => {
      const { out } = await run(...args, '--rclone', '--profile', 'acme');
      expect(out).toContain('[acme]\ntype = s3\n');
      expect(out).toContain('secret_access_key = s3cr3t\nregion = eu-north-1\nendpoint = http://127.0.0.1:8080\n');
    });

    it('asks the server first, so that no key is made that nobody sees', async () => {
      api.answers(({ target }) =>
        target.endsWith('/server') ? { status: 403, body: { detail: 'No' } } : { body: key },
      );
      expect(await run(...args, '--env')).toMatchObject({ exitCode: 4, out: '' });
      expect(asked()).toEqual([['GET', '/api/v1/server']]);
    });

    it('does not ask for what is given', async () => {
      const { out } = await run(...args, '--env', '--endpoint', 'https://s3.example.com/', '--region', 'us-east-1');
      expect(out).toContain('export AWS_ENDPOINT_URL=https://s3.example.com\n');
      expect(api.requests).toHaveLength(1);
    });

    it('knows where a server is that listens on all addresses', async () => {
      const everywhere = { ...server, endpoints: { s3: 'http://0.0.0.0:8080' } };
      api.answers(({ target }) => ({ body: target.endsWith('/server') ? everywhere : key }));
      expect((await run(...args, '--env')).out).toContain('export AWS_ENDPOINT_URL=http://127.0.0.1:8080\n');
    });
  });

  describe('job wait', () => {
    const states = (...rest: string[]): void => {
      api.answers(() => ({ body: { id: 'j-1', state: rest.length > 1 ? rest.shift() : rest[0] } }));
    };

    it('waits until the job is done', async () => {
      states('queued', 'running', 'done');
      const { exitCode, out } = await run('job', 'wait', 'j-1');
      expect(exitCode).toBe(0);
      expect(JSON.parse(out)).toEqual({ id: 'j-1', state: 'done' });
      expect(api.requests).toHaveLength(3);
    });

    it.each(['failed', 'cancelled'])('exits with 1 when it is %s, and shows it', async (state) => {
      states('running', state);
      const { exitCode, out, err } = await run('job', 'wait', 'j-1');
      expect([exitCode, err]).toEqual([1, `The job j-1 is ${state}\n`]);
      expect(JSON.parse(out)).toEqual({ id: 'j-1', state });
    });

    it('exits with 1 when it does not end in time', async () => {
      states('running');
      expect(await run('job', 'wait', 'j-1', '--timeout', '0s')).toMatchObject({
        exitCode: 1,
        err: 'The job j-1 has not ended yet\n',
      });
    });

    it('is part of what starts a job, with --wait', async () => {
      api.answers(({ method }) => ({ status: 202, body: { id: 'j-1', state: method === 'POST' ? 'queued' : 'done' } }));
      const { exitCode, out } = await run('container', 'empty', 'photos', '--tenant', 'acme', '--yes', '--wait');
      expect(exitCode).toBe(0);
      expect(JSON.parse(out)).toEqual({ id: 'j-1', state: 'done' });
    });
  });
});
