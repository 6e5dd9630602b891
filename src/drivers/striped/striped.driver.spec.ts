import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { bytesOf, contextOf, kindOf, listingsOf, sourceOf } from '../../../test/conformance/driver-calls';
import { faultLayer } from '../../../test/support/fault.layer';
import type { Fault, FaultyMethod } from '../../../test/support/fault.layer';
import { blobId, blobKey, tenantId } from '../../context/ids';
import type { BlobKey } from '../../context/ids';
import { composeLayers } from '../layers/compose-layers';
import { MemoryDriver } from '../memory/memory.driver';
import { Semaphore } from '../semaphore';
import { TransferBuffers } from '../transfer-buffers';
import { StripedDriver } from './striped.driver';

const tenant = tenantId('t1');
const ctx = contextOf(tenant);
const CHUNK_BYTES = 100;

describe('the striped driver', () => {
  let members: MemoryDriver[];
  let driver: StripedDriver;
  let writeMemory: TransferBuffers;
  let readMemory: Semaphore;
  let faults: (member: number, method: FaultyMethod) => Fault | undefined;
  let count = 0;

  beforeEach(() => {
    faults = () => undefined;
    members = ['a', 'b', 'c'].map((name) => new MemoryDriver(name));
    writeMemory = new TransferBuffers(1000);
    readMemory = new Semaphore(2);
    driver = new StripedDriver({
      name: 'striped',
      members: members.map((member, at) => composeLayers(member, [faultLayer((method) => faults(at, method))])),
      chunkBytes: CHUNK_BYTES,
      writeMemory,
      readMemory,
    });
  });

  const newKey = (): BlobKey => blobKey(tenant, blobId(`b${(count += 1)}`));
  const write = (key: BlobKey, bytes: Uint8Array, isKnown = true): Promise<unknown> =>
    driver.write(ctx, key, sourceOf(bytes.subarray(0, 150), bytes.subarray(150)), {
      sizeBytes: isKnown ? bytes.length : undefined,
    });
  const heldBy = async (): Promise<number[]> =>
    Promise.all(
      members.map(async (member) => (await listingsOf(member, ctx)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
    );
  const expectNothing = async (): Promise<void> => {
    expect(members.flatMap((member) => member.keys())).toEqual([]);
    expect(writeMemory.freeBytes).toBe(1000);
  };

  it('gives back any range of blobs of any size, of known length or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1500 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 1500 }),
        fc.integer({ min: 0, max: 1500 }),
        async (sizeBytes, isKnown, a, length) => {
          const key = newKey();
          const bytes = randomBytes(sizeBytes);
          await write(key, bytes, isKnown);
          expect(await driver.stat(ctx, key)).toMatchObject({ key, sizeBytes });
          expect((await bytesOf((await driver.read(ctx, key)).body)).equals(bytes)).toBe(true);
          if (sizeBytes > 0) {
            const start = a % sizeBytes;
            const { body } = await driver.read(ctx, key, { start, end: start + length });
            expect((await bytesOf(body)).equals(bytes.subarray(start, start + length + 1))).toBe(true);
          }
          expect(readMemory.taken).toBe(0);
          expect(writeMemory.freeBytes).toBe(1000);
        },
      ),
    );
  });

  it('lays chunks over all in turns, and what fits into one on one of them, not always the same', async () => {
    await write(newKey(), randomBytes(9 * CHUNK_BYTES));
    expect(await heldBy()).toEqual([300, 300, 300]);
    for (let blobs = 0; blobs < 60; blobs += 1) await write(newKey(), randomBytes(10));
    const small = (await heldBy()).map((bytes) => bytes - 300);
    expect(small.reduce((sum, bytes) => sum + bytes)).toBe(600);
    for (const bytes of small) expect(bytes).toBeGreaterThan(0);
  });

  it.each([0, 1, 2])('keeps nothing when member %d fails', async (failing) => {
    faults = (member, method) =>
      member === failing && method === 'write' ? { do: 'break', afterBytes: 150, kind: 'NoSpace' } : undefined;
    expect(await kindOf(write(newKey(), randomBytes(2000)))).toBe('NoSpace');
    await expectNothing();
  });

  it.each([0, 1, 2])('says so when member %d is away, for reads too', async (failing) => {
    const key = newKey();
    await write(key, randomBytes(1000));
    faults = (member) => (member === failing ? { do: 'fail', kind: 'Unavailable' } : undefined);
    expect(await kindOf(driver.read(ctx, key))).toBe('Unavailable');
    expect(await kindOf(driver.delete(ctx, key))).toBe('Unavailable');
    faults = () => undefined;
    // What a deletion could not finish is found again.
    for (const { key: left } of await listingsOf(driver, ctx)) await driver.delete(ctx, left);
    await expectNothing();
  });

  it('never takes some of a blob for all of it', async () => {
    const key = newKey();
    await write(key, randomBytes(1000));
    const last = members.find((member) => member.keys().length > 0);
    await last?.delete(ctx, key);
    expect(['NotFound', 'Corrupted']).toContain(await kindOf(driver.read(ctx, key)));
  });
});
