import { randomBytes } from 'node:crypto';
import { kindOf } from './driver-calls';
import type { DriverSubject } from './driver-subject';

/** Holds a driver to what it promises of asking for blobs and deleting them. */
export function describeStatAndDelete(on: DriverSubject): void {
  describe('stat', () => {
    it('tells size and time of a whole blob', async () => {
      await on.write(Buffer.from('abc'));
      const stat = await on.driver.stat(on.ctx, on.key);
      expect(stat).toMatchObject({ key: on.key, sizeBytes: 3 });
      expect(Math.abs(stat.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
    });

    it('rejects when there is none', async () => {
      expect(await kindOf(on.driver.stat(on.ctx, on.key))).toBe('NotFound');
    });
  });

  describe('delete', () => {
    it('removes a blob, after which the key is free', async () => {
      await on.write(Buffer.from('abc'));
      await on.driver.delete(on.ctx, on.key);
      await on.expectNothingKept();
      await on.write(Buffer.from('again'));
      expect((await on.readAll()).toString()).toBe('again');
    });

    it('succeeds when there is nothing to delete', async () => {
      await on.driver.delete(on.ctx, on.key);
      await on.driver.delete(on.ctx, on.key);
      expect(await on.leftovers()).toEqual([]);
    });

    it('leaves nothing or the whole blob when it meets a write', async () => {
      for (let round = 0; round < 10; round += 1) {
        on.key = on.newKey();
        const writing = kindOf(on.write(randomBytes(100_000)));
        for (let step = 0; step < round; step += 1) await new Promise((resolve) => setImmediate(resolve));
        await on.driver.delete(on.ctx, on.key);
        if ((await writing) === 'no error' && (await kindOf(on.driver.stat(on.ctx, on.key))) === 'no error') {
          expect(await on.readAll()).toHaveLength(100_000);
        }
        await on.driver.delete(on.ctx, on.key);
        expect(await on.leftovers()).toEqual([]);
      }
    });
  });
}
