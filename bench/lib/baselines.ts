import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startBaseline } from './child-server.ts';
import type { Target } from './job.ts';
import { median } from './latencies.ts';
import { jobFor, prepare } from './matrix.ts';
import { formatSize, type BenchOptions } from './options.ts';
import { makeBody } from './request-source.ts';
import { CORES, runJob } from './run-job.ts';
import { S3Client } from './s3-client.ts';

/** A figure of a server beside the least that the machine must do for the same. */
export interface Comparison {
  readonly name: string;
  readonly target: string;
  readonly value: number;
  readonly baseline: number;
  readonly unit: string;
  readonly ratio: number;
  readonly goal: string;
  readonly isMet: boolean;
}

const run = promisify(execFile);
const MIN_ROUNDS = 3;
const NEST_RATIO = 0.33;
const LISTING_KEYS_PER_SECOND = 50_000;
const MD5_RATIO = 1.5;
const STREAM_RATIO = 0.5;
const programOf = (name: string): string => fileURLToPath(new URL(`../baselines/${name}.ts`, import.meta.url));

/** A signed 4 KiB GET beside a bare Nest route that answers 4 KiB, in turns. */
export async function compareWithNest(options: BenchOptions, target: Target): Promise<Comparison> {
  const workers = options.workers ?? CORES;
  const job = jobFor(options, target, 4096);
  await prepare(options, target, 4096);
  const bare = await startBaseline(programOf('bare-nest'), [String(workers), '4096']);
  try {
    const bareTarget = { ...target, name: 'bare Nest', url: bare.url, pid: bare.pid };
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < Math.max(MIN_ROUNDS, options.rounds); round++) {
      ours.push((await runJob({ ...job, kind: 'get' })).requestsPerSecond);
      theirs.push((await runJob({ ...job, target: bareTarget, kind: 'plain', plainPath: '/bare' })).requestsPerSecond);
    }
    const name = `signed 4 KiB GET / bare Nest route with ${workers} processes`;
    return compare(name, target, median(ours), median(theirs), '1/s', (ratio) => ratio >= NEST_RATIO, '>= 0.33');
  } finally {
    await bare.stop();
  }
}

/** Walks a whole listing, page by page, on one connection. The bucket holds `listingKeys` keys. */
export async function measureListing(options: BenchOptions, target: Target, bucket: string): Promise<Comparison> {
  const rates: number[] = [];
  for (let round = 0; round < MIN_ROUNDS; round++) {
    const client = new S3Client(target);
    const startedAt = performance.now();
    let keyCount = 0;
    let token: string | undefined;
    do {
      const page = await client.listPage(bucket, token);
      keyCount += page.keyCount;
      token = page.nextToken;
    } while (token !== undefined);
    rates.push(keyCount / ((performance.now() - startedAt) / 1000));
    client.close();
    if (keyCount !== options.listingKeys) {
      throw new Error(`${target.name} listed ${keyCount} keys of ${bucket}, not ${options.listingKeys}`);
    }
  }
  const isFast = (ratio: number): boolean => ratio >= 1;
  const name = `listing of ${options.listingKeys} keys / goal`;
  return compare(name, target, median(rates), LISTING_KEYS_PER_SECOND, 'keys/s', isFast, '>= 1');
}

/** A PUT of a large object beside `md5sum` of the same bytes in a file, and a GET of it beside a bare file stream. */
export async function compareLarge(options: BenchOptions, target: Target): Promise<Comparison[]> {
  const folder = await mkdtemp(join(tmpdir(), 'vaultaire-bench-large-'));
  const file = join(folder, 'large');
  const body = makeBody(options.largeBytes);
  const client = new S3Client(target);
  const results: Comparison[] = [];
  try {
    await writeFile(file, body);
    await client.createBucket(options.bucket);
    const size = formatSize(options.largeBytes);
    const puts: number[] = [];
    const sums: number[] = [];
    for (let round = 0; round < MIN_ROUNDS; round++) {
      let md5 = '';
      let etag = '';
      sums.push(await secondsOf(async () => (md5 = await md5Of(file))));
      puts.push(await secondsOf(async () => (etag = await client.putObject(options.bucket, 'large', body))));
      if (etag !== md5) throw new Error(`the ETag ${etag} of ${target.name} is not the MD5 ${md5}`);
    }
    if (options.baselines.includes('md5')) {
      const name = `${size} PUT / md5sum of the same file`;
      results.push(compare(name, target, median(puts), median(sums), 's', (ratio) => ratio <= MD5_RATIO, '<= 1.5'));
    }
    if (options.baselines.includes('stream')) {
      results.push(await compareWithFileStream(options, target, client, file));
    }
    await client.deleteObject(options.bucket, 'large');
  } finally {
    client.close();
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}

async function compareWithFileStream(
  options: BenchOptions,
  target: Target,
  client: S3Client,
  file: string,
): Promise<Comparison> {
  const stream = await startBaseline(programOf('file-stream'), [file]);
  const bare = new S3Client({ ...target, url: stream.url });
  try {
    const ours: number[] = [];
    const theirs: number[] = [];
    const speed = async (from: S3Client): Promise<number> => {
      let bodyBytes = 0;
      const seconds = await secondsOf(
        async () => ({ bodyBytes } = await from.getObject(options.bucket, 'large', false)),
      );
      if (bodyBytes !== options.largeBytes) throw new Error(`${bodyBytes} bytes came back of ${options.largeBytes}`);
      return bodyBytes / seconds / 1e6;
    };
    for (let round = 0; round < MIN_ROUNDS + 2; round++) {
      ours.push(await speed(client));
      theirs.push(await speed(bare));
    }
    const name = `${formatSize(options.largeBytes)} GET / bare Node file stream`;
    const isFast = (ratio: number): boolean => ratio >= STREAM_RATIO;
    return compare(name, target, median(ours), median(theirs), 'MB/s', isFast, '>= 0.5');
  } finally {
    bare.close();
    await stream.stop();
  }
}

function compare(
  name: string,
  target: Target,
  value: number,
  baseline: number,
  unit: string,
  isMet: (ratio: number) => boolean,
  goal: string,
): Comparison {
  const ratio = value / baseline;
  return { name, target: target.name, value, baseline, unit, ratio, goal, isMet: isMet(ratio) };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

/** By `md5sum`, or by Node where there is none. */
async function md5Of(file: string): Promise<string> {
  const { stdout } = await run('md5sum', [file]).catch(() => run(process.execPath, [programOf('md5'), file]));
  return stdout.slice(0, 32);
}

async function writeFile(file: string, pieces: readonly Buffer[]): Promise<void> {
  const stream = createWriteStream(file);
  for (const piece of pieces) if (!stream.write(piece)) await once(stream, 'drain');
  stream.end();
  await once(stream, 'close');
}
