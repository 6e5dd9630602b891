/**
 * What the event log costs and how it answers.
 *
 *   npm run build && node bench/event-log.ts               CPU time of a worker per event
 *   npm run build && node bench/event-log.ts --rows 2000000   the same, and the features of artifacts over so many events
 *
 * With `--rows`, a PostgreSQL of its own runs in a temporary folder, which is removed afterwards.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';

const require = createRequire(import.meta.url);
require('reflect-metadata');
const { RequestRecord } = require('../dist/src/context/request-record.js');
const { eventLine } = require('../dist/src/events/event-line.js');
const { EventCollector, joined } = require('../dist/src/events/event-batch.js');
const { EmbeddedPostgres } = require('../dist/src/database/embedded-postgres.js');
const { makeDataSource } = require('../dist/src/database/data-source.js');

const EVENTS = 200_000;
const BATCH_EVENTS = 250;
const ROUNDS = 5;
const DAYS = 28;
const TENANT = '0190a000-0000-7000-8000-000000000001';

/** What the benchmark touches of a settled request. */
interface Settled {
  readonly startedClockMs: number;
  settle(outcome: 'completed'): void;
}

function record(at: number): Settled {
  const requestId = `0123456789AB${String(at % 10_000).padStart(4, '0')}`;
  const made = new RequestRecord(requestId, 'GetObject') as Settled;
  Object.assign(made, {
    tenantId: TENANT,
    userId: '0190a000-0000-7000-8000-000000000002',
    accessKeyId: 'AKIATESTTESTTESTTEST',
    container: 'my-bucket',
    artifactKey: `some/prefix/of/a/key-${String(at)}`,
    status: 200,
    bytesOut: 4_096,
    driver: 'local',
    driverLatencyMs: 0.123456 + at * 1e-7,
    placement: 'default',
    remoteAddress: '127.0.0.1',
    userAgent: 'aws-sdk-js/3.1169.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#24.21.0 api/s3#3.1169.0',
    firstByteClockMs: made.startedClockMs + 0.5 + (at % 1_000) * 1e-6,
  });
  made.settle('completed');
  return made;
}

/** Microseconds of CPU for an event: from the settled record to the bytes of a batch. */
function cpuPerEvent(): number {
  const records = Array.from({ length: EVENTS }, (_, at) => record(at));
  const collector = new EventCollector();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    for (const [at, settled] of records.entries()) {
      collector.add(eventLine(settled));
      if (at % BATCH_EVENTS === BATCH_EVENTS - 1) joined(collector.take());
    }
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / EVENTS);
  }
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? NaN;
}

const GENERATE = `
INSERT INTO events (id, time, request_id, tenant_id, user_id, access_key_id, operation, container, artifact_key, outcome,
  status, bytes_in, bytes_out, latency_ms, first_byte_ms, driver, driver_latency_ms, placement, remote_address, user_agent)
SELECT (left(vaultaire_event_id_at(time)::text, 14) || '7' || substr(md5(n::text), 1, 3) || '-8' ||
    substr(md5(n::text), 4, 3) || '-' || substr(md5(n::text), 7, 12))::uuid,
  time, upper(substr(md5(n::text), 1, 16)), $2, $2, 'AKIATESTTESTTESTTEST',
  CASE WHEN n % 20 = 0 THEN 'PutObject' WHEN n % 20 = 1 THEN 'HeadObject' ELSE 'GetObject' END, 'my-bucket',
  -- Some are read much oftener than others.
  'some/prefix/of/a/key-' || floor(power(random(), 3) * $3)::bigint, 'completed', 200, 0, 4096, 1.5, 1.1, 'local', 0.4,
  'default', '127.0.0.1', 'aws-sdk-js/3.1169.0 ua/2.1 os/linux#6.1 lang/js'
FROM (SELECT n, date_trunc('milliseconds', $4::timestamptz + n * (interval '1 day' / $1::double precision)) AS time
  FROM generate_series(0, $1 - 1) AS n) AS times`;

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - startedAtMs) / 1_000).toFixed(2)} s`);
  return result;
}

async function features(rows: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'vaultaire-events-'));
  await chmod(dataDir, 0o711);
  const postgres = await EmbeddedPostgres.start({ dataDir, onCrash: console.error });
  try {
    const source = makeDataSource(postgres.url, { poolSize: 1, statementTimeoutMs: 0 });
    await source.initialize();
    await source.runMigrations();
    await source.destroy();
    const client = new pg.Client(postgres.url);
    await client.connect();
    await fill(client, rows);
    await ask(client);
    await client.end();
  } finally {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function fill(client: pg.Client, rows: number): Promise<void> {
  await client.query('SET statement_timeout = 0; SET jit = off');
  await client.query(`INSERT INTO tenants (id, name) VALUES ($1, 'bench')`, [TENANT]);
  const day = (back: number): string => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
  await timed(`${String(rows)} events over ${String(DAYS)} days`, async () => {
    for (let back = DAYS; back > 0; back -= 1) {
      await client.query(`CREATE TABLE IF NOT EXISTS events_${day(back).replaceAll('-', '')} PARTITION OF events
        FOR VALUES FROM ('${day(back)} 00:00+00') TO ('${day(back - 1)} 00:00+00')`);
      await client.query(GENERATE, [Math.floor(rows / DAYS), TENANT, Math.floor(rows / 20), `${day(back)} 00:00+00`]);
    }
  });
  await client.query('ANALYZE events');
  const size = await client.query<{ size: string }>(
    `SELECT pg_size_pretty(sum(pg_total_relation_size(inhrelid))) AS size FROM pg_inherits WHERE inhparent = 'events'::regclass`,
  );
  console.log(`size of the log: ${size.rows[0]?.size ?? ''}`);
  await timed('all days rolled up', async () => {
    for (let back = DAYS; back > 0; back -= 1) await client.query('SELECT vaultaire_roll_up_access($1)', [day(back)]);
  });
  await timed('one day again, without news', () => client.query('SELECT vaultaire_roll_up_access($1)', [day(1)]));
  await client.query('ANALYZE artifact_access_daily');
  const daily = await client.query<{ rows: string; size: string }>(
    `SELECT count(*) AS rows, pg_size_pretty(pg_total_relation_size('artifact_access_daily')) AS size
     FROM artifact_access_daily`,
  );
  console.log(`roll-up: ${daily.rows[0]?.rows ?? ''} rows, ${daily.rows[0]?.size ?? ''}`);
}

async function ask(client: pg.Client): Promise<void> {
  const questions: readonly [string, string][] = [
    ['features of an artifact', `artifact_key = 'some/prefix/of/a/key-17'`],
    ['features of a prefix', `artifact_key >= 'some/prefix/of/a/key-17' AND artifact_key < 'some/prefix/of/a/key-18'`],
    ['features of all artifacts', 'true'],
  ];
  for (const [what, condition] of questions) {
    const sql = `SELECT * FROM artifact_access_features
      WHERE tenant_id = '${TENANT}' AND container = 'my-bucket' AND ${condition}`;
    const plan = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, BUFFERS, COSTS off) ${sql}`);
    console.log(`\n${what}\n${plan.rows.map((row) => `  ${row['QUERY PLAN']}`).join('\n')}`);
  }
  const list = `EXPLAIN (ANALYZE, COSTS off) SELECT * FROM events WHERE tenant_id = '${TENANT}' AND time >= now() - interval '7 days'
    AND time < now() AND id >= vaultaire_event_id_at(now() - interval '7 days') AND id < vaultaire_event_id_at(now())
    ORDER BY id DESC LIMIT 101`;
  const plan = await client.query<{ 'QUERY PLAN': string }>(list);
  console.log(`\na page of the log\n${plan.rows.map((row) => `  ${row['QUERY PLAN']}`).join('\n')}`);
}

const { values } = parseArgs({ options: { rows: { type: 'string' } } });
console.log(`CPU of a worker: ${cpuPerEvent().toFixed(2)} microseconds per event`);
if (values.rows !== undefined) await features(Number(values.rows));
