import type { BucketLoggingStatus } from '@aws-sdk/client-s3';
import {
  DeleteBucketCommand,
  GetBucketLoggingCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketLoggingCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { randomBytes, randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { SecretCipher } from '../../src/tenant/secret-cipher';
import { TenancyService } from '../../src/tenant/tenancy.service';
import { makeDataSource } from '../../src/database/data-source';
import { until } from '../support/until';
import { refusalOf } from './raw-answer';
import { textOf, useS3 } from './s3-suite';

jest.setTimeout(60_000);

const MASTER_KEY = randomBytes(32);
/** Longer than a gateway or a delivery is given before another takes over. */
const LONG_AGO = `clock_timestamp() - interval '1 hour'`;

describe('server access logs', () => {
  const suite = useS3({
    env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') },
    workers: 2,
    config: { accessLogs: { deliveryIntervalSeconds: 1 } },
  });
  let pool: Pool;

  beforeAll(() => {
    pool = new Pool({ connectionString: suite.vaultaire.databaseUrl });
    pool.on('error', () => undefined);
  });
  afterAll(() => pool.end());

  const put = (Bucket: string, BucketLoggingStatus: BucketLoggingStatus) =>
    suite.s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus }));

  async function logsOf(target: string, prefix = ''): Promise<Map<string, string>> {
    const { Contents = [] } = await suite.s3.send(new ListObjectsV2Command({ Bucket: target, Prefix: prefix }));
    const logs = new Map<string, string>();
    for (const { Key = '' } of Contents) {
      logs.set(Key, await textOf(await suite.s3.send(new GetObjectCommand({ Bucket: target, Key }))));
    }
    return logs;
  }

  const linesOf = (logs: ReadonlyMap<string, string>): string[] =>
    [...logs.values()].flatMap((log) => log.split('\n')).filter((line) => line !== '');

  /** A bucket whose log goes to another, from now on in every process. */
  async function loggedBucket(format: object = {}): Promise<{ readonly bucket: string; readonly target: string }> {
    const bucket = await suite.newBucket();
    const target = await suite.newBucket();
    await put(bucket, { LoggingEnabled: { TargetBucket: target, TargetPrefix: 'log/', ...format } });
    const probe = new GetObjectCommand({ Bucket: bucket, Key: 'not/there' });
    // Each worker answers some of them: eight in a row come to all.
    await until('both workers log', async () => {
      const ids = await Promise.all(Array.from({ length: 8 }, () => requestIdOf(suite.s3.send(probe))));
      let logged = 0;
      await until('the events are written', async () => {
        const { rows } = await pool.query<{ logged: string; all: string }>(
          `SELECT count(access_log_line) AS logged, count(*) AS all FROM events WHERE request_id = ANY ($1)`,
          [ids],
        );
        logged = Number(rows[0]?.logged);
        return Number(rows[0]?.all) === ids.length;
      });
      return logged === ids.length;
    });
    return { bucket, target };
  }

  async function requestIdOf(
    answer: Promise<{ readonly $metadata: { readonly requestId?: string } }>,
  ): Promise<string> {
    const { $metadata } = await answer.catch((error: unknown) => error as Awaited<typeof answer>);
    return $metadata.requestId ?? '';
  }

  it('are set, told and switched off', async () => {
    const bucket = await suite.newBucket();
    const target = await suite.newBucket();
    const get = async () => (await suite.s3.send(new GetBucketLoggingCommand({ Bucket: bucket }))).LoggingEnabled;
    expect(await get()).toBeUndefined();
    const simple = { TargetBucket: target, TargetPrefix: '', TargetObjectKeyFormat: { SimplePrefix: {} } };
    await put(bucket, { LoggingEnabled: simple });
    expect(await get()).toMatchObject({ TargetBucket: target, TargetObjectKeyFormat: { SimplePrefix: {} } });
    const partitioned = {
      TargetBucket: target,
      TargetPrefix: 'a b/',
      TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'EventTime' as const } },
    };
    await put(bucket, { LoggingEnabled: partitioned });
    expect(await get()).toEqual(partitioned);
    await put(bucket, {});
    expect(await get()).toBeUndefined();
  });

  it('go to no bucket that is missing or another owner’s', async () => {
    const bucket = await suite.newBucket();
    const dataSource = await makeDataSource(suite.vaultaire.databaseUrl ?? '').initialize();
    const tenancy = new TenancyService(dataSource.manager, new SecretCipher(MASTER_KEY));
    const neighbour = await tenancy.createUser(await tenancy.findTenant('default'), { name: 'neighbour' });
    const { rows } = await pool.query<{ tenant_id: string }>(
      `INSERT INTO containers (tenant_id, name, owner_id, region) VALUES ($1, 'neighbours', $2, 'us-east-1')
       RETURNING tenant_id`,
      [neighbour.tenantId, neighbour.id],
    );
    expect(rows).toHaveLength(1);
    await dataSource.destroy();
    for (const TargetBucket of ['neighbours', 'not-there-at-all', 'No Bucket']) {
      const refused = put(bucket, { LoggingEnabled: { TargetBucket, TargetPrefix: '' } });
      expect(await refusalOf(refused)).toEqual({ code: 'InvalidTargetBucketForLogging', status: 400 });
    }
    const grant = { Grantee: { Type: 'CanonicalUser' as const, ID: 'x' }, Permission: 'READ' as const };
    const withGrants = { TargetBucket: bucket, TargetPrefix: '', TargetGrants: [grant] };
    const granting = put(bucket, { LoggingEnabled: withGrants });
    expect(await refusalOf(granting)).toMatchObject({ code: 'AccessControlListNotSupported' });
    expect((await suite.s3.send(new GetBucketLoggingCommand({ Bucket: bucket }))).LoggingEnabled).toBeUndefined();
  });

  it('have each request once, refused ones too, in objects named as asked', async () => {
    const { bucket, target } = await loggedBucket();
    const ids = new Map<string, string>();
    const Key = 'a "key"/ü';
    ids.set('put', await requestIdOf(suite.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'hello' }))));
    ids.set('get', await requestIdOf(suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range: 'bytes=1-3' }))));
    ids.set('miss', await requestIdOf(suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'missing' }))));
    const url = await getSignedUrl(suite.s3, new GetObjectCommand({ Bucket: bucket, Key }));
    const presigned = await fetch(url, { headers: { referer: 'http://site/"x"', 'user-agent': 'browser' } });
    expect(await presigned.text()).toBe('hello');
    ids.set('presigned', presigned.headers.get('x-amz-request-id') ?? '');
    const nobody = await fetch(`${suite.vaultaire.s3Endpoint}/default:${bucket}/${encodeURIComponent(Key)}`);
    expect(nobody.status).toBe(403);
    await nobody.text();
    ids.set('nobody', nobody.headers.get('x-amz-request-id') ?? '');

    const isThere = (lines: readonly string[], id: string): boolean => lines.some((line) => line.includes(` ${id} `));
    let lines: string[] = [];
    await until('the log is delivered', async () => {
      lines = linesOf(await logsOf(target, 'log/'));
      return [...ids.values()].every((id) => isThere(lines, id));
    });
    for (const key of (await logsOf(target)).keys()) expect(key).toMatch(/^log\/\d{4}(-\d\d){5}-[0-9A-F]{16}$/);
    const line = (name: string): string => lines.find((text) => text.includes(` ${ids.get(name) ?? '?'} `)) ?? '';
    expect(line('put')).toMatch(/ REST\.PUT\.OBJECT a%20%22key%22\/%C3%BC "PUT \/[^"]* HTTP\/1\.1" 200 - - 5 \d+ /);
    expect(line('get')).toMatch(
      / REST\.GET\.OBJECT \S+ "GET [^"]*" 206 - 3 5 \d+ \d+ "-" "[^"]+" - \S+ SigV4 - AuthHeader /,
    );
    expect(line('miss')).toMatch(/ missing "GET [^"]*" 404 NoSuchKey \d+ - \d+ /);
    expect(line('presigned')).toMatch(
      / 200 - 5 5 \d+ \d+ "http:\/\/site\/%22x%22" "browser" - \S+ SigV4 - QueryString /,
    );
    expect(line('presigned')).toContain('X-Amz-Signature=-');
    expect(line('nobody')).toMatch(/ 127\.0\.0\.1 - \S+ REST\.GET\.OBJECT \S+ "GET [^"]*" 403 AccessDenied /);
    expect(new Set(lines).size).toBe(lines.length);
  });

  it('go on where a gateway died, without a line lost or doubled', async () => {
    const partitioned = { PartitionedPrefix: { PartitionDateSource: 'EventTime' as const } };
    const { bucket, target } = await loggedBucket({ TargetObjectKeyFormat: partitioned });
    const { rows } = await pool.query<{ id: string }>('SELECT id FROM containers WHERE name = $1', [bucket]);
    const id = rows[0]?.id;
    const begun = async (key: string, line: string): Promise<string> => {
      const delivery = randomUUID();
      await pool.query(
        `INSERT INTO access_log_deliveries (id, container_id, target, target_key, claimed_at) VALUES ($1, $2, $3, $4, ${LONG_AGO})`,
        [delivery, id, target, key],
      );
      await pool.query(
        'INSERT INTO access_log_lines (event_id, container_id, delivery_id, time, line) VALUES ($1, $2, $3, now(), $4)',
        [randomUUID(), id, delivery, line],
      );
      return delivery;
    };
    // One had written its object, the other had not.
    await suite.s3.send(new PutObjectCommand({ Bucket: target, Key: 'died/after', Body: 'after\n' }));
    const deliveries = [await begun('died/after', 'doubled'), await begun('died/before', 'before')];
    await until('both are finished', async () => {
      const left = await pool.query('SELECT FROM access_log_deliveries WHERE id = ANY ($1)', [deliveries]);
      return left.rows.length === 0;
    });
    const logs = await logsOf(target, 'died/');
    expect(Object.fromEntries(logs)).toEqual({ 'died/after': 'after\n', 'died/before': 'before\n' });
    await until('all others are delivered', async () => (await waitingOf(id)) === 0);
    const lines = linesOf(await logsOf(target, 'log/'));
    const { rows: logged } = await pool.query<{ access_log_line: string }>(
      'SELECT access_log_line FROM events WHERE logged_container_id = $1',
      [id],
    );
    expect(lines.sort()).toEqual(logged.map(({ access_log_line }) => access_log_line).sort());
    for (const key of (await logsOf(target, 'log/')).keys()) {
      expect(key).toMatch(
        new RegExp(`^log/\\d{12}/us-east-1/${bucket}/\\d{4}/\\d\\d/\\d\\d/[-0-9]+-00-00-00-[0-9A-F]{16}$`),
      );
    }
  });

  it('wait for a target that is gone', async () => {
    const { bucket, target } = await loggedBucket();
    const { rows } = await pool.query<{ id: string }>('SELECT id FROM containers WHERE name = $1', [bucket]);
    const id = rows[0]?.id;
    await until('all is delivered', async () => (await waitingOf(id)) === 0);
    await pool.query('DELETE FROM artifact_versions WHERE container_id = (SELECT id FROM containers WHERE name = $1)', [
      target,
    ]);
    await suite.s3.send(new DeleteBucketCommand({ Bucket: target }));
    const lost = await requestIdOf(suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'late' })));
    await until('it waits', async () => (await waitingOf(id)) > 0);
    const other = await suite.newBucket();
    await put(bucket, { LoggingEnabled: { TargetBucket: other, TargetPrefix: '' } });
    await until('it went elsewhere', async () => linesOf(await logsOf(other)).some((line) => line.includes(lost)));
  });

  async function waitingOf(id: string | undefined): Promise<number> {
    const { rows } = await pool.query('SELECT FROM access_log_lines WHERE container_id = $1', [id]);
    return rows.length;
  }
});
