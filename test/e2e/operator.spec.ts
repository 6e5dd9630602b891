import type { S3Client } from '@aws-sdk/client-s3';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { AdminAnswer, AdminRequestOptions } from '../support/admin-requests';
import { ask } from '../support/admin-requests';
import { until } from '../support/until';
import { useS3 } from './s3-suite';

/** What an operator does all day, through the admin API alone, and what customers see of it on two workers. */
describe('an operator', () => {
  const suite = useS3({
    env: { VAULTAIRE_WORKERS: '2' },
    config: { plans: [{ name: 'bronze', policy: { quota: { containers: 2 } } }] },
  });
  const api = (method: string, path: string, body?: unknown, options: AdminRequestOptions = {}): Promise<AdminAnswer> =>
    ask(suite.vaultaire, method, `/api/v1${path}`, { ...options, ...(body === undefined ? {} : { body }) });
  /** Changes what is there now. */
  const change = async (method: 'PATCH' | 'PUT', path: string, body: unknown): Promise<AdminAnswer> => {
    const { headers } = await api('GET', path);
    return api(method, path, body, { headers: { 'If-Match': headers.get('etag') ?? '' } });
  };
  const clientOf = (key: { readonly accessKeyId: string; readonly secretKey: string }): S3Client =>
    suite.vaultaire.s3Client({
      credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretKey },
      maxAttempts: 1,
    });
  const newTenant = async (name: string, more: object = {}): Promise<S3Client> => {
    expect(await api('POST', '/tenants', { name, ...more })).toMatchObject({ status: 201 });
    expect(await api('POST', `/tenants/${name}/users`, { name: 'alice' })).toMatchObject({ status: 201 });
    const key = await api('POST', `/tenants/${name}/users/alice/keys`, {});
    expect(key.status).toBe(201);
    return clientOf(key.body);
  };
  const finished = async (id: string): Promise<AdminAnswer> => {
    await until(
      'the job is over',
      async () => !['queued', 'running'].includes((await api('GET', `/jobs/${id}`)).body.state),
    );
    return api('GET', `/jobs/${id}`);
  };
  /** S3's code of a refusal; `ok` where there was none. */
  const outcomeOf = (request: Promise<unknown>): Promise<string> =>
    request.then(
      () => 'ok',
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );

  it('makes a tenant, a user and a key that signs at once, and sees what they use', async () => {
    const s3 = await newTenant('acme', { displayName: 'Acme Ltd' });
    await s3.send(new CreateBucketCommand({ Bucket: 'photos' }));
    await s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a', Body: 'x'.repeat(1000) }));
    expect((await api('GET', '/tenants/acme')).body).toMatchObject({ name: 'acme', state: 'active', revision: '1' });
    expect((await api('GET', '/tenants/acme/usage')).body).toMatchObject({
      bytes: 1000,
      artifacts: 1,
      containers: 1,
      accessKeys: 1,
    });
    expect((await api('GET', '/tenants/acme/containers')).body.items).toMatchObject([
      { name: 'photos', owner: 'alice', versioning: 'off', usage: { bytes: 1000, artifacts: 1 } },
    ]);
    const keys = await api('GET', '/tenants/acme/users/alice/keys');
    expect(JSON.stringify(keys.body)).not.toContain('secret');
  });

  it('sets a quota that holds at once', async () => {
    const s3 = await newTenant('small');
    await s3.send(new CreateBucketCommand({ Bucket: 'box' }));
    const quota = await change('PUT', '/tenants/small/quota', { bytes: { hard: 10 } });
    expect(quota).toMatchObject({ status: 200, body: { effective: { bytes: { hard: 10 } }, plan: {} } });
    const put = (): Promise<unknown> =>
      s3.send(new PutObjectCommand({ Bucket: 'box', Key: 'k', Body: 'x'.repeat(11) }));
    await until('the quota holds', async () => (await outcomeOf(put())) === 'QuotaExceeded');
    await change('PUT', '/tenants/small/quota', {});
    await until('the quota is lifted', async () => (await outcomeOf(put())) === 'ok');
  });

  it('moves tenants between plans, which hold without a restart', async () => {
    const s3 = await newTenant('planned', { plan: 'bronze' });
    await s3.send(new CreateBucketCommand({ Bucket: 'one' }));
    await s3.send(new CreateBucketCommand({ Bucket: 'two' }));
    expect(await outcomeOf(s3.send(new CreateBucketCommand({ Bucket: 'three' })))).toBe('QuotaExceeded');
    expect(await api('POST', '/plans', { name: 'gold', policy: { quota: { containers: 3 } } })).toMatchObject({
      status: 201,
    });
    expect(await change('PATCH', '/tenants/planned', { plan: 'gold' })).toMatchObject({
      status: 200,
      body: { plan: 'gold' },
    });
    const third = (): Promise<string> => outcomeOf(s3.send(new CreateBucketCommand({ Bucket: 'three' })));
    await until('the new plan holds', async () => (await third()) === 'ok');
    expect(await api('DELETE', '/plans/gold')).toMatchObject({ status: 409 });
    expect(await change('PATCH', '/plans/bronze', { description: 'x' })).toMatchObject({ status: 409 });
  });

  it('suspends and resumes a tenant, and revokes a key, on every worker', async () => {
    const s3 = await newTenant('shaky');
    // Each request on a connection of its own may reach another worker.
    const all = (expected: string) => async (): Promise<boolean> => {
      const requests = Array.from({ length: 8 }, () => outcomeOf(s3.send(new ListBucketsCommand({}))));
      return (await Promise.all(requests)).every((outcome) => outcome === expected);
    };
    await until('every worker answers ok', all('ok'));
    await change('PATCH', '/tenants/shaky', { state: 'suspended' });
    await until('every worker answers AccessDenied', all('AccessDenied'));
    await change('PATCH', '/tenants/shaky', { state: 'active' });
    await until('every worker answers ok', all('ok'));
    const [key] = (await api('GET', '/tenants/shaky/users/alice/keys')).body.items;
    expect(await api('DELETE', `/tenants/shaky/keys/${key.accessKeyId}`)).toMatchObject({ status: 204 });
    await until('every worker answers InvalidAccessKeyId', all('InvalidAccessKeyId'));
  });

  it('rotates a key with overlap', async () => {
    const s3 = await newTenant('rotating');
    const [old] = (await api('GET', '/tenants/rotating/users/alice/keys')).body.items;
    const rotated = await api('POST', `/tenants/rotating/keys/${old.accessKeyId}/rotate`, { overlapSeconds: 3600 });
    expect(rotated).toMatchObject({ status: 201, body: { user: 'alice', state: 'active' } });
    await clientOf(rotated.body).send(new ListBucketsCommand({}));
    await s3.send(new ListBucketsCommand({}));
    const before = await api('GET', `/tenants/rotating/keys/${old.accessKeyId}`);
    expect(Date.parse(before.body.expiresAt)).toBeLessThanOrEqual(Date.now() + 3_600_000);
    await api('POST', `/tenants/rotating/keys/${rotated.body.accessKeyId}/rotate`, { overlapSeconds: 0 });
    const rotatedClient = clientOf(rotated.body);
    await until(
      'the key that was rotated without overlap has ended',
      async () => (await outcomeOf(rotatedClient.send(new ListBucketsCommand({})))) === 'InvalidAccessKeyId',
    );
  });

  it('lets no more keys be active than the quota says, however many are asked for at once', async () => {
    await newTenant('few', { policy: { quota: { accessKeys: 3 } } });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api('POST', '/tenants/few/users/alice/keys', {})),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(6);
  });

  it('empties a container and closes a tenant by jobs', async () => {
    const s3 = await newTenant('leaving');
    const Bucket = 'full';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    for (const Key of ['a', 'b', 'a']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'b' }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'up' }));
    await s3.send(new UploadPartCommand({ Bucket, Key: 'up', UploadId, PartNumber: 1, Body: 'part' }));
    expect(await api('DELETE', `/tenants/leaving/containers/${Bucket}`)).toMatchObject({ status: 409 });
    const job = await api('POST', `/tenants/leaving/containers/${Bucket}/empty`);
    expect(job).toMatchObject({ status: 202, body: { kind: 'container-empty', tenant: 'leaving' } });
    expect((await finished(job.body.id)).body).toMatchObject({
      state: 'done',
      progress: { versionsRemoved: 4, uploadsAborted: 1 },
    });
    expect((await api('GET', '/tenants/leaving/usage')).body).toMatchObject({ bytes: 0, artifacts: 0 });
    expect(await outcomeOf(s3.send(new GetObjectCommand({ Bucket, Key: 'a' })))).toBe('NoSuchKey');

    await s3.send(new PutObjectCommand({ Bucket, Key: 'last', Body: 'x' }));
    expect(await api('DELETE', '/tenants/leaving')).toMatchObject({ status: 409 });
    const closing = await api('DELETE', '/tenants/leaving?force=true');
    expect(closing.status).toBe(202);
    expect((await finished(closing.body.id)).body).toMatchObject({ state: 'done', progress: { containersRemoved: 1 } });
    expect(await api('GET', '/tenants/leaving')).toMatchObject({ status: 404 });
    await until(
      'the key is gone with its tenant',
      async () => (await outcomeOf(s3.send(new ListBucketsCommand({})))) === 'InvalidAccessKeyId',
    );
  });

  it('finds every tenant while paging, also when others are made meanwhile', async () => {
    const names = Array.from({ length: 60 }, (_, at) => `paged-${String(at).padStart(3, '0')}`);
    for (const name of names) expect((await api('POST', '/tenants', { name })).status).toBe(201);
    const seen: string[] = [];
    let path = '/tenants?limit=7&prefix=paged-';
    for (;;) {
      const { body } = await api('GET', path);
      seen.push(...body.items.map((tenant: { name: string }) => tenant.name));
      if (body.nextCursor === undefined) break;
      await api('POST', '/tenants', { name: `paged-${seen.at(-1)?.slice(6) ?? ''}x` });
      path = `/tenants?limit=7&prefix=paged-&cursor=${encodeURIComponent(body.nextCursor)}`;
    }
    expect(seen).toEqual(expect.arrayContaining(names));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('is told every field that is wrong', async () => {
    const answer = await api('POST', '/tenants', {
      name: '!',
      plan: 'No Plan',
      policy: { quota: { bytes: { hard: -1 }, containers: 1.5 } },
      unknown: 1,
    });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'name',
      'plan',
      'policy.quota.bytes.hard',
      'policy.quota.containers',
      'unknown',
    ]);
  });

  it('shares administration with a tenant, who sees nothing of the others', async () => {
    await newTenant('mine');
    await newTenant('theirs');
    const { body } = await api('POST', '/tokens', { name: 'mine-admin', role: 'tenant-admin', tenant: 'mine' });
    const own = { token: body.token as string };
    expect(await api('GET', '/tenants/mine/usage', undefined, own)).toMatchObject({ status: 200 });
    expect(await api('POST', '/tenants/mine/users', { name: 'bob' }, own)).toMatchObject({ status: 201 });
    expect(await api('GET', '/tenants/theirs', undefined, own)).toMatchObject({ status: 404 });
    expect(await api('GET', '/tenants/theirs/users/alice/keys', undefined, own)).toMatchObject({ status: 404 });
    expect(await api('GET', '/tenants', undefined, own)).toMatchObject({ status: 403 });
    const chosen = { accessKeyId: 'chosen-key', secretKey: 'chosen-secret' };
    expect(await api('POST', '/tenants/mine/users/bob/keys', chosen, own)).toMatchObject({ status: 403 });
  });

  it('loses no change when two are made at once', async () => {
    await newTenant('contended');
    const { headers } = await api('GET', '/tenants/contended');
    const options = { headers: { 'If-Match': headers.get('etag') ?? '' } };
    const answers = await Promise.all(
      ['one', 'two', 'three'].map((displayName) => api('PATCH', '/tenants/contended', { displayName }, options)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    expect(await api('PATCH', '/tenants/contended', { displayName: 'four' })).toMatchObject({ status: 428 });
  });
});
