import { parseArgs } from 'node:util';
import type { Job } from './lib/job.ts';
import { loadListingRows } from './lib/listing-rows.ts';
import { parseTarget } from './lib/options.ts';
import { embeddedDatabaseUrl } from './lib/own-server.ts';
import { runJob } from './lib/run-job.ts';
import { S3Client } from './lib/s3-client.ts';

const USAGE = `Usage: node bench/load-listing.ts --target name=url,accessKey,secretKey [--bucket bench-listing] [--keys 1000000]
  [--data-dir folder | --database-url postgres://...]   rows straight into Vaultaire's database;
                                                        without either, empty objects through S3
  [--concurrency 32] [--region us-east-1]
`;

const A_DAY_MS = 86_400_000;

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    bucket: { type: 'string', default: 'bench-listing' },
    keys: { type: 'string', default: '1000000' },
    'data-dir': { type: 'string' },
    'database-url': { type: 'string' },
    concurrency: { type: 'string', default: '32' },
    region: { type: 'string', default: 'us-east-1' },
  },
});
if (values.target === undefined) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const target = parseTarget(values.target, values.region);
const keyCount = Number(values.keys);
const dataDir = values['data-dir'];
const databaseUrl = dataDir === undefined ? values['database-url'] : embeddedDatabaseUrl(dataDir);
const client = new S3Client(target);
await client.createBucket(values.bucket);
client.close();

const startedAt = performance.now();
if (databaseUrl === undefined) {
  const job: Job = {
    target,
    kind: 'fill',
    plainPath: '',
    bucket: values.bucket,
    prefix: '',
    keyCount: 1,
    freshPrefix: 'object-',
    firstFresh: 0,
    freshLimit: keyCount,
    sizeBytes: 0,
    concurrency: Number(values.concurrency),
    warmupMs: 0,
    durationMs: A_DAY_MS,
    mix: {},
    payload: 'unsigned',
  };
  const result = await runJob(job);
  if (result.errorCount > 0) throw new Error(`not all keys were written: ${JSON.stringify(result.errors)}`);
} else {
  await loadListingRows(databaseUrl, values.bucket, keyCount);
}
const seconds = (performance.now() - startedAt) / 1000;
process.stdout.write(`${keyCount} keys in ${values.bucket} after ${seconds.toFixed(1)} s\n`);
