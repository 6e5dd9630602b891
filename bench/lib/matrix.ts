import type { Job, Target } from './job.ts';
import { median } from './latencies.ts';
import { formatSize, type BenchOptions, type Workload } from './options.ts';
import { makeBody } from './request-source.ts';
import { runJob, type Measurement } from './run-job.ts';
import { S3Client } from './s3-client.ts';

/** One line of the result: the medians of all rounds. */
export interface MatrixRow {
  readonly target: string;
  readonly workload: Workload;
  readonly sizeBytes: number;
  readonly concurrency: number;
  readonly median: Measurement;
  readonly rounds: readonly Measurement[];
}

const ONE_MEBIBYTE = 2 ** 20;
const PREPARED_BYTES = 256 * ONE_MEBIBYTE;
const LARGE_BYTES = 16 * ONE_MEBIBYTE;
const LARGE_CONCURRENCY = 4;
/** More than any preparation takes. */
const NO_TIME_LIMIT_MS = 3_600_000;

/** Runs every workload at every size against every target, the targets in turns, round after round. */
export async function runMatrix(
  options: BenchOptions,
  targets: readonly Target[],
  onProgress: (text: string) => void,
): Promise<MatrixRow[]> {
  const rows: MatrixRow[] = [];
  const runId = Date.now().toString(36);
  for (const [index, sizeBytes] of options.sizesBytes.entries()) {
    const workloads = options.workloads.filter((name) => index === 0 || !isIndependentOfSize(name));
    for (const target of targets) await prepare(options, target, sizeBytes);
    for (const workload of workloads) {
      const measured = new Map<Target, Measurement[]>(targets.map((target) => [target, []]));
      for (let round = 0; round < options.rounds; round++) {
        for (const target of targets) {
          onProgress(`${workload} ${formatSize(sizeBytes)}, round ${round + 1} of ${options.rounds}: ${target.name}`);
          const freshPrefix = `fresh/${runId}/${workload}-${sizeBytes}-${round}/`;
          measured.get(target)?.push(await measure(options, target, workload, sizeBytes, freshPrefix));
        }
      }
      for (const [target, rounds] of measured) {
        const concurrency = concurrencyFor(options, sizeBytes);
        rows.push({ target: target.name, workload, sizeBytes, concurrency, median: medianOf(rounds), rounds });
      }
    }
  }
  return rows;
}

/** A job with this target and size that does nothing yet. */
export function jobFor(options: BenchOptions, target: Target, sizeBytes: number): Omit<Job, 'kind'> {
  return {
    target,
    plainPath: '',
    bucket: options.bucket,
    prefix: `existing/${sizeBytes}/`,
    keyCount: existingKeys(sizeBytes),
    freshPrefix: '',
    firstFresh: 0,
    freshLimit: 0,
    sizeBytes,
    concurrency: concurrencyFor(options, sizeBytes),
    warmupMs: options.warmupMs,
    durationMs: options.durationMs,
    mix: options.mix,
    payload: options.payload,
  };
}

/** Makes the bucket and the keys that are read, and sees that bytes come back as they went in. */
export async function prepare(options: BenchOptions, target: Target, sizeBytes: number): Promise<void> {
  const client = new S3Client(target);
  try {
    await client.createBucket(options.bucket);
    await client.checkRoundTrip(options.bucket, `check/${sizeBytes}`, makeBody(sizeBytes));
    await client.deleteObject(options.bucket, `check/${sizeBytes}`);
  } finally {
    client.close();
  }
  const job = jobFor(options, target, sizeBytes);
  await runUnmeasured({ ...job, kind: 'fill', freshPrefix: job.prefix, freshLimit: job.keyCount });
}

async function measure(
  options: BenchOptions,
  target: Target,
  workload: Workload,
  sizeBytes: number,
  freshPrefix: string,
): Promise<Measurement> {
  const job = { ...jobFor(options, target, sizeBytes), freshPrefix };
  if (workload === 'delete') {
    const keyCount = keysToDelete(options, sizeBytes);
    await runUnmeasured({ ...job, kind: 'fill', freshLimit: keyCount });
    const result = await runJob({ ...job, kind: 'delete', warmupMs: 0, freshLimit: keyCount });
    await runUnmeasured({ ...job, kind: 'delete', firstFresh: result.nextFresh, freshLimit: keyCount });
    return result;
  }
  const result = await runJob({ ...job, kind: workload });
  await runUnmeasured({ ...job, kind: 'delete', freshLimit: result.nextFresh });
  return result;
}

async function runUnmeasured(job: Job): Promise<void> {
  if (job.firstFresh >= job.freshLimit) return;
  const result = await runJob({ ...job, warmupMs: 0, durationMs: NO_TIME_LIMIT_MS });
  if (result.errorCount > 0) {
    throw new Error(`${job.target.name}, preparing ${job.kind}: ${JSON.stringify(result.errors)}`);
  }
}

/** HEAD and LIST carry no body, so they are measured once. */
function isIndependentOfSize(workload: Workload): boolean {
  return workload === 'head' || workload === 'list';
}

function concurrencyFor(options: BenchOptions, sizeBytes: number): number {
  return sizeBytes >= LARGE_BYTES ? Math.min(options.concurrency, LARGE_CONCURRENCY) : options.concurrency;
}

function existingKeys(sizeBytes: number): number {
  return Math.min(1000, Math.max(8, Math.floor(PREPARED_BYTES / sizeBytes)));
}

/** DELETE ends when its keys are gone: as many as make a run, within what a disk should take. */
function keysToDelete(options: BenchOptions, sizeBytes: number): number {
  const wanted = Math.ceil((options.durationMs / 1000) * 1000);
  return Math.min(wanted, Math.max(16, Math.floor((4 * PREPARED_BYTES) / sizeBytes)));
}

/** The median of each figure by itself; errors are added up. */
function medianOf(rounds: readonly Measurement[]): Measurement {
  const [first] = rounds;
  if (first === undefined) throw new Error('no round was measured');
  const pick = (figure: (round: Measurement) => number): number => median(rounds.map(figure));
  const errors: Record<string, number> = {};
  for (const round of rounds) {
    for (const [name, count] of Object.entries(round.errors)) errors[name] = (errors[name] ?? 0) + count;
  }
  return {
    ...first,
    errors,
    errorCount: rounds.reduce((sum, round) => sum + round.errorCount, 0),
    requests: pick((round) => round.requests),
    seconds: pick((round) => round.seconds),
    requestsPerSecond: pick((round) => round.requestsPerSecond),
    megabytesPerSecond: pick((round) => round.megabytesPerSecond),
    p50Ms: pick((round) => round.p50Ms),
    p99Ms: pick((round) => round.p99Ms),
    maxMs: pick((round) => round.maxMs),
    serverCpuPercent: pick((round) => round.serverCpuPercent),
    databaseCpuPercent: pick((round) => round.databaseCpuPercent),
    generatorCpuPercent: pick((round) => round.generatorCpuPercent),
    residentMegabytes: pick((round) => round.residentMegabytes),
    proportionalMegabytes: pick((round) => round.proportionalMegabytes),
  };
}
