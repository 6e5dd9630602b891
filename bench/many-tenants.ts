import { parseArgs } from 'node:util';
import type { Target } from './lib/job.ts';
import { Latencies } from './lib/latencies.ts';
import { startOwnServer, type OwnServer } from './lib/own-server.ts';
import { S3Client } from './lib/s3-client.ts';
import { formatTable } from './lib/table.ts';

const USAGE = `Usage: npm run test:tenants [-- [--tenants 10000] [--sample 100] [--workers 2] [--parallel 8]]

Creates tenants, each with a user and an access key, through the admin API of a Vaultaire of its own. Prints how long the first and the
last of them took, one after the other, and how long the first requests of the first and the last keys took. Needs
npm run build. TMPDIR chooses the disk.
`;

const REGION = 'us-east-1';

type AdminApi = Pick<OwnServer, 'adminUrl' | 'adminToken'>;

interface Created {
  readonly accessKey: string;
  readonly secretKey: string;
}

interface Sample {
  readonly name: string;
  readonly latencies: Latencies;
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

/** Creates `count` tenants one after the other, and times each. */
async function timedTenants(
  api: AdminApi,
  from: number,
  count: number,
): Promise<{ readonly latencies: Latencies; readonly created: readonly Created[] }> {
  const latencies = new Latencies();
  const created: Created[] = [];
  for (let index = from; index < from + count; index += 1) {
    const startedAt = performance.now();
    created.push(await createTenant(api, nameOf(index)));
    latencies.add(performance.now() - startedAt);
  }
  return { latencies, created };
}

async function untimedTenants(api: AdminApi, from: number, to: number, parallel: number): Promise<void> {
  let next = from;
  const work = async (): Promise<void> => {
    while (next < to) await createTenant(api, nameOf(next++));
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

/** The first request that a server ever sees of each key: it has to look the key up. A bucket is made, which needs the tenant. */
async function firstRequests(target: Target, keys: readonly Created[]): Promise<Latencies> {
  const latencies = new Latencies();
  for (const [index, key] of keys.entries()) {
    const client = new S3Client({ ...target, ...key });
    const startedAt = performance.now();
    await client.createBucket(`bucket-${index}`);
    latencies.add(performance.now() - startedAt);
    client.close();
  }
  return latencies;
}

function report(samples: readonly Sample[]): string {
  const rows = samples.map(({ name, latencies }) => [name, latencies.count, ...latencies.percentiles([0.5, 0.99])]);
  return formatTable(['what', 'count', 'p50 ms', 'p99 ms'], rows);
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
  if (tenants < 3 * sample) throw new Error(`--tenants wants at least three times --sample\n\n${USAGE}`);
  const server = await startOwnServer(positive(values.workers, 'workers'), undefined, REGION);
  try {
    // Fills caches and compiles, so that the first that count don't pay for it.
    await timedTenants(server, 0, sample);
    const first = await timedTenants(server, sample, sample);
    const startedAt = performance.now();
    await untimedTenants(server, 2 * sample, tenants - sample, positive(values.parallel, 'parallel'));
    const seconds = (performance.now() - startedAt) / 1000;
    const last = await timedTenants(server, tenants - sample, sample);
    process.stdout.write(
      report([
        { name: `tenants ${sample + 1} to ${2 * sample}`, latencies: first.latencies },
        { name: `tenants ${tenants - sample + 1} to ${tenants}`, latencies: last.latencies },
        { name: 'first requests of the first keys', latencies: await firstRequests(server.target, first.created) },
        { name: 'first requests of the last keys', latencies: await firstRequests(server.target, last.created) },
      ]),
    );
    process.stdout.write(`${tenants - 3 * sample} between them in ${seconds.toFixed(0)} s\n`);
  } finally {
    await server.stop();
  }
}

await main();
