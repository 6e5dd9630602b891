import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** A sample as prom-client's histograms keep it: the labels that all samples of a cell share are apart. */
interface HistogramSample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One set of labels of a {@link ResolvedCounter}. */
export interface CounterCell {
  value: number;
}

/**
 * A counter whose cells are looked up once and then counted up by the caller. The counters of prom-client check, sort and
 * hash their labels at each increment, which would cost more than the rest of a small request's bookkeeping.
 */
export class ResolvedCounter<Label extends string> extends Counter<Label> {
  private readonly cells: { readonly labels: Record<Label, string>; readonly cell: CounterCell }[] = [];

  constructor(registry: Registry, name: string, help: string, labelNames: readonly Label[]) {
    super({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: () => {
        this.reset();
        for (const { labels, cell } of this.cells) this.inc(labels, cell.value);
      },
    });
  }

  /** A new cell at 0. Ask once for each set of labels, and keep it. */
  cell(labels: Record<Label, string>): CounterCell {
    const cell = { value: 0 };
    this.cells.push({ labels, cell });
    return cell;
  }
}

/** One set of labels of a {@link ResolvedHistogram}. */
export class HistogramCell {
  private readonly counts: number[];
  private count = 0;
  private sum = 0;

  constructor(private readonly upperBounds: readonly number[]) {
    this.counts = upperBounds.map(() => 0);
  }

  observe(value: number): void {
    this.count += 1;
    this.sum += value;
    const index = this.upperBounds.findIndex((bound) => value <= bound);
    const before = this.counts[index];
    if (before !== undefined) this.counts[index] = before + 1;
  }

  /** In the form of the Prometheus text format: buckets add up from the lowest. */
  samples(name: string, sharedLabels: Readonly<Record<string, string>>): HistogramSample[] {
    let seen = 0;
    const buckets = this.upperBounds.map((bound, index) => {
      seen += this.counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le: bound }, sharedLabels, value: seen };
    });
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { le: '+Inf' }, sharedLabels, value: this.count },
      { metricName: `${name}_sum`, labels: {}, sharedLabels, value: this.sum },
      { metricName: `${name}_count`, labels: {}, sharedLabels, value: this.count },
    ];
  }
}

/** A histogram whose cells are looked up once, for the reason of {@link ResolvedCounter}. */
export class ResolvedHistogram<Label extends string> extends Histogram<Label> {
  private readonly cells: { readonly labels: Record<Label, string>; readonly cell: HistogramCell }[] = [];

  constructor(
    registry: Registry,
    private readonly metricName: string,
    private readonly helpText: string,
    labelNames: readonly Label[],
    private readonly upperBounds: readonly number[],
  ) {
    super({ name: metricName, help: helpText, labelNames, buckets: [...upperBounds], registers: [registry] });
  }

  /** A new, empty cell. Ask once for each set of labels, and keep it. */
  cell(labels: Record<Label, string>): HistogramCell {
    const cell = new HistogramCell(this.upperBounds);
    this.cells.push({ labels, cell });
    return cell;
  }

  /**
   * Where prom-client reads a histogram from, for the text format and for snapshots. Its types do not mention it; the spec
   * beside this file holds the result to that of prom-client's own histograms.
   */
  getForPromString(): Promise<object> {
    return Promise.resolve({
      name: this.metricName,
      help: this.helpText,
      type: 'histogram',
      aggregator: 'sum',
      values: this.cells.flatMap(({ labels, cell }) => cell.samples(this.metricName, labels)),
    });
  }
}

/** A value of a gauge whose sets of labels come and go. */
export interface LabelledValue<Label extends string> {
  readonly labels: Record<Label, string>;
  readonly value: number;
}

/** A gauge that asks for its values when it is read. */
export class SampledGauge<Label extends string> extends Gauge<Label> {
  private readonly samples: { readonly labels: Record<Label, string>; readonly read: () => number | undefined }[] = [];

  private readAll: (() => readonly LabelledValue<Label>[]) | undefined;

  /** `aggregator`: how the values of several processes become one. */
  constructor(
    registry: Registry,
    name: string,
    help: string,
    labelNames: readonly Label[],
    aggregator: 'sum' | 'max' = 'sum',
  ) {
    super({
      name,
      help,
      labelNames,
      aggregator,
      registers: [registry],
      collect: () => {
        for (const { labels, read } of this.samples) {
          const value = read();
          if (value === undefined) this.remove(labels);
          else this.set(labels, value);
        }
        if (this.readAll === undefined) return;
        this.reset();
        for (const { labels, value } of this.readAll()) this.set(labels, value);
      },
    });
  }

  /** `read` is called at each collection from now on; undefined: there is no value now. Ask once for each set of labels. */
  sample(labels: Record<Label, string>, read: () => number | undefined): void {
    this.samples.push({ labels, read });
  }

  /** The same for sets of labels that come and go: those that `read` gives are all there are. Instead of {@link sample}. */
  sampleAll(read: () => readonly LabelledValue<Label>[]): void {
    this.readAll = read;
  }
}
