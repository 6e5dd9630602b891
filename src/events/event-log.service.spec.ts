import { Logger } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Pool } from 'pg';
import { RequestRecord } from '../context/request-record';
import { Database, DatabaseUnavailableError } from '../database/database';
import { EventLogMetrics } from '../metrics/event-log.metrics';
import { ResolvedCounter, ResolvedHistogram, SampledGauge } from '../metrics/resolved-metrics';
import { EventLogService } from './event-log.service';

/** Keeps the request ids of the rows that it was given; refuses those of requests named `poison`. */
class FakeDatabase extends Database {
  readonly batches: string[][] = [];
  isAway = false;
  attempts = 0;

  constructor() {
    super(new Pool());
  }

  override copyIn(_: string, data: Buffer): Promise<void> {
    this.attempts += 1;
    if (this.isAway) return Promise.reject(new DatabaseUnavailableError('away'));
    const requestIds = data
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[2] ?? '');
    if (requestIds.includes('poison')) return Promise.reject(new Error('invalid byte sequence'));
    this.batches.push(requestIds);
    return Promise.resolve();
  }

  get written(): string[] {
    return this.batches.flat();
  }
}

describe('EventLogService', () => {
  let database: FakeDatabase;
  let registry: Registry;
  let events: EventLogService;

  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    database = new FakeDatabase();
    registry = new Registry();
    events = new EventLogService(
      database,
      new EventLogMetrics(
        new SampledGauge(registry, 'queue', 'h', []),
        new ResolvedHistogram(registry, 'flush', 'h', [], [1]),
        new ResolvedCounter(registry, 'written', 'h', []),
        new ResolvedCounter(registry, 'dropped', 'h', []),
      ),
    );
    events.onModuleInit();
  });

  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  function settle(...requestIds: string[]): void {
    for (const id of requestIds) events.requestSettled(new RequestRecord(id, 'GetObject'));
  }

  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${String(index)}`);

  it('writes what settled within an interval as one batch', async () => {
    settle('a', 'b');
    expect(database.attempts).toBe(0);
    await jest.advanceTimersByTimeAsync(100);
    expect(database.batches).toEqual([['a', 'b']]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(database.attempts).toBe(1);
  });

  it('does not wait for the interval when a batch is full, and keeps the order', async () => {
    const ids = many(2_500);
    settle(...ids);
    await jest.advanceTimersByTimeAsync(0);
    expect(database.batches.map((batch) => batch.length)).toEqual([1_000, 1_000]);
    await jest.advanceTimersByTimeAsync(100);
    expect(database.written).toEqual(ids);
  });

  it('keeps rows while PostgreSQL is away, trying less and less often', async () => {
    database.isAway = true;
    settle('a');
    await jest.advanceTimersByTimeAsync(60_000);
    expect(database.attempts).toBeLessThan(25);
    settle('b');
    database.isAway = false;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(database.written).toEqual(['a', 'b']);
  });

  it('counts what its bound makes it lose', async () => {
    database.isAway = true;
    settle(...many(20_007));
    expect(await registry.metrics()).toMatch(/^dropped 7$/m);
    expect(await registry.metrics()).toMatch(/^queue 20000$/m);
    expect(Logger.prototype.error).toHaveBeenCalledTimes(1);
  });

  it('drops only the row that PostgreSQL refuses', async () => {
    settle('a', 'b', 'poison', 'c');
    await jest.advanceTimersByTimeAsync(100);
    expect(database.written).toEqual(['a', 'b', 'c']);
    expect(await registry.metrics()).toMatch(/^dropped 1$/m);
  });

  it('writes what waits when the gateway stops', async () => {
    settle(...many(1_500));
    await events.beforeApplicationShutdown();
    expect(database.written).toHaveLength(1_500);
  });

  it('does not hold up the stop when PostgreSQL is away', async () => {
    database.isAway = true;
    settle('a');
    await events.beforeApplicationShutdown();
    expect(await registry.metrics()).toMatch(/^dropped 1$/m);
  });
});
