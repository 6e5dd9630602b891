import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { BlobSource } from '../../drivers/driver';
import { BlobPump } from './blob-pump';
import { digestOf, initDigests } from './digests';
import type { DigestAlgorithm } from './digests';

const SLOT_BYTES = 1000;
const SLOTS = 8;
const algorithms: ReadonlySet<DigestAlgorithm> = new Set(['md5', 'crc64nvme', 'sha256']);

async function* sourceOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

async function collect(chunks: BlobSource): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}

/** A client that sends when the test says so. */
class HandFed implements AsyncIterable<Uint8Array> {
  isReturned = false;
  private readonly queue: (Uint8Array | 'end')[] = [];
  private wake: () => void = () => undefined;

  send(item: Uint8Array | 'end'): void {
    this.queue.push(item);
    this.wake();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        while (this.queue.length === 0) {
          await new Promise<void>((resolve) => {
            this.wake = resolve;
          });
        }
        const item = this.queue.shift();
        return item === undefined || item === 'end' ? { done: true, value: undefined } : { done: false, value: item };
      },
      return: () => {
        this.isReturned = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

describe('the blob pump', () => {
  let pump: BlobPump;
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => {
    unhandled.push(reason);
  };
  const allSlotsBack = async (): Promise<void> => {
    while (pump.freeSlots < SLOTS) await nextTurn();
  };

  beforeAll(async () => {
    await initDigests();
    process.on('unhandledRejection', onUnhandled);
  });

  beforeEach(() => {
    pump = new BlobPump({ bufferBytes: SLOTS * SLOT_BYTES, slotBytes: SLOT_BYTES, inlineDigestBytes: 100 });
  });

  afterEach(async () => {
    await allSlotsBack();
    await pump.close();
    expect(unhandled).toEqual([]);
  });

  afterAll(() => {
    process.off('unhandledRejection', onUnhandled);
  });

  it('hands on every byte once, in order, and digests them, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 2500 }), { maxLength: 12 }),
        fc.boolean(),
        async (chunks, isSizeKnown) => {
          const whole = Buffer.concat(chunks);
          const { written, sizeBytes, digests } = await pump.pump(sourceOf(chunks), algorithms, collect, {
            sizeBytes: isSizeKnown ? whole.length : undefined,
          });
          expect(written.equals(whole)).toBe(true);
          expect(sizeBytes).toBe(whole.length);
          expect([...digests.keys()].sort()).toEqual([...algorithms].sort());
          for (const [algorithm, digest] of digests) expect(digest).toEqual(digestOf(algorithm, whole));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('runs without any digest', async () => {
    const bytes = randomBytes(5000);
    const pumped = await pump.pump(sourceOf([bytes]), new Set(), collect, { sizeBytes: 5000 });
    expect(pumped.written.equals(bytes)).toBe(true);
    expect(pumped.digests.size).toBe(0);
  });

  it('keeps many uploads at once apart', async () => {
    const bodies = Array.from({ length: 60 }, (_, index) => randomBytes(100 + index * 150));
    const pumped = await Promise.all(
      bodies.map((body) =>
        pump.pump(sourceOf([body.subarray(0, 70), body.subarray(70)]), algorithms, collect, { sizeBytes: undefined }),
      ),
    );
    pumped.forEach(({ written, digests }, index) => {
      const body = bodies[index] ?? Buffer.alloc(0);
      expect(written.equals(body)).toBe(true);
      expect(digests.get('md5')).toEqual(digestOf('md5', body));
    });
  });

  it('lets a fast upload through while more clients trickle than there are slots', async () => {
    const slow = Array.from({ length: SLOTS * 10 }, () => new HandFed());
    const trickling = slow.map((source) => pump.pump(source, algorithms, collect, { sizeBytes: undefined }));
    for (const source of slow) source.send(Buffer.from('first '));
    const body = randomBytes(20 * SLOT_BYTES);
    const { written } = await pump.pump(sourceOf([body]), algorithms, collect, { sizeBytes: undefined });
    expect(written.equals(body)).toBe(true);
    for (const source of slow) {
      source.send(Buffer.from('second'));
      source.send('end');
    }
    for (const { written: bytes, digests } of await Promise.all(trickling)) {
      expect(bytes.toString()).toBe('first second');
      expect(digests.get('md5')).toEqual(digestOf('md5', Buffer.from('first second')));
    }
  });

  it('holds no slot for a client that has sent nothing', async () => {
    const silent = Array.from({ length: SLOTS * 2 }, () => new HandFed());
    const waiting = silent.map((source) => pump.pump(source, algorithms, collect, { sizeBytes: undefined }));
    await nextTurn();
    expect(pump.freeSlots).toBe(SLOTS);
    for (const source of silent) source.send('end');
    expect((await Promise.all(waiting)).every(({ sizeBytes }) => sizeBytes === 0)).toBe(true);
  });

  it('stops pulling its source while the driver takes nothing', async () => {
    let pulledBytes = 0;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 200; count += 1) {
        pulledBytes += SLOT_BYTES;
        yield await Promise.resolve(Buffer.alloc(SLOT_BYTES, count));
      }
    };
    let start: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const pumping = pump.pump(source(), algorithms, async (chunks) => (await started, collect(chunks)), {
      sizeBytes: undefined,
    });
    for (let turn = 0; turn < 100; turn += 1) await nextTurn();
    expect(pulledBytes).toBeLessThanOrEqual((SLOTS + 1) * SLOT_BYTES);
    start();
    expect((await pumping).sizeBytes).toBe(200 * SLOT_BYTES);
  });

  it.each([0, 50, 5000, 50_000])(
    'passes on the own error of a source that breaks after %d bytes',
    async (lengthBytes) => {
      const mine = new Error('the socket broke');
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(randomBytes(lengthBytes));
        throw mine;
      };
      for (const sizeBytes of [undefined, 60]) {
        await expect(pump.pump(source(), algorithms, collect, { sizeBytes })).rejects.toBe(mine);
      }
    },
  );

  it('rejects with the error of the write while its source stalls, and tells the source', async () => {
    const mine = new Error('the disk broke');
    const source = new HandFed();
    source.send(randomBytes(3500));
    const pumping = pump.pump(
      source,
      algorithms,
      async (chunks) => {
        await chunks[Symbol.asyncIterator]().next();
        throw mine;
      },
      { sizeBytes: undefined },
    );
    await expect(pumping).rejects.toBe(mine);
    expect(source.isReturned).toBe(true);
    await allSlotsBack();
    // What still comes from the source goes nowhere.
    source.send(randomBytes(5000));
    await nextTurn();
    expect(pump.freeSlots).toBe(SLOTS);
  });

  it('rejects with the error of a write that fails while the upload waits for memory', async () => {
    let fail: (error: Error) => void = () => undefined;
    const failing = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const pumping = pump.pump(sourceOf([randomBytes(50 * SLOT_BYTES)]), algorithms, () => failing, {
      sizeBytes: undefined,
    });
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    const mine = new Error('aborted');
    fail(mine);
    await expect(pumping).rejects.toBe(mine);
  });

  it('does not take a write for done that left bytes behind', async () => {
    const pumping = pump.pump(sourceOf([randomBytes(5000)]), algorithms, () => Promise.resolve('done'), {
      sizeBytes: 5000,
    });
    await expect(pumping).rejects.toThrow('ended before');
  });

  it('fails the uploads of the moment when it is closed, and serves later ones again', async () => {
    const source = new HandFed();
    source.send(randomBytes(3000));
    const pumping = pump.pump(source, algorithms, collect, { sizeBytes: undefined });
    await nextTurn();
    await pump.close();
    source.send('end');
    await expect(pumping).rejects.toThrow('stopped');
    const body = randomBytes(3000);
    expect((await pump.pump(sourceOf([body]), algorithms, collect, { sizeBytes: 3000 })).written.equals(body)).toBe(
      true,
    );
  });
});
