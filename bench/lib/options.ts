import { parseArgs } from 'node:util';
import { OPERATIONS, type Mix, type OperationName, type PayloadMode, type Target } from './job.ts';

export const BASELINES = ['nest', 'listing', 'md5', 'stream'] as const;
export type BaselineName = (typeof BASELINES)[number];
export type Workload = OperationName | 'mixed';
const WORKLOADS: readonly Workload[] = [...OPERATIONS, 'mixed'];

/** What the command line asks for. */
export interface BenchOptions {
  /** Empty: Vaultaire is started from `dist`. */
  readonly targets: readonly Target[];
  readonly workloads: readonly Workload[];
  readonly sizesBytes: readonly number[];
  readonly baselines: readonly BaselineName[];
  readonly concurrency: number;
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly rounds: number;
  readonly mix: Mix;
  readonly payload: PayloadMode;
  readonly bucket: string;
  readonly listingBucket: string | undefined;
  readonly listingKeys: number;
  readonly largeBytes: number;
  /** Processes of the server and of the Nest baseline; undefined leaves the server's default. */
  readonly workers: number | undefined;
  readonly config: string | undefined;
  readonly isJson: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]

  --target name=url,accessKey,secretKey[,pid]   an S3 server that runs already; may be given several times.
                                      Without one, Vaultaire is started from dist in a temporary folder.
  --workloads get,put,head,list,delete,mixed    default: all
  --sizes 4k,64k,1m,64m               default: these four
  --baselines nest,listing,md5,stream default: all without --target, none with it; "none" for none
  --concurrency 16                    connections; at most 4 are used from 16 MiB on
  --duration 8  --warmup 2            seconds of each run
  --rounds 3                          runs of everything, in turns; the median is printed (1 with one target)
  --mix get=70,put=20,head=5,delete=5 shares of the mixed workload, list too
  --payload unsigned                  or signed: the server has to check a SHA-256 of each body
  --bucket vaultaire-bench            is created when missing; keys are left in it
  --listing-bucket name               holds the keys to list already (see bench/load-listing.ts)
  --listing-keys 1000000  --large 1g  amounts for the baselines
  --workers n                         processes of our own server and of the Nest baseline
  --config file.yaml                  configuration of our own server
  --region us-east-1  --json  --help
`;

/** Reads the command line. Throws with a sentence about what is wrong. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: 'string', multiple: true, default: [] },
      workloads: { type: 'string', default: WORKLOADS.join(',') },
      sizes: { type: 'string', default: '4k,64k,1m,64m' },
      baselines: { type: 'string' },
      concurrency: { type: 'string', default: '16' },
      duration: { type: 'string', default: '8' },
      warmup: { type: 'string', default: '2' },
      rounds: { type: 'string' },
      mix: { type: 'string', default: 'get=70,put=20,head=5,delete=5' },
      payload: { type: 'string', default: 'unsigned' },
      bucket: { type: 'string', default: 'vaultaire-bench' },
      'listing-bucket': { type: 'string' },
      'listing-keys': { type: 'string', default: '1000000' },
      large: { type: 'string', default: '1g' },
      workers: { type: 'string' },
      config: { type: 'string' },
      region: { type: 'string', default: 'us-east-1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const targets = values.target.map((text) => parseTarget(text, values.region));
  return {
    targets,
    workloads: listOf(values.workloads, WORKLOADS),
    sizesBytes: values.sizes.split(',').map(parseSize),
    baselines: listOf(values.baselines ?? (targets.length === 0 ? BASELINES.join(',') : 'none'), BASELINES),
    concurrency: positive('concurrency', values.concurrency),
    durationMs: positive('duration', values.duration) * 1000,
    warmupMs: positive('warmup', values.warmup) * 1000,
    rounds: positive('rounds', values.rounds ?? (targets.length > 1 ? '3' : '1')),
    mix: parseMix(values.mix),
    payload: values.payload === 'signed' ? 'signed' : 'unsigned',
    bucket: values.bucket,
    listingBucket: values['listing-bucket'],
    listingKeys: positive('listing-keys', values['listing-keys']),
    largeBytes: parseSize(values.large),
    workers: values.workers === undefined ? undefined : positive('workers', values.workers),
    config: values.config,
    isJson: values.json,
  };
}

/** `4k`, `64m`, `1g` (powers of 1,024) or bytes. */
export function parseSize(text: string): number {
  const match = /^(\d+)([kmg]?)$/i.exec(text);
  const unit = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) throw new Error(`"${text}" is no size such as 4k, 1m or 65536`);
  return Number(match[1]) * unit;
}

export function formatSize(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor} ${unit}`;
  }
  return `${bytes} B`;
}

export function parseTarget(text: string, region: string): Target {
  const match = /^([^=]+)=(http:\/\/[^,]+),([^,]+),([^,]+)(?:,(\d+))?$/.exec(text);
  const [, name, url, accessKey, secretKey, pid] = match ?? [];
  if (name === undefined || url === undefined || accessKey === undefined || secretKey === undefined) {
    throw new Error(`--target wants name=http://host:port,accessKey,secretKey[,pid], not "${text}"`);
  }
  return { name, url, accessKey, secretKey, region, pid: pid === undefined ? undefined : Number(pid) };
}

function parseMix(text: string): Mix {
  const mix: Partial<Record<OperationName, number>> = {};
  for (const part of text.split(',')) {
    const [name, share] = part.split('=');
    const [operation] = listOf(name ?? '', OPERATIONS);
    if (operation === undefined) throw new Error(`--mix wants get=70,put=20, not "${text}"`);
    mix[operation] = positive('mix', share ?? '');
  }
  return mix;
}

function listOf<Name extends string>(text: string, known: readonly Name[]): Name[] {
  if (text === 'none' || text === '') return [];
  return text.split(',').map((part) => {
    const name = known.find((candidate) => candidate === part);
    if (name === undefined) throw new Error(`"${part}" is none of ${known.join(', ')}`);
    return name;
  });
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} wants a number above 0, not "${text}"`);
  return value;
}
