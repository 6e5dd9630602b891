import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { blobId, blobKey, tenantId } from '../../src/context/ids';
import type { BlobKey } from '../../src/context/ids';
import type { OperationContext } from '../../src/context/operation-context';
import type { BlobSource } from '../../src/drivers/driver';
import { contextOf, kindOf, listingsOf, sourceOf } from './driver-calls';
import type { DriverSubject } from './driver-subject';

/** Holds a driver to refusing every key that is not a blob of the tenant. */
export function describeKeys(on: DriverSubject): void {
  describe('keys', () => {
    const name1 = randomUUID();
    const other = randomUUID();
    const hostile: readonly string[] = [
      '',
      name1,
      'tenant',
      'tenant/',
      `tenant/${on.tenant}`,
      `tenant/${on.tenant}/`,
      `tenant/${other}/${name1}`,
      `tenant/${on.tenant}x/${name1}`,
      `/tenant/${on.tenant}/${name1}`,
      `Tenant/${on.tenant}/${name1}`,
      `tenant//${on.tenant}/${name1}`,
      `tenant/${on.tenant}//${name1}`,
      `tenant/${on.tenant}/${name1}/`,
      `tenant/${on.tenant}/.`,
      `tenant/${on.tenant}/..`,
      `tenant/${on.tenant}/../${other}/${name1}`,
      `tenant/${on.tenant}/./${name1}`,
      `tenant/${on.tenant}/a/../${name1}`,
      `tenant/${on.tenant}/a\0b`,
      `tenant/${on.tenant}/\0`,
      `tenant/${on.tenant}/a\\b`,
      `tenant/${on.tenant}/a\n`,
      `tenant/${on.tenant}/é`,
      `tenant/${on.tenant}/${name1}.partial`,
      `tenant/${on.tenant}/${'a'.repeat(5000)}`,
    ];

    const expectRefused = async (at: BlobKey, as: OperationContext): Promise<void> => {
      let isPulled = false;
      const source: BlobSource = {
        [Symbol.asyncIterator]: () => {
          isPulled = true;
          return sourceOf(Buffer.from('x'))[Symbol.asyncIterator]();
        },
      };
      expect(await kindOf(on.driver.write(as, at, source, { sizeBytes: 1 }))).toBe('PermissionDenied');
      expect(await kindOf(on.driver.read(as, at))).toBe('PermissionDenied');
      expect(await kindOf(on.driver.stat(as, at))).toBe('PermissionDenied');
      expect(await kindOf(on.driver.delete(as, at))).toBe('PermissionDenied');
      expect(isPulled).toBe(false);
      expect(await on.leftovers()).toEqual([]);
    };

    it.each(hostile)('refuses %j by every method before the backend is touched', async (text) => {
      await expectRefused(text as BlobKey, on.ctx);
    });

    it.each(['', '.', '..', '../x', 'a/b', 'a\0'])('refuses the tenant id %j', async (id) => {
      const hostileTenant = tenantId(id);
      await expectRefused(blobKey(hostileTenant, blobId(name1)), contextOf(hostileTenant));
      expect(await kindOf(listingsOf(on.driver, contextOf(hostileTenant)))).toBe('PermissionDenied');
      expect(await on.driver.health(contextOf(hostileTenant))).toMatchObject({ isHealthy: false });
    });

    it('refuses whatever is not its own form', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 20 }), async (suffix) => {
          fc.pre(!/^[A-Za-z0-9_-]+$/.test(suffix));
          expect(await kindOf(on.driver.stat(on.ctx, `tenant/${on.tenant}/${suffix}` as BlobKey))).toBe(
            'PermissionDenied',
          );
        }),
      );
    });
  });
}
