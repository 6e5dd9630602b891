import { Counter, Gauge, Registry } from 'prom-client';
import type { MetricsMessage, MetricsSnapshot } from './cluster-messages';
import type { MetricsWorker } from './cluster-metrics';
import { ClusterMetrics } from './cluster-metrics';

class FakeWorker implements MetricsWorker {
  readonly received: MetricsMessage[] = [];
  isSilent = false;
  private readonly registry = new Registry();
  private readonly counter = new Counter({ name: 'requests_total', help: 'h', registers: [this.registry] });
  private readonly gauge = new Gauge({ name: 'in_flight', help: 'h', registers: [this.registry] });

  constructor(
    readonly id: number,
    private readonly primary: () => ClusterMetrics,
  ) {}

  isConnected(): boolean {
    return true;
  }

  serve(requests: number): void {
    this.counter.inc(requests);
    this.gauge.set(1);
  }

  async snapshot(): Promise<MetricsSnapshot> {
    return JSON.parse(JSON.stringify(await this.registry.getMetricsAsJSON())) as MetricsSnapshot;
  }

  send(message: MetricsMessage): void {
    this.received.push(message);
    if (message.kind !== 'vaultaire:metrics:collect' || this.isSilent) return;
    void this.snapshot().then((metrics) => {
      this.primary().received(this, { kind: 'vaultaire:metrics:snapshot', metrics });
    });
  }
}

describe('ClusterMetrics', () => {
  let workers: FakeWorker[];
  let metrics: ClusterMetrics;

  const worker = (id: number): FakeWorker => new FakeWorker(id, () => metrics);

  beforeEach(() => {
    workers = [worker(1), worker(2)];
    metrics = new ClusterMetrics(() => workers);
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('adds up what the workers counted', async () => {
    workers[0]?.serve(3);
    workers[1]?.serve(4);
    const text = await metrics.scrape();
    expect(text).toContain('requests_total 7');
    expect(text).toContain('in_flight 2');
  });

  it('answers the worker that was scraped', async () => {
    workers[0]?.serve(3);
    const [asking] = workers;
    if (asking === undefined) throw new Error('no worker');
    metrics.received(asking, { kind: 'vaultaire:metrics:scrape', scrapeId: 9 });
    await metrics.scrape();
    const answer = asking.received.find((message) => message.kind === 'vaultaire:metrics:scraped');
    expect(answer).toMatchObject({ scrapeId: 9, text: expect.stringContaining('requests_total 3') });
  });

  it('keeps the counters of a worker that is gone, not its gauges', async () => {
    workers[0]?.serve(3);
    workers[1]?.serve(4);
    await metrics.scrape();
    metrics.exited(1);
    metrics.exited(2);
    workers = [worker(3)];
    workers[0]?.serve(1);
    const text = await metrics.scrape();
    expect(text).toContain('requests_total 8');
    expect(text).toContain('in_flight 1');
  });

  it('keeps the last words of a worker that stops', async () => {
    const [leaving] = workers;
    if (leaving === undefined) throw new Error('no worker');
    leaving.serve(5);
    metrics.received(leaving, { kind: 'vaultaire:metrics:snapshot', metrics: await leaving.snapshot() });
    workers = workers.slice(1);
    metrics.exited(leaving.id);
    expect(await metrics.scrape()).toContain('requests_total 5');
  });

  it('does not wait for ever for a worker that hangs or dies', async () => {
    workers[0]?.serve(3);
    workers[1]?.serve(4);
    await metrics.scrape();
    jest.useFakeTimers();
    if (workers[1] !== undefined) workers[1].isSilent = true;
    const late = metrics.scrape();
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await late).toContain('requests_total 7');

    const orphaned = metrics.scrape();
    metrics.exited(2);
    workers = workers.slice(0, 1);
    expect(await orphaned).toContain('requests_total 7');
  });

  it('has nothing to say when there are no workers', async () => {
    workers = [];
    expect((await metrics.scrape()).trim()).toBe('');
  });
});
