import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Pool } from 'pg';
import { Registry } from 'prom-client';
import { loadConfig } from '../config/load-config';
import { Environment } from '../config/environment';
import { RequestRecord } from '../context/request-record';
import { Database, DatabaseUnavailableError } from '../database/database';
import { EventLogMetrics } from '../metrics/event-log.metrics';
import { ResolvedCounter, ResolvedHistogram, SampledGauge } from '../metrics/resolved-metrics';
import { EventLogService } from './event-log.service';
import { EventSink } from './event-sink';
import { SPOOL_FOLDER } from './events.constants';
import { SpoolTakeoverService } from './spool/spool-takeover.service';

/** Keeps the request ids of the rows that it was given; refuses those of requests named `poison`. */
class FakeDatabase extends Database {
  readonly batches: string[][] = [];
  isAway = false;
  attempts = 0;
  /** While there are some, each batch waits for one of them after it was written. */
  private held: (() => void)[] | undefined;

  constructor() {
    super(new Pool());
  }

  /** What is told of lost and late rows. */
  override query(): Promise<never[]> {
    return Promise.resolve([]);
  }

  override async copyIn(_: string, data: Buffer): Promise<void> {
    this.attempts += 1;
    if (this.isAway) throw new DatabaseUnavailableError('away');
    const requestIds = data
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[2] ?? '');
    if (requestIds.includes('poison')) throw Object.assign(new Error('invalid byte sequence'), { code: '22021' });
    this.batches.push(requestIds);
    if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve));
  }

  /** Is slow from now on, until the returned function is called. */
  hold(): () => void {
    const held: (() => void)[] = [];
    this.held = held;
    return () => {
      this.held = undefined;
      for (const release of held) release();
    };
  }

  get written(): string[] {
    return this.batches.flat();
  }
}

describe('EventLogService', () => {
  let dataDir: string;
  let environment: Environment;
  let database: FakeDatabase;
  let registry: Registry;
  let events: EventLogService;

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'] });
    jest.spyOn(Logger.prototype, 'log').mockImplementation();
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    dataDir = mkdtempSync(join(tmpdir(), 'event-log-'));
    environment = Environment.load({ VAULTAIRE_DATA_DIR: dataDir });
    database = new FakeDatabase();
    events = await start();
  });

  afterEach(async () => {
    database.isAway = false;
    await events.beforeApplicationShutdown();
    jest.useRealTimers();
    jest.restoreAllMocks();
    rmSync(dataDir, { recursive: true });
  });

  function metrics(): EventLogMetrics {
    registry = new Registry();
    return new EventLogMetrics(
      new SampledGauge(registry, 'queue', 'h', []),
      new ResolvedHistogram(registry, 'flush', 'h', [], [1]),
      new ResolvedCounter(registry, 'written', 'h', []),
      new ResolvedCounter(registry, 'dropped', 'h', []),
      new ResolvedCounter(registry, 'spooled', 'h', []),
      new SampledGauge(registry, 'spool_bytes', 'h', []),
      new SampledGauge(registry, 'lag', 'h', []),
    );
  }

  async function start(config = loadConfig(environment)): Promise<EventLogService> {
    const made = metrics();
    const service = new EventLogService(environment, config, new EventSink(database, made), made);
    await service.onModuleInit();
    return service;
  }

  function settle(...requestIds: string[]): void {
    for (const id of requestIds) events.requestSettled(new RequestRecord(id, 'GetObject'));
  }

  /** Lets the disk do its work, and time pass in between, until it is so. */
  async function until(isReached: () => boolean | Promise<boolean>): Promise<void> {
    for (let round = 0; round < 20_000; round += 1) {
      if (await isReached()) return;
      await new Promise((resolve) => setImmediate(resolve));
      if (round % 20 === 19) await jest.advanceTimersByTimeAsync(100);
    }
    throw new Error('waited in vain');
  }

  const says = async (line: string): Promise<boolean> => (await registry.metrics()).split('\n').includes(line);
  const spoolFiles = (): string[] =>
    readdirSync(join(dataDir, SPOOL_FOLDER), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.events'),
    );
  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${String(index)}`);

  it('writes what settled within an interval as one batch, past the disk', async () => {
    settle('a', 'b');
    expect(database.attempts).toBe(0);
    await jest.advanceTimersByTimeAsync(50);
    expect(database.batches).toEqual([['a', 'b']]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(database.attempts).toBe(1);
    expect(await says('spooled 0')).toBe(true);
  });

  it('leaves out nothing but reads that went well, where that is configured', async () => {
    const config = loadConfig(environment);
    const quiet = await start(Object.assign(config, { events: Object.assign(config.events, { reads: false }) }));
    const settled = (id: string, operation: string, fields: Partial<RequestRecord>): void => {
      quiet.requestSettled(Object.assign(new RequestRecord(id, operation), { outcome: 'completed' }, fields));
    };
    settled('read', 'GetObject', { status: 206 });
    settled('list', 'ListObjectsV2', { status: 200 });
    settled('refused', 'GetObject', { status: 403 });
    settled('broken', 'GetObject', { status: 200, outcome: 'aborted' });
    settled('logged', 'HeadObject', { status: 200, accessLog: { containerId: '1', line: 'x' } });
    settled('change', 'PutObject', { status: 200 });
    settled('admin', 'admin.tenants.list', { status: 200 });
    await quiet.beforeApplicationShutdown();
    expect(database.written).toEqual(['refused', 'broken', 'logged', 'change', 'admin']);
  });

  it('does not wait for the interval when a batch is full, and keeps the order', async () => {
    const ids = many(2_500);
    settle(...ids);
    expect(database.attempts).toBe(1);
    await until(() => database.written.length === ids.length);
    expect(database.written).toEqual(ids);
  });

  it('puts on disk what has not arrived after an interval, and what follows, and writes each once', async () => {
    const release = database.hold();
    settle('a');
    await jest.advanceTimersByTimeAsync(50);
    settle('b');
    await jest.advanceTimersByTimeAsync(50);
    await until(() => says('spooled 2'));
    settle('c');
    await jest.advanceTimersByTimeAsync(50);
    await until(() => says('spooled 3'));
    expect(database.batches).toEqual([['a']]);
    release();
    await until(() => spoolFiles().length === 0);
    expect(database.written).toEqual(['a', 'b', 'c']);
    settle('d');
    await until(() => database.written.length === 4);
    expect(await says('spooled 3')).toBe(true);
  });

  it('puts a slow batch on disk although no request follows', async () => {
    const release = database.hold();
    settle('a');
    await jest.advanceTimersByTimeAsync(100);
    await until(() => says('spooled 1'));
    release();
  });

  it('keeps all rows on disk while PostgreSQL is away, trying less and less often', async () => {
    database.isAway = true;
    const ids = many(5_000);
    for (let at = 0; at < ids.length; at += 500) {
      settle(...ids.slice(at, at + 500));
      await jest.advanceTimersByTimeAsync(50);
    }
    await until(() => says('spooled 5000'));
    expect(await says('queue 0')).toBe(true);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(database.attempts).toBeLessThan(40);
    database.isAway = false;
    await until(() => spoolFiles().length === 0);
    expect(database.written).toEqual(ids);
    expect(await says('dropped 0')).toBe(true);
  });

  it('leaves out only the row that PostgreSQL refuses, from memory and from disk', async () => {
    settle('a', 'b', 'poison', 'c');
    await until(() => database.written.length === 3);
    database.isAway = true;
    settle('d', 'poison', 'e');
    await until(() => says('spooled 3'));
    database.isAway = false;
    await until(() => database.written.length === 5);
    expect(database.written).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await says('dropped 2')).toBe(true);
  });

  it('keeps rows in memory, up to a bound, when the disk takes none either, and counts the others', async () => {
    rmSync(join(dataDir, SPOOL_FOLDER), { recursive: true });
    database.isAway = true;
    settle('first');
    await jest.advanceTimersByTimeAsync(50);
    const ids = many(150_000);
    for (const id of ids) settle(id);
    await jest.advanceTimersByTimeAsync(50);
    const dropped = Number(/^dropped (\d+)$/m.exec(await registry.metrics())?.[1]);
    expect(dropped).toBeGreaterThan(10_000);
    expect(dropped).toBeLessThan(130_000);
    database.isAway = false;
    await until(() => database.written.length === ids.length + 1 - dropped);
    expect(database.written).toEqual(['first', ...ids.slice(0, ids.length - dropped)]);
  });

  it('writes what waits when the gateway stops, and leaves no folder', async () => {
    settle(...many(1_500));
    await events.beforeApplicationShutdown();
    expect(database.written).toHaveLength(1_500);
    expect(readdirSync(join(dataDir, SPOOL_FOLDER))).toEqual([]);
  });

  it('leaves rows on disk when it stops while PostgreSQL is away, and the next start writes them', async () => {
    database.isAway = true;
    settle('a', 'b');
    await events.beforeApplicationShutdown();
    expect(await says('dropped 0')).toBe(true);
    expect(spoolFiles()).toHaveLength(1);
    database.isAway = false;
    const made = metrics();
    const takeover = new SpoolTakeoverService(environment, new EventSink(database, made), made);
    takeover.onApplicationBootstrap();
    await until(() => database.written.length === 2);
    await until(() => readdirSync(join(dataDir, SPOOL_FOLDER)).length === 0);
    await takeover.beforeApplicationShutdown();
    expect(database.written).toEqual(['a', 'b']);
  });

  it('takes no rows of a process that lives', async () => {
    database.isAway = true;
    settle('a');
    await until(() => says('spooled 1'));
    const takeover = new SpoolTakeoverService(environment, new EventSink(database, metrics()), metrics());
    takeover.onApplicationBootstrap();
    await takeover.beforeApplicationShutdown();
    expect(spoolFiles()).toHaveLength(1);
  });
});
