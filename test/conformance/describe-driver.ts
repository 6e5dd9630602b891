import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { blobId, blobKey, tenantId } from '../../src/context/ids';
import type { BlobKey, TenantId } from '../../src/context/ids';
import type { OperationContext } from '../../src/context/operation-context';
import type { BlobListing, BlobSource, Driver } from '../../src/drivers/driver';
import { DriverError } from '../../src/drivers/driver.errors';
import type { DriverErrorKind } from '../../src/drivers/driver.errors';

export interface DriverUnderTest {
  readonly driver: Driver;
  /** Resolves to all that is held anywhere, leftovers of failed writes included: names or paths, one per file. */
  readonly leftovers: () => Promise<readonly string[]>;
  /** Descriptors or the like that the driver holds open; undefined where there are none to count. */
  readonly openHandles?: () => number;
  readonly dispose: () => Promise<void>;
}

export type DriverFactory = () => Promise<DriverUnderTest>;

export function contextOf(tenant: TenantId, signal: AbortSignal = new AbortController().signal): OperationContext {
  return {
    requestId: 'conformance',
    operation: 'Conformance',
    tenantId: tenant,
    principal: { kind: 'system', job: 'conformance' },
    signal,
    quota: undefined,
    deadlineMs: undefined,
    observer: undefined,
  };
}

/** Yields the chunks from one buffer that it overwrites after each, as a producer that reuses its memory does. */
export async function* sourceOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  const slot = new Uint8Array(Math.max(0, ...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    slot.set(chunk);
    yield await Promise.resolve(slot.subarray(0, chunk.length));
    slot.fill(0xee);
  }
}

/** A source that says when it is asked for a chunk that never comes, and when it was told to stop. */
class StalledSource implements AsyncIterable<Uint8Array> {
  readonly stalled: Promise<void>;
  isReturned = false;
  private reportStalled: () => void = () => undefined;
  private readonly queue: Uint8Array[];

  constructor(...chunks: readonly Uint8Array[]) {
    this.queue = [...chunks];
    this.stalled = new Promise((resolve) => {
      this.reportStalled = resolve;
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        const value = this.queue.shift();
        if (value !== undefined) return Promise.resolve({ done: false, value });
        this.reportStalled();
        return new Promise<never>(() => undefined);
      },
      return: () => {
        this.isReturned = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

export async function kindOf(promise: Promise<unknown>): Promise<DriverErrorKind | 'no error'> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    if (error instanceof DriverError) return error.kind;
    throw error;
  }
}

async function bytesOf(body: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) if (piece instanceof Uint8Array) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function listingsOf(driver: Driver, ctx: OperationContext): Promise<BlobListing[]> {
  const listings: BlobListing[] = [];
  for await (const listing of driver.list(ctx)) listings.push(listing);
  return listings;
}

const MIB = 1024 * 1024;

/** Holds a driver to every line of **Behaviour** in `driver.ts`. The factory makes an empty backend for each test. */
export function describeDriver(name: string, factory: DriverFactory): void {
  describe(`the driver contract, held by ${name}`, () => {
    const tenant = tenantId(randomUUID());
    let subject: DriverUnderTest;
    let driver: Driver;
    let key: BlobKey;
    const ctx = contextOf(tenant);
    const openHandles = (): number => subject.openHandles?.() ?? 0;
    const newKey = (): BlobKey => blobKey(tenant, blobId(randomUUID()));
    const write = (bytes: Uint8Array, at: BlobKey = key): Promise<unknown> =>
      driver.write(ctx, at, sourceOf(bytes), { sizeBytes: bytes.length });
    const readAll = async (at: BlobKey = key): Promise<Buffer> => bytesOf((await driver.read(ctx, at)).body);
    const expectNothingKept = async (): Promise<void> => {
      expect(await subject.leftovers()).toEqual([]);
      expect(await kindOf(driver.stat(ctx, key))).toBe('NotFound');
    };

    beforeEach(async () => {
      subject = await factory();
      driver = subject.driver;
      key = newKey();
    });

    afterEach(async () => {
      await driver.close();
      await subject.dispose();
    });

    describe('write', () => {
      it('keeps the bytes of a source that reuses its memory', async () => {
        const chunks = [randomBytes(MIB), randomBytes(1), Buffer.alloc(0), randomBytes(100_000), randomBytes(MIB)];
        const whole = Buffer.concat(chunks);
        const stat = await driver.write(ctx, key, sourceOf(...chunks), { sizeBytes: whole.length });
        expect(stat).toMatchObject({ key, sizeBytes: whole.length });
        expect(Math.abs(stat.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
        expect((await readAll()).equals(whole)).toBe(true);
      });

      it('takes a source of unknown length', async () => {
        const stat = await driver.write(ctx, key, sourceOf(Buffer.from('abc'), Buffer.from('de')), {
          sizeBytes: undefined,
        });
        expect(stat.sizeBytes).toBe(5);
        expect((await readAll()).toString()).toBe('abcde');
      });

      it('takes a blob of no bytes', async () => {
        await write(Buffer.alloc(0));
        expect((await driver.stat(ctx, key)).sizeBytes).toBe(0);
        expect(await readAll()).toHaveLength(0);
      });

      it('takes chunks of shared memory', async () => {
        const shared = new Uint8Array(new SharedArrayBuffer(1000)).fill(7);
        await driver.write(ctx, key, sourceOf(shared), { sizeBytes: 1000 });
        expect((await readAll()).equals(Buffer.alloc(1000, 7))).toBe(true);
      });

      it.each([0, 1, 3])(
        'passes on the own error of a source that throws after %d chunks, and keeps nothing',
        async (count) => {
          const mine = new Error('the socket broke');
          const source = async function* (): AsyncGenerator<Uint8Array> {
            for (let index = 0; index < count; index += 1) yield await Promise.resolve(randomBytes(300_000));
            throw mine;
          };
          await expect(driver.write(ctx, key, source(), { sizeBytes: undefined })).rejects.toBe(mine);
          await expectNothingKept();
        },
      );

      it.each([
        ['too short', 11],
        ['too long', 9],
        ['too long by all', 0],
      ])('refuses a source that is %s, and keeps nothing', async (_, sizeBytes) => {
        const source = sourceOf(Buffer.from('01234'), Buffer.from('56789'));
        expect(await kindOf(driver.write(ctx, key, source, { sizeBytes }))).toBe('Corrupted');
        await expectNothingKept();
      });

      it('refuses an endless source at the first byte too many', async () => {
        let isStopped = false;
        const endless = async function* (): AsyncGenerator<Uint8Array> {
          try {
            for (;;) yield await Promise.resolve(Buffer.alloc(10));
          } finally {
            isStopped = true;
          }
        };
        expect(await kindOf(driver.write(ctx, key, endless(), { sizeBytes: 25 }))).toBe('Corrupted');
        expect(isStopped).toBe(true);
        await expectNothingKept();
      });

      it('refuses a key that holds a blob, and leaves the old bytes', async () => {
        await write(Buffer.from('old'));
        expect(await kindOf(write(Buffer.from('new bytes')))).toBe('AlreadyExists');
        expect((await readAll()).toString()).toBe('old');
        expect(await subject.leftovers()).toHaveLength(1);
      });

      it('lets at most one of many concurrent writers on one key succeed, whole', async () => {
        for (let round = 0; round < 5; round += 1) {
          key = newKey();
          const bodies = Array.from({ length: 12 }, (_, index) => Buffer.alloc(200_000, index));
          const kinds = await Promise.all(
            bodies.map((body) =>
              kindOf(
                driver.write(ctx, key, sourceOf(body.subarray(0, 70_000), body.subarray(70_000)), {
                  sizeBytes: 200_000,
                }),
              ),
            ),
          );
          expect(kinds.filter((kind) => kind === 'no error')).toHaveLength(1);
          expect(kinds.filter((kind) => kind === 'AlreadyExists')).toHaveLength(11);
          expect((await readAll()).equals(bodies[kinds.indexOf('no error')] ?? Buffer.alloc(0))).toBe(true);
        }
        expect(await subject.leftovers()).toHaveLength(5);
      });

      it('leaves the key free after a failed write', async () => {
        expect(await kindOf(driver.write(ctx, key, sourceOf(Buffer.from('abc')), { sizeBytes: 4 }))).toBe('Corrupted');
        await write(Buffer.from('abc'));
        expect((await readAll()).toString()).toBe('abc');
      });

      it('shows nothing of a blob while it is written', async () => {
        const source = new StalledSource(randomBytes(MIB));
        const controller = new AbortController();
        const writing = driver.write(contextOf(tenant, controller.signal), key, source, { sizeBytes: 2 * MIB });
        await source.stalled;
        expect(await kindOf(driver.read(ctx, key))).toBe('NotFound');
        expect(await kindOf(driver.stat(ctx, key))).toBe('NotFound');
        expect((await listingsOf(driver, ctx)).filter((listing) => !listing.isPartial)).toEqual([]);
        controller.abort();
        expect(await kindOf(writing)).toBe('Aborted');
      });

      it('writes many blobs at once', async () => {
        const blobs = Array.from({ length: 40 }, (_, index) => ({ at: newKey(), bytes: randomBytes(index * 1000) }));
        await Promise.all(blobs.map(({ at, bytes }) => write(bytes, at)));
        for (const { at, bytes } of blobs) expect((await readAll(at)).equals(bytes)).toBe(true);
      });
    });

    describe('abort', () => {
      it('is answered before anything is touched when it came first', async () => {
        await write(Buffer.from('abc'));
        const aborted = contextOf(tenant, AbortSignal.abort());
        const other = newKey();
        expect(await kindOf(driver.write(aborted, other, sourceOf(Buffer.from('x')), { sizeBytes: 1 }))).toBe(
          'Aborted',
        );
        expect(await kindOf(driver.read(aborted, key))).toBe('Aborted');
        expect(await kindOf(driver.stat(aborted, key))).toBe('Aborted');
        expect(await kindOf(driver.delete(aborted, key))).toBe('Aborted');
        expect(await kindOf(listingsOf(driver, aborted))).toBe('Aborted');
        expect(await driver.health(aborted)).toMatchObject({ isHealthy: false });
        expect((await readAll()).toString()).toBe('abc');
      });

      it.each([0, 1, 5])('ends a write whose source stalls after %d chunks, and keeps nothing', async (count) => {
        const source = new StalledSource(...Array.from({ length: count }, () => randomBytes(200_000)));
        const controller = new AbortController();
        const writing = driver.write(contextOf(tenant, controller.signal), key, source, { sizeBytes: undefined });
        await source.stalled;
        controller.abort();
        expect(await kindOf(writing)).toBe('Aborted');
        expect(source.isReturned).toBe(true);
        await expectNothingKept();
      });

      it('leaves the whole blob or nothing, at whatever step of a write it comes', async () => {
        const body = randomBytes(50_000);
        for (let steps = 0; steps < 60; steps += 1) {
          const at = newKey();
          const controller = new AbortController();
          const source = sourceOf(body.subarray(0, 20_000), body.subarray(20_000));
          const ending = kindOf(
            driver.write(contextOf(tenant, controller.signal), at, source, { sizeBytes: body.length }),
          );
          for (let step = 0; step < steps; step += 1) await new Promise((resolve) => setImmediate(resolve));
          controller.abort();
          const kind = await ending;
          expect(['Aborted', 'no error']).toContain(kind);
          if (kind === 'no error') {
            expect((await readAll(at)).equals(body)).toBe(true);
            await driver.delete(ctx, at);
          }
          expect(await subject.leftovers()).toEqual([]);
        }
      });

      it('destroys a body that is being read', async () => {
        await write(randomBytes(3 * MIB));
        const controller = new AbortController();
        const { body } = await driver.read(contextOf(tenant, controller.signal), key);
        const closed = new Promise((resolve) => body.once('close', resolve));
        const reading = kindOf(
          (async () => {
            for await (const piece of body) {
              expect(piece).toBeDefined();
              controller.abort();
            }
          })(),
        );
        expect(await reading).toBe('Aborted');
        await closed;
        expect(body.destroyed).toBe(true);
      });

      it('between the opening of a body and its first reader harms nobody', async () => {
        await write(randomBytes(1000));
        const controller = new AbortController();
        const { body } = await driver.read(contextOf(tenant, controller.signal), key);
        const closed = new Promise((resolve) => body.once('close', resolve));
        controller.abort();
        await closed;
        expect(body.destroyed).toBe(true);
      });

      it('ends a listing', async () => {
        for (let index = 0; index < 5; index += 1) await write(Buffer.from('x'), newKey());
        const controller = new AbortController();
        const listing = (async () => {
          for await (const blob of driver.list(contextOf(tenant, controller.signal))) {
            expect(blob.sizeBytes).toBe(1);
            controller.abort();
          }
        })();
        expect(await kindOf(listing)).toBe('Aborted');
      });
    });

    describe('read', () => {
      it('rejects before a stream is returned when there is no blob', async () => {
        expect(await kindOf(driver.read(ctx, key))).toBe('NotFound');
        expect(await kindOf(driver.read(ctx, key, { start: 0, end: 1 }))).toBe('NotFound');
      });

      it('gives exactly the bytes of any range', async () => {
        const bytes = randomBytes(700_001);
        await driver.write(ctx, key, sourceOf(bytes.subarray(0, 300_000), bytes.subarray(300_000)), {
          sizeBytes: bytes.length,
        });
        const position = fc.oneof(
          fc.nat({ max: bytes.length + 10 }),
          fc.constantFrom(0, bytes.length - 1, bytes.length, 262_144),
        );
        await fc.assert(
          fc.asyncProperty(position, fc.option(position, { nil: undefined }), async (start, end) => {
            const reading = driver.read(ctx, key, { start, end });
            if (start >= bytes.length || (end !== undefined && end < start)) {
              expect(await kindOf(reading)).toBe('RangeNotSatisfiable');
              return;
            }
            const { stat, body } = await reading;
            expect(stat.sizeBytes).toBe(bytes.length);
            const expected = bytes.subarray(start, end === undefined ? undefined : end + 1);
            expect((await bytesOf(body)).equals(expected)).toBe(true);
          }),
          { numRuns: 60 },
        );
      });

      it('finds every range of an empty blob unsatisfiable', async () => {
        await write(Buffer.alloc(0));
        expect(await kindOf(driver.read(ctx, key, { start: 0, end: undefined }))).toBe('RangeNotSatisfiable');
      });

      it('goes on to the end while the blob is deleted', async () => {
        const bytes = randomBytes(3 * MIB);
        await write(bytes);
        const { body } = await driver.read(ctx, key);
        await driver.delete(ctx, key);
        expect((await bytesOf(body)).equals(bytes)).toBe(true);
      });

      it('keeps its bytes from a consumer that overwrites them', async () => {
        await write(Buffer.from('immutable'));
        for await (const piece of (await driver.read(ctx, key)).body) if (piece instanceof Uint8Array) piece.fill(0);
        expect((await readAll()).toString()).toBe('immutable');
      });

      it('serves many readers of one blob', async () => {
        const bytes = randomBytes(MIB);
        await write(bytes);
        const bodies = await Promise.all(Array.from({ length: 20 }, () => readAll()));
        expect(bodies.every((body) => body.equals(bytes))).toBe(true);
      });

      it('holds nothing after its bodies ended, were destroyed unread or midway, or were aborted', async () => {
        await write(randomBytes(2 * MIB));
        await readAll();
        const before = openHandles();
        for (let round = 0; round < 20; round += 1) {
          const controller = new AbortController();
          const { body } = await driver.read(contextOf(tenant, controller.signal), key);
          const closed = new Promise((resolve) => body.once('close', resolve));
          if (round % 4 === 1) await new Promise((resolve) => body.once('readable', resolve));
          if (round % 4 === 2) body.resume();
          else if (round % 4 === 3) controller.abort();
          else body.destroy();
          await closed;
        }
        expect(await kindOf(driver.read(ctx, key, { start: 2 * MIB, end: undefined }))).toBe('RangeNotSatisfiable');
        // The closing itself is not awaited by the driver; one more call queues behind it.
        for (let round = 0; round < 200 && openHandles() > before; round += 1) await readAll();
        expect(openHandles()).toBeLessThanOrEqual(before);
      });
    });

    describe('stat', () => {
      it('tells size and time of a whole blob', async () => {
        await write(Buffer.from('abc'));
        const stat = await driver.stat(ctx, key);
        expect(stat).toMatchObject({ key, sizeBytes: 3 });
        expect(Math.abs(stat.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
      });

      it('rejects when there is none', async () => {
        expect(await kindOf(driver.stat(ctx, key))).toBe('NotFound');
      });
    });

    describe('delete', () => {
      it('removes a blob, after which the key is free', async () => {
        await write(Buffer.from('abc'));
        await driver.delete(ctx, key);
        await expectNothingKept();
        await write(Buffer.from('again'));
        expect((await readAll()).toString()).toBe('again');
      });

      it('succeeds when there is nothing to delete', async () => {
        await driver.delete(ctx, key);
        await driver.delete(ctx, key);
        expect(await subject.leftovers()).toEqual([]);
      });

      it('leaves nothing or the whole blob when it meets a write', async () => {
        for (let round = 0; round < 10; round += 1) {
          key = newKey();
          const writing = kindOf(write(randomBytes(100_000)));
          for (let step = 0; step < round; step += 1) await new Promise((resolve) => setImmediate(resolve));
          await driver.delete(ctx, key);
          if ((await writing) === 'no error' && (await kindOf(driver.stat(ctx, key))) === 'no error') {
            expect(await readAll()).toHaveLength(100_000);
          }
          await driver.delete(ctx, key);
          expect(await subject.leftovers()).toEqual([]);
        }
      });
    });

    describe('list', () => {
      it('yields nothing for a tenant without blobs', async () => {
        expect(await listingsOf(driver, ctx)).toEqual([]);
      });

      it('yields each blob of the tenant once, and none of another', async () => {
        const other = tenantId(randomUUID());
        await driver.write(contextOf(other), blobKey(other, blobId(randomUUID())), sourceOf(Buffer.from('x')), {
          sizeBytes: 1,
        });
        const sizes = new Map<BlobKey, number>();
        await Promise.all(
          Array.from({ length: 1500 }, async (_, index) => {
            const at = newKey();
            sizes.set(at, index % 7);
            await write(Buffer.alloc(index % 7), at);
          }),
        );
        const listings = await listingsOf(driver, ctx);
        expect(listings).toHaveLength(1500);
        for (const { key: listed, sizeBytes, isPartial } of listings) {
          expect(isPartial).toBe(false);
          expect(sizes.get(listed)).toBe(sizeBytes);
          sizes.delete(listed);
        }
        expect(sizes.size).toBe(0);
        expect(await listingsOf(driver, contextOf(other))).toHaveLength(1);
      }, 60_000);

      it('bears blobs that come and go, and a reader that stops early', async () => {
        const keys = Array.from({ length: 50 }, newKey);
        for (const at of keys) await write(Buffer.from('x'), at);
        const before = openHandles();
        let seen = 0;
        for await (const { key: listed } of driver.list(ctx)) {
          await driver.delete(ctx, listed);
          await write(Buffer.from('y'), newKey());
          seen += 1;
          if (seen === 25) break;
        }
        expect(seen).toBe(25);
        for (let round = 0; round < 200 && openHandles() > before; round += 1)
          await driver.stat(ctx, key).catch(String);
        expect(openHandles()).toBeLessThanOrEqual(before);
      });
    });

    describe('keys', () => {
      const name1 = randomUUID();
      const other = randomUUID();
      const hostile: readonly string[] = [
        '',
        name1,
        'tenant',
        'tenant/',
        `tenant/${tenant}`,
        `tenant/${tenant}/`,
        `tenant/${other}/${name1}`,
        `tenant/${tenant}x/${name1}`,
        `/tenant/${tenant}/${name1}`,
        `Tenant/${tenant}/${name1}`,
        `tenant//${tenant}/${name1}`,
        `tenant/${tenant}//${name1}`,
        `tenant/${tenant}/${name1}/`,
        `tenant/${tenant}/.`,
        `tenant/${tenant}/..`,
        `tenant/${tenant}/../${other}/${name1}`,
        `tenant/${tenant}/./${name1}`,
        `tenant/${tenant}/a/../${name1}`,
        `tenant/${tenant}/a\0b`,
        `tenant/${tenant}/\0`,
        `tenant/${tenant}/a\\b`,
        `tenant/${tenant}/a\n`,
        `tenant/${tenant}/é`,
        `tenant/${tenant}/${name1}.partial`,
        `tenant/${tenant}/${'a'.repeat(5000)}`,
      ];

      const expectRefused = async (at: BlobKey, as: OperationContext): Promise<void> => {
        let isPulled = false;
        const source: BlobSource = {
          [Symbol.asyncIterator]: () => {
            isPulled = true;
            return sourceOf(Buffer.from('x'))[Symbol.asyncIterator]();
          },
        };
        expect(await kindOf(driver.write(as, at, source, { sizeBytes: 1 }))).toBe('PermissionDenied');
        expect(await kindOf(driver.read(as, at))).toBe('PermissionDenied');
        expect(await kindOf(driver.stat(as, at))).toBe('PermissionDenied');
        expect(await kindOf(driver.delete(as, at))).toBe('PermissionDenied');
        expect(isPulled).toBe(false);
        expect(await subject.leftovers()).toEqual([]);
      };

      it.each(hostile)('refuses %j by every method before the backend is touched', async (text) => {
        await expectRefused(text as BlobKey, ctx);
      });

      it.each(['', '.', '..', '../x', 'a/b', 'a\0'])('refuses the tenant id %j', async (id) => {
        const hostileTenant = tenantId(id);
        await expectRefused(blobKey(hostileTenant, blobId(name1)), contextOf(hostileTenant));
        expect(await kindOf(listingsOf(driver, contextOf(hostileTenant)))).toBe('PermissionDenied');
        expect(await driver.health(contextOf(hostileTenant))).toMatchObject({ isHealthy: false });
      });

      it('refuses whatever is not its own form', async () => {
        await fc.assert(
          fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 20 }), async (suffix) => {
            fc.pre(!/^[A-Za-z0-9_-]+$/.test(suffix));
            expect(await kindOf(driver.stat(ctx, `tenant/${tenant}/${suffix}` as BlobKey))).toBe('PermissionDenied');
          }),
        );
      });
    });

    describe('health', () => {
      it('is good on a backend that works, and leaves no probe behind', async () => {
        expect(await driver.health(ctx)).toMatchObject({ isHealthy: true });
        expect(await subject.leftovers()).toEqual([]);
      });
    });

    it('throws nothing but driver errors and errors of the source', async () => {
      expect(await kindOf(driver.read(ctx, key, { start: -1, end: 5 }))).toBe('NotFound');
      await write(Buffer.from('abc'));
      for (const range of [
        { start: -1, end: 5 },
        { start: 0.5, end: 2 },
        { start: Number.NaN, end: undefined },
        { start: 2, end: 1 },
      ]) {
        expect(await kindOf(driver.read(ctx, key, range))).toBe('RangeNotSatisfiable');
      }
    });
  });
}
