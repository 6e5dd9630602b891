import { AggregatorRegistry, Histogram, Registry } from 'prom-client';
import { ResolvedCounter, ResolvedHistogram, SampledGauge } from './resolved-metrics';

describe('resolved metrics', () => {
  let register: Registry;

  beforeEach(() => {
    register = new Registry();
  });

  it('exports counters by their labels', async () => {
    const counter = new ResolvedCounter(register, 'test_total', 'help', ['operation', 'code']);
    const cell = counter.cell({ operation: 'GetObject', code: '200' });
    counter.cell({ operation: 'GetObject', code: '404' }).value += 5;
    cell.value += 1;
    cell.value += 1;
    const text = await register.metrics();
    expect(text).toContain('test_total{operation="GetObject",code="200"} 2');
    expect(text).toContain('test_total{operation="GetObject",code="404"} 5');
    expect(await register.metrics()).toBe(text);
  });

  it('exports histograms exactly as prom-client exports its own', async () => {
    const bounds = [0.01, 0.1, 1];
    const values = [0.001, 0.01, 0.05, 0.5, 1, 7];
    const own = new ResolvedHistogram(register, 'test_seconds', 'help', ['operation'], bounds);
    const cell = own.cell({ operation: 'GetObject' });
    const registry = new Registry();
    const reference = new Histogram({
      name: 'test_seconds',
      help: 'help',
      labelNames: ['operation'],
      buckets: bounds,
      registers: [registry],
    });
    for (const value of values) {
      cell.observe(value);
      reference.observe({ operation: 'GetObject' }, value);
    }
    const samples = (text: string): string[] =>
      text.split('\n').map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => labels.split(',').sort().join()));
    expect(samples(await register.metrics())).toEqual(samples(await registry.metrics()));
  });

  it('reads gauges when they are collected', async () => {
    let rows = 1;
    const gauge = new SampledGauge(register, 'test_rows', 'help', []);
    gauge.sample({}, () => rows);
    rows = 7;
    expect(await register.metrics()).toContain('test_rows 7');
  });

  it('adds up over processes', async () => {
    const histogram = new ResolvedHistogram(register, 'test_seconds', 'help', ['operation'], [0.1, 1]);
    histogram.cell({ operation: 'GetObject' }).observe(0.5);
    new ResolvedCounter(register, 'test_total', 'help', ['operation']).cell({ operation: 'GetObject' }).value += 3;
    const snapshot: object = JSON.parse(JSON.stringify(await register.getMetricsAsJSON())) as object;
    const text = await AggregatorRegistry.aggregate([snapshot, snapshot]).metrics();
    expect(text).toContain('test_total{operation="GetObject"} 6');
    expect(text).toMatch(/test_seconds_bucket\{.*le="1".*\} 2/);
    expect(text).toMatch(/test_seconds_count\{.*\} 2/);
  });
});
