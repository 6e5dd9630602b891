import { contextOf, sourceOf, StalledSource } from '../../../test/conformance/driver-calls';
import { faultLayer } from '../../../test/support/fault.layer';
import type { Fault } from '../../../test/support/fault.layer';
import { blobId, blobKey, tenantId } from '../../context/ids';
import type { BlobSource, Driver } from '../../drivers/driver';
import { DriverError } from '../../drivers/driver.errors';
import { composeLayers } from '../../drivers/layers/compose-layers';
import { MemoryDriver } from '../../drivers/memory/memory.driver';
import { writeMirrored } from './mirrored-write';
import type { MirroredWriteOptions, MirroredWriteResult } from './mirrored-write';

const tenant = tenantId('t1');
const key = blobKey(tenant, blobId('b1'));
const UNAVAILABLE: Fault = { do: 'fail', kind: 'Unavailable' };
const chunks = [Buffer.from('one '), Buffer.from('two '), Buffer.from('three')];
const whole = Buffer.concat(chunks);

async function bytesOn(driver: Driver): Promise<string | undefined> {
  try {
    const { body } = await driver.read(contextOf(tenant), key);
    return Buffer.concat(await body.toArray()).toString();
  } catch (error) {
    if (error instanceof DriverError && error.kind === 'NotFound') return undefined;
    throw error;
  }
}

describe('writeMirrored', () => {
  let faults: Record<string, Fault | undefined>;
  let drivers: Record<'a' | 'b' | 'c', Driver>;
  let adopted: string[];

  beforeEach(() => {
    faults = {};
    adopted = [];
    const make = (name: string): Driver =>
      composeLayers(new MemoryDriver(name), [faultLayer((method) => (method === 'write' ? faults[name] : undefined))]);
    drivers = { a: make('a'), b: make('b'), c: make('c') };
  });

  const write = (
    targets: ('a' | 'b' | 'c')[],
    options: Partial<MirroredWriteOptions> = {},
    source: BlobSource = sourceOf(...chunks),
    signal?: AbortSignal,
  ): Promise<MirroredWriteResult> =>
    writeMirrored(contextOf(tenant, signal), source, {
      key,
      sizeBytes: whole.length,
      targets: targets.map((name) => drivers[name]),
      spares: [],
      quorum: targets.length,
      slowMs: 60_000,
      adopt: (spare) => {
        adopted.push(spare.name);
        return Promise.resolve();
      },
      ...options,
    });

  it('brings every byte to every driver, though the producer reuses its memory', async () => {
    expect(await write(['a', 'b', 'c'])).toEqual({ live: ['a', 'b', 'c'], replaced: [] });
    for (const driver of Object.values(drivers)) expect(await bytesOn(driver)).toBe(whole.toString());
  });

  it('does without a driver that fails when the quorum is reached', async () => {
    faults.a = UNAVAILABLE;
    expect(await write(['a', 'b', 'c'], { quorum: 2 })).toEqual({ live: ['b', 'c'], replaced: [] });
    expect(await bytesOn(drivers.a)).toBeUndefined();
  });

  it('does without a driver that breaks in the middle', async () => {
    faults.b = { do: 'break', afterBytes: 6, kind: 'Unavailable' };
    expect(await write(['a', 'b'], { quorum: 1 })).toEqual({ live: ['a'], replaced: [] });
    expect(await bytesOn(drivers.a)).toBe(whole.toString());
    expect(await bytesOn(drivers.b)).toBeUndefined();
  });

  it('fails with Unavailable, and the longest wait, when the quorum can not be reached', async () => {
    faults.a = UNAVAILABLE;
    faults.b = { do: 'fail', kind: 'Unexpected' };
    await expect(write(['a', 'b', 'c'], { quorum: 2 })).rejects.toMatchObject({ kind: 'Unavailable' });
  });

  it('says that there is no room when no driver has any', async () => {
    faults.a = { do: 'fail', kind: 'NoSpace' };
    faults.b = { do: 'fail', kind: 'NoSpace' };
    await expect(write(['a', 'b'], { quorum: 1 })).rejects.toMatchObject({ kind: 'NoSpace' });
  });

  it('puts a spare in the place of a driver that fails before the body', async () => {
    faults.a = UNAVAILABLE;
    expect(await write(['a'], { spares: [drivers.b] })).toEqual({ live: ['b'], replaced: ['a'] });
    expect(adopted).toEqual(['b']);
    expect(await bytesOn(drivers.b)).toBe(whole.toString());
  });

  it('puts a spare in the place of a driver that fails within the beginning of the body', async () => {
    faults.a = { do: 'break', afterBytes: 6, kind: 'Unavailable' };
    expect(await write(['a', 'b'], { spares: [drivers.c] })).toEqual({ live: ['b', 'c'], replaced: ['a'] });
    expect(await bytesOn(drivers.b)).toBe(whole.toString());
    expect(await bytesOn(drivers.c)).toBe(whole.toString());
  });

  it('takes one spare after the other', async () => {
    faults.a = UNAVAILABLE;
    faults.b = UNAVAILABLE;
    expect(await write(['a'], { spares: [drivers.b, drivers.c] })).toEqual({ live: ['c'], replaced: ['a', 'b'] });
  });

  it('has no spare for a body of which too much was read', async () => {
    const large = Array.from({ length: 3 }, () => Buffer.alloc(1024 * 1024, 1));
    faults.a = { do: 'break', afterBytes: 2.5 * 1024 * 1024, kind: 'Unavailable' };
    const written = write(['a'], { spares: [drivers.b], sizeBytes: undefined }, sourceOf(...large));
    await expect(written).rejects.toMatchObject({ kind: 'Unavailable' });
    expect(adopted).toEqual([]);
  });

  it('gives up a driver that takes nothing while the others wait', async () => {
    faults.b = { do: 'stall' };
    expect(await write(['a', 'b', 'c'], { quorum: 2, slowMs: 20 })).toEqual({ live: ['a', 'c'], replaced: [] });
  });

  it('waits for a slow client, whatever the time', async () => {
    const source = new StalledSource(Buffer.from('one '));
    const stop = new AbortController();
    const written = write(['a', 'b'], { quorum: 1, slowMs: 1 }, source, stop.signal);
    await source.stalled;
    for (let ticks = 0; ticks < 5; ticks += 1) await new Promise((resolve) => setTimeout(resolve, 2));
    stop.abort();
    await expect(written).rejects.toMatchObject({ kind: 'Aborted' });
    expect(source.isReturned).toBe(true);
  });

  it('passes the error of the source on unchanged and keeps nothing', async () => {
    const failure = new Error('the client lied');
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('one '));
      throw failure;
    };
    await expect(write(['a', 'b'], { quorum: 1, spares: [drivers.c] }, source())).rejects.toBe(failure);
    for (const driver of Object.values(drivers)) expect(await bytesOn(driver)).toBeUndefined();
  });

  it('fails with the error of the record when a spare can not be recorded', async () => {
    faults.a = UNAVAILABLE;
    const failure = new Error('no database');
    await expect(write(['a'], { spares: [drivers.b], adopt: () => Promise.reject(failure) })).rejects.toBe(failure);
    expect(await bytesOn(drivers.b)).toBeUndefined();
  });
});
