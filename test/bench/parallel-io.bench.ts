import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobId, blobKey, tenantId } from '../../src/context/ids';
import type { Driver } from '../../src/drivers/driver';
import { composeLayers } from '../../src/drivers/layers/compose-layers';
import { parallelReadLayer } from '../../src/drivers/layers/parallel-read.layer';
import { LocalDriver } from '../../src/drivers/local/local.driver';
import { s3Settings } from '../../src/drivers/s3/profiles';
import { S3Driver } from '../../src/drivers/s3/s3.driver';
import { Semaphore } from '../../src/drivers/semaphore';
import { StripedDriver } from '../../src/drivers/striped/striped.driver';
import { TransferBuffers } from '../../src/drivers/transfer-buffers';
import { contextOf, MIB } from '../conformance/driver-calls';
import { S3Simulator } from '../support/s3-simulator/s3-simulator';
import { SIMULATED_BACKENDS } from '../support/s3-simulator/simulator-quirks';

/*
 * What parallel parts, parallel ranges and stripes bring: npx jest --testMatch '<rootDir>/test/bench/*.bench.ts'
 *
 * The backend answers after 50 ms and moves 25 MB/s on each connection. It runs in the same process.
 */
jest.setTimeout(900_000);

const QUIRKS = { ...SIMULATED_BACKENDS.aws, latencyMs: 50, bytesPerSecond: 25_000_000 };
const ctx = contextOf(tenantId(randomUUID()));
const READS = { thresholdBytes: 16 * MIB, rangeBytes: 4 * MIB, hedgeAfterMs: 60_000 };
const closers: (() => Promise<unknown>)[] = [];
const rows: Record<string, string>[] = [];

async function remote(parallel: number, totalBytesPerSecond = 0): Promise<Driver> {
  const simulator = await S3Simulator.start({ ...QUIRKS, totalBytesPerSecond });
  closers.push(() => simulator.close());
  const { endpoint, bucket } = simulator;
  const settings = s3Settings(
    's3',
    'aws',
    { endpoint, bucket, region: 'us-east-1', addressing: 'path', parallelParts: parallel },
    { accessKeyId: 'simulated', secretAccessKey: 'secret' },
  );
  return composeLayers(new S3Driver({ settings, buffers: new TransferBuffers(64 * MIB) }), [
    parallelReadLayer({ ...READS, maxRanges: parallel }, new Semaphore(12)),
  ]);
}

async function local(): Promise<Driver> {
  const root = await mkdtemp(join(tmpdir(), 'vaultaire-bench-'));
  closers.push(() => rm(root, { recursive: true }));
  return new LocalDriver({ name: 'local', root, durability: 'none' });
}

async function striped(member: () => Promise<Driver>): Promise<Driver> {
  return new StripedDriver({
    name: 'striped',
    members: [await member(), await member(), await member()],
    chunkBytes: MIB,
    writeMemory: new TransferBuffers(32 * MIB),
    readMemory: new Semaphore(12),
  });
}

async function* pieces(sizeBytes: number): AsyncGenerator<Uint8Array> {
  const piece = randomBytes(256 * 1024);
  for (let sent = 0; sent < sizeBytes; sent += piece.length) yield await Promise.resolve(piece);
}

/** MB/s of a write and of a read. */
async function speedsOf(driver: Driver, sizeBytes: number): Promise<[number, number]> {
  const key = blobKey(ctx.tenantId, blobId(randomUUID()));
  const writeAt = performance.now();
  await driver.write(ctx, key, pieces(sizeBytes), { sizeBytes });
  const readAt = performance.now();
  let received = 0;
  for await (const chunk of (await driver.read(ctx, key)).body) received += (chunk as Buffer).length;
  const endAt = performance.now();
  expect(received).toBe(sizeBytes);
  await driver.delete(ctx, key);
  return [sizeBytes / (readAt - writeAt) / 1000, sizeBytes / (endAt - readAt) / 1000];
}

afterAll(async () => {
  for (const close of closers) await close();
  process.stdout.write(`${rows.map((row) => Object.values(row).join('\t')).join('\n')}\n`);
});

/** Copies of one blob on backends of so many bytes per second each, all connections together. */
it.each([
  ['one copy', [60_000_000]],
  ['two copies', [60_000_000, 60_000_000]],
  ['two copies, one slower', [60_000_000, 15_000_000]],
])('reads from %s', async (name, totals) => {
  const drivers = await Promise.all(totals.map((total) => remote(6, total)));
  const [first, ...others] = drivers;
  if (first === undefined) throw new Error('there is no driver');
  const sizeBytes = 64 * MIB;
  const key = blobKey(ctx.tenantId, blobId(randomUUID()));
  for (const driver of drivers) await driver.write(ctx, key, pieces(sizeBytes), { sizeBytes });
  for (const round of [1, 2, 3]) {
    const startedAt = performance.now();
    const options = others.length === 0 ? undefined : { alsoOn: () => Promise.resolve(others) };
    const { body } = await first.read(ctx, key, { start: 0, end: sizeBytes - 1 }, options);
    let received = 0;
    for await (const chunk of body) received += (chunk as Buffer).length;
    expect(received).toBe(sizeBytes);
    const speed = sizeBytes / (performance.now() - startedAt) / 1000;
    rows.push({ size: '64 MiB', name: `${name}, read ${String(round)}`, read: `read ${speed.toFixed(0)} MB/s` });
  }
  for (const driver of drivers) await driver.close();
});

it.each([64, 1024])('%d MiB', async (size) => {
  const subjects: readonly (readonly [string, Driver])[] = [
    ['one stream', await remote(1)],
    ['parallel', await remote(6)],
    ['striped over three, one stream each', await striped(() => remote(1))],
    ['striped over three, parallel', await striped(() => remote(6))],
    ['local', await local()],
    ['striped over three local', await striped(local)],
  ];
  for (const [name, driver] of subjects) {
    // The first is for the connections and the compiler.
    if (size < 1024) await speedsOf(driver, size * MIB);
    const [write, read] = await speedsOf(driver, size * MIB);
    rows.push({
      size: `${size} MiB`,
      name,
      write: `write ${write.toFixed(0)} MB/s`,
      read: `read ${read.toFixed(0)} MB/s`,
    });
    await driver.close();
  }
});
