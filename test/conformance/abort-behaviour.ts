import { randomBytes } from 'node:crypto';
import { MIB, contextOf, kindOf, listingsOf, sourceOf, StalledSource } from './driver-calls';
import type { DriverSubject } from './driver-subject';

/** Holds a driver to what it promises of aborted calls. */
export function describeAbort(on: DriverSubject): void {
  describe('abort', () => {
    it('is answered before anything is touched when it came first', async () => {
      await on.write(Buffer.from('abc'));
      const aborted = contextOf(on.tenant, AbortSignal.abort());
      const other = on.newKey();
      expect(await kindOf(on.driver.write(aborted, other, sourceOf(Buffer.from('x')), { sizeBytes: 1 }))).toBe(
        'Aborted',
      );
      expect(await kindOf(on.driver.read(aborted, on.key))).toBe('Aborted');
      expect(await kindOf(on.driver.stat(aborted, on.key))).toBe('Aborted');
      expect(await kindOf(on.driver.delete(aborted, on.key))).toBe('Aborted');
      expect(await kindOf(listingsOf(on.driver, aborted))).toBe('Aborted');
      expect(await on.driver.health(aborted)).toMatchObject({ isHealthy: false });
      expect((await on.readAll()).toString()).toBe('abc');
    });

    it.each([0, 1, 5])('ends a write whose source stalls after %d chunks, and keeps nothing', async (count) => {
      const source = new StalledSource(...Array.from({ length: count }, () => randomBytes(200_000)));
      const controller = new AbortController();
      const writing = on.driver.write(contextOf(on.tenant, controller.signal), on.key, source, {
        sizeBytes: undefined,
      });
      await source.stalled;
      controller.abort();
      expect(await kindOf(writing)).toBe('Aborted');
      expect(source.isReturned).toBe(true);
      await on.expectNothingKept();
    });

    it('leaves the whole blob or nothing, at whatever step of a write it comes', async () => {
      const body = randomBytes(50_000);
      for (let steps = 0; steps < 60; steps += 1) {
        const at = on.newKey();
        const controller = new AbortController();
        const source = sourceOf(body.subarray(0, 20_000), body.subarray(20_000));
        const ending = kindOf(
          on.driver.write(contextOf(on.tenant, controller.signal), at, source, { sizeBytes: body.length }),
        );
        for (let step = 0; step < steps; step += 1) await new Promise((resolve) => setImmediate(resolve));
        controller.abort();
        const kind = await ending;
        expect(['Aborted', 'no error']).toContain(kind);
        if (kind === 'no error') {
          expect((await on.readAll(at)).equals(body)).toBe(true);
          await on.driver.delete(on.ctx, at);
        }
        expect(await on.leftovers()).toEqual([]);
      }
    });

    it('destroys a body that is being read', async () => {
      await on.write(randomBytes(3 * MIB));
      const controller = new AbortController();
      const { body } = await on.driver.read(contextOf(on.tenant, controller.signal), on.key);
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
      await on.write(randomBytes(1000));
      const controller = new AbortController();
      const { body } = await on.driver.read(contextOf(on.tenant, controller.signal), on.key);
      const closed = new Promise((resolve) => body.once('close', resolve));
      controller.abort();
      await closed;
      expect(body.destroyed).toBe(true);
    });

    it('ends a listing', async () => {
      for (let index = 0; index < 5; index += 1) await on.write(Buffer.from('x'), on.newKey());
      const controller = new AbortController();
      const listing = (async () => {
        for await (const blob of on.driver.list(contextOf(on.tenant, controller.signal))) {
          expect(blob.sizeBytes).toBe(1);
          controller.abort();
        }
      })();
      expect(await kindOf(listing)).toBe('Aborted');
    });
  });
}
