import { randomUUID } from 'node:crypto';
import { blobId, blobKey, tenantId } from '../../src/context/ids';
import type { BlobKey } from '../../src/context/ids';
import { contextOf, listingsOf, sourceOf } from './driver-calls';
import type { DriverSubject } from './driver-subject';

/** Holds a driver to what it promises of listings. */
export function describeList(on: DriverSubject): void {
  describe('list', () => {
    it('yields nothing for a tenant without blobs', async () => {
      expect(await listingsOf(on.driver, on.ctx)).toEqual([]);
    });

    it('yields each blob of the tenant once, and none of another', async () => {
      const other = tenantId(randomUUID());
      await on.driver.write(contextOf(other), blobKey(other, blobId(randomUUID())), sourceOf(Buffer.from('x')), {
        sizeBytes: 1,
      });
      const sizes = new Map<BlobKey, number>();
      await Promise.all(
        Array.from({ length: 1500 }, async (_, index) => {
          const at = on.newKey();
          sizes.set(at, index % 7);
          await on.write(Buffer.alloc(index % 7), at);
        }),
      );
      const listings = await listingsOf(on.driver, on.ctx);
      expect(listings).toHaveLength(1500);
      for (const { key: listed, sizeBytes, isPartial } of listings) {
        expect(isPartial).toBe(false);
        expect(sizes.get(listed)).toBe(sizeBytes);
        sizes.delete(listed);
      }
      expect(sizes.size).toBe(0);
      expect(await listingsOf(on.driver, contextOf(other))).toHaveLength(1);
    }, 60_000);

    it('bears blobs that come and go, and a reader that stops early', async () => {
      const keys = Array.from({ length: 50 }, () => on.newKey());
      for (const at of keys) await on.write(Buffer.from('x'), at);
      const before = on.openHandles();
      let seen = 0;
      for await (const { key: listed } of on.driver.list(on.ctx)) {
        await on.driver.delete(on.ctx, listed);
        await on.write(Buffer.from('y'), on.newKey());
        seen += 1;
        if (seen === 25) break;
      }
      expect(seen).toBe(25);
      for (let round = 0; round < 200 && on.openHandles() > before; round += 1)
        await on.driver.stat(on.ctx, on.key).catch(String);
      expect(on.openHandles()).toBeLessThanOrEqual(before);
    });
  });
}
