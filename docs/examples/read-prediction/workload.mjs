/*
 * Writes a made-up workload into the event log of a Vaultaire, for predict.py: eight weeks of requests for some thousand objects
 * of a tenant of its own. The same seed makes the same events. Nothing of it was observed anywhere: see README.md.
 *
 *   node docs/examples/read-prediction/workload.mjs --database-url postgres://... [--tenant read-prediction] [--artifacts 12000] [--seed 1]
 */
import { createHash, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';

const { values } = parseArgs({
  options: {
    'database-url': { type: 'string' },
    tenant: { type: 'string', default: 'read-prediction' },
    artifacts: { type: 'string', default: '12000' },
    seed: { type: 'string', default: '1' },
    start: { type: 'string', default: '2026-01-05' },
  },
});
const DAYS = 56;
const DAY_MS = 86_400_000;
const START_MS = Date.parse(`${values.start}T00:00:00Z`);
const BATCH_ROWS = 5_000;

/** Mulberry32: small, seeded, good enough for a workload. */
let state = Number(values.seed) >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const between = (from, to) => from + random() * (to - from);
const exponential = (mean) => -Math.log(1 - random()) * mean;
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
/** Days from the start; office hours for people, the night for jobs. */
const atDesk = (day) => Math.floor(day) + Math.min(0.999, Math.max(0, 0.55 + normal() * 0.12));
const atNight = (day) => Math.floor(day) + between(0.04, 0.16);

/** Times of a Poisson process with `rate(day)` a day, which is `most` at the most, by thinning. */
function poisson(from, most, rate) {
  const times = [];
  for (let day = from + exponential(1 / most); day < DAYS; day += exponential(1 / most)) {
    if (random() < rate(day) / most) times.push(atDesk(day));
  }
  return times;
}

/** How objects are read: share of all, and the days of the reads of one that was made on a day. */
const HABITS = {
  // Always in use, some much more than others; less at the weekend.
  steady: {
    share: 0.12,
    reads: (made) => {
      const rate = Math.exp(normal() * 1.2 - 1.2);
      return poisson(made, rate, (day) => (Math.floor(day) % 7 < 5 ? rate : rate * 0.2));
    },
  },
  // Looked at while it is new.
  fading: {
    share: 0.3,
    reads: (made) => {
      const most = between(0.5, 4);
      const days = between(1.5, 6);
      return poisson(made, most, (day) => most * Math.exp((made - day) / days));
    },
  },
  // A report of each week, on its weekday.
  weekly: {
    share: 0.08,
    reads: (made) => {
      const weekday = Math.floor(between(0, 5));
      return Array.from({ length: DAYS / 7 }, (_, week) => week * 7 + weekday)
        .filter((day) => day > made && random() < 0.93)
        .flatMap((day) => Array.from({ length: 1 + Math.floor(random() * 3) }, () => atDesk(day)));
    },
  },
  // A job that comes every ten to twenty-four days.
  periodic: {
    share: 0.15,
    reads: (made) => {
      const period = between(10, 24);
      const times = [];
      for (let day = made + random() * period; day < DAYS; day += period + normal() * 0.7) times.push(atNight(day));
      return times;
    },
  },
  // Written and forgotten.
  archive: { share: 0.35, reads: (made) => poisson(made, 0.004, () => 0.004) },
};

function habitOf() {
  let left = random();
  for (const [name, { share }] of Object.entries(HABITS)) {
    left -= share;
    if (left < 0) return name;
  }
  return 'archive';
}

/** Requests of one object, as day, operation and bytes. */
function requestsOf(number) {
  const habit = habitOf();
  // A third was there before the first day, and its making is not in the log.
  const made = random() < 0.33 ? -exponential(20) : between(0, DAYS);
  // The key tells nothing of the habit.
  const key = `data/${createHash('md5').update(`${values.seed}/${number}`).digest('hex')}`;
  const sizeBytes = Math.round(Math.exp(normal() * 1.5 + (habit === 'archive' ? 15 : 13)));
  const requests = [];
  if (made >= 0) requests.push({ day: made, operation: 'PutObject', bytesIn: sizeBytes, bytesOut: 0 });
  for (const day of HABITS[habit].reads(made)) {
    if (day >= 0 && day < DAYS) requests.push({ day, operation: 'GetObject', bytesIn: 0, bytesOut: sizeBytes });
  }
  // An inventory looks at a twentieth of all each night, and a restore drill reads a tenth of all in a random week.
  for (let day = Math.floor(between(0, 20)); day < DAYS; day += 20) {
    if (day > made) requests.push({ day: atNight(day), operation: 'HeadObject', bytesIn: 0, bytesOut: 0 });
  }
  const drill = between(0, DAYS * 10);
  if (drill < DAYS && drill > made) {
    requests.push({ day: atNight(drill), operation: 'GetObject', bytesIn: 0, bytesOut: sizeBytes });
  }
  return requests.map((request) => ({ ...request, key }));
}

const INSERT = `INSERT INTO events (id, time, request_id, tenant_id, user_id, access_key_id, operation, container, artifact_key,
    outcome, status, bytes_in, bytes_out, latency_ms)
  SELECT id, time, upper(substr(md5(id::text), 1, 16)), $1, $1, 'AKIAEXAMPLE', operation, 'example', key,
    'completed', 200, bytes_in, bytes_out, 1 + bytes_out / 1e8
  FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
    AS made (id, time, operation, key, bytes_in, bytes_out)`;

/** UUIDv7 of a time, the rest from the generator. */
function idAt(timeMs) {
  const digits = Array.from({ length: 4 }, () =>
    Math.floor(random() * 2 ** 20)
      .toString(16)
      .padStart(5, '0'),
  ).join('');
  const time = timeMs.toString(16).padStart(12, '0');
  const variant = (8 + Math.floor(random() * 4)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits.slice(0, 3)}-${variant}${digits.slice(3, 6)}-${digits.slice(6, 18)}`;
}

const client = new pg.Client(values['database-url']);
await client.connect();
const tenant = randomUUID();
await client.query(`INSERT INTO tenants (id, name) VALUES ($1, $2)`, [tenant, values.tenant]);
const requests = Array.from({ length: Number(values.artifacts) }, (_, number) => requestsOf(number))
  .flat()
  .map((request) => ({ ...request, timeMs: START_MS + Math.floor(request.day * DAY_MS) }))
  .sort((a, b) => a.timeMs - b.timeMs);
for (let at = 0; at < requests.length; at += BATCH_ROWS) {
  const batch = requests.slice(at, at + BATCH_ROWS);
  await client.query(INSERT, [
    tenant,
    batch.map(({ timeMs }) => idAt(timeMs)),
    batch.map(({ timeMs }) => new Date(timeMs)),
    batch.map(({ operation }) => operation),
    batch.map(({ key }) => key),
    batch.map(({ bytesIn }) => bytesIn),
    batch.map(({ bytesOut }) => bytesOut),
  ]);
}
await client.end();
console.log(`${requests.length} events of tenant ${values.tenant}, ${DAYS} days from ${values.start}`);
