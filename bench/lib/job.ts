/** An S3 server to measure. */
export interface Target {
  readonly name: string;
  /** `http://host:port` */
  readonly url: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** The process whose tree is measured; undefined when it is on another machine. */
  readonly pid: number | undefined;
}

export const OPERATIONS = ['get', 'put', 'head', 'list', 'delete'] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** Shares of a mixed load; they need not add up to anything. */
export type Mix = Readonly<Partial<Record<OperationName, number>>>;

export type PayloadMode = 'unsigned' | 'signed';

/** What the load generator is to do in one process. Serialised to JSON. */
export interface Job {
  readonly target: Target;
  /** `plain` sends an unsigned GET of `plainPath`, for baselines. */
  readonly kind: OperationName | 'mixed' | 'plain' | 'fill';
  readonly plainPath: string;
  readonly bucket: string;
  /** Artifacts that exist under `<prefix><number>`, from 0; what GET and HEAD ask for. */
  readonly prefix: string;
  readonly keyCount: number;
  /** Where PUT writes new keys and DELETE removes them, from `firstFresh` on. */
  readonly freshPrefix: string;
  readonly firstFresh: number;
  /** DELETE and `fill` end when this many fresh keys are used up. */
  readonly freshLimit: number;
  readonly sizeBytes: number;
  readonly concurrency: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  readonly mix: Mix;
  readonly payload: PayloadMode;
}

export interface JobResult {
  readonly requests: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly errorCount: number;
  /** Measured time, without the warm-up. */
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Body bytes that were sent and received, per second, in units of 10^6. */
  readonly megabytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU seconds of the generator itself while it measured. */
  readonly generatorCpuSeconds: number;
  /** The next unused fresh key. */
  readonly nextFresh: number;
}

/** Messages of the generator to its parent. */
export type GeneratorMessage =
  | { readonly type: 'measuring' }
  | { readonly type: 'done'; readonly result: JobResult }
  | { readonly type: 'failed'; readonly message: string };
