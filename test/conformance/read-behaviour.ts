import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { MIB, bytesOf, contextOf, kindOf, sourceOf } from './driver-calls';
import type { DriverSubject } from './driver-subject';

/** Holds a driver to what it promises of reading. */
export function describeRead(on: DriverSubject): void {
  describe('read', () => {
    it('rejects before a stream is returned when there is no blob', async () => {
      expect(await kindOf(on.driver.read(on.ctx, on.key))).toBe('NotFound');
      expect(await kindOf(on.driver.read(on.ctx, on.key, { start: 0, end: 1 }))).toBe('NotFound');
    });

    it('gives exactly the bytes of any range', async () => {
      const bytes = randomBytes(700_001);
      await on.driver.write(on.ctx, on.key, sourceOf(bytes.subarray(0, 300_000), bytes.subarray(300_000)), {
        sizeBytes: bytes.length,
      });
      const position = fc.oneof(
        fc.nat({ max: bytes.length + 10 }),
        fc.constantFrom(0, bytes.length - 1, bytes.length, 262_144),
      );
      await fc.assert(
        fc.asyncProperty(position, fc.option(position, { nil: undefined }), async (start, end) => {
          const reading = on.driver.read(on.ctx, on.key, { start, end });
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
      await on.write(Buffer.alloc(0));
      expect(await kindOf(on.driver.read(on.ctx, on.key, { start: 0, end: undefined }))).toBe('RangeNotSatisfiable');
    });

    it('goes on to the end while the blob is deleted', async () => {
      const bytes = randomBytes(3 * MIB);
      await on.write(bytes);
      const { body } = await on.driver.read(on.ctx, on.key);
      await on.driver.delete(on.ctx, on.key);
      expect((await bytesOf(body)).equals(bytes)).toBe(true);
    });

    it('keeps its bytes from a consumer that overwrites them', async () => {
      await on.write(Buffer.from('immutable'));
      for await (const piece of (await on.driver.read(on.ctx, on.key)).body)
        if (piece instanceof Uint8Array) piece.fill(0);
      expect((await on.readAll()).toString()).toBe('immutable');
    });

    it('serves many readers of one blob', async () => {
      const bytes = randomBytes(MIB);
      await on.write(bytes);
      const bodies = await Promise.all(Array.from({ length: 20 }, () => on.readAll()));
      expect(bodies.every((body) => body.equals(bytes))).toBe(true);
    });

    it('holds nothing after its bodies ended, were destroyed unread or midway, or were aborted', async () => {
      await on.write(randomBytes(2 * MIB));
      await on.readAll();
      const before = on.openHandles();
      for (let round = 0; round < 20; round += 1) {
        const controller = new AbortController();
        const { body } = await on.driver.read(contextOf(on.tenant, controller.signal), on.key);
        const closed = new Promise((resolve) => body.once('close', resolve));
        if (round % 4 === 1) await new Promise((resolve) => body.once('readable', resolve));
        if (round % 4 === 2) body.resume();
        else if (round % 4 === 3) controller.abort();
        else body.destroy();
        await closed;
      }
      expect(await kindOf(on.driver.read(on.ctx, on.key, { start: 2 * MIB, end: undefined }))).toBe(
        'RangeNotSatisfiable',
      );
      // The closing itself is not awaited by the driver; one more call queues behind it.
      for (let round = 0; round < 200 && on.openHandles() > before; round += 1) await on.readAll();
      expect(on.openHandles()).toBeLessThanOrEqual(before);
    });
  });
}
