import { kindOf } from './driver-calls';
import type { DriverFactory } from './driver-subject';
import { DriverSubject } from './driver-subject';
import { describeAbort } from './abort-behaviour';
import { describeKeys } from './keys-behaviour';
import { describeList } from './list-behaviour';
import { describeRead } from './read-behaviour';
import { describeStatAndDelete } from './stat-delete-behaviour';
import { describeWrite } from './write-behaviour';

export { contextOf, kindOf, sourceOf } from './driver-calls';
export type { DriverFactory, DriverUnderTest } from './driver-subject';

/** Holds a driver to every line of **Behaviour** in `driver.ts`. The factory makes an empty backend for each test. */
export function describeDriver(name: string, factory: DriverFactory): void {
  describe(`the driver contract, held by ${name}`, () => {
    const on = new DriverSubject(factory);
    beforeEach(() => on.begin());
    afterEach(() => on.end());

    describeWrite(on);
    describeAbort(on);
    describeRead(on);
    describeStatAndDelete(on);
    describeList(on);
    describeKeys(on);

    describe('health', () => {
      it('is good on a backend that works, and leaves no probe behind', async () => {
        expect(await on.driver.health(on.ctx)).toMatchObject({ isHealthy: true });
        expect(await on.leftovers()).toEqual([]);
      });
    });

    it('throws nothing but driver errors and errors of the source', async () => {
      expect(await kindOf(on.driver.read(on.ctx, on.key, { start: -1, end: 5 }))).toBe('NotFound');
      await on.write(Buffer.from('abc'));
      for (const range of [
        { start: -1, end: 5 },
        { start: 0.5, end: 2 },
        { start: Number.NaN, end: undefined },
        { start: 2, end: 1 },
      ]) {
        expect(await kindOf(on.driver.read(on.ctx, on.key, range))).toBe('RangeNotSatisfiable');
      }
    });
  });
}
