import { compareLarge, compareWithNest, measureListing, type Comparison } from './lib/baselines.ts';
import type { Target } from './lib/job.ts';
import { loadListingRows } from './lib/listing-rows.ts';
import { runMatrix, type MatrixRow } from './lib/matrix.ts';
import { formatSize, readOptions, USAGE, type BenchOptions } from './lib/options.ts';
import { startOwnServer, type OwnServer } from './lib/own-server.ts';
import { findListener } from './lib/process-tree.ts';
import { CORES } from './lib/run-job.ts';
import { S3Client } from './lib/s3-client.ts';
import { formatTable } from './lib/table.ts';

const OWN_LISTING_BUCKET = 'vaultaire-bench-listing';

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A server on this machine is found by its port, so that its processes are measured without a given pid. */
function withPid(target: Target): Target {
  const { hostname, port } = new URL(target.url);
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return target.pid === undefined && isLocal ? { ...target, pid: findListener(Number(port)) } : target;
}

async function runBaselines(options: BenchOptions, target: Target, own: OwnServer | undefined): Promise<Comparison[]> {
  const results: Comparison[] = [];
  if (options.baselines.includes('nest')) {
    progress(`bare Nest route: ${target.name}`);
    results.push(await compareWithNest(options, target));
  }
  if (options.baselines.includes('listing')) {
    progress(`listing: ${target.name}`);
    const bucket = options.listingBucket ?? (await loadOwnListing(options, own));
    results.push(await measureListing(options, target, bucket));
  }
  if (options.baselines.includes('md5') || options.baselines.includes('stream')) {
    progress(`large object: ${target.name}`);
    results.push(...(await compareLarge(options, target)));
  }
  return results;
}

async function loadOwnListing(options: BenchOptions, own: OwnServer | undefined): Promise<string> {
  if (own === undefined) throw new Error('--listing-bucket is missing: bench/load-listing.ts fills one');
  const client = new S3Client(own.target);
  await client.createBucket(OWN_LISTING_BUCKET);
  client.close();
  await loadListingRows(own.databaseUrl(), OWN_LISTING_BUCKET, options.listingKeys);
  return OWN_LISTING_BUCKET;
}

function printMatrix(rows: readonly MatrixRow[]): void {
  const header = [
    'target',
    'workload',
    'size',
    'conns',
    'req/s',
    'MB/s',
    'p50 ms',
    'p99 ms',
    'errors',
    'CPU %',
    'DB CPU %',
    'RSS MB',
    'PSS MB',
    'load CPU %',
  ];
  const cells = rows.map(({ target, workload, sizeBytes, concurrency, median }) => [
    target,
    workload,
    workload === 'list' ? '1000 keys' : formatSize(sizeBytes),
    concurrency,
    median.requestsPerSecond,
    median.megabytesPerSecond,
    median.p50Ms,
    median.p99Ms,
    median.errorCount,
    median.serverCpuPercent,
    median.databaseCpuPercent,
    median.residentMegabytes,
    median.proportionalMegabytes,
    median.generatorCpuPercent,
  ]);
  if (rows.length > 0) process.stdout.write(`\n${formatTable(header, cells)}`);
  for (const row of rows.filter(({ median }) => median.errorCount > 0)) {
    process.stdout.write(`errors of ${row.target}, ${row.workload}: ${JSON.stringify(row.median.errors)}\n`);
  }
}

function printComparisons(results: readonly Comparison[]): void {
  if (results.length === 0) return;
  const header = ['comparison', 'target', 'measured', 'baseline', 'unit', 'ratio', 'goal', 'met'];
  const cells = results.map((result) => [
    result.name,
    result.target,
    result.value,
    result.baseline,
    result.unit,
    result.ratio,
    result.goal,
    result.isMet ? 'yes' : 'NO',
  ]);
  process.stdout.write(`\n${formatTable(header, cells)}`);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const own =
    options.targets.length === 0 ? await startOwnServer(options.workers, options.config, 'us-east-1') : undefined;
  try {
    const targets = own === undefined ? options.targets.map(withPid) : [own.target];
    const rows = await runMatrix(options, targets, progress);
    const comparisons: Comparison[] = [];
    for (const target of targets) comparisons.push(...(await runBaselines(options, target, own)));
    if (options.isJson) {
      const machine = { node: process.version, cores: CORES, platform: process.platform };
      process.stdout.write(`${JSON.stringify({ machine, matrix: rows, comparisons }, undefined, 2)}\n`);
      return;
    }
    process.stdout.write(`Node ${process.version}, ${CORES} cores, ${options.payload} payloads\n`);
    printMatrix(rows);
    printComparisons(comparisons);
  } finally {
    await own?.stop();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
