import * as fc from 'fast-check';
import type { Allowance } from './allowance';
import { Allowances } from './allowances';
import type { LimitWorker } from './cluster-limits';
import { ClusterLimits } from './cluster-limits';
import type { BucketRate, LeaseHandlers, LeaseReport } from './leases';
import { LeaseChannel } from './leases';
import type { LimitMessage } from './limit-messages';
import { LimitLedger } from './limit-ledger';
import { LocalLeaseChannel } from './local-lease-channel';
import type { SharedLease, SharedLeaseRequest } from './shared-buckets';
import { SharedBuckets } from './shared-buckets';

/** What is on its way. Each line keeps its order; which goes on next is up to the test. */
class Wire {
  private readonly lines = new Map<string, (() => void)[]>();

  post(line: string, deliver: () => void): void {
    const queue = this.lines.get(line);
    if (queue === undefined) this.lines.set(line, [deliver]);
    else queue.push(deliver);
  }

  /** False: nothing is on its way. */
  async deliver(choice: number): Promise<boolean> {
    const busy = [...this.lines.values()].filter((queue) => queue.length > 0);
    const deliver = busy[choice % busy.length]?.shift();
    deliver?.();
    // Whoever waits for a promise that was resolved has gone on.
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    return deliver !== undefined;
  }

  async deliverAll(): Promise<void> {
    while (await this.deliver(0));
  }

  cut(line: string): void {
    this.lines.delete(line);
  }
}

/** The buckets of all machines. */
class Store {
  isUp = true;
  private readonly buckets = new Map<string, { tokens: number; atMs: number }>();
  private readonly views: StoreView[] = [];

  constructor(readonly wire: Wire) {}

  view(): StoreView {
    const view = new StoreView(this, `store ${String(this.views.length)}`);
    this.views.push(view);
    return view;
  }

  change(isUp: boolean): void {
    if (isUp === this.isUp) return;
    this.isUp = isUp;
    for (const view of this.views) view.change(isUp);
  }

  lease({ key, kind, perSecond, burst, need, spare, returned }: SharedLeaseRequest): SharedLease {
    const nowMs = performance.now();
    const known = this.buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    let tokens = Math.min(burst, known.tokens + ((nowMs - known.atMs) * perSecond) / 1000 + returned);
    const isEnough = kind === 'debt' || tokens >= need;
    const more = Math.max(0, Math.min(spare, Math.floor((tokens - need) / 4)));
    const granted = isEnough ? need + more : Math.max(0, Math.floor(tokens));
    tokens -= granted;
    this.buckets.set(key, { tokens, atMs: nowMs });
    const missing = isEnough ? Math.max(0, -tokens) : 1 - tokens;
    return { granted, waitMs: Math.ceil((missing * 1000) / perSecond) };
  }
}

class StoreView extends SharedBuckets {
  isUp = true;
  epoch = 1;
  private listener: () => void = () => undefined;

  constructor(
    private readonly store: Store,
    private readonly line: string,
  ) {
    super();
  }

  onChange(listener: () => void): void {
    this.listener = listener;
  }

  change(isUp: boolean): void {
    this.isUp = isUp;
    if (isUp) this.epoch += 1;
    this.listener();
  }

  lease(request: SharedLeaseRequest): Promise<SharedLease | undefined> {
    if (!this.isUp) return Promise.resolve(undefined);
    const { epoch } = this;
    return new Promise((resolve) => {
      this.store.wire.post(this.line, () => {
        resolve(this.isUp && this.epoch === epoch ? this.store.lease(request) : undefined);
      });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A worker process, as itself and as its primary sees it. */
class Worker extends LeaseChannel implements LimitWorker {
  private handlers: LeaseHandlers | undefined;

  constructor(
    readonly id: number,
    private readonly name: string,
    private readonly wire: Wire,
    private readonly toPrimary: (worker: Worker, message: LimitMessage) => void,
  ) {
    super();
  }

  isConnected(): boolean {
    return true;
  }

  connect(handlers: LeaseHandlers): void {
    this.handlers = handlers;
  }

  send(message: LeaseReport | LimitMessage): void {
    if ('ask' in message) {
      this.wire.post(`${this.name} up`, () => {
        this.toPrimary(this, { kind: 'vaultaire:limits:reports', reports: [message] });
      });
    } else {
      this.wire.post(`${this.name} down`, () => {
        if (message.kind === 'vaultaire:limits:grants')
          for (const grant of message.grants) this.handlers?.granted(grant);
        else if (message.kind === 'vaultaire:limits:recall') this.handlers?.recalled(message.key);
      });
    }
  }

  die(): void {
    this.wire.cut(`${this.name} up`);
    this.wire.cut(`${this.name} down`);
  }

  storeUp(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A gateway of several processes. */
class Cluster {
  readonly limits: ClusterLimits;
  readonly processes: Allowances[] = [];
  private readonly workers: Worker[] = [];
  private lastId = 0;

  constructor(
    private readonly name: string,
    size: number,
    private readonly wire: Wire,
    shared?: StoreView,
  ) {
    this.limits = new ClusterLimits(() => this.workers, shared);
    for (let at = 0; at < size; at += 1) this.fork(at);
  }

  /** The process is gone, with all that it did not say, and another takes its place. */
  replace(at: number): void {
    const worker = this.workers[at];
    if (worker === undefined) return;
    worker.die();
    this.fork(at);
    this.limits.exited(worker.id);
  }

  private fork(at: number): void {
    this.lastId += 1;
    const id = this.lastId;
    const worker = new Worker(id, `${this.name} ${String(id)}`, this.wire, (sender, message) => {
      this.limits.received(sender, message);
    });
    this.workers[at] = worker;
    this.processes[at] = new Allowances(worker);
  }
}

/** A request that asked: on which machine, and what became of it. */
interface Asked {
  readonly machine: number;
  wait: number | undefined;
  /** Its process died meanwhile. */
  isLost: boolean;
}

/** Two processes of a cluster, and a gateway that is one process. */
const PROCESSES = 3;
const MANY = 12;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), at: fc.nat(PROCESSES - 1) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), at: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), at: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), at: fc.nat(PROCESSES - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), at: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('store' as const), at: fc.nat(1) }) },
);

const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 400 }), burst: fc.integer({ min: 1, max: 40 }) });

/** Longer than anybody waits for what a process has at hand. */
const RECALL_MS = 60;

describe('limits of two gateways with a store', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('serves those who come while it answers, in one process', async () => {
    const wire = new Wire();
    const shared = new Store(wire).view();
    const channel = new LocalLeaseChannel(new LimitLedger({ shared }), shared);
    const bucket = new Allowances(channel).subject('tenant', 't').of('list');
    const rate = { perSecond: 0.001, burst: 40 };
    const waits: Promise<number>[] = [];
    for (let at = 0; at < 60; at += 1) {
      waits.push(Promise.resolve(bucket.take(rate)));
      if (at % 7 === 0) await wire.deliver(0);
    }
    await wire.deliverAll();
    const outcomes = await Promise.race([Promise.all(waits), new Promise(setImmediate).then(() => [])]);
    expect(outcomes).toHaveLength(60);
    expect(outcomes.filter((wait) => wait === 0)).toHaveLength(40);
    await channel.close();
  });

  it.each(['tokens', 'debt'] as const)(
    'answers everybody, and keeps to the limit of %s',
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(rates, fc.boolean(), fc.array(step, { maxLength: 100 }), async (rate, isSteady, steps) => {
          const wire = new Wire();
          const store = new Store(wire);
          const cluster = new Cluster('a', 2, wire, store.view());
          const local = new LocalLeaseChannel(new LimitLedger({ shared: store.view() }));
          const single = new Allowances(local);
          const asked: Asked[] = [];
          const fromMs = performance.now();
          const take = (at: number): void => {
            const machine = at < 2 ? 0 : 1;
            const process = (at < 2 ? cluster.processes[at] : single)?.subject('tenant', 't');
            if (process !== undefined)
              asked.push(follow(machine, ask(process.of(kind === 'debt' ? 'bytes-in' : 'list'), rate)));
          };
          const expectLimit = (machines: readonly number[]): void => {
            const admitted = asked.filter(({ machine, wait }) => wait === 0 && machines.includes(machine)).length;
            expect(admitted).toBeLessThanOrEqual(
              rate.burst + ((performance.now() - fromMs) * rate.perSecond) / 1000 + 1e-6,
            );
          };
          const ask = (bucket: Allowance, limit: BucketRate): number | Promise<number> =>
            kind === 'debt' ? bucket.reserve(1, limit) : bucket.take(limit);
          for (const { do: what, at } of steps) {
            if (what === 'take') for (let times = 0; times < MANY; times += 1) take(at);
            else if (what === 'deliver') await wire.deliver(at);
            else if (what === 'wait') {
              // Nobody waits so long that the limit does not count.
              await wire.deliverAll();
              jest.advanceTimersByTime(RECALL_MS);
              await wire.deliverAll();
              jest.advanceTimersByTime(at);
            } else if (what === 'sweep') (at < 2 ? cluster.processes[at] : single)?.sweep();
            else if (what === 'replace') {
              for (const each of asked) if (each.machine === 0 && each.wait === undefined) each.isLost = true;
              cluster.replace(at);
            } else if (!isSteady) store.change(at === 1);
            await wire.deliver(0);
            expectLimit([0]);
            expectLimit([1]);
            if (isSteady) expectLimit([0, 1]);
          }
          for (let times = 0; times < 4; times += 1) {
            await wire.deliverAll();
            jest.advanceTimersByTime(RECALL_MS);
          }
          await wire.deliverAll();
          expect(asked.filter(({ wait, isLost }) => wait === undefined && !isLost)).toEqual([]);
          await cluster.limits.close();
          await local.close();
        }),
        { numRuns: 40 },
      );
    },
    60_000,
  );
});

function follow(machine: number, wait: number | Promise<number>): Asked {
  const asked: Asked = { machine, wait: undefined, isLost: false };
  if (typeof wait === 'number') asked.wait = wait;
  else
    void wait.then((waitMs) => {
      asked.wait = waitMs;
    });
  return asked;
}
