import * as fc from 'fast-check';
import type { DataSource } from 'typeorm';
import type { TestDatabase } from '../../test/support/test-database';
import { createTestDatabase } from '../../test/support/test-database';
import { RequestRecord } from '../context/request-record';
import { makeDataSource } from '../database/data-source';
import { Database } from '../database/database';
import { poolOf } from '../database/database.module';
import type { EventRow } from './event-row';
import { eventRow } from './event-row';
import { writeEvents } from './event-writer';

interface StoredEvent {
  readonly partition: string;
  readonly time: Date;
  readonly artifact_key: string | null;
  readonly user_agent: string | null;
  readonly bytes_out: string;
  readonly tenant_id: string | null;
  readonly [column: string]: unknown;
}

describe('writeEvents', () => {
  let testDatabase: TestDatabase;
  let dataSource: DataSource;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    dataSource = await makeDataSource(testDatabase.url).initialize();
    database = new Database(poolOf(dataSource));
  }, 60_000);

  afterAll(async () => {
    await dataSource.destroy();
    await testDatabase.drop();
  });

  beforeEach(() => dataSource.query('TRUNCATE events'));

  const stored = (): Promise<StoredEvent[]> =>
    dataSource.query('SELECT tableoid::regclass::text AS partition, * FROM events ORDER BY request_id');

  function record(requestId: string): RequestRecord {
    const made = new RequestRecord(requestId, 'GetObject');
    made.status = 200;
    return made;
  }

  it('keeps every field', async () => {
    const full = record('r1');
    full.tenantId = '0190a000-0000-7000-8000-000000000001';
    full.userId = '0190a000-0000-7000-8000-000000000002';
    full.accessKeyId = 'AKIA1';
    full.container = 'bucket';
    full.artifactKey = 'a/b';
    full.versionId = 'null';
    full.errorCode = 'NoSuchKey';
    full.bytesIn = 12;
    full.bytesOut = 5 * 2 ** 40;
    full.latencyMs = 1.5;
    full.firstByteAtNs = full.startedAtNs + 500_000n;
    full.driver = 'local';
    full.driverLatencyMs = 0.25;
    full.placement = 'default';
    full.range = 'bytes=0-1';
    full.remoteAddress = '::1';
    full.userAgent = 'aws-cli';
    full.outcome = 'completed';
    const row = eventRow(full);
    await writeEvents(database, [row]);
    expect(await stored()).toEqual([
      {
        partition: `events_${new Date(full.startedAtMs).toISOString().slice(0, 10).replaceAll('-', '')}`,
        id: row.id,
        time: new Date(full.startedAtMs),
        request_id: 'r1',
        tenant_id: full.tenantId,
        user_id: full.userId,
        access_key_id: 'AKIA1',
        operation: 'GetObject',
        container: 'bucket',
        artifact_key: 'a/b',
        version_id: 'null',
        outcome: 'completed',
        status: 200,
        error_code: 'NoSuchKey',
        bytes_in: '12',
        bytes_out: String(5 * 2 ** 40),
        latency_ms: 1.5,
        first_byte_ms: 0.5,
        driver: 'local',
        driver_latency_ms: 0.25,
        placement: 'default',
        range: 'bytes=0-1',
        remote_address: '::1',
        user_agent: 'aws-cli',
      },
    ]);
  });

  it('keeps any key and user agent as it came, and what is unknown as NULL', async () => {
    const texts = fc.sample(fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }), 300);
    texts.push('\\N', '\\.', '', 'tab\tnew\nline\rback\\slash', '"quoted"', '{a,b}', 'NULL');
    const rows = texts.map((text, index): EventRow => {
      const odd = record(String(index).padStart(4, '0'));
      odd.artifactKey = text;
      odd.userAgent = text;
      return eventRow(odd);
    });
    await writeEvents(database, rows);
    const expected = rows.map((row) => [row.artifactKey ?? null, row.userAgent ?? null]);
    expect((await stored()).map((event) => [event.artifact_key, event.user_agent])).toEqual(expected);
  });

  it('adds nothing when a batch is sent again', async () => {
    const rows = [eventRow(record('r1')), eventRow(record('r2'))];
    await writeEvents(database, rows);
    await writeEvents(database, rows);
    expect(await stored()).toHaveLength(2);
  });

  it('refuses no time: days without a partition go to the default one', async () => {
    const old = { ...eventRow(record('r1')), timeMs: Date.UTC(2001, 1, 3) };
    await writeEvents(database, [old]);
    expect(await stored()).toMatchObject([{ partition: 'events_default', time: new Date(Date.UTC(2001, 1, 3)) }]);
  });

  it('rejects a batch whole when one of its rows is bad', async () => {
    const bad = { ...eventRow(record('r2')), tenantId: 'no uuid' };
    await expect(writeEvents(database, [eventRow(record('r1')), bad])).rejects.toThrow('uuid');
    expect(await stored()).toEqual([]);
  });

  it('has partitions for the days to come, and makes each once', async () => {
    const create = (): Promise<{ created: number }[]> =>
      dataSource.query('SELECT vaultaire_create_event_partitions(5) AS created');
    const days: { days: number }[] = await dataSource.query(
      "SELECT count(*)::integer AS days FROM pg_inherits WHERE inhparent = 'events'::regclass",
    );
    expect(days[0]?.days).toBe(5);
    expect(await create()).toEqual([{ created: 2 }]);
    expect(await create()).toEqual([{ created: 0 }]);
  });
});
