import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startOwnServer } from './lib/own-server.ts';
import { memoryOfTree } from './lib/process-tree.ts';
import { S3Client } from './lib/s3-client.ts';
import { formatTable } from './lib/table.ts';

const USAGE = `Usage: npm run test:memory [-- [--workers 2] [--uploads 50] [--upload-mb 100] [--large-gib 5] [--config file.yaml]]

Uploads much at once and something large to a Vaultaire of its own, and prints how much memory all of its processes together,
without PostgreSQL, took at the most. Exits with 1 when they took more than 512 MB. Linux only. TMPDIR chooses the disk.
`;

const LIMIT_BYTES = 512e6;
const MIB = 1024 * 1024;
const SAMPLE_INTERVAL_MS = 100;
const BUCKET = 'memory';

interface Peaks {
  readonly name: string;
  readonly seconds: number;
  readonly bytes: number;
  readonly residentBytes: number;
  readonly proportionalBytes: number;
  readonly largestProcessBytes: number;
}

/** Pieces of one MiB; all but the last are the same memory. */
function bodyOf(bytes: number): Buffer[] {
  const piece = randomBytes(MIB);
  const pieces = Array.from({ length: Math.floor(bytes / MIB) }, () => piece);
  if (bytes % MIB > 0) pieces.push(piece.subarray(0, bytes % MIB));
  return pieces;
}

/** Runs `work` and looks at the processes ten times a second meanwhile. */
async function measure(name: string, rootPid: number, bytes: number, work: () => Promise<unknown>): Promise<Peaks> {
  let residentBytes = 0;
  let proportionalBytes = 0;
  let largestProcessBytes = 0;
  const sample = (): void => {
    const processes = memoryOfTree(rootPid);
    const sumOf = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);
    residentBytes = Math.max(residentBytes, sumOf(processes.map((process) => process.residentBytes)));
    proportionalBytes = Math.max(proportionalBytes, sumOf(processes.map((process) => process.proportionalBytes)));
    largestProcessBytes = Math.max(largestProcessBytes, ...processes.map((process) => process.residentBytes));
  };
  const timer = setInterval(sample, SAMPLE_INTERVAL_MS);
  const startedAt = performance.now();
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  sample();
  const seconds = (performance.now() - startedAt) / 1000;
  return { name, seconds, bytes, residentBytes, proportionalBytes, largestProcessBytes };
}

function report(peaks: readonly Peaks[]): string {
  const header = ['peaks', 'seconds', 'MB/s', 'resident MB', 'proportional MB', 'largest process MB'];
  const rows = peaks.map((peak) => [
    peak.name,
    peak.seconds,
    Math.round(peak.bytes / 1e6 / peak.seconds),
    Math.round(peak.residentBytes / 1e6),
    Math.round(peak.proportionalBytes / 1e6),
    Math.round(peak.largestProcessBytes / 1e6),
  ]);
  return formatTable(header, rows);
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} wants a whole number above 0\n\n${USAGE}`);
  return value;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workers: { type: 'string', default: '2' },
      uploads: { type: 'string', default: '50' },
      'upload-mb': { type: 'string', default: '100' },
      'large-gib': { type: 'string', default: '5' },
      config: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const uploads = positive(values.uploads, 'uploads');
  const uploadBytes = positive(values['upload-mb'], 'upload-mb') * 1e6;
  const largeBytes = positive(values['large-gib'], 'large-gib') * 1024 * MIB;
  const server = await startOwnServer(positive(values.workers, 'workers'), values.config, 'us-east-1');
  const clients = Array.from({ length: uploads }, () => new S3Client(server.target));
  const [first] = clients;
  try {
    if (first === undefined) throw new Error('there is no client');
    await first.createBucket(BUCKET);
    const idle = await measure('idle', server.pid, 0, () => Promise.resolve());
    const many = await measure(`${uploads} uploads of ${uploadBytes / 1e6} MB`, server.pid, uploads * uploadBytes, () =>
      Promise.all(clients.map((client, at) => client.putObject(BUCKET, `many-${at}`, bodyOf(uploadBytes)))),
    );
    for (const at of clients.keys()) await first.deleteObject(BUCKET, `many-${at}`);
    const large = await measure(`an upload of ${largeBytes / 1024 / MIB} GiB`, server.pid, largeBytes, () =>
      first.putObject(BUCKET, 'large', bodyOf(largeBytes)),
    );
    const peaks = [idle, many, large];
    process.stdout.write(report(peaks));
    if (peaks.some(({ residentBytes }) => residentBytes > LIMIT_BYTES)) process.exitCode = 1;
  } finally {
    for (const client of clients) client.close();
    await server.stop();
  }
}

await main();
