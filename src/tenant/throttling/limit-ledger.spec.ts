import * as fc from 'fast-check';
import { Allowances } from './allowances';
import type { Allowance } from './allowance';
import type { BucketRate, LeaseHandlers, LeaseReport } from './leases';
import { LeaseChannel } from './leases';
import { LimitLedger } from './limit-ledger';

/** A holder whose messages wait until the test hands them on, as between processes. */
class SlowChannel extends LeaseChannel {
  private handlers: LeaseHandlers | undefined;

  constructor(
    private readonly holder: number,
    private readonly network: Network,
  ) {
    super();
    network.holders.set(holder, (key) => this.handlers?.recalled(key));
  }

  connect(handlers: LeaseHandlers): void {
    this.handlers = handlers;
  }

  send(report: LeaseReport): void {
    const { network, holder } = this;
    network.post(holder, 'up', () => {
      network.ledger.report(holder, report, (grant) => {
        network.post(holder, 'down', () => this.handlers?.granted(grant));
      });
    });
  }

  storeUp(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** One ledger and several holders. Each channel keeps its order; which goes on next is up to the test. */
class Network {
  nowMs = 0;
  readonly holders = new Map<number, (key: string) => void>();
  readonly ledger = new LimitLedger({
    now: () => this.nowMs,
    recall: (holder, key) => {
      this.post(holder, 'down', () => this.holders.get(holder)?.(key));
    },
  });
  private readonly queues = new Map<string, (() => void)[]>();

  holder(id: number): Allowances {
    return new Allowances(new SlowChannel(id, this), () => this.nowMs);
  }

  post(holder: number, way: 'up' | 'down', deliver: () => void): void {
    const name = `${String(holder)} ${way}`;
    const queue = this.queues.get(name);
    if (queue === undefined) this.queues.set(name, [deliver]);
    else queue.push(deliver);
  }

  /** Hands on one message of the channel that `choice` picks. False: there is none at all. */
  deliver(choice: number): boolean {
    const busy = [...this.queues.values()].filter((queue) => queue.length > 0);
    const deliver = busy[choice % busy.length]?.shift();
    deliver?.();
    return deliver !== undefined;
  }

  deliverAll(): void {
    while (this.deliver(0));
  }

  /** The process is gone, with all that it did not say. */
  kill(holder: number): void {
    this.holders.delete(holder);
    this.queues.delete(`${String(holder)} up`);
    this.queues.delete(`${String(holder)} down`);
    this.ledger.forget(holder);
  }
}

const HOLDERS = 3;
/** So many at a time, so that buckets run dry. */
const MANY = 6;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), at: fc.nat(HOLDERS - 1) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), at: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), at: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), at: fc.nat(HOLDERS - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('undo' as const), at: fc.nat(HOLDERS - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), at: fc.nat(HOLDERS - 1) }) },
);

const settled = async (): Promise<void> => new Promise(setImmediate);

/** Whoever waits for a promise that was resolved has gone on. */
async function noted(): Promise<void> {
  await Promise.resolve();
  await Promise.resolve();
}

describe('LimitLedger', () => {
  it('never lets more through than burst and rate allow, whoever asks when and dies when', async () => {
    const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 400 }), burst: fc.integer({ min: 1, max: 40 }) });
    await fc.assert(
      fc.asyncProperty(rates, fc.array(step, { maxLength: 200 }), async (rate, steps) => {
        const network = new Network();
        const holders = Array.from({ length: HOLDERS }, (_, id) => network.holder(id));
        const ids = holders.map((_, id) => id);
        /** Net of those that were undone, by the time that they went. */
        const went: number[] = [];
        const bucket = (at: number): Allowance | undefined => holders[at]?.subject('tenant', 't').of('read');
        const note = (waitMs: number): void => {
          if (waitMs === 0) went.push(network.nowMs);
        };
        for (const { do: what, at } of steps) {
          if (what === 'take') {
            for (let times = 0; times < MANY; times += 1) {
              const wait = bucket(at)?.take(rate) ?? 1;
              if (typeof wait === 'number') note(wait);
              else void wait.then(note);
            }
          } else if (what === 'deliver') network.deliver(at);
          else if (what === 'wait') {
            // Messages take no time here: what one is on its way for would come on top.
            network.deliverAll();
            await noted();
            network.nowMs += at;
          } else if (what === 'sweep') holders[at]?.sweep();
          else if (what === 'undo') {
            if (went.at(-1) === network.nowMs) {
              went.pop();
              bucket(at)?.refund();
              await settled();
            }
          } else {
            network.kill(ids[at] ?? 0);
            ids[at] = ids.length + network.nowMs + went.length + 1_000;
            holders[at] = network.holder(ids[at]);
          }
          await noted();
        }
        network.deliverAll();
        await settled();
        // In every window, not only from the beginning.
        for (const [first, fromMs] of went.entries()) {
          for (let last = first; last < went.length; last += 1) {
            const allowed = rate.burst + (((went[last] ?? 0) - fromMs) * rate.perSecond) / 1000;
            expect(last - first + 1).toBeLessThanOrEqual(allowed + 1e-6);
          }
        }
      }),
      { numRuns: 60 },
    );
  }, 30_000);

  it('never has more requests in flight than the limit, and all places free in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 200 }), async (limit, steps) => {
        const network = new Network();
        const holders = Array.from({ length: HOLDERS }, (_, id) => network.holder(id));
        const inFlight: Allowance[][] = holders.map(() => []);
        const bucket = (at: number): Allowance | undefined => holders[at]?.subject('tenant', 't').of('in-flight');
        const count = (): number => inFlight.flat().length;
        for (const { do: what, at } of steps) {
          if (what === 'take') {
            const slot = bucket(at);
            const wait = slot?.takeSlot(limit) ?? 1;
            const mine = inFlight[at];
            const note = (waitMs: number): void => {
              if (waitMs === 0 && slot !== undefined) mine?.push(slot);
            };
            if (typeof wait === 'number') note(wait);
            else void wait.then(note);
          } else if (what === 'deliver') network.deliver(at);
          else if (what === 'wait') network.nowMs += at;
          else if (what === 'sweep') holders[at]?.sweep();
          else if (what === 'undo') inFlight[at]?.pop()?.release();
          await noted();
          expect(count()).toBeLessThanOrEqual(limit);
        }
        network.deliverAll();
        await settled();
        for (const slot of inFlight.flat()) slot.release();
        for (const holder of holders) holder.sweep();
        network.deliverAll();
        expect(network.ledger.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  }, 30_000);

  const rate: BucketRate = { perSecond: 100, burst: 80 };

  it('has what was not used after all for others at once', async () => {
    const network = new Network();
    const scarce = { perSecond: 0.001, burst: 1 };
    const [one, other] = [network.holder(1), network.holder(2)].map((holder) =>
      holder.subject('address', 'a').of('address'),
    );
    const first = one?.take(scarce);
    network.deliverAll();
    expect(await first).toBe(0);
    one?.refund();
    await settled();
    const second = other?.take(scarce);
    network.deliverAll();
    expect(await second).toBe(0);
  });

  it('recalls what one holder has at hand before it refuses another', async () => {
    const network = new Network();
    const [a, b] = [network.holder(1), network.holder(2)].map((holder) => holder.subject('tenant', 't').of('read'));
    const admitted = async (allowance: Allowance | undefined): Promise<boolean> => {
      const wait = allowance?.take(rate);
      network.deliverAll();
      return (await wait) === 0;
    };
    expect(await admitted(a)).toBe(true);
    let byB = 0;
    while (await admitted(b)) byB += 1;
    expect(byB).toBe(79);
  });

  it('does not refill what a holder has at hand', async () => {
    const network = new Network();
    const [a, b] = [network.holder(1), network.holder(2)].map((holder) => holder.subject('tenant', 't').of('read'));
    const first = a?.take(rate);
    network.deliverAll();
    await first;
    network.nowMs += 10_000;
    const waits: unknown[] = [];
    const fromHand = a?.take(rate);
    expect(fromHand).toBe(0);
    for (let at = 0; at < 100; at += 1) waits.push(b?.take(rate));
    network.deliverAll();
    const admitted = (await Promise.all(waits)).filter((wait) => wait === 0).length;
    expect(admitted).toBe(rate.burst - 1);
  });

  it('takes for spent what a process had at hand when it died', async () => {
    const network = new Network();
    const [a, b] = [network.holder(1), network.holder(2)].map((holder) => holder.subject('tenant', 't').of('read'));
    const first = a?.take(rate);
    network.deliverAll();
    await first;
    let atHand = 0;
    while (a?.take(rate) === 0 && atHand < 3) atHand += 1;
    network.kill(1);
    const waits: unknown[] = [];
    for (let at = 0; at < 100; at += 1) waits.push(b?.take(rate));
    network.deliverAll();
    const admitted = (await Promise.all(waits)).filter((wait) => wait === 0).length;
    expect(1 + atHand + admitted).toBeLessThanOrEqual(rate.burst);
  });

  it('frees the places of a process that died', async () => {
    const network = new Network();
    const [a, b] = [network.holder(1), network.holder(2)].map((holder) =>
      holder.subject('tenant', 't').of('in-flight'),
    );
    const first = a?.takeSlot(1);
    network.deliverAll();
    expect(await first).toBe(0);
    const refused = b?.takeSlot(1);
    network.deliverAll();
    expect(await refused).toBeGreaterThan(0);
    network.kill(1);
    const admitted = b?.takeSlot(1);
    network.deliverAll();
    expect(await admitted).toBe(0);
  });

  it('lets bytes wait for each other in their order, at the rate', () => {
    const ledger = new LimitLedger({ now: () => 0 });
    const waits: number[] = [];
    const report: LeaseReport = {
      key: 'tenant:t:bytes-in',
      kind: 'debt',
      perSecond: 1_000,
      burst: 100,
      ask: 1,
      spent: 0,
      returned: 0,
      refunded: 0,
      need: 600,
      spare: 0,
    };
    for (let at = 0; at < 3; at += 1) {
      ledger.report(at, report, ({ granted, waitMs }) => {
        expect(granted).toBe(600);
        waits.push(waitMs);
      });
    }
    expect(waits).toEqual([500, 1_100, 1_700]);
  });

  it('holds a bounded number of buckets, those of client addresses apart', () => {
    const ledger = new LimitLedger({ now: () => 0, maxBuckets: 100 });
    const take = (key: string): number => {
      let granted = -1;
      const report: LeaseReport = {
        key,
        kind: 'tokens',
        perSecond: 1,
        burst: 1,
        ask: 1,
        spent: 0,
        returned: 0,
        refunded: 0,
        need: 1,
        spare: 0,
      };
      ledger.report(1, report, (grant) => {
        granted = grant.granted;
      });
      return granted;
    };
    expect([take('tenant:t:read'), take('tenant:t:read')]).toEqual([1, 0]);
    for (let at = 0; at < 1_000; at += 1) take(`address:192.0.2.${String(at)}:address`);
    expect(ledger.size).toBe(101);
    expect(take('tenant:t:read')).toBe(0);
  });

  it('follows a limit that is raised or lowered, from the next request on', async () => {
    const network = new Network();
    const slots = network.holder(1).subject('tenant', 't').of('in-flight');
    const isAdmitted = async (limit: number): Promise<boolean> => {
      const wait = slots.takeSlot(limit);
      network.deliverAll();
      return (await wait) === 0;
    };
    expect([await isAdmitted(1), await isAdmitted(1)]).toEqual([true, false]);
    expect([await isAdmitted(2), await isAdmitted(2)]).toEqual([true, false]);
    expect(await isAdmitted(1)).toBe(false);
    slots.release();
    network.deliverAll();
    expect(await isAdmitted(1)).toBe(false);
    slots.release();
    network.deliverAll();
    expect(await isAdmitted(1)).toBe(true);
  });
});
