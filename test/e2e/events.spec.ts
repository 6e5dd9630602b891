import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { Pool } from 'pg';
import { RequestRecord } from '../../src/context/request-record';
import { Database } from '../../src/database/database';
import { eventLine } from '../../src/events/event-line';
import { writeEvents } from '../../src/events/event-writer';
import { EVENT_FIELDS } from '../../src/events/query/event-fields';
import { until } from '../support/until';
import { useS3 } from './s3-suite';

interface Item {
  readonly id: string;
  readonly requestId: string;
  readonly operation: string;
  readonly status: number;
  readonly [field: string]: unknown;
}

interface ListAnswer {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

type ExportedRow = Readonly<Record<string, unknown>>;

const ONE = '0190a000-0000-7000-8000-00000000000a';
const TWO = '0190a000-0000-7000-8000-00000000000b';
/** A day in the past, so that nothing else is in it. */
const DAY_MS = Date.UTC(2025, 5, 10);
const DAY = 'from=2025-06-10T00:00:00Z&to=2025-06-12T00:00:00Z';

describe('the event log on the admin plane', () => {
  let pool: Pool;
  // The job that drops what is old may run after the rows were made.
  const suite = useS3({ config: { events: { retentionDays: 36_500 } } });

  beforeAll(async () => {
    pool = new Pool({ connectionString: suite.vaultaire.databaseUrl });
    pool.on('error', () => undefined);
    await pool.query(`INSERT INTO tenants (id, name) VALUES ($1, 'one'), ($2, 'two')`, [ONE, TWO]);
    const lines = Array.from({ length: 30 }, (_, at) => eventLine(made(at)));
    await writeEvents(new Database(pool), { bytes: Buffer.from(lines.join('')), rows: lines.length });
  }, 60_000);

  afterAll(() => pool.end());

  /** Over two days, a row each hour. */
  function made(at: number): RequestRecord {
    const record = Object.assign(new RequestRecord(`R${String(at).padStart(2, '0')}`, 'GetObject'), {
      startedAtMs: DAY_MS + at * 3_600_000,
      outcome: 'completed',
      latencyMs: at + 0.25,
      tenantId: at % 3 === 0 ? TWO : at === 1 ? undefined : ONE,
      container: at % 2 === 0 ? 'even' : 'odd',
      artifactKey: at < 10 ? `a/${String(at)}` : 'shared, "key"\n',
      accessKeyId: at === 4 ? '=cmd()' : 'AKIA',
      status: at % 5 === 0 ? 404 : 206,
      bytesOut: at === 7 ? 5 * 2 ** 40 : at,
      userAgent: at === 8 ? '+1' : undefined,
    });
    if (at >= 20) record.operation = 'PutObject';
    return record;
  }

  function ask(path: string, token = suite.vaultaire.adminToken): Promise<Response> {
    return fetch(`${suite.vaultaire.adminEndpoint}/api/v1/${path}`, { headers: { Authorization: `Bearer ${token}` } });
  }

  async function list(query: string, token?: string): Promise<ListAnswer> {
    const response = await ask(`events?${query}`, token);
    expect(response.status).toBe(200);
    return (await response.json()) as ListAnswer;
  }

  const idsOf = ({ items }: ListAnswer): string[] => items.map(({ requestId }) => requestId);
  const named = (...numbers: readonly number[]): string[] => numbers.map((at) => `R${String(at).padStart(2, '0')}`);
  const all = Array.from({ length: 30 }, (_, at) => at);

  async function tokenOf(role: string, tenant?: string): Promise<string> {
    const response = await fetch(`${suite.vaultaire.adminEndpoint}/api/v1/tokens`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${suite.vaultaire.adminToken}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: `${role}-${tenant ?? 'all'}`, role, tenant }),
    });
    const answer = (await response.json()) as { readonly token: string };
    expect(response.status).toBe(201);
    return answer.token;
  }

  it('has every change again whose row was not written any more when the gateway was killed', async () => {
    const { s3 } = suite;
    const startedAtMs = Date.now();
    const Bucket = 'changed';
    const upload = { Bucket, Key: 'parts' };
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a b', Body: 'bytes' }));
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/a%20b` }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload));
    const { ETag } = await s3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'part' }));
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
    await s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'copy' }));
    await tokenOf('viewer');
    const done = ['CompleteMultipartUpload', 'CopyObject', 'DeleteObject', 'PutObject', 'UploadPart'];
    const begun = ['CreateBucket', 'CreateMultipartUpload', 'admin.TokenCreate'];
    const rowsOf = async (): Promise<{ readonly id: string; readonly outcome?: string }[]> => {
      const { rows } = await pool.query<{ readonly id: string; readonly outcome: string }>(
        `SELECT id, time, request_id, tenant_id, user_id, access_key_id, actor, operation, container, artifact_key,
           remote_address, outcome FROM events WHERE operation = ANY ($1) AND time > $2 ORDER BY operation COLLATE "C"`,
        [[...done, ...begun], new Date(startedAtMs)],
      );
      return rows;
    };
    let before = await rowsOf();
    await until('all are logged', async () => {
      before = await rowsOf();
      return before.length === done.length + begun.length;
    });
    await pool.query('DELETE FROM events WHERE id = ANY ($1)', [before.map(({ id }) => id)]);
    const { rows } = await pool.query(`SELECT recovered FROM vaultaire_recover_events('0 s', 1000000)`);
    expect(rows).toEqual([{ recovered: String(before.length) }]);
    const outcomes = [...begun, ...done].sort().map((name) => (done.includes(name) ? 'completed' : 'aborted'));
    expect((await rowsOf()).map(({ outcome }) => outcome)).toEqual(outcomes);
    expect((await rowsOf()).map((row) => ({ ...row, outcome: 'completed' }))).toEqual(before);
  });

  it('lists the newest first, page by page, each once', async () => {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list(`${DAY}&limit=7${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      ids.push(...idsOf(page));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(ids).toEqual(named(...all).reverse());
  });

  it.each([
    ['tenant=two', all.filter((at) => at % 3 === 0)],
    [`tenant=${TWO}`, all.filter((at) => at % 3 === 0)],
    ['operation=PutObject', all.filter((at) => at >= 20)],
    ['statusClass=4', all.filter((at) => at % 5 === 0)],
    ['container=odd', all.filter((at) => at % 2 === 1)],
    ['keyPrefix=a/', all.filter((at) => at < 10)],
    [`keyPrefix=${encodeURIComponent('a%')}`, []],
    [`accessKey=${encodeURIComponent('=cmd()')}`, [4]],
    ['requestId=R17', [17]],
    ['tenant=one&statusClass=2&container=even&keyPrefix=a/', [2, 4, 8]],
  ])('filters by %s', async (filter, expected) => {
    expect(idsOf(await list(`${DAY}&${filter}`))).toEqual(named(...expected).reverse());
  });

  it('takes the first moment in, and leaves the last one out', async () => {
    expect(idsOf(await list('from=2025-06-10T05:00:00Z&to=2025-06-10T07:00:00Z'))).toEqual(named(6, 5));
  });

  it.each(['limit=0', 'from=yesterday', 'statusClass=9', 'cursor=bm8', 'colour=blue', 'tenant=nobody'])(
    'refuses %s',
    async (query) => {
      const { status } = await ask(`events?${query}`);
      expect([400, 404]).toContain(status);
    },
  );

  it('shows a tenant-admin the own tenant, and denies that others exist', async () => {
    const token = await tokenOf('tenant-admin', 'one');
    const own = all.filter((at) => at % 3 !== 0 && at !== 1);
    expect(idsOf(await list(DAY, token))).toEqual(named(...own).reverse());
    expect((await ask(`events?${DAY}&tenant=two`, token)).status).toBe(404);
    expect((await ask(`events?${DAY}&tenant=never`, token)).status).toBe(404);
    const exported = await (await ask(`events/export?${DAY}`, token)).text();
    expect(exported.trim().split('\n')).toHaveLength(own.length);
    expect((await ask(`events/export?${DAY}&tenant=two`, token)).status).toBe(404);
    expect((await ask(`events?${DAY}`, 'no-such-token-at-all')).status).toBe(401);
  });

  it('exports all fields in order as NDJSON', async () => {
    const response = await ask(`events/export?${DAY}`);
    expect(response.headers.get('x-vaultaire-events-schema')).toBe('1');
    const rows = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ExportedRow);
    expect(rows.map(({ request_id }) => request_id)).toEqual(named(...all));
    expect(Object.keys(rows[0] ?? {})).toEqual(EVENT_FIELDS.map(({ name }) => name));
    expect(rows[7]).toMatchObject({ bytes_out: 5 * 2 ** 40, latency_ms: 7.25, time: '2025-06-10T07:00:00.000Z' });
    expect(rows[1]).toMatchObject({ tenant_id: null, user_agent: null });
  });

  it('exports CSV that a spreadsheet takes for text', async () => {
    const text = await (await ask(`events/export?${DAY}&format=csv`)).text();
    expect(text.startsWith(`${EVENT_FIELDS.map(({ name }) => name).join(',')}\r\n`)).toBe(true);
    expect(text.match(/\r\n/g)).toHaveLength(31);
    expect(text).toContain(`,'=cmd(),`);
    expect(text).toContain(`,'+1\r\n`);
    expect(text).toContain(`,"shared, ""key""\n",`);
  });

  it('exports Parquet that another program reads, the same as NDJSON', async () => {
    const json = (await (await ask(`events/export?${DAY}`)).text()).trimEnd().split('\n');
    const file = await (await ask(`events/export?${DAY}&format=parquet`)).arrayBuffer();
    const version = parquetMetadata(file).key_value_metadata?.find(({ key }) => key === 'vaultaire.events.schema');
    expect(version?.value).toBe('1');
    const rows = await parquetReadObjects({ file });
    const plain = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : (value ?? null)]),
      ),
    );
    expect(JSON.parse(JSON.stringify(plain))).toEqual(json.map((line) => JSON.parse(line) as ExportedRow));
  });

  it('exports a file of each format when there is nothing', async () => {
    const nothing = 'from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z';
    expect(await (await ask(`events/export?${nothing}`)).text()).toBe('');
    const file = await (await ask(`events/export?${nothing}&format=parquet`)).arrayBuffer();
    expect(await parquetReadObjects({ file })).toEqual([]);
  });

  it('puts hashes in the place of keys, by tenant', async () => {
    const text = await (await ask(`events/export?${DAY}&hashKeys=true`)).text();
    expect(text).not.toContain('shared');
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ExportedRow);
    const hashesOf = (tenant: string): Set<unknown> =>
      new Set(rows.slice(10).flatMap((row) => (row.tenant_id === tenant ? [row.artifact_key] : [])));
    const [one, two] = [[...hashesOf(ONE)], [...hashesOf(TWO)]];
    expect([one.length, two.length]).toEqual([1, 1]);
    expect(one[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(one[0]).not.toBe(two[0]);
    const again = await (await ask(`events/export?${DAY}&hashKeys=true`)).text();
    expect(again).toBe(text);
  });

  it('exports more than a page, over days, without a row lost at a boundary', async () => {
    const count = 5_000;
    const start = Date.UTC(2025, 7, 1, 23, 59, 58);
    const lines = Array.from({ length: count }, (_, at) =>
      eventLine(Object.assign(made(2), { requestId: `M${String(at)}`, startedAtMs: start + Math.floor(at / 2) })),
    );
    await writeEvents(new Database(pool), { bytes: Buffer.from(lines.join('')), rows: count });
    const range = 'from=2025-08-01T00:00:00Z&to=2025-08-03T00:00:00Z';
    const text = await (await ask(`events/export?${range}`)).text();
    const ids = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect(new Set(ids).size).toBe(count);
    expect(ids).toEqual([...ids].sort());
    const file = await (await ask(`events/export?${range}&format=parquet`)).arrayBuffer();
    expect(await parquetReadObjects({ file })).toHaveLength(count);
  });

  it('holds every request of both planes, denied ones too', async () => {
    const bucket = await suite.newBucket();
    const missing = suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'missing' }));
    await expect(missing).rejects.toThrow();
    await fetch(`${suite.vaultaire.s3Endpoint}/${bucket}/denied`);
    await ask('events?limit=0');
    const wanted: readonly Partial<Item>[] = [
      { operation: 'CreateBucket', status: 200, container: bucket },
      { operation: 'GetObject', status: 404, errorCode: 'NoSuchKey', artifactKey: 'missing' },
      { operation: 'GetObject', status: 403, errorCode: 'AccessDenied', artifactKey: 'denied' },
      { operation: 'admin.EventList', status: 400, actor: expect.stringMatching(/^token:/) },
    ];
    await until('all are there', async () => {
      const { items } = await list('limit=1000');
      return wanted.every((event) => items.some((item) => matches(item, event)));
    });
  });
});

function matches(item: Item, wanted: Partial<Item>): boolean {
  try {
    expect(item).toMatchObject(wanted);
    return true;
  } catch {
    return false;
  }
}
