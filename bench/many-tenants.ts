import { parseArgs } from 'node:util';
import { Latencies } from './lib/latencies.ts';
import { startOwnServer, type OwnServer } from './lib/own-server.ts';
import { S3Client } from './lib/s3-client.ts';
import { formatTable } from './lib/table.ts';

const USAGE = `Usage: npm run test:tenants [-- [--tenants 10000] [--sample 100] [--workers 2] [--parallel 8]]

Creates tenants, each with a user and an access key, through the admin API of a Vaultaire of its own, but for the last hundred. These it
creates in turns with the first hundred of a second Vaultaire, so that whatever else the machine does meets both alike, and prints how
long they took; then how long the first requests of their keys took. Needs npm run build. TMPDIR chooses the disk.
`;

const REGION = 'us-east-1';

type AdminApi = Pick<OwnServer, 'adminUrl' | 'adminToken'>;

interface Created {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** A server, and how long it took for what was asked of it. */
interface Subject {
  readonly name: string;
  readonly server: OwnServer;
  /** Index of the first tenant that is timed. */
  readonly from: number;
  readonly created: Created[];
  readonly creations: Latencies;
  readonly requests: Latencies;
}

function subjectOf(name: string, server: OwnServer, from: number): Subject {
  return { name, server, from, created: [], creations: new Latencies(), requests: new Latencies() };
}

/** Sends a request of the admin API and answers what came. Throws on anything but success. */
async function post(
  { adminUrl, adminToken }: AdminApi,
  path: string,
  body: object,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${adminUrl}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Readonly<Record<string, unknown>>;
}

/** A tenant with a user and a key: three requests. */
async function createTenant(api: AdminApi, name: string): Promise<Created> {
  await post(api, '/tenants', { name });
  await post(api, `/tenants/${name}/users`, { name: 'owner' });
  const key = await post(api, `/tenants/${name}/users/owner/keys`, { description: 'of the benchmark' });
  return { accessKey: String(key.accessKeyId), secretKey: String(key.secretKey) };
}

const nameOf = (index: number): string => `tenant-${String(index).padStart(6, '0')}`;

/** Creates the tenants of these indices, several at once. */
async function fill(api: AdminApi, from: number, to: number, parallel: number): Promise<void> {
  let next = from;
  const work = async (): Promise<void> => {
    while (next < to) await createTenant(api, nameOf(next++));
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

async function timeCreation({ server, from, created, creations }: Subject): Promise<void> {
  const name = nameOf(from + created.length);
  const startedAt = performance.now();
  created.push(await createTenant(server, name));
  creations.add(performance.now() - startedAt);
}

/** The first request that a server ever sees of a key: it has to look the key up. A bucket is made, which needs the tenant. */
async function timeFirstRequest({ server, requests }: Subject, key: Created): Promise<void> {
  const client = new S3Client({ ...server.target, ...key });
  const startedAt = performance.now();
  await client.createBucket('first');
  requests.add(performance.now() - startedAt);
  client.close();
}

/** Times the subjects in turns, each being the first of the two every other time. */
async function compare(subjects: readonly Subject[], sample: number): Promise<void> {
  const turns = [subjects, subjects.toReversed()];
  for (let index = 0; index < sample; index += 1) {
    for (const subject of turns[index % 2] ?? []) await timeCreation(subject);
  }
  for (let index = 0; index < sample; index += 1) {
    for (const subject of turns[index % 2] ?? []) {
      const key = subject.created[index];
      if (key !== undefined) await timeFirstRequest(subject, key);
    }
  }
}

function report(subjects: readonly Subject[]): string {
  const rows = subjects.flatMap(({ name, creations, requests }) => [
    [`creation, ${name}`, creations.count, ...creations.percentiles([0.5, 0.9, 0.99])],
    [`first request, ${name}`, requests.count, ...requests.percentiles([0.5, 0.9, 0.99])],
  ]);
  return formatTable(['what', 'count', 'p50 ms', 'p90 ms', 'p99 ms'], rows);
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} wants a whole number above 0\n\n${USAGE}`);
  return value;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      tenants: { type: 'string', default: '10000' },
      sample: { type: 'string', default: '100' },
      workers: { type: 'string', default: '2' },
      parallel: { type: 'string', default: '8' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const tenants = positive(values.tenants, 'tenants');
  const sample = positive(values.sample, 'sample');
  if (tenants < 2 * sample) throw new Error(`--tenants wants at least twice --sample\n\n${USAGE}`);
  const workers = positive(values.workers, 'workers');
  const full = await startOwnServer(workers, undefined, REGION);
  try {
    const startedAt = performance.now();
    await fill(full, 0, tenants - sample, positive(values.parallel, 'parallel'));
    process.stdout.write(`${tenants - sample} tenants in ${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`);
    const empty = await startOwnServer(workers, undefined, REGION);
    try {
      // Compiles what is timed afterwards; the full server has done so long ago.
      await fill(empty, 0, sample, 1);
      const subjects = [
        subjectOf(`tenants ${sample + 1} to ${2 * sample}`, empty, sample),
        subjectOf(`tenants ${tenants - sample + 1} to ${tenants}`, full, tenants - sample),
      ];
      await compare(subjects, sample);
      process.stdout.write(report(subjects));
    } finally {
      await empty.stop();
    }
  } finally {
    await full.stop();
  }
}

await main();
