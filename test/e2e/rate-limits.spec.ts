import { randomBytes } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { TenantLimits } from '../../src/context/policy/tenant-policy';
import type { AdminAnswer } from '../support/admin-requests';
import { ask } from '../support/admin-requests';
import type { Signer, WireAnswer, WireRequest } from '../support/signed-request';
import { sendSigned } from '../support/signed-request';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';
import { sendRaw } from './raw-answer';
import { useS3 } from './s3-suite';
import { presignedPut } from './wire/presigned-target';
import { RawConnection } from './wire/raw-connection';

jest.setTimeout(30_000);

/** So many at once, and then none that a test would see. */
const atOnce = (burst: number): { perSecond: number; burst: number } => ({ perSecond: 0.001, burst });

/** What tenant and key are held to, from the next request on. */
async function setLimits(vaultaire: RunningVaultaire, tenant: string, limits: TenantLimits): Promise<void> {
  const path = `/api/v1/tenants/${tenant}/limits`;
  const { headers } = await ask(vaultaire, 'GET', path);
  const etag = { 'If-Match': headers.get('ETag') ?? '' };
  const answer = await ask(vaultaire, 'PUT', path, { body: limits, headers: etag });
  expect(answer).toMatchObject({ status: 200 });
}

/** A tenant with one user and a key, by the admin API. */
async function newTenant(vaultaire: RunningVaultaire): Promise<{ readonly tenant: string; readonly key: Signer }> {
  const tenant = `t-${randomBytes(6).toString('hex')}`;
  const api = '/api/v1/tenants';
  expect(await ask(vaultaire, 'POST', api, { body: { name: tenant } })).toMatchObject({ status: 201 });
  expect(await ask(vaultaire, 'POST', `${api}/${tenant}/users`, { body: { name: 'u' } })).toMatchObject({
    status: 201,
  });
  return { tenant, key: await newKey(vaultaire, tenant) };
}

async function newKey(vaultaire: RunningVaultaire, tenant: string): Promise<Signer> {
  const { body } = await ask(vaultaire, 'POST', `/api/v1/tenants/${tenant}/users/u/keys`, { body: {} });
  return { accessKeyId: String(body.accessKeyId), secretKey: String(body.secretKey) };
}

/** Codes of answers, `ok` for a success, with how often each came. */
async function outcomes(answers: readonly Promise<WireAnswer>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status, code } of await Promise.all(answers)) {
    const name = status < 300 ? 'ok' : (code ?? String(status));
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const READ: WireRequest = { method: 'GET', path: '/', query: {} };

async function metricOf(vaultaire: RunningVaultaire, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${vaultaire.adminEndpoint}/metrics`)).text();
  const line = text.split('\n').find((other) => other.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
}

describe('rate limits of two workers', () => {
  const suite = useS3({ workers: 2, config: { limits: { failedAuthentication: atOnce(30), admin: atOnce(200) } } });
  const limit = (tenant: string, limits: TenantLimits): Promise<void> => setLimits(suite.vaultaire, tenant, limits);

  /** At the same time, each on a connection of its own, so that both workers get some. */
  const send = (times: number, signer: Signer, request: WireRequest): Promise<WireAnswer>[] =>
    Array.from({ length: times }, () => sendSigned(suite.vaultaire, signer, request));

  async function newBucket(key: Signer): Promise<string> {
    const bucket = `b-${randomBytes(6).toString('hex')}`;
    expect(await outcomes(send(1, key, { method: 'PUT', path: `/${bucket}` }))).toEqual({ ok: 1 });
    return bucket;
  }

  /** A tenant with limits, a bucket, and a key that no worker has seen before the limits were there. */
  async function limited(limits: TenantLimits): Promise<{ tenant: string; bucket: string; key: Signer }> {
    const { tenant, key } = await newTenant(suite.vaultaire);
    const bucket = await newBucket(key);
    await limit(tenant, limits);
    return { tenant, bucket, key: await newKey(suite.vaultaire, tenant) };
  }

  const list = (bucket: string): WireRequest => ({ method: 'GET', path: `/${bucket}`, query: { 'list-type': '2' } });
  const head = (bucket: string): WireRequest => ({ method: 'HEAD', path: `/${bucket}` });
  const write = (bucket: string): WireRequest => ({ method: 'PUT', path: `/${bucket}/key`, body: 'x' });

  const credentialsOf = ({ accessKeyId, secretKey }: Signer): { accessKeyId: string; secretAccessKey: string } => ({
    accessKeyId,
    secretAccessKey: secretKey,
  });

  it('hold over both together, to the request', async () => {
    const { bucket, key } = await limited({ tenant: { requests: { write: atOnce(30) } } });
    expect(await outcomes(send(90, key, write(bucket)))).toEqual({ ok: 30, SlowDown: 60 });
  });

  it('leave a key alone that nobody has used yet, however many requests come at once', async () => {
    const { key } = await newTenant(suite.vaultaire);
    expect(await outcomes(send(90, key, READ))).toEqual({ ok: 90 });
  });

  it('are kept for reads, writes and lists apart', async () => {
    const { bucket, key } = await limited({
      tenant: { requests: { read: atOnce(2), write: atOnce(3), list: atOnce(4) } },
    });
    expect(await outcomes(send(8, key, list(bucket)))).toEqual({ ok: 4, SlowDown: 4 });
    expect(await outcomes(send(8, key, write(bucket)))).toEqual({ ok: 3, SlowDown: 5 });
    // An answer to HEAD has no document.
    expect(await outcomes(send(8, key, head(bucket)))).toEqual({ ok: 2, '503': 6 });
  });

  it('hold for each key and for its tenant', async () => {
    const { tenant, bucket, key } = await limited({
      accessKey: { requests: { write: atOnce(6) } },
      tenant: { requests: { write: atOnce(9) } },
    });
    const other = await newKey(suite.vaultaire, tenant);
    expect(await outcomes(send(12, key, write(bucket)))).toEqual({ ok: 6, SlowDown: 6 });
    expect(await outcomes(send(12, other, write(bucket)))).toEqual({ ok: 3, SlowDown: 9 });
  });

  it('say when to come again, and SDKs do and succeed', async () => {
    const { tenant, bucket, key } = await limited({ tenant: { requests: { write: atOnce(1) } } });
    const once = suite.vaultaire.s3Client({ credentials: credentialsOf(key) });
    const put = (): PutObjectCommand => new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'x' });
    expect(await sendRaw(once, put())).toMatchObject({ status: 200 });
    const refused = await sendRaw(once, put());
    expect(refused).toMatchObject({ status: 503, code: 'SlowDown' });
    expect(refused.headers['retry-after']).toMatch(/^[1-9][0-9]*$/);
    await limit(tenant, { tenant: { requests: { write: { perSecond: 20, burst: 4 } } } });
    const patient = suite.vaultaire.s3Client({ credentials: credentialsOf(key), maxAttempts: 10 });
    const answers = await Promise.all(Array.from({ length: 16 }, () => patient.send(put())));
    expect(answers.filter(({ $metadata }) => ($metadata.attempts ?? 1) > 1).length).toBeGreaterThan(0);
  });

  it('are followed within a second of a change, by all', async () => {
    const { tenant, bucket, key } = await limited({ tenant: { requests: { write: atOnce(1) } } });
    await outcomes(send(20, key, write(bucket)));
    expect(await outcomes(send(8, key, write(bucket)))).toEqual({ SlowDown: 8 });
    await limit(tenant, { tenant: { requests: { write: null } } });
    const isLifted = async (): Promise<boolean> => (await outcomes(send(8, key, write(bucket)))).ok === 8;
    await until('nobody is refused', isLifted, 1_000);
    await limit(tenant, { tenant: { requests: { write: atOnce(5) } } });
    const isBack = async (): Promise<boolean> => (await outcomes(send(8, key, write(bucket)))).SlowDown === 8;
    await until('all are refused', isBack, 1_000);
  });

  it('count requests in flight until they end, or their clients leave', async () => {
    const { bucket, key } = await limited({ tenant: { requestsInFlight: 2 } });
    const s3 = suite.vaultaire.s3Client({ credentials: credentialsOf(key) });
    const uploads: RawConnection[] = [];
    for (let at = 0; at < 2; at += 1) {
      const { target, host } = await presignedPut(s3, bucket, `slow-${String(at)}`);
      const upload = await RawConnection.open(suite.vaultaire.s3Endpoint);
      upload.write(`PUT ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n`);
      // It says so when the body is asked for: the request was let in.
      await until('the upload goes on', () => upload.pending.includes('100 Continue'));
      uploads.push(upload);
    }
    expect(await outcomes(send(4, key, list(bucket)))).toEqual({ SlowDown: 4 });
    uploads[0]?.destroy();
    const isFree = async (): Promise<boolean> => (await outcomes(send(1, key, list(bucket)))).ok === 1;
    await until('the place of the client that left is free', isFree);
    uploads[1]?.write('0123456789');
    await until('the other upload is done', () => uploads[1]?.pending.includes('200 OK') === true);
    await until('both places are free', async () => (await outcomes(send(2, key, list(bucket)))).ok === 2);
    uploads[1]?.destroy();
  });

  it('shape bytes both ways, refuse none of them, and hold up nobody else', async () => {
    const { tenant, key } = await newTenant(suite.vaultaire);
    const bucket = await newBucket(key);
    const s3 = suite.vaultaire.s3Client({ credentials: credentialsOf(key) });
    const free = await suite.newBucket();
    const Body = randomBytes(200 * 1024);
    const object = { Bucket: bucket, Key: 'shaped' };
    const freely = (): Promise<unknown> =>
      suite.s3.send(new PutObjectCommand({ Bucket: free, Key: 'free', Body: Body.subarray() }));
    const limits = { bytesInPerSecond: 128 * 1024, bytesOutPerSecond: 128 * 1024 };
    await limit(tenant, { tenant: limits });
    const order: string[] = [];
    const note = (name: string) => (): void => {
      order.push(name);
    };
    await Promise.all([
      s3.send(new PutObjectCommand({ ...object, Body })).then(note('shaped')),
      freely().then(note('free')),
    ]);
    const download = async (): Promise<Buffer> => {
      const answer = await s3.send(new GetObjectCommand(object));
      return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    };
    const [downloaded] = await Promise.all([download().finally(note('shaped')), freely().then(note('free'))]);
    expect(order).toEqual(['free', 'shaped', 'free', 'shaped']);
    expect(downloaded.equals(Body)).toBe(true);
  });

  it('let a transfer that is under way go on at a new rate', async () => {
    const { tenant, key } = await newTenant(suite.vaultaire);
    const bucket = await newBucket(key);
    const s3 = suite.vaultaire.s3Client({ credentials: credentialsOf(key) });
    const Body = randomBytes(1024 * 1024);
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body }));
    // At this rate it would take minutes.
    await limit(tenant, { tenant: { bytesOutPerSecond: 8 * 1024 } });
    const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'k' }));
    const bytes = body?.transformToByteArray();
    await limit(tenant, { tenant: { bytesOutPerSecond: 100 * 1024 * 1024 } });
    expect(Buffer.from((await bytes) ?? []).equals(Body)).toBe(true);
  });

  it('stop the requests of a token of the admin API, and of no other', async () => {
    const body = { name: 'busy', role: 'viewer' };
    const { body: made } = await ask(suite.vaultaire, 'POST', '/api/v1/tokens', { body });
    const token = String(made.token);
    const answers: AdminAnswer[] = [];
    for (let at = 0; at < 210; at += 1) answers.push(await ask(suite.vaultaire, 'GET', '/api/v1/server', { token }));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(200);
    const last = answers.at(-1);
    expect(last).toMatchObject({ status: 429, body: { status: 429, title: 'Too Many Requests' } });
    expect(last?.headers.get('Content-Type')).toContain('application/problem+json');
    expect(Number(last?.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect((await ask(suite.vaultaire, 'GET', '/api/v1/server')).status).toBe(200);
  });

  // The last: from here on the address is out of tries.
  it('stop who guesses keys and signatures, whatever address it claims, and let its neighbours in', async () => {
    const { key } = await newTenant(suite.vaultaire);
    // Both workers know it.
    await outcomes(send(20, key, READ));
    const guess = (signer: Signer, at: number): Promise<WireAnswer> =>
      sendSigned(suite.vaultaire, signer, {
        ...READ,
        addedHeaders: { 'X-Forwarded-For': `198.51.100.${String(at)}`, Forwarded: `for=198.51.100.${String(at)}` },
      });
    const wrong = { ...key, secretKey: 'w'.repeat(40) };
    const signatures = await outcomes(Array.from({ length: 15 }, (_, at) => guess(wrong, at)));
    expect(signatures).toEqual({ SignatureDoesNotMatch: 15 });
    const unknown = (): Signer => ({ ...key, accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}` });
    const guesses = await outcomes(Array.from({ length: 40 }, (_, at) => guess(unknown(), at)));
    expect(Object.keys(guesses).sort()).toEqual(['InvalidAccessKeyId', 'SlowDown']);
    expect(guesses.InvalidAccessKeyId).toBeLessThanOrEqual(15);
    expect(await outcomes([guess(wrong, 1)])).toEqual({ SlowDown: 1 });
    expect(await outcomes(send(20, key, READ))).toEqual({ ok: 20 });
    expect(
      await metricOf(suite.vaultaire, 'vaultaire_rate_limit_refusals_total{limit="address",scope="address"}'),
    ).toBeGreaterThanOrEqual(26);
  });
});
