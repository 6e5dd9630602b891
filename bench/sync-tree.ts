import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { Target } from './lib/job.ts';
import { parseTarget } from './lib/options.ts';
import { S3Client } from './lib/s3-client.ts';
import { formatTable } from './lib/table.ts';

const USAGE = `Usage: npm run test:tree -- <folder> --target name=url,accessKey,secretKey [--programs rclone,aws]
  [--bucket tree-sync] [--region us-east-1]

Syncs the regular files of a folder into a bucket with each program, then out again into an empty folder, and compares every
byte. Symbolic links are left out. Leaves nothing in the bucket.
`;

/** How a program is told to sync. */
interface SyncProgram {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  sync(from: string, to: string): string[];
  remote(path: string): string;
  remove(remote: string): string[];
}

interface TreeDigest {
  readonly files: ReadonlyMap<string, string>;
  readonly bytes: number;
}

function rcloneFor(target: Target, home: string): SyncProgram {
  return {
    name: 'rclone',
    environment: {
      HOME: home,
      RCLONE_CONFIG: join(home, 'rclone.conf'),
      RCLONE_CONFIG_T_TYPE: 's3',
      RCLONE_CONFIG_T_PROVIDER: 'Other',
      RCLONE_CONFIG_T_ENDPOINT: target.url,
      RCLONE_CONFIG_T_REGION: target.region,
      RCLONE_CONFIG_T_ACCESS_KEY_ID: target.accessKey,
      RCLONE_CONFIG_T_SECRET_ACCESS_KEY: target.secretKey,
    },
    sync: (from, to) => ['sync', '--transfers', '16', '--checkers', '16', from, to],
    remote: (path) => `t:${path}`,
    remove: (remote) => ['delete', remote],
  };
}

function awsFor(target: Target, home: string): SyncProgram {
  return {
    name: 'aws',
    environment: {
      HOME: home,
      AWS_ACCESS_KEY_ID: target.accessKey,
      AWS_SECRET_ACCESS_KEY: target.secretKey,
      AWS_DEFAULT_REGION: target.region,
      AWS_ENDPOINT_URL: target.url,
      AWS_CONFIG_FILE: join(home, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'),
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    sync: (from, to) => ['s3', 'sync', '--only-show-errors', '--no-follow-symlinks', from, to],
    remote: (path) => `s3://${path}`,
    remove: (remote) => ['s3', 'rm', '--recursive', '--only-show-errors', remote],
  };
}

/** SHA-256 of every regular file, by its path in the folder. */
async function digestTree(folder: string): Promise<TreeDigest> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, string>();
  let bytes = 0;
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const digest: Hash = createHash('sha256');
    await pipeline(
      createReadStream(path),
      async function* (source: AsyncIterable<Buffer>) {
        for await (const piece of source) {
          bytes += piece.length;
          yield piece;
        }
      },
      digest,
    );
    files.set(relative(folder, path), digest.digest('hex'));
  }
  return { files, bytes };
}

/** Paths that are missing, that should not be there, or that hold other bytes. */
function differences(expected: TreeDigest, actual: TreeDigest): string[] {
  const paths = new Set([...expected.files.keys(), ...actual.files.keys()]);
  return [...paths].filter((path) => expected.files.get(path) !== actual.files.get(path));
}

/** Runs the program to its end; its words go to standard error. Returns the seconds it took. */
function run(program: SyncProgram, args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  return new Promise((done, fail) => {
    const child = spawn(program.name, args, {
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...program.environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', fail);
    child.on('close', (code) => {
      if (code === 0) done((performance.now() - startedAt) / 1000);
      else fail(new Error(`${program.name} ended with ${String(code)}`));
    });
  });
}

/** In, and out again; the time of each, the second sync that finds nothing to do, and what differed. */
async function roundTrip(
  program: SyncProgram,
  source: string,
  bucket: string,
  out: string,
): Promise<{ readonly in: number; readonly again: number; readonly out: number }> {
  const remote = program.remote(`${bucket}/${program.name}`);
  await mkdir(out);
  const seconds = {
    in: await run(program, program.sync(source, remote)),
    again: await run(program, program.sync(source, remote)),
    out: await run(program, program.sync(remote, out)),
  };
  await run(program, program.remove(remote));
  return seconds;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: 'string' },
      programs: { type: 'string', default: 'rclone,aws' },
      bucket: { type: 'string', default: 'tree-sync' },
      region: { type: 'string', default: 'us-east-1' },
    },
  });
  const [folder] = positionals;
  if (folder === undefined || values.target === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const source = resolve(folder);
  const target = parseTarget(values.target, values.region);
  const client = new S3Client(target);
  await client.createBucket(values.bucket);
  client.close();

  const work = await mkdtemp(join(tmpdir(), 'vaultaire-tree-'));
  try {
    await writeFile(join(work, 'rclone.conf'), '');
    const expected = await digestTree(source);
    const megabytes = expected.bytes / 1e6;
    const rows: (string | number)[][] = [];
    for (const name of values.programs.split(',')) {
      const program = name === 'rclone' ? rcloneFor(target, work) : awsFor(target, work);
      const out = join(work, program.name);
      const seconds = await roundTrip(program, source, values.bucket, out);
      const different = differences(expected, await digestTree(out));
      for (const path of different.slice(0, 20)) process.stderr.write(`differs: ${path}\n`);
      if (different.length > 0) process.exitCode = 1;
      await rm(out, { recursive: true });
      const { size } = expected.files;
      rows.push([
        program.name,
        size,
        megabytes,
        seconds.in,
        size / seconds.in,
        megabytes / seconds.in,
        seconds.again,
        seconds.out,
        size / seconds.out,
        megabytes / seconds.out,
        different.length,
      ]);
    }
    const header = [
      'program',
      'files',
      'MB',
      'in s',
      'in files/s',
      'in MB/s',
      'no-op s',
      'out s',
      'out files/s',
      'out MB/s',
      'different',
    ];
    process.stdout.write(formatTable(header, rows));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`sync-tree: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
