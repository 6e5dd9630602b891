import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import type { CommitLock, CrashSuite } from './crash-suite';
import { etagOf, LARGE_BYTES, SMALL_BYTES } from './crash-suite';
import { SlowUpload } from './slow-upload';
import type { UploadTarget } from './slow-upload';

/** What is to be interrupted, on a key of its own. */
export interface Operation {
  readonly name: string;
  /** Bytes of its body that go to the driver; 0: none, or they are kept inline. */
  readonly driverBytes: number;
  readonly hasBody: boolean;
  prepare(suite: CrashSuite, key: string): Promise<Prepared>;
}

export type Outcome = 'before' | 'after' | 'neither';

export interface Prepared {
  /** What {@link CrashSuite.hold} is to lock so that the commit waits. */
  readonly lock: CommitLock;
  begin(): Promise<InFlight>;
  /** Whether things are as before the operation or as after it; `neither` must never be. */
  outcome(): Promise<Outcome>;
  /** What a client does next that has no answer: it tries again. Rejects, or leaves the outcome `after`. */
  retry(): Promise<unknown>;
}

/** A request that was sent; one with a body waits for it. */
export interface InFlight {
  sendHalf(): Promise<void>;
  sendRest(): void;
  /** Undefined when there was no answer. */
  readonly status: Promise<number | undefined>;
}

export const OPERATIONS: readonly Operation[] = [
  putObject('a new small object', undefined, SMALL_BYTES),
  putObject('a new large object', undefined, LARGE_BYTES),
  putObject('a small object over a large one', LARGE_BYTES, SMALL_BYTES),
  putObject('a large object over a small one', SMALL_BYTES, LARGE_BYTES),
  {
    name: 'a part over another',
    driverBytes: LARGE_BYTES,
    hasBody: true,
    async prepare(suite, key) {
      const [before, after] = [randomBytes(LARGE_BYTES), randomBytes(LARGE_BYTES)];
      const target = { Bucket: suite.bucket, Key: key };
      const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
      const part = { ...target, UploadId, PartNumber: 1 };
      await suite.s3.send(new UploadPartCommand({ ...part, Body: before }));
      return {
        lock: { uploadId: UploadId ?? '' },
        begin: () => SlowUpload.begin(suite.s3, part, after),
        outcome: async () => {
          const { Parts } = await suite.s3.send(new ListPartsCommand({ ...target, UploadId }));
          return compare(Parts?.[0]?.ETag, etagOf(before), etagOf(after));
        },
        retry: async () => {
          await uploadWhole(suite, part, after);
          const { Parts = [] } = await suite.s3.send(new ListPartsCommand({ ...target, UploadId }));
          const MultipartUpload = { Parts: Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) };
          await suite.s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }));
          expect((await suite.get(key))?.equals(after)).toBe(true);
          // The upload is over, and so is what `outcome` looks at.
          const again = await suite.s3.send(new CreateMultipartUploadCommand(target));
          expect(again.UploadId).not.toBe(UploadId);
        },
      };
    },
  },
  {
    name: 'the completion of an upload over an object',
    driverBytes: 0,
    hasBody: false,
    async prepare(suite, key) {
      const [before, ...parts] = [LARGE_BYTES, 5 * 1024 * 1024, SMALL_BYTES].map((size) => randomBytes(size));
      const target = { Bucket: suite.bucket, Key: key };
      await suite.put(key, before ?? Buffer.alloc(0));
      const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
      const Parts = await Promise.all(
        parts.map(async (Body, at) => {
          const PartNumber = at + 1;
          const { ETag } = await suite.s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }));
          return { PartNumber, ETag };
        }),
      );
      const complete = (): Promise<unknown> =>
        suite.s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
      return {
        lock: { key },
        begin: async () => bodiless(complete),
        outcome: async () => compareBytes(await suite.get(key), before, Buffer.concat(parts)),
        retry: complete,
      };
    },
  },
  {
    name: 'a delete',
    driverBytes: 0,
    hasBody: false,
    async prepare(suite, key) {
      const before = randomBytes(LARGE_BYTES);
      await suite.put(key, before);
      const remove = (): Promise<unknown> => suite.s3.send(new DeleteObjectCommand({ Bucket: suite.bucket, Key: key }));
      return {
        lock: { key },
        begin: async () => bodiless(remove),
        outcome: async () => compareBytes(await suite.get(key), before, undefined),
        retry: remove,
      };
    },
  },
  {
    name: 'a copy over an object',
    driverBytes: 0,
    hasBody: false,
    async prepare(suite, key) {
      const [before, after] = [randomBytes(SMALL_BYTES), randomBytes(LARGE_BYTES)];
      await suite.put(key, before);
      await suite.put(`${key}-source`, after);
      const copy = (): Promise<unknown> =>
        suite.s3.send(
          new CopyObjectCommand({
            Bucket: suite.bucket,
            Key: key,
            CopySource: `${suite.bucket}/${encodeURIComponent(`${key}-source`)}`,
          }),
        );
      return {
        lock: { key },
        begin: async () => bodiless(copy),
        outcome: async () => compareBytes(await suite.get(key), before, after),
        retry: copy,
      };
    },
  },
];

function putObject(name: string, beforeBytes: number | undefined, afterBytes: number): Operation {
  return {
    name,
    driverBytes: afterBytes === SMALL_BYTES ? 0 : afterBytes,
    hasBody: true,
    async prepare(suite, key) {
      const before = beforeBytes === undefined ? undefined : randomBytes(beforeBytes);
      const after = randomBytes(afterBytes);
      if (before !== undefined) await suite.put(key, before);
      const target = { Bucket: suite.bucket, Key: key };
      return {
        lock: { key },
        begin: () => SlowUpload.begin(suite.s3, target, after),
        outcome: async () => compareBytes(await suite.get(key), before, after),
        retry: () => uploadWhole(suite, target, after),
      };
    },
  };
}

async function uploadWhole(suite: CrashSuite, target: UploadTarget, bytes: Buffer): Promise<void> {
  const upload = await SlowUpload.begin(suite.s3, target, bytes);
  await upload.sendHalf();
  upload.sendRest();
  expect(await upload.status).toBe(200);
}

function bodiless(send: () => Promise<unknown>): InFlight {
  return {
    sendHalf: () => Promise.resolve(),
    sendRest: () => undefined,
    status: send().then(
      () => 200,
      () => undefined,
    ),
  };
}

function compare(seen: string | undefined, before: string | undefined, after: string | undefined): Outcome {
  if (seen === before) return 'before';
  return seen === after ? 'after' : 'neither';
}

function compareBytes(seen: Buffer | undefined, before: Buffer | undefined, after: Buffer | undefined): Outcome {
  const digest = (bytes: Buffer | undefined): string | undefined => (bytes === undefined ? undefined : etagOf(bytes));
  return compare(digest(seen), digest(before), digest(after));
}
