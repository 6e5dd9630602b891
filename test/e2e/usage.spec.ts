import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Pool } from 'pg';
import { containerId } from '../../src/context/ids';
import { connectionSettings } from '../../src/database/data-source';
import { Database } from '../../src/database/database';
import { UsageService } from '../../src/engine/quota/usage.service';
import { Quotas } from '../support/quotas';
import { until } from '../support/until';
import { useS3 } from './s3-suite';

const HOUR_MS = 3_600_000;

jest.setTimeout(60_000);

interface Threshold {
  readonly container_id: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
}

describe('usage', () => {
  const suite = useS3({ workers: 2 });
  let quotas: Quotas;
  let pool: Pool;
  let usage: UsageService;

  beforeAll(async () => {
    quotas = await Quotas.of(suite.vaultaire);
    pool = new Pool({ ...connectionSettings(suite.vaultaire.databaseUrl ?? ''), max: 2 });
    // The database may go before its connections.
    pool.on('error', () => undefined);
    usage = new UsageService(new Database(pool));
  });

  afterAll(async () => {
    await pool.end();
    await quotas.close();
  });

  function put(Bucket: string, Key: string, sizeBytes: number): Promise<unknown> {
    return suite.s3.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(sizeBytes, 'x') }));
  }

  async function idOf(bucket: string): Promise<string> {
    const [row] = await quotas.query<{ id: string }>('SELECT id FROM containers WHERE name = $1', [bucket]);
    return row?.id ?? '';
  }

  const thresholds = (): Promise<Threshold[]> =>
    quotas.query<Threshold>(
      `SELECT container_id, payload FROM domain_events WHERE kind = 'quota.threshold' ORDER BY id`,
    );

  it('is told of a tenant and of a bucket, uploads in progress among it', async () => {
    const bucket = await suite.newBucket();
    const before = await usage.now(quotas.tenant);
    await put(bucket, 'k', 700);
    const target = { Bucket: bucket, Key: 'upload' };
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
    await suite.s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: Buffer.alloc(300) }));
    const now = await usage.now(quotas.tenant);
    expect(now).toMatchObject({
      bytes: before.bytes + 1_000,
      artifacts: before.artifacts + 1,
      uploadsBytes: before.uploadsBytes + 300,
      containers: before.containers,
      accessKeys: 1,
    });
    expect(await usage.ofContainer(containerId(await idOf(bucket)))).toEqual({ bytes: 1_000, artifacts: 1 });
    await suite.s3.send(new AbortMultipartUploadCommand({ ...target, UploadId }));
    expect((await usage.now(quotas.tenant)).uploadsBytes).toBe(before.uploadsBytes);
  });

  it('crosses the shares of a soft quota once each, and again after it was below', async () => {
    const bucket = await suite.newBucket();
    const before = await quotas.held();
    const soft = before.bytes + 100_000;
    // Below 80 per cent of it, whatever other tests left.
    expect(before.bytes).toBeLessThan(50_000);
    await quotas.ofTenant({ bytes: { soft } });
    await quotas.ofBucket(bucket, { artifacts: { soft: 2 } });
    await put(bucket, 'a', 85_000);
    await until('80 per cent are announced', async () => (await thresholds()).length === 1);
    await put(bucket, 'b', 16_000);
    await until('all shares are announced', async () => (await thresholds()).length === 6);
    const events = await thresholds();
    const container_id = await idOf(bucket);
    const ofTenant = events.filter((event) => event.container_id === null).map(({ payload }) => payload);
    expect(ofTenant).toMatchObject([
      { scope: 'tenant', quota: 'bytes', percent: 80, limit: soft, used: before.bytes + 85_000 },
      { scope: 'tenant', quota: 'bytes', percent: 90, limit: soft, used: before.bytes + 101_000 },
      { scope: 'tenant', quota: 'bytes', percent: 100, limit: soft, used: before.bytes + 101_000 },
    ]);
    expect(events.filter((event) => event.container_id === container_id).map(({ payload }) => payload)).toEqual(
      [80, 90, 100].map((percent) => ({ scope: 'container', quota: 'artifacts', percent, limit: 2, used: 2 })),
    );

    await suite.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'b' }));
    const crossings = async (): Promise<number> => (await quotas.query('SELECT FROM quota_crossings')).length;
    await until('what lies above is forgotten', async () => (await crossings()) === 1);
    await put(bucket, 'b', 6_000);
    await until('the shares are announced again', async () => (await thresholds()).length === 10);
    await quotas.ofTenant({});
    await quotas.ofBucket(bucket, {});
    await until('no quota is left to be crossed', async () => (await crossings()) === 0);
    expect(await thresholds()).toHaveLength(10);
  });

  it('has a history of what was held and transferred', async () => {
    const bucket = await suite.newBucket();
    const id = containerId(await idOf(bucket));
    await put(bucket, 'k', 5_000);
    const answer = await suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'k' }));
    await answer.Body?.transformToByteArray();
    const from = new Date(Date.now() - HOUR_MS);
    const to = new Date(Date.now() + HOUR_MS);
    // An hour may have begun since the first of the requests.
    const sum = async (step: 'hour' | 'day'): Promise<readonly number[]> => {
      const periods = await usage.history(quotas.tenant, from, to, step, id);
      const total = (of: (period: (typeof periods)[number]) => number): number =>
        periods.reduce((all, period) => all + of(period), 0);
      return [total(({ requests }) => requests), total(({ bytesIn }) => bytesIn), total(({ bytesOut }) => bytesOut)];
    };
    await until('three requests are counted', async () => (await sum('hour'))[0] === 3);
    const [, bytesIn = 0, bytesOut = 0] = await sum('day');
    expect(bytesIn).toBeGreaterThanOrEqual(5_000);
    expect(bytesOut).toBeGreaterThanOrEqual(5_000);
    expect((await usage.now(quotas.tenant)).egressBytesThisMonth).toBeGreaterThanOrEqual(5_000);

    await quotas.query('DELETE FROM usage_samples');
    expect(await quotas.query('SELECT vaultaire_sample_usage() AS taken')).toEqual([{ taken: true }]);
    expect(await quotas.query('SELECT vaultaire_sample_usage() AS taken')).toEqual([{ taken: false }]);
    expect((await usage.history(quotas.tenant, from, to, 'hour', id)).at(-1)).toMatchObject({
      bytes: 5_000,
      artifacts: 1,
    });
    const whole = (await usage.history(quotas.tenant, from, to, 'day')).at(-1);
    expect(whole).toMatchObject(await quotas.held());
  });

  it('is put right by a reconcile where rows were changed by hand', async () => {
    const bucket = await suite.newBucket();
    await put(bucket, 'k', 100);
    expect(await usage.reconcile({ apply: true })).toEqual([]);
    await quotas.query(
      'UPDATE artifact_versions SET size_bytes = 150 WHERE container_id = (SELECT id FROM containers WHERE name = $1)',
      [bucket],
    );
    const id = await idOf(bucket);
    const drift = await usage.reconcile({ apply: false });
    expect(drift).toEqual([
      { tenantId: quotas.tenant, containerId: undefined, counted: expect.anything(), actual: expect.anything() },
      {
        tenantId: quotas.tenant,
        containerId: id,
        counted: { bytes: 100, artifacts: 1 },
        actual: { bytes: 150, artifacts: 1 },
      },
    ]);
    expect(await usage.reconcile({ apply: true })).toEqual(drift);
    expect(await usage.reconcile({ apply: false })).toEqual([]);
    expect(await quotas.held(bucket)).toEqual({ bytes: 150, artifacts: 1 });
    // A hard quota takes hold on what was counted anew.
    await quotas.ofBucket(bucket, { bytes: { hard: 160 } });
    await expect(put(bucket, 'other', 11)).rejects.toThrow('quota of the bucket');
    await put(bucket, 'other', 10);
  });
});
