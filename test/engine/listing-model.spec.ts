import fc from 'fast-check';
import type { ContainerName } from '../../src/context/ids';
import { compareKeys } from '../../src/engine/listing/key-order';
import type { PlannedVersion, StoredVersion } from './listing-database';
import { ListingDatabase } from './listing-database';
import type { ShownPage } from './listing-model';
import { above, byKey, delimiter, entriesOf, key, pageSize, pagesOf, prefix } from './listing-model';

const RUNS = 150;
const KEPT: readonly PlannedVersion[] = [{ isNullVersion: true, isDeleteMarker: false }];
const DELETED: readonly PlannedVersion[] = [
  { isNullVersion: false, isDeleteMarker: false },
  { isNullVersion: false, isDeleteMarker: true },
];

/** Versions of a key, oldest first; at most one is the null version. */
const versionsOfKey: fc.Arbitrary<readonly PlannedVersion[]> = fc
  .tuple(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 8 }))
  .map(([areMarkers, nullAt]) =>
    areMarkers.map((isDeleteMarker, at) => ({ isDeleteMarker, isNullVersion: at === nullAt })),
  );

describe('listings equal those of a naive model', () => {
  let database: ListingDatabase;

  beforeAll(async () => {
    database = await ListingDatabase.open();
  }, 60_000);

  afterAll(async () => {
    await database.close();
  });

  /** Every page from `after` to the end. */
  async function listAll(container: ContainerName, asked: Asked, after: string): Promise<ShownPage[]> {
    const pages: ShownPage[] = [];
    for (let next: string | undefined = after; next !== undefined;) {
      const page = await database.listing.list(database.ctx, { container, ...asked, hasRestores: false, after: next });
      expect(page.nextAfter === undefined).toBe(!page.isTruncated);
      pages.push({
        items: page.artifacts.map((artifact) => artifact.key),
        commonPrefixes: page.commonPrefixes,
        isTruncated: page.isTruncated,
      });
      next = page.nextAfter;
    }
    return pages;
  }

  async function listAllVersions(container: ContainerName, asked: Asked, start: VersionMarker): Promise<ShownPage[]> {
    const pages: ShownPage[] = [];
    for (let next: VersionMarker | undefined = start; next !== undefined;) {
      const page = await database.listing.listVersions(database.ctx, {
        container,
        ...asked,
        hasRestores: false,
        ...next,
      });
      pages.push({
        items: page.versions.map(({ key, versionId, isLatest, isDeleteMarker }) =>
          JSON.stringify([key, versionId, isLatest, isDeleteMarker]),
        ),
        commonPrefixes: page.commonPrefixes,
        isTruncated: page.isTruncated,
      });
      next = page.isTruncated
        ? { keyMarker: page.nextKeyMarker ?? '', versionIdMarker: page.nextVersionIdMarker }
        : undefined;
    }
    return pages;
  }

  async function listAllUploads(container: ContainerName, asked: Asked, start: UploadMarker): Promise<ShownPage[]> {
    const pages: ShownPage[] = [];
    for (let next: UploadMarker | undefined = start; next !== undefined;) {
      const page = await database.uploads.listUploads(database.ctx, {
        container,
        ...asked,
        maxUploads: asked.maxKeys,
        ...next,
      });
      pages.push({
        items: page.uploads.map(({ key, uploadId }) => JSON.stringify([key, uploadId])),
        commonPrefixes: page.commonPrefixes,
        isTruncated: page.isTruncated,
      });
      next = page.isTruncated
        ? { keyMarker: page.nextKeyMarker ?? '', uploadIdMarker: page.nextUploadIdMarker ?? '' }
        : undefined;
    }
    return pages;
  }

  it('for keys, from any marker, to the last page', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 30 }),
        fc.uniqueArray(key, { maxLength: 4 }),
        fc.array(fc.record({ prefix, delimiter, maxKeys: pageSize }), { minLength: 1, maxLength: 4 }),
        fc.option(key, { nil: undefined }),
        async (keys, deletedKeys, questions, anyMarker) => {
          const plan = new Map([
            ...deletedKeys.map((text) => [text, DELETED] as const),
            ...keys.map((text) => [text, KEPT] as const),
          ]);
          const { container } = await database.containerOf(plan);
          const sorted = keys.map((text) => ({ key: text })).sort(byKey);
          for (const asked of questions) {
            const entries = entriesOf(sorted, asked);
            for (const marker of new Set(['', anyMarker ?? '', keys[0] ?? '', `${asked.prefix}${asked.delimiter}`])) {
              expect(await listAll(container, asked, marker)).toEqual(
                pagesOf(above(entries, marker), asked.maxKeys, (item) => item.key),
              );
            }
          }
        },
      ),
      { numRuns: RUNS },
    );
  }, 120_000);

  it('for versions and delete markers, newest first within a key', async () => {
    const show = ({ key: text, versionId, isLatest, isDeleteMarker }: StoredVersion): string =>
      JSON.stringify([text, versionId, isLatest, isDeleteMarker]);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(key, versionsOfKey), { selector: ([text]) => text, maxLength: 15 }),
        fc.array(fc.record({ prefix, delimiter, maxKeys: pageSize }), { minLength: 1, maxLength: 4 }),
        key,
        fc.nat(),
        async (planned, questions, anyMarker, pick) => {
          const { container, versions } = await database.containerOf(new Map(planned));
          const sorted = versions.toSorted((a, b) => byKey(a, b) || (a.id < b.id ? 1 : -1));
          for (const asked of questions) {
            const entries = entriesOf(sorted, asked);
            for (const keyMarker of new Set(['', anyMarker, versions[0]?.key ?? ''])) {
              expect(await listAllVersions(container, asked, { keyMarker, versionIdMarker: undefined })).toEqual(
                pagesOf(above(entries, keyMarker), asked.maxKeys, show),
              );
            }
            const at = entries.length === 0 ? -1 : pick % entries.length;
            const chosen = entries[at];
            if (chosen === undefined || !('item' in chosen)) continue;
            const start = { keyMarker: chosen.item.key, versionIdMarker: chosen.item.versionId };
            expect(await listAllVersions(container, asked, start)).toEqual(
              pagesOf(entries.slice(at + 1), asked.maxKeys, show),
            );
          }
        },
      ),
      { numRuns: RUNS },
    );
  }, 120_000);

  it('for uploads in progress, oldest first within a key', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(key, { maxLength: 20 }),
        fc.array(fc.record({ prefix, delimiter, maxKeys: pageSize }), { minLength: 1, maxLength: 4 }),
        key,
        async (keys, questions, anyMarker) => {
          const { container, uploads } = await database.containerOfUploads([...keys, ...keys.slice(0, 5)]);
          const sorted = uploads.toSorted((a, b) => byKey(a, b) || compareKeys(a.id, b.id));
          for (const asked of questions) {
            const entries = entriesOf(sorted, asked);
            for (const keyMarker of new Set(['', anyMarker, keys[0] ?? ''])) {
              expect(await listAllUploads(container, asked, { keyMarker, uploadIdMarker: '' })).toEqual(
                pagesOf(above(entries, keyMarker), asked.maxKeys, ({ key: text, id }) => JSON.stringify([text, id])),
              );
            }
          }
        },
      ),
      { numRuns: RUNS },
    );
  }, 120_000);
});

interface Asked {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
}

interface VersionMarker {
  readonly keyMarker: string;
  readonly versionIdMarker: string | undefined;
}

interface UploadMarker {
  readonly keyMarker: string;
  readonly uploadIdMarker: string;
}
