import * as fc from 'fast-check';
import type { DataSource } from 'typeorm';
import type { TestDatabase } from '../../test/support/test-database';
import { createTestDatabase } from '../../test/support/test-database';
import { RequestRecord } from '../context/request-record';
import { makeDataSource } from '../database/data-source';
import { Database } from '../database/database';
import { poolOf } from '../database/database.module';
import type { EventBatch } from './event-batch';
import { EVENT_COLUMNS, eventLine } from './event-line';
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

  function batchOf(...lines: readonly string[]): EventBatch {
    return { bytes: Buffer.from(lines.join('')), rows: lines.length };
  }

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
    full.firstByteClockMs = full.startedClockMs + 0.5;
    full.actor = 'token:root';
    full.driver = 'local';
    full.driverLatencyMs = 0.25;
    full.placement = 'default';
    full.range = 'bytes=0-1';
    full.remoteAddress = '::1';
    full.userAgent = 'aws-cli';
    full.outcome = 'completed';
    full.accessLog = { containerId: '9007199254740993', line: 'owner bucket "GET \\ HTTP/1.1"' };
    const line = eventLine(full);
    await writeEvents(database, batchOf(line));
    expect(await stored()).toEqual([
      {
        partition: `events_${new Date(full.startedAtMs).toISOString().slice(0, 10).replaceAll('-', '')}`,
        id: line.slice(0, 36),
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
        actor: 'token:root',
        logged_container_id: '9007199254740993',
        access_log_line: full.accessLog.line,
      },
    ]);
    // Brought again, nothing is added to either table.
    await writeEvents(database, batchOf(line));
    expect(await dataSource.query('SELECT container_id, line, delivery_id FROM access_log_lines')).toEqual([
      { container_id: '9007199254740993', line: full.accessLog.line, delivery_id: null },
    ]);
  });

  it('keeps any key and user agent as it came, and what is unknown as NULL', async () => {
    const texts = fc.sample(fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }), 300);
    texts.push('\\N', '\\.', '', 'tab\tnew\nline\rback\\slash', '"quoted"', '{a,b}', 'NULL');
    const lines = texts.map((text, index) => {
      const odd = record(String(index).padStart(4, '0'));
      odd.artifactKey = text;
      odd.userAgent = text;
      return eventLine(odd);
    });
    await writeEvents(database, batchOf(...lines));
    const expected = texts.map((text) => [text?.replaceAll('\0', '\ufffd') ?? null, text ?? null]);
    expect((await stored()).map((event) => [event.artifact_key, event.user_agent])).toEqual(expected);
  });

  it('adds each row once, however often and with whatever others it comes', async () => {
    const lines = ['r1', 'r2', 'r3'].map((id) => eventLine(record(id)));
    await writeEvents(database, batchOf(...lines.slice(0, 2)));
    expect(await writeEvents(database, batchOf(...lines.slice(0, 2)))).toMatchObject({ rows: 2, refused: 0 });
    expect(await writeEvents(database, batchOf(...lines.slice(1)))).toMatchObject({ rows: 2, refused: 0 });
    await writeEvents(database, batchOf(lines[2] ?? '', eventLine(record('r4')), lines[2] ?? ''));
    expect((await stored()).map((event) => event.request_id)).toEqual(['r1', 'r2', 'r3', 'r4']);
  });

  it('refuses no time: days without a partition go to the default one', async () => {
    const old = Object.assign(record('r1'), { startedAtMs: Date.UTC(2001, 1, 3) });
    await writeEvents(database, batchOf(eventLine(old)));
    expect(await stored()).toMatchObject([{ partition: 'events_default', time: new Date(Date.UTC(2001, 1, 3)) }]);
  });

  it('leaves out the row alone that PostgreSQL refuses', async () => {
    const bad = Object.assign(record('r3'), { tenantId: 'no uuid' });
    const lines = [record('r1'), record('r2'), bad, record('r4')].map(eventLine);
    const { rows, refused, reason } = await writeEvents(database, batchOf(...lines));
    expect([rows, refused]).toEqual([3, 1]);
    expect(reason).toMatchObject({ message: expect.stringContaining('uuid') });
    expect((await stored()).map((event) => event.request_id)).toEqual(['r1', 'r2', 'r4']);
  });

  it('takes lines of an older version, by their columns', async () => {
    const line = eventLine(record('r1'));
    const columns = EVENT_COLUMNS.replace(', actor', '');
    const old = `${line.slice(0, line.lastIndexOf('\t'))}\n`;
    await writeEvents(database, batchOf(old), columns);
    await writeEvents(database, batchOf(old), columns);
    expect(await stored()).toMatchObject([{ request_id: 'r1', actor: null }]);
  });

  it('does not take the fault of the table for one of the rows', async () => {
    await dataSource.query('ALTER TABLE events RENAME TO events_away');
    try {
      await expect(writeEvents(database, batchOf(eventLine(record('r1'))))).rejects.toThrow('does not exist');
    } finally {
      await dataSource.query('ALTER TABLE events_away RENAME TO events');
    }
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
