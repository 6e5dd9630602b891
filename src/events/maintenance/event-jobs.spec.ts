import type { DataSource } from 'typeorm';
import type { TestDatabase } from '../../../test/support/test-database';
import { createTestDatabase } from '../../../test/support/test-database';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { eventId } from '../../context/event-id';
import { RequestRecord } from '../../context/request-record';
import { makeDataSource } from '../../database/data-source';
import { Database } from '../../database/database';
import { poolOf } from '../../database/database.module';
import { eventLine } from '../event-line';
import { writeEvents } from '../event-writer';
import { EVENT_JOBS } from './event-jobs';

const DAY_MS = 86_400_000;
const TODAY_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const SHORT = '0190a000-0000-7000-8000-000000000001';
const LONG = '0190a000-0000-7000-8000-000000000002';
const PLAIN = '0190a000-0000-7000-8000-000000000003';

interface LoggedRead {
  readonly tenantId?: string;
  readonly atMs: number;
  readonly key?: string;
  readonly operation?: string;
  readonly status?: number;
  readonly bytes?: number;
}

describe('the jobs of the event log', () => {
  let testDatabase: TestDatabase;
  let dataSource: DataSource;
  let database: Database;
  const config = Object.assign(new VaultaireConfig(), { events: { retentionDays: 30, spoolMaxBytes: 1 } });

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    dataSource = await makeDataSource(testDatabase.url).initialize();
    database = new Database(poolOf(dataSource));
    await dataSource.query(`INSERT INTO plans (name, policy) VALUES ('short', '{"events": {"retentionDays": 7}}')`);
    await dataSource.query(
      `INSERT INTO tenants (id, name, plan, policy) VALUES
         ($1, 'short', 'short', '{}'), ($2, 'long', 'short', '{"events": {"retentionDays": 60}}'), ($3, 'plain', NULL, '{}')`,
      [SHORT, LONG, PLAIN],
    );
  }, 60_000);

  afterEach(async () => {
    await dataSource.destroy();
    await testDatabase.drop();
  });

  async function run(name: string): Promise<void> {
    const job = EVENT_JOBS.find((other) => other.name === name);
    if (job === undefined) throw new Error(`there is no job ${name}`);
    await job.run(database, config, new AbortController().signal);
  }

  async function log(...reads: readonly LoggedRead[]): Promise<void> {
    const lines = reads.map(({ tenantId, atMs, key = 'key', operation = 'GetObject', status = 200, bytes = 10 }) => {
      const record = Object.assign(new RequestRecord(`r${String(atMs)}`, operation), { startedAtMs: atMs });
      Object.assign(record, { tenantId, container: 'c', artifactKey: key, status, bytesOut: bytes });
      return eventLine(record);
    });
    await writeEvents(database, { bytes: Buffer.from(lines.join('')), rows: lines.length });
  }

  async function partitionOf(daysAgo: number): Promise<void> {
    const day = new Date(TODAY_MS - daysAgo * DAY_MS).toISOString().slice(0, 10);
    const next = new Date(TODAY_MS - (daysAgo - 1) * DAY_MS).toISOString().slice(0, 10);
    await dataSource.query(`CREATE TABLE events_${day.replaceAll('-', '')} PARTITION OF events
      FOR VALUES FROM ('${day} 00:00+00') TO ('${next} 00:00+00')`);
  }

  const ages = async (): Promise<string[]> => {
    const rows: { who: string; days: number }[] = await dataSource.query(
      `SELECT coalesce(t.name, 'nobody') AS who, $1::date - (e.time AT TIME ZONE 'UTC')::date AS days
       FROM events e LEFT JOIN tenants t ON t.id = e.tenant_id ORDER BY 1, 2`,
      [new Date(TODAY_MS)],
    );
    return rows.map(({ who, days }) => `${who} ${String(days)}`);
  };
  const partitions = async (): Promise<number> => {
    const [row]: { count: number }[] = await dataSource.query(
      `SELECT count(*)::integer AS count FROM pg_inherits WHERE inhparent = 'events'::regclass`,
    );
    return row?.count ?? 0;
  };
  const at = (daysAgo: number): number => TODAY_MS - daysAgo * DAY_MS + 1_000;

  it('make rows of what was changed and not logged any more, once, with the patience that late rows need', async () => {
    const requests = ['00000000000000A1', '00000000000000A2', '00000000000000A3'];
    const startedAtMs = Date.now() - 3_600_000;
    const origin = (requestId: string): string =>
      `PutObject ${requestId} 192.0.2.1 ${PLAIN} AKIATEST ${eventId(startedAtMs, requestId)}`;
    for (const requestId of requests)
      await dataSource.query('SELECT vaultaire_journal($1, $2, $3, $4, $5)', [origin(requestId), PLAIN, 'c', 'k', 7]);
    const logged = (requestId: string): string =>
      eventLine(
        Object.assign(new RequestRecord(requestId, 'PutObject'), { startedAtMs, status: 200, tenantId: PLAIN }),
      );
    const write = (requestId: string): Promise<unknown> =>
      writeEvents(database, { bytes: Buffer.from(logged(requestId)), rows: 1 });
    await write('00000000000000A1');
    await dataSource.query(
      `UPDATE event_journal SET journaled_at = journaled_at - interval '11 minutes' WHERE origin NOT LIKE '%A3 %'`,
    );
    await run('event-recovery');
    // Late, from a spool.
    await write('00000000000000A2');
    await run('event-recovery');
    const rows: unknown[] = await dataSource.query(
      `SELECT request_id, access_key_id, user_id, operation, container, artifact_key, outcome, status, bytes_in::integer,
         remote_address, time FROM events ORDER BY request_id`,
    );
    expect(rows).toEqual([
      expect.objectContaining({ request_id: '00000000000000A1', access_key_id: null }),
      {
        request_id: '00000000000000A2',
        access_key_id: 'AKIATEST',
        user_id: PLAIN,
        operation: 'PutObject',
        container: 'c',
        artifact_key: 'k',
        outcome: 'completed',
        status: 200,
        bytes_in: 7,
        remote_address: '192.0.2.1',
        time: new Date(startedAtMs),
      },
    ]);
    expect(await dataSource.query('SELECT count(*)::integer AS count FROM event_journal')).toEqual([{ count: 1 }]);
  });

  it('keep the rows of each tenant as long as its plan or its own policy says, and the default for others', async () => {
    for (const days of [70, 40, 20, 10]) await partitionOf(days);
    for (const days of [100, 70, 40, 20, 10, 1]) {
      await log(
        ...[SHORT, LONG, PLAIN, undefined].map((tenantId) => ({ ...(tenantId && { tenantId }), atMs: at(days) })),
      );
    }
    const before = await partitions();
    await run('event-retention');
    expect(await ages()).toEqual([
      'long 1',
      'long 10',
      'long 20',
      'long 40',
      'nobody 1',
      'nobody 10',
      'nobody 20',
      'plain 1',
      'plain 10',
      'plain 20',
      'short 1',
    ]);
    // Of the day that is past the longest retention; the row of a day without a partition went from the default one.
    expect(await partitions()).toBe(before - 1);
  });

  it('drop nothing while a tenant keeps its rows for ever', async () => {
    await dataSource.query(`UPDATE tenants SET policy = '{"events": {"retentionDays": null}}' WHERE id = $1`, [LONG]);
    await partitionOf(70);
    await log({ tenantId: LONG, atMs: at(70) }, { tenantId: SHORT, atMs: at(70) });
    await run('event-retention');
    expect(await ages()).toEqual(['long 70']);
  });

  it('delete as many rows as there are, batch by batch', async () => {
    const old = Array.from({ length: 12_000 }, (_, index) => ({ tenantId: SHORT, atMs: at(10) + index }));
    await log(...old, { tenantId: SHORT, atMs: at(1) });
    await run('event-retention');
    expect(await ages()).toEqual(['short 1']);
  });

  it('are done by one of those who ask at once, again after the interval, and by another one after the lease', async () => {
    const claim = async (interval: string, lease: string): Promise<boolean> => {
      const [row]: { mine: boolean }[] = await dataSource.query(
        'SELECT vaultaire_claim_job($1, $2::interval, $3::interval) AS mine',
        ['job', interval, lease],
      );
      return row?.mine === true;
    };
    const claims = await Promise.all([1, 2, 3, 4].map(() => claim('1 hour', '1 hour')));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await claim('1 hour', '0 seconds')).toBe(true);
    await dataSource.query(`UPDATE periodic_jobs SET succeeded_at = clock_timestamp()`);
    expect(await claim('1 hour', '1 hour')).toBe(false);
    expect(await claim('0 seconds', '1 hour')).toBe(true);
  });

  describe('roll up', () => {
    const features = async (key: string): Promise<Record<string, unknown>> => {
      const [row]: Record<string, unknown>[] = await dataSource.query(
        'SELECT * FROM artifact_access_features WHERE tenant_id = $1 AND container = $2 AND artifact_key = $3',
        [PLAIN, 'c', key],
      );
      if (row === undefined) throw new Error('there is no such artifact');
      return row;
    };

    it('what became of an artifact, the same as the log itself says', async () => {
      const times = [at(2), at(2) + 60_000, at(1) + 7_200_000, at(1) + 7_230_000, at(0)];
      await log(...times.map((atMs) => ({ tenantId: PLAIN, atMs })));
      await log(
        { tenantId: PLAIN, atMs: at(1) + 1, operation: 'HeadObject', bytes: 0 },
        { tenantId: PLAIN, atMs: at(1) + 2, operation: 'PutObject', bytes: 0 },
        { tenantId: PLAIN, atMs: at(1) + 3, status: 404 },
        { tenantId: LONG, atMs: at(1) + 4 },
      );
      await run('artifact-access');
      const gaps = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1_000);
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
      const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
      const row = await features('key');
      expect(row).toMatchObject({ reads: '5', heads: '1', writes: '1', days_read: '3', bytes_read: '50' });
      expect(row).toMatchObject({ reads_1d: '1', reads_7d: '5', last_read_at: new Date(at(0)) });
      expect(Number(row.mean_gap_seconds)).toBeCloseTo(mean, 3);
      expect(Number(row.gap_deviation_seconds)).toBeCloseTo(deviation, 3);
      const hours = (row.reads_by_hour as string[]).map(Number);
      expect([hours[0], hours[2], hours.reduce((sum, reads) => sum + reads, 0)]).toEqual([3, 2, 5]);
    });

    it('a day again when rows came late, and once only when none did', async () => {
      await log({ tenantId: PLAIN, atMs: at(1) });
      await run('artifact-access');
      await log({ tenantId: PLAIN, atMs: at(1) + 5_000 });
      await run('artifact-access');
      await run('artifact-access');
      expect(await features('key')).toMatchObject({ reads: '2' });
      const days = await dataSource.query('SELECT vaultaire_roll_up_access($1) AS done', [new Date(at(1))]);
      expect(days).toEqual([{ done: false }]);
    });
  });
});
