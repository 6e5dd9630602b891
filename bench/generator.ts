import { Connection } from './lib/connection.ts';
import type { GeneratorMessage, Job, JobResult } from './lib/job.ts';
import { Latencies } from './lib/latencies.ts';
import { RequestSource, type PlannedRequest } from './lib/request-source.ts';
import { RequestSigner } from './lib/signer.ts';

/** A server that answers nothing but errors is not measured: the run ends after this many without a success. */
const MAX_ERRORS_IN_A_ROW = 1000;

/** Runs one job: `concurrency` connections, each of which sends its next request when the last one was answered. */
class LoadRun {
  private readonly job: Job;
  private readonly source: RequestSource;
  private readonly onMeasuring: () => void;
  private readonly latencies = new Latencies();
  private readonly errors = new Map<string, number>();
  private readonly host: string;
  private readonly port: number;
  private isMeasuring = false;
  private isOver = false;
  private errorsInARow = 0;
  private bytes = 0;
  private startedAt = 0;
  private cpuAtStart = process.cpuUsage();

  constructor(job: Job, onMeasuring: () => void) {
    const url = new URL(job.target.url);
    this.job = job;
    this.onMeasuring = onMeasuring;
    this.host = url.hostname;
    this.port = Number(url.port === '' ? '80' : url.port);
    this.source = new RequestSource(job, new RequestSigner({ ...job.target, host: url.host }));
  }

  async run(): Promise<JobResult> {
    const timers = [
      setTimeout(() => {
        this.startMeasuring();
      }, this.job.warmupMs),
      setTimeout(() => {
        this.isOver = true;
      }, this.job.warmupMs + this.job.durationMs),
    ];
    if (this.job.warmupMs === 0) this.startMeasuring();
    await Promise.all(Array.from({ length: this.job.concurrency }, () => this.drive()));
    for (const timer of timers) clearTimeout(timer);
    return this.summarise();
  }

  private startMeasuring(): void {
    if (this.isMeasuring) return;
    this.isMeasuring = true;
    this.cpuAtStart = process.cpuUsage();
    this.startedAt = performance.now();
    this.onMeasuring();
  }

  private async drive(): Promise<void> {
    const connection = new Connection(this.host, this.port);
    while (!this.isOver) {
      const request = this.source.next();
      if (request === undefined) break;
      const from = performance.now();
      const isCounted = this.isMeasuring;
      const problem = await this.send(connection, request);
      this.errorsInARow = problem === undefined ? 0 : this.errorsInARow + 1;
      if (this.errorsInARow > MAX_ERRORS_IN_A_ROW) {
        connection.close();
        throw new Error(`nothing but errors: ${problem ?? ''}`);
      }
      if (!isCounted) continue;
      if (problem === undefined) this.latencies.add(performance.now() - from);
      else this.errors.set(problem, (this.errors.get(problem) ?? 0) + 1);
    }
    connection.close();
  }

  /** What was wrong with the answer, or undefined when it was right. */
  private async send(connection: Connection, request: PlannedRequest): Promise<string | undefined> {
    try {
      const response = await connection.request(request);
      if (response.status !== request.expectedStatus) return `status ${String(response.status)}`;
      if (request.expectedBytes !== undefined && response.bodyBytes !== request.expectedBytes) return 'wrong length';
      if (this.isMeasuring) this.bytes += request.sentBytes + response.bodyBytes;
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private summarise(): JobResult {
    const seconds = this.isMeasuring ? (performance.now() - this.startedAt) / 1000 : 0;
    const cpu = process.cpuUsage(this.cpuAtStart);
    const [p50Ms = 0, p99Ms = 0, maxMs = 0] = this.latencies.percentiles([0.5, 0.99, 1]);
    const perSecond = (amount: number): number => (seconds === 0 ? 0 : amount / seconds);
    return {
      requests: this.latencies.count,
      errors: Object.fromEntries(this.errors),
      errorCount: [...this.errors.values()].reduce((sum, count) => sum + count, 0),
      seconds,
      requestsPerSecond: perSecond(this.latencies.count),
      megabytesPerSecond: perSecond(this.bytes) / 1e6,
      p50Ms,
      p99Ms,
      maxMs,
      generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
      nextFresh: this.source.nextFresh,
    };
  }
}

function tell(message: GeneratorMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined)
      process.stdout.write(`${JSON.stringify(message)}\n`, () => {
        resolve();
      });
    else
      process.send(message, () => {
        resolve();
      });
  });
}

const [, , jobText] = process.argv;
if (jobText === undefined) throw new Error('the job is missing: this program is started by bench/run.ts');
// The parent made the text from a Job.
const job = JSON.parse(jobText) as Job;
const run = new LoadRun(job, () => {
  void tell({ type: 'measuring' });
});
try {
  await tell({ type: 'done', result: await run.run() });
} catch (error) {
  await tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}
process.exit();
