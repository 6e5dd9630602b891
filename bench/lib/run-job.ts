import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { GeneratorMessage, Job, JobResult } from './job.ts';
import { ProcessTreeWatch, type TreeUsage } from './process-tree.ts';

/** What one run measured: the generator's side and the server's. */
export interface Measurement extends JobResult {
  /** Share of one core that the server's processes used, in percent: two busy cores are 200. */
  readonly serverCpuPercent: number;
  readonly databaseCpuPercent: number;
  readonly generatorCpuPercent: number;
  readonly residentMegabytes: number;
  readonly proportionalMegabytes: number;
}

const NOTHING: TreeUsage = { cpuSeconds: 0, databaseCpuSeconds: 0, residentBytes: 0, proportionalBytes: 0 };
export const CORES = availableParallelism();

/** Runs a job in a process of its own, and watches the server's processes while it measures. */
export function runJob(job: Job): Promise<Measurement> {
  const watch = job.target.pid === undefined ? undefined : new ProcessTreeWatch(job.target.pid);
  const child = fork(new URL('../generator.ts', import.meta.url), [JSON.stringify(job)], { execArgv: [] });
  return new Promise((resolve, reject) => {
    let usage = NOTHING;
    child.on('message', (message: GeneratorMessage) => {
      switch (message.type) {
        case 'measuring':
          watch?.start();
          break;
        case 'done':
          usage = watch?.stop() ?? NOTHING;
          resolve(measurementOf(message.result, usage));
          break;
        case 'failed':
          watch?.stop();
          reject(new Error(`${job.target.name}, ${job.kind}: ${message.message}`));
          break;
      }
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      watch?.stop();
      reject(new Error(`the load generator ended with ${String(code)} before it was done`));
    });
  });
}

function measurementOf(result: JobResult, usage: TreeUsage): Measurement {
  const percent = (cpuSeconds: number): number => (result.seconds === 0 ? 0 : (cpuSeconds / result.seconds) * 100);
  return {
    ...result,
    serverCpuPercent: percent(usage.cpuSeconds),
    databaseCpuPercent: percent(usage.databaseCpuSeconds),
    generatorCpuPercent: percent(result.generatorCpuSeconds),
    residentMegabytes: usage.residentBytes / 1e6,
    proportionalMegabytes: usage.proportionalBytes / 1e6,
  };
}
