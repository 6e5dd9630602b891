import { Logger } from '@nestjs/common';
import { Pool } from 'pg';
import { createTestDatabase } from '../../test/support/test-database';
import type { TestDatabase } from '../../test/support/test-database';
import { until } from '../../test/support/until';
import { Database } from '../database/database';
import { PostgresNotificationListener } from '../database/postgres-notification-listener';
import { ActiveReads } from '../engine/blobs/active-reads';
import { GatewayInstance } from '../engine/gateway-instance';
import { JobRunner } from './job.runner';
import { JobService } from './job.service';
import type { Job, JobControl, JobHandler } from './job.types';

jest.setTimeout(60_000);

/** The jobs of one gateway process, on connections of its own. */
class Gateway {
  readonly jobs: JobService;
  private readonly pool: Pool;
  private readonly instance: GatewayInstance;
  private readonly listener: PostgresNotificationListener;
  private readonly runner: JobRunner;

  constructor(url: string) {
    this.pool = new Pool({ connectionString: url });
    this.instance = new GatewayInstance({ connectionString: url }, new ActiveReads());
    this.listener = new PostgresNotificationListener({ connectionString: url });
    const database = new Database(this.pool);
    this.jobs = new JobService(database);
    this.runner = new JobRunner(database, this.jobs, this.instance, this.listener);
  }

  async start(handlers: Readonly<Record<string, JobHandler>>): Promise<void> {
    for (const [kind, handler] of Object.entries(handlers)) this.jobs.registerHandler(kind, handler);
    await this.instance.onModuleInit();
    this.runner.onApplicationBootstrap();
    await this.listener.onApplicationBootstrap();
  }

  /** In the order of Nest. */
  async stop(): Promise<void> {
    await this.runner.beforeApplicationShutdown();
    await this.die();
  }

  /** The process is gone, and its handlers with it: nothing that it was doing is told to anybody. */
  async die(): Promise<void> {
    await this.listener.onApplicationShutdown();
    await this.instance.onApplicationShutdown();
    if (!this.pool.ended) await this.pool.end();
  }
}

let database: TestDatabase;
beforeAll(() => {
  Logger.overrideLogger(false);
});
const gateways: Gateway[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.stop();
  await database.drop();
});

async function startGateway(handlers: Readonly<Record<string, JobHandler>> = {}): Promise<Gateway> {
  const gateway = new Gateway(database.url);
  gateways.push(gateway);
  await gateway.start(handlers);
  return gateway;
}

const enqueue = (gateway: Gateway, kind = 'count', parameters = {}): Promise<Job> =>
  gateway.jobs.enqueue(kind, parameters, { createdBy: 'test' });

async function untilState(gateway: Gateway, { id }: Job, state: string): Promise<Job> {
  await until(`the job is ${state}`, async () => (await gateway.jobs.find(id))?.state === state);
  const job = await gateway.jobs.find(id);
  if (job === undefined) throw new Error('the job is gone');
  return job;
}

/** Waits for the abort, as a handler between two steps. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

describe('a job', () => {
  it('runs once, however many processes there are, and keeps what its handler told', async () => {
    let runs = 0;
    const handler: JobHandler = async (job, { parameters, progress }) => {
      runs += 1;
      await progress({ seen: parameters.of });
      await progress({ steps: 2 });
      expect(job.state).toBe('running');
    };
    const [first] = [await startGateway({ count: handler }), await startGateway({ count: handler })];
    const job = await untilState(first, await enqueue(first, 'count', { of: 'things' }), 'done');
    expect(job).toMatchObject({ progress: { seen: 'things', steps: 2 }, createdBy: 'test', error: undefined });
    expect(job.startedAt).toBeInstanceOf(Date);
    expect(job.finishedAt).toBeInstanceOf(Date);
    expect(runs).toBe(1);
  });

  it('that throws has failed, with the reason', async () => {
    const gateway = await startGateway({ count: () => Promise.reject(new Error('no such thing')) });
    expect(await untilState(gateway, await enqueue(gateway), 'failed')).toMatchObject({ error: 'no such thing' });
  });

  it('waits until some process has a handler for it', async () => {
    const other = await startGateway({ other: () => Promise.resolve() });
    const job = await enqueue(other);
    await untilState(other, await enqueue(other, 'other'), 'done');
    expect((await other.jobs.find(job.id))?.state).toBe('queued');
    const able = await startGateway({ count: () => Promise.resolve() });
    await untilState(able, job, 'done');
  });

  it('is begun when the transaction that added it commits, and never when that rolls back', async () => {
    const begun: unknown[] = [];
    const gateway = await startGateway({
      count: async ({ parameters }) => {
        begun.push(parameters.name);
      },
    });
    const pool = new Pool({ connectionString: database.url });
    const work = new Database(pool);
    await expect(
      work.transaction(async (tx) => {
        await gateway.jobs.enqueue('count', { name: 'lost' }, { createdBy: 'test', within: tx });
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    const job = await work.transaction((tx) =>
      gateway.jobs.enqueue('count', { name: 'kept' }, { createdBy: 'test', within: tx }),
    );
    await untilState(gateway, job, 'done');
    expect(begun).toEqual(['kept']);
    await pool.end();
  });

  it('stops when it is cancelled while it runs', async () => {
    const begun = Promise.withResolvers<undefined>();
    const gateway = await startGateway({
      count: async (_job, { signal, progress }) => {
        await progress({ steps: 1 });
        begun.resolve(undefined);
        await aborted(signal);
      },
    });
    const job = await enqueue(gateway);
    await begun.promise;
    expect(await gateway.jobs.cancel(job.id)).toMatchObject({ kind: 'requested' });
    expect(await untilState(gateway, job, 'cancelled')).toMatchObject({
      progress: { steps: 1 },
      isCancelRequested: true,
    });
    expect(await gateway.jobs.cancel(job.id)).toMatchObject({ kind: 'over' });
  });

  it('of a process that stops goes on in another from its progress', async () => {
    const begun = Promise.withResolvers<undefined>();
    const first = await startGateway({
      count: async (_job, { signal, progress }) => {
        await progress({ steps: 3 });
        begun.resolve(undefined);
        await aborted(signal);
      },
    });
    const job = await enqueue(first);
    await begun.promise;
    await first.stop();
    gateways.splice(gateways.indexOf(first), 1);
    let resumedFrom: unknown;
    const second = await startGateway({
      count: async ({ progress }) => {
        resumedFrom = progress.steps;
      },
    });
    await untilState(second, job, 'done');
    expect(resumedFrom).toBe(3);
  });

  it('of a process that died goes on in another, and the dead one can tell nothing any more', async () => {
    const begun = Promise.withResolvers<JobControl>();
    const first = await startGateway({
      count: async (_job, control) => {
        await control.progress({ steps: 3 });
        begun.resolve(control);
        await aborted(control.signal);
      },
    });
    const job = await enqueue(first);
    const control = await begun.promise;
    // As when its connections break: PostgreSQL gives its lock up, while the handler itself may linger.
    const client = new Pool({ connectionString: database.url, max: 1 });
    await client.query('DELETE FROM gateway_instances');
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 3 AND pid <> pg_backend_pid()`,
    );
    const second = await startGateway({
      count: async ({ progress }, { progress: tell }) => tell({ resumedFrom: progress.steps }),
    });
    expect(await untilState(second, job, 'done')).toMatchObject({ progress: { steps: 3, resumedFrom: 3 } });
    await expect(control.progress({ steps: 4 })).rejects.toThrow('lost');
    await client.end();
  });

  it('runs beside one other at most', async () => {
    let running = 0;
    let most = 0;
    const open = Promise.withResolvers<undefined>();
    const gateway = await startGateway({
      count: async () => {
        running += 1;
        most = Math.max(most, running);
        await open.promise;
        running -= 1;
      },
    });
    const jobs = [await enqueue(gateway), await enqueue(gateway), await enqueue(gateway), await enqueue(gateway)];
    await until('two run', () => running === 2);
    open.resolve(undefined);
    for (const job of jobs) await untilState(gateway, job, 'done');
    expect(most).toBe(2);
  });
});

it('refuses a second handler of a kind', async () => {
  const gateway = await startGateway({ count: () => Promise.resolve() });
  expect(() => {
    gateway.jobs.registerHandler('count', () => Promise.resolve());
  }).toThrow('count');
});
