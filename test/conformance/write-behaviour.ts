import { randomBytes } from 'node:crypto';
import { MIB, contextOf, kindOf, listingsOf, sourceOf, StalledSource } from './driver-calls';
import type { DriverSubject } from './driver-subject';

/** Holds a driver to what it promises of writing. */
export function describeWrite(on: DriverSubject): void {
  describe('write', () => {
    it('keeps the bytes of a source that reuses its memory', async () => {
      const chunks = [randomBytes(MIB), randomBytes(1), Buffer.alloc(0), randomBytes(100_000), randomBytes(MIB)];
      const whole = Buffer.concat(chunks);
      const stat = await on.driver.write(on.ctx, on.key, sourceOf(...chunks), { sizeBytes: whole.length });
      expect(stat).toMatchObject({ key: on.key, sizeBytes: whole.length });
      expect(Math.abs(stat.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
      expect((await on.readAll()).equals(whole)).toBe(true);
    });

    it('takes a source of unknown length', async () => {
      const stat = await on.driver.write(on.ctx, on.key, sourceOf(Buffer.from('abc'), Buffer.from('de')), {
        sizeBytes: undefined,
      });
      expect(stat.sizeBytes).toBe(5);
      expect((await on.readAll()).toString()).toBe('abcde');
    });

    it('takes a blob of no bytes', async () => {
      await on.write(Buffer.alloc(0));
      expect((await on.driver.stat(on.ctx, on.key)).sizeBytes).toBe(0);
      expect(await on.readAll()).toHaveLength(0);
    });

    it('takes chunks of shared memory', async () => {
      const shared = new Uint8Array(new SharedArrayBuffer(1000)).fill(7);
      await on.driver.write(on.ctx, on.key, sourceOf(shared), { sizeBytes: 1000 });
      expect((await on.readAll()).equals(Buffer.alloc(1000, 7))).toBe(true);
    });

    it.each([0, 1, 3])(
      'passes on the own error of a source that throws after %d chunks, and keeps nothing',
      async (count) => {
        const mine = new Error('the socket broke');
        const source = async function* (): AsyncGenerator<Uint8Array> {
          for (let index = 0; index < count; index += 1) yield await Promise.resolve(randomBytes(300_000));
          throw mine;
        };
        await expect(on.driver.write(on.ctx, on.key, source(), { sizeBytes: undefined })).rejects.toBe(mine);
        await on.expectNothingKept();
      },
    );

    it.each([
      ['too short', 11],
      ['too long', 9],
      ['too long by all', 0],
    ])('refuses a source that is %s, and keeps nothing', async (_, sizeBytes) => {
      const source = sourceOf(Buffer.from('01234'), Buffer.from('56789'));
      expect(await kindOf(on.driver.write(on.ctx, on.key, source, { sizeBytes }))).toBe('Corrupted');
      await on.expectNothingKept();
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
      expect(await kindOf(on.driver.write(on.ctx, on.key, endless(), { sizeBytes: 25 }))).toBe('Corrupted');
      expect(isStopped).toBe(true);
      await on.expectNothingKept();
    });

    it('refuses a key that holds a blob, and leaves the old bytes', async () => {
      await on.write(Buffer.from('old'));
      expect(await kindOf(on.write(Buffer.from('new bytes')))).toBe('AlreadyExists');
      expect((await on.readAll()).toString()).toBe('old');
      expect(await on.leftovers()).toHaveLength(1);
    });

    it('lets at most one of many concurrent writers on one key succeed, whole', async () => {
      for (let round = 0; round < 5; round += 1) {
        on.key = on.newKey();
        const bodies = Array.from({ length: 12 }, (_, index) => Buffer.alloc(200_000, index));
        const kinds = await Promise.all(
          bodies.map((body) =>
            kindOf(
              on.driver.write(on.ctx, on.key, sourceOf(body.subarray(0, 70_000), body.subarray(70_000)), {
                sizeBytes: 200_000,
              }),
            ),
          ),
        );
        expect(kinds.filter((kind) => kind === 'no error')).toHaveLength(1);
        expect(kinds.filter((kind) => kind === 'AlreadyExists')).toHaveLength(11);
        expect((await on.readAll()).equals(bodies[kinds.indexOf('no error')] ?? Buffer.alloc(0))).toBe(true);
      }
      expect(await on.leftovers()).toHaveLength(5);
    });

    it('leaves the key free after a failed write', async () => {
      expect(await kindOf(on.driver.write(on.ctx, on.key, sourceOf(Buffer.from('abc')), { sizeBytes: 4 }))).toBe(
        'Corrupted',
      );
      await on.write(Buffer.from('abc'));
      expect((await on.readAll()).toString()).toBe('abc');
    });

    it('shows nothing of a blob while it is written', async () => {
      const source = new StalledSource(randomBytes(MIB));
      const controller = new AbortController();
      const writing = on.driver.write(contextOf(on.tenant, controller.signal), on.key, source, { sizeBytes: 2 * MIB });
      await source.stalled;
      expect(await kindOf(on.driver.read(on.ctx, on.key))).toBe('NotFound');
      expect(await kindOf(on.driver.stat(on.ctx, on.key))).toBe('NotFound');
      expect((await listingsOf(on.driver, on.ctx)).filter((listing) => !listing.isPartial)).toEqual([]);
      controller.abort();
      expect(await kindOf(writing)).toBe('Aborted');
    });

    it('writes many blobs at once', async () => {
      const blobs = Array.from({ length: 40 }, (_, index) => ({ at: on.newKey(), bytes: randomBytes(index * 1000) }));
      await Promise.all(blobs.map(({ at, bytes }) => on.write(bytes, at)));
      for (const { at, bytes } of blobs) expect((await on.readAll(at)).equals(bytes)).toBe(true);
    });
  });
}
