import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { bytesOf, contextOf, kindOf, sourceOf } from '../../../test/conformance/driver-calls';
import { faultLayer } from '../../../test/support/fault.layer';
import type { Fault } from '../../../test/support/fault.layer';
import { until } from '../../../test/support/until';
import { blobId, blobKey, tenantId } from '../../context/ids';
import type { Driver } from '../driver';
import { MemoryDriver } from '../memory/memory.driver';
import { Semaphore } from '../semaphore';
import { composeLayers } from './compose-layers';
import { parallelReadLayer } from './parallel-read.layer';
import type { ParallelReadOptions } from './parallel-read.layer';
import { retryLayer } from './retry.layer';

const tenant = tenantId('t1');
const key = blobKey(tenant, blobId('b1'));
const NEVER_MS = 600_000;
const OPTIONS: ParallelReadOptions = { thresholdBytes: 1000, rangeBytes: 100, maxRanges: 4, hedgeAfterMs: NEVER_MS };

describe('the parallel read layer', () => {
  const blob = randomBytes(2050);
  let permits: Semaphore;
  let reads: number;
  let hedges: number;
  let faults: (call: number) => Fault | undefined;

  const driverOf = async (options: Partial<ParallelReadOptions> = {}, bytes = blob, memory = 8): Promise<Driver> => {
    permits = new Semaphore(memory);
    reads = 0;
    hedges = 0;
    faults = () => undefined;
    const driver = composeLayers(new MemoryDriver('m'), [
      parallelReadLayer({ ...OPTIONS, ...options }, permits, { hedged: () => (hedges += 1) }),
      retryLayer({ maxAttempts: 3, firstDelayMs: 1, maxDelayMs: 2 }),
      faultLayer((method) => (method === 'read' ? faults((reads += 1)) : undefined)),
    ]);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 37) }, (_, at) =>
      bytes.subarray(at * 37, at * 37 + 37),
    );
    await driver.write(contextOf(tenant), key, sourceOf(...pieces), { sizeBytes: bytes.length });
    return driver;
  };
  const readAll = async (driver: Driver, start?: number, end?: number): Promise<Buffer> => {
    const range = start === undefined ? undefined : { start, end };
    const { stat, body } = await driver.read(contextOf(tenant), key, range);
    expect(stat.key).toBe(key);
    return bytesOf(body);
  };

  it('reads what is small in one piece', async () => {
    const driver = await driverOf({ thresholdBytes: 2050 });
    expect((await readAll(driver)).equals(blob)).toBe(true);
    expect((await readAll(driver, 3, 5)).equals(blob.subarray(3, 6))).toBe(true);
    expect(reads).toBe(2);
  });

  it('cuts what is large at multiples of the range', async () => {
    const driver = await driverOf();
    expect((await readAll(driver, 150)).equals(blob.subarray(150))).toBe(true);
    expect(reads).toBe(20);
    expect(permits.taken).toBe(0);
  });

  it('hands on every byte of any range in order, whatever the sizes and however little memory there is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          sizeBytes: fc.integer({ min: 1, max: 3000 }),
          thresholdBytes: fc.integer({ min: 1, max: 500 }),
          rangeBytes: fc.integer({ min: 1, max: 700 }),
          maxRanges: fc.integer({ min: 1, max: 6 }),
          memory: fc.integer({ min: 0, max: 4 }),
          breaks: fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 3 }),
        }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async ({ sizeBytes, memory, breaks, ...options }, from, length) => {
          const bytes = randomBytes(sizeBytes);
          const driver = await driverOf(options, bytes, memory);
          const queue = breaks.map((afterBytes): Fault => ({ do: 'break', afterBytes, kind: 'Unavailable' }));
          faults = (call) => (call % 3 === 0 ? queue.shift() : undefined);
          const start = Math.floor(from * sizeBytes);
          const end = start + Math.floor(length * sizeBytes);
          expect((await readAll(driver, start, end)).equals(bytes.subarray(start, end + 1))).toBe(true);
          expect(permits.taken).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('holds no more than it has memory for when its reader is slow', async () => {
    const driver = await driverOf({}, blob, 2);
    const { body } = await driver.read(contextOf(tenant), key);
    await until('the memory is used', () => permits.taken === 2);
    expect(reads).toBe(2);
    expect((await bytesOf(body)).equals(blob)).toBe(true);
    expect(permits.taken).toBe(0);
  });

  it('ends with the failure of a range, and no byte behind it', async () => {
    const driver = await driverOf();
    faults = (call) => (call === 3 ? { do: 'fail', kind: 'Corrupted' } : undefined);
    const { body } = await driver.read(contextOf(tenant), key);
    const received: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of body) received.push(chunk as Buffer);
    })();
    expect(await kindOf(reading)).toBe('Corrupted');
    const bytes = Buffer.concat(received);
    expect(bytes.length).toBeLessThanOrEqual(200);
    expect(bytes.equals(blob.subarray(0, bytes.length))).toBe(true);
    expect(permits.taken).toBe(0);
  });

  it('asks a second time for a range that brings nothing', async () => {
    const driver = await driverOf({ hedgeAfterMs: 5 });
    const stalled = Promise.withResolvers<undefined>();
    faults = (call) => (call === 3 ? { do: 'delay', until: stalled.promise } : undefined);
    expect((await readAll(driver)).equals(blob)).toBe(true);
    expect(hedges).toBe(1);
    stalled.resolve(undefined);
  });

  it.each([
    ['an abort', (stop: AbortController): unknown => (stop.abort(), undefined)],
    ['a reader that goes away', (_stop: AbortController, body: { destroy(): unknown }): unknown => body.destroy()],
  ])('frees everything at %s', async (_name, end) => {
    const driver = await driverOf();
    const stop = new AbortController();
    const { body } = await driver.read(contextOf(tenant, stop.signal), key);
    await until('ranges are fetched', () => permits.taken === 4);
    end(stop, body);
    await until('the body is closed', () => body.closed);
    expect(permits.taken).toBe(0);
  });

  describe('with other copies of the blob', () => {
    let readsOfOther: number;
    let otherFaults: (call: number) => Fault | undefined;

    const otherOf = async (): Promise<Driver> => {
      readsOfOther = 0;
      otherFaults = () => undefined;
      const other = composeLayers(new MemoryDriver('o'), [
        faultLayer((method) => (method === 'read' ? otherFaults((readsOfOther += 1)) : undefined)),
      ]);
      await other.write(contextOf(tenant), key, sourceOf(blob), { sizeBytes: blob.length });
      return other;
    };
    // Without a checksum of the backend, only a range is put together of several copies.
    const readFrom = async (driver: Driver, other: Driver): Promise<Buffer> => {
      const alsoOn = (): Promise<readonly Driver[]> => Promise.resolve([other]);
      const { body } = await driver.read(contextOf(tenant), key, { start: 1, end: 2040 }, { alsoOn });
      return bytesOf(body);
    };
    const expected = blob.subarray(1, 2041);

    it('reads ranges from all of them', async () => {
      const driver = await driverOf();
      const other = await otherOf();
      expect((await readFrom(driver, other)).equals(expected)).toBe(true);
      expect(Math.min(reads, readsOfOther)).toBeGreaterThan(1);
      expect(reads + readsOfOther).toBe(21);
      expect(permits.taken).toBe(0);
    });

    it.each([
      ['refuses', { do: 'fail', kind: 'Unavailable' }],
      ['breaks', { do: 'break', afterBytes: 40, kind: 'Corrupted' }],
    ] as const)('goes on with the others where one %s', async (_, fault) => {
      const driver = await driverOf();
      const other = await otherOf();
      otherFaults = () => fault;
      expect((await readFrom(driver, other)).equals(expected)).toBe(true);
      expect(readsOfOther).toBeGreaterThan(0);
      otherFaults = () => undefined;
      const opening = reads + 1;
      faults = (call) => (call === opening ? undefined : fault);
      expect((await readFrom(driver, other)).equals(expected)).toBe(true);
      expect(permits.taken).toBe(0);
    });

    it('leaves a whole blob without a checksum to one', async () => {
      const driver = await driverOf();
      const other = await otherOf();
      const alsoOn = (): Promise<readonly Driver[]> => Promise.resolve([other]);
      const { body } = await driver.read(contextOf(tenant), key, undefined, { alsoOn });
      expect((await bytesOf(body)).equals(blob)).toBe(true);
      expect(readsOfOther).toBe(0);
    });
  });
});
