import { Allowances } from './allowances';
import type { LeaseGrant, LeaseHandlers, LeaseReport } from './leases';
import { LeaseChannel } from './leases';

/** The owner of the buckets is stuck; the test may answer in its place. */
class StuckChannel extends LeaseChannel {
  readonly reports: LeaseReport[] = [];
  private handlers: LeaseHandlers | undefined;

  connect(handlers: LeaseHandlers): void {
    this.handlers = handlers;
  }

  send(report: LeaseReport): void {
    this.reports.push(report);
  }

  answer(grant: Partial<LeaseGrant>): void {
    const ask = this.reports.findLast((report) => report.ask !== 0)?.ask ?? 0;
    this.handlers?.granted({ ask, granted: 0, spare: 0, waitMs: 0, ...grant });
  }

  storeUp(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const rate = { perSecond: 0.001, burst: 40 };

describe('Allowances', () => {
  let nowMs = 0;
  let channel: StuckChannel;
  let allowances: Allowances;

  beforeEach(() => {
    nowMs = 0;
    channel = new StuckChannel();
    allowances = new Allowances(channel, () => nowMs);
  });

  function pass(ms: number): void {
    nowMs += ms;
    allowances.sweep();
  }

  it('lets requests through that nobody answers for two seconds', async () => {
    const subject = allowances.subject('tenant', 't');
    const outcomes: number[] = [];
    const note = (wait: number): unknown => outcomes.push(wait);
    const waits = [
      subject.of('list').take(rate),
      // Those who come while the question is under way, too.
      subject.of('list').take(rate),
      subject.of('in-flight').takeSlot(1),
      subject.of('bytes-in').reserve(1_000, rate),
    ].map(async (wait) => note(await wait));
    pass(1_999);
    await new Promise(setImmediate);
    expect(outcomes).toEqual([]);
    pass(1);
    await Promise.all(waits);
    expect(outcomes).toEqual([0, 0, 0, 0]);
  });

  it('takes an answer that comes late for those that it was asked for', async () => {
    const list = allowances.subject('tenant', 't').of('list');
    const first = list.take(rate);
    pass(1_000);
    const second = list.take(rate);
    pass(1_000);
    expect(await first).toBe(0);
    channel.answer({ granted: 1, spare: 0 });
    // The second is asked for only now.
    expect(channel.reports.map(({ need }) => need)).toEqual([1, 1]);
    channel.answer({ granted: 0, waitMs: 500 });
    expect(await second).toBe(500);
  });

  it('asks anew a second after a refusal, however long that said to wait', async () => {
    const list = allowances.subject('tenant', 't').of('list');
    const refused = list.take(rate);
    channel.answer({ granted: 0, waitMs: 60_000 });
    expect(await refused).toBe(60_000);
    nowMs += 999;
    expect(list.take(rate)).toBe(59_001);
    nowMs += 1;
    const asked = list.take(rate);
    channel.answer({ granted: 1 });
    expect(await asked).toBe(0);
  });
});
