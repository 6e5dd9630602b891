import type { CompletedPart } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import type { Held } from '../support/quotas';
import { Quotas } from '../support/quotas';
import { codeOf } from './raw-answer';
import { useS3 } from './s3-suite';

const RUNS = 6;
const KEYS = ['a', 'b', 'c'];

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly sizeBytes: number }
  | { readonly kind: 'copy'; readonly key: string; readonly from: string }
  | { readonly kind: 'delete' | 'deleteVersion'; readonly key: string }
  | { readonly kind: 'deleteBatch'; readonly keys: readonly string[] }
  | { readonly kind: 'versioning'; readonly state: 'Enabled' | 'Suspended' }
  | { readonly kind: 'part'; readonly key: string; readonly part: number; readonly sizeBytes: number }
  | { readonly kind: 'complete' | 'abort'; readonly key: string };

const key = fc.constantFrom(...KEYS);
const sizeBytes = fc.integer({ min: 0, max: 9_000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('put' as const), key, sizeBytes }), weight: 5 },
  { arbitrary: fc.record({ kind: fc.constant('copy' as const), key, from: key }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'deleteVersion' as const), key }), weight: 3 },
  {
    arbitrary: fc.record({ kind: fc.constant('deleteBatch' as const), keys: fc.array(key, { minLength: 1 }) }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('versioning' as const),
      state: fc.constantFrom('Enabled' as const, 'Suspended' as const),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({ kind: fc.constant('part' as const), key, part: fc.integer({ min: 1, max: 2 }), sizeBytes }),
    weight: 3,
  },
  { arbitrary: fc.record({ kind: fc.constantFrom('complete' as const, 'abort' as const), key }), weight: 2 },
);

describe('the counters of usage', () => {
  const suite = useS3({ workers: 2, config: { engine: { inlineMaxBytes: 4_096 } } });
  let quotas: Quotas;

  beforeAll(async () => {
    quotas = await Quotas.of(suite.vaultaire);
  });

  afterAll(async () => {
    await quotas.close();
  });

  /** One after the other; what S3 refuses (nothing there to be copied, a part too small) is part of the game. */
  async function play(bucket: string, steps: readonly Step[], uploads: Map<string, Upload>): Promise<void> {
    for (const each of steps) {
      await perform(bucket, each, uploads).catch((error: unknown) => {
        expect(['NoSuchKey', 'NoSuchUpload', 'EntityTooSmall', 'QuotaExceeded', 'InvalidPart']).toContain(
          codeOf(error),
        );
      });
    }
  }

  interface Upload {
    readonly UploadId: string | undefined;
    readonly parts: Map<number, { readonly sizeBytes: number; readonly part: CompletedPart }>;
  }

  async function perform(Bucket: string, each: Step, uploads: Map<string, Upload>): Promise<void> {
    switch (each.kind) {
      case 'put':
        await suite.s3.send(new PutObjectCommand({ Bucket, Key: each.key, Body: Buffer.alloc(each.sizeBytes) }));
        return;
      case 'copy':
        await suite.s3.send(
          new CopyObjectCommand({
            Bucket,
            Key: each.key,
            CopySource: `${Bucket}/${each.from}`,
            MetadataDirective: 'REPLACE',
          }),
        );
        return;
      case 'delete':
        await suite.s3.send(new DeleteObjectCommand({ Bucket, Key: each.key }));
        return;
      case 'deleteVersion': {
        const { Versions = [] } = await suite.s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: each.key }));
        const VersionId = Versions.at(-1)?.VersionId;
        if (VersionId !== undefined) {
          await suite.s3.send(new DeleteObjectCommand({ Bucket, Key: each.key, VersionId }));
        }
        return;
      }
      case 'deleteBatch': {
        const Objects = each.keys.map((Key) => ({ Key }));
        await suite.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
        return;
      }
      case 'versioning':
        await suite.s3.send(
          new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: each.state } }),
        );
        return;
      case 'part': {
        let upload = uploads.get(each.key);
        if (upload === undefined) {
          const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: each.key }));
          upload = { UploadId, parts: new Map() };
          uploads.set(each.key, upload);
        }
        const { UploadId, parts } = upload;
        const { part: PartNumber, sizeBytes } = each;
        const Body = Buffer.alloc(sizeBytes);
        const { ETag } = await suite.s3.send(
          new UploadPartCommand({ Bucket, Key: each.key, UploadId, PartNumber, Body }),
        );
        parts.set(PartNumber, { sizeBytes, part: { PartNumber, ETag } });
        return;
      }
      case 'complete': {
        const upload = uploads.get(each.key);
        // One part of the two: the other is given back.
        const Parts = [...(upload?.parts.values() ?? [])].slice(0, 1).map(({ part }) => part);
        if (upload === undefined || Parts.length === 0) return;
        const { UploadId } = upload;
        await suite.s3.send(
          new CompleteMultipartUploadCommand({ Bucket, Key: each.key, UploadId, MultipartUpload: { Parts } }),
        );
        uploads.delete(each.key);
        return;
      }
      case 'abort': {
        const UploadId = uploads.get(each.key)?.UploadId;
        if (UploadId === undefined) return;
        await suite.s3.send(new AbortMultipartUploadCommand({ Bucket, Key: each.key, UploadId }));
        uploads.delete(each.key);
      }
    }
  }

  /** What a client counts who lists everything. */
  async function listed(Bucket: string, uploads: ReadonlyMap<string, Upload>): Promise<Held> {
    const { Versions = [] } = await suite.s3.send(new ListObjectVersionsCommand({ Bucket }));
    const versions = Versions.reduce((sum, { Size = 0 }) => sum + Size, 0);
    const parts = [...uploads.values()].flatMap((upload) => [...upload.parts.values()]);
    return { bytes: parts.reduce((sum, part) => sum + part.sizeBytes, versions), artifacts: Versions.length };
  }

  it('say what a listing adds up to, whatever was done one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const bucket = await suite.newBucket();
        const uploads = new Map<string, Upload>();
        await play(bucket, steps, uploads);
        expect(await quotas.held(bucket)).toEqual(await listed(bucket, uploads));
        expect(await quotas.drift()).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  it('never drift and never exceed a quota, whatever is done at the same time', async () => {
    const MAX = { bytes: 60_000, artifacts: 12 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 5, maxLength: 15 }), { minLength: 6, maxLength: 6 }),
        async (clients) => {
          const bucket = await suite.newBucket();
          await quotas.ofBucket(bucket, { bytes: { hard: MAX.bytes }, artifacts: { hard: MAX.artifacts } });
          const isDone = Promise.all(clients.map((steps) => play(bucket, steps, new Map()))).then(() => true);
          while (!(await Promise.race([isDone, quotas.held(bucket).then(assertWithin)])));
          assertWithin(await quotas.held(bucket));
          expect(await quotas.drift()).toEqual([]);
        },
      ),
      { numRuns: RUNS },
    );
    // Locks are taken in one order everywhere.
    expect(
      await quotas.query('SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()'),
    ).toEqual([{ deadlocks: 0 }]);

    function assertWithin({ bytes, artifacts }: Held): false {
      expect(bytes).toBeLessThanOrEqual(MAX.bytes);
      expect(artifacts).toBeLessThanOrEqual(MAX.artifacts);
      return false;
    }
  }, 120_000);
});
