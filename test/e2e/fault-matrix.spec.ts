import type { S3Client } from '@aws-sdk/client-s3';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import type { MirroredVaultaire } from '../support/mirrored-vaultaire';
import { startMirrored } from '../support/mirrored-vaultaire';
import type { SimulatedFault, SimulatedOperation } from '../support/s3-simulator/simulator-quirks';
import { until } from '../support/until';

jest.setTimeout(60_000);

const KIB = 1024;
/** Long enough for a backend that is well, on a busy machine. */
const STALL_MS = 800;
const CONFIG = {
  placements: {
    default: { driver: 'three' },
    single: { driver: 'one' },
    mirrored: { drivers: ['one', 'two'], quorum: 1 },
    second: { driver: 'two' },
    strict: { drivers: ['one', 'two'] },
  },
  engine: { inlineMaxBytes: 0, slowCopySeconds: 1, repairIntervalSeconds: 1 },
  storageClasses: { SINGLE: 'single', SECOND: 'second', MIRRORED: 'mirrored', STRICT: 'strict' },
};

const WRITES = ['put', 'multipart upload'] as const;
const READS = ['get', 'range', 'copy', 'part copy'] as const;
const OPERATIONS = [...WRITES, ...READS, 'head', 'list', 'delete'] as const;
type Operation = (typeof OPERATIONS)[number];

/** `broken`: less than all bytes, and no end. 503 is with a `Retry-After`. */
type Outcome = 'ok' | '503' | '403 InvalidObjectState' | '500 InternalError' | 'broken' | 'wrong bytes';

interface FaultCase {
  readonly name: string;
  readonly fault: SimulatedFault;
  /** Requests that it hits. */
  readonly hits: readonly SimulatedOperation[];
  /** Of an operation that has nothing else to turn to. */
  readonly alone: (operation: Operation) => Outcome | readonly Outcome[];
  /** Of one that has, and turned to this one first; default: all end well. */
  readonly elsewhere?: (operation: Operation) => readonly Outcome[];
}

const PUTS: readonly SimulatedOperation[] = ['PutObject', 'CreateMultipartUpload', 'UploadPart', 'HeadObject'];
const GETS: readonly SimulatedOperation[] = ['GetObject'];
const ALL = [...PUTS, ...GETS, 'DeleteObject', 'CopyObject'] as const;
/** Keys that are there before, and those that come of an operation. */
const KEPT = ['put', 'multipart upload', 'get', 'range', 'copy source', 'part copy source', 'head', 'delete'];
const MADE = ['copy', 'part copy'];
const isOneOf = (operations: readonly Operation[], operation: Operation): boolean => operations.includes(operation);
const touched = [...WRITES, ...READS];
const unavailable = (operation: Operation): Outcome => (isOneOf(touched, operation) ? '503' : 'ok');
const refusedWrites = (operation: Operation): Outcome => (isOneOf(WRITES, operation) ? '503' : 'ok');
/** A body that has begun can only be broken off; what the gateway copies by itself is an error like any other. */
const brokenBody = (operation: Operation): Outcome => {
  if (operation === 'get' || operation === 'range') return 'broken';
  return isOneOf(READS, operation) ? '503' : 'ok';
};

const corruptBody = (operation: Operation): readonly Outcome[] => {
  // A part of an object has no checksum that could be looked at, with any backend.
  if (operation === 'range') return ['wrong bytes'];
  return operation === 'copy' || operation === 'part copy' ? ['500 InternalError', '503'] : [brokenBody(operation)];
};

const FAULTS: readonly FaultCase[] = [
  { name: 'latency', fault: { do: 'delay', ms: 50 }, hits: ALL, alone: () => 'ok' },
  { name: 'stall', fault: { do: 'stall' }, hits: ALL, alone: unavailable },
  { name: 'connection reset', fault: { do: 'reset', afterBytes: 0 }, hits: ALL, alone: unavailable },
  {
    name: 'reset in the middle of what is sent',
    fault: { do: 'reset', afterBytes: 70 * KIB },
    hits: PUTS,
    alone: refusedWrites,
  },
  { name: '500', fault: { do: 'answer', status: 500, code: 'InternalError' }, hits: ALL, alone: unavailable },
  {
    name: '503 with Retry-After',
    fault: { do: 'answer', status: 503, code: 'SlowDown', retryAfterSeconds: 7 },
    hits: ALL,
    alone: unavailable,
  },
  {
    name: '403 of a wrong region',
    fault: { do: 'answer', status: 403, code: 'AccessDenied' },
    hits: ALL,
    alone: unavailable,
  },
  {
    name: '403 of an archived object',
    fault: { do: 'answer', status: 403, code: 'InvalidObjectState' },
    hits: GETS,
    alone: (operation) => (isOneOf(READS, operation) ? '403 InvalidObjectState' : 'ok'),
  },
  {
    name: 'reset in the middle of what is read',
    fault: { do: 'reset-body', afterBytes: 70 * KIB },
    hits: GETS,
    alone: brokenBody,
  },
  { name: 'truncated body', fault: { do: 'truncate-body', afterBytes: 70 * KIB }, hits: GETS, alone: brokenBody },
  {
    name: 'stall in the middle of what is read',
    fault: { do: 'stall-body', afterBytes: 70 * KIB },
    hits: GETS,
    alone: brokenBody,
  },
  {
    name: 'corrupt byte in what is read',
    fault: { do: 'corrupt' },
    hits: GETS,
    alone: corruptBody,
    // Found with the last piece: where none was handed on before, the other copy takes over, else whoever comes again is given that.
    elsewhere: (operation) => (operation === 'range' ? corruptBody(operation) : ['ok', ...corruptBody(operation)]),
  },
  { name: 'corrupt byte in what is kept', fault: { do: 'corrupt' }, hits: PUTS, alone: refusedWrites },
];

class WrongBytes extends Error {}

describe('faults of backends', () => {
  let mirrored: MirroredVaultaire;
  let s3: S3Client;
  const Bucket = 'faults';
  const before = randomBytes(200 * KIB);
  const after = randomBytes(200 * KIB);

  beforeAll(async () => {
    mirrored = await startMirrored(CONFIG, { stallMs: STALL_MS });
    s3 = mirrored.vaultaire.s3Client();
    await s3.send(new CreateBucketCommand({ Bucket }));
  });
  afterAll(async () => {
    await mirrored.stop();
  });

  const put = (Key: string, Body: Buffer, storageClass: string) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, StorageClass: storageClass as 'STANDARD' }));
  const get = async (Key: string, Range?: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, Range }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };

  async function upload(
    Key: string,
    storageClass: string,
    part: (target: object) => Promise<string | undefined>,
  ): Promise<void> {
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ Bucket, Key, StorageClass: storageClass as 'STANDARD' }),
    );
    const ETag = await part({ Bucket, Key, UploadId, PartNumber: 1 });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
  }

  /** What each operation does to keys of its own, on the placement of a storage class. */
  const operations = (storageClass: string): Readonly<Record<Operation, () => Promise<unknown>>> => ({
    put: () => put('put', after, storageClass),
    'multipart upload': () =>
      upload('multipart upload', storageClass, async (target) => {
        const command = new UploadPartCommand({
          ...(target as { Bucket: string; Key: string; UploadId: string; PartNumber: number }),
          Body: after,
        });
        return (await s3.send(command)).ETag;
      }),
    get: async () => {
      if (!(await get('get')).equals(before)) throw new WrongBytes();
    },
    range: async () => {
      const range = await get('range', `bytes=1000-${String(190 * KIB)}`);
      if (!range.equals(before.subarray(1000, 190 * KIB + 1))) throw new WrongBytes();
    },
    copy: () => s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/copy source` })),
    'part copy': () =>
      upload('part copy', 'STANDARD', async (target) => {
        const command = new UploadPartCopyCommand({
          ...(target as { Bucket: string; Key: string; UploadId: string; PartNumber: number }),
          CopySource: `${Bucket}/part copy source`,
        });
        return (await s3.send(command)).CopyPartResult?.ETag;
      }),
    head: async () => {
      expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'head' }))).ContentLength).toBe(before.length);
    },
    list: async () => {
      expect((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents?.length).toBeGreaterThan(5);
    },
    delete: () => s3.send(new DeleteObjectCommand({ Bucket, Key: 'delete' })),
  });

  async function outcomeOf(request: () => Promise<unknown>): Promise<string> {
    try {
      await request();
      return 'ok';
    } catch (error) {
      if (!(error instanceof S3ServiceException)) {
        return error instanceof WrongBytes ? 'wrong bytes' : 'broken';
      }
      const status = error.$metadata.httpStatusCode ?? 0;
      if (status !== 503) return `${String(status)} ${error.name}`;
      return Number(error.$response?.headers['retry-after']) > 0 ? '503' : '503 without Retry-After';
    }
  }

  /** No more faults; the breakers have closed again. */
  async function lift(): Promise<void> {
    for (const simulator of [mirrored.one, mirrored.two]) simulator.faults = () => undefined;
    for (const only of ['SINGLE', 'SECOND']) {
      await until('the driver is well', async () => (await outcomeOf(() => put('well', before, only))) === 'ok');
    }
  }

  const SCENES = [
    { scene: 'the only copy', storageClass: 'SINGLE', hit: ['one'], isFirst: true, hasOthers: false, hasQuorum: false },
    {
      scene: 'the first of two copies',
      storageClass: 'MIRRORED',
      hit: ['one'],
      isFirst: true,
      hasOthers: true,
      hasQuorum: true,
    },
    {
      scene: 'the second of two copies that must be',
      storageClass: 'STRICT',
      hit: ['two'],
      isFirst: false,
      hasOthers: true,
      hasQuorum: false,
    },
    {
      scene: 'both of two copies',
      storageClass: 'MIRRORED',
      hit: ['one', 'two'],
      isFirst: true,
      hasOthers: false,
      hasQuorum: false,
    },
  ] as const;

  describe.each(SCENES)('that hit $scene', ({ storageClass, hit, isFirst, hasOthers, hasQuorum }) => {
    it.each(FAULTS)('$name', async ({ fault, hits, alone, elsewhere }) => {
      await Promise.all([
        ...KEPT.map((key) => put(key, before, storageClass)),
        ...MADE.map((Key) => s3.send(new DeleteObjectCommand({ Bucket, Key }))),
      ]);

      for (const name of hit) {
        mirrored[name].faults = ({ operation }) => (hits.includes(operation) ? fault : undefined);
      }
      const run = operations(storageClass);
      const results = OPERATIONS.map(async (operation) => [operation, await outcomeOf(run[operation])] as const);
      const outcomes: Partial<Record<string, string>> = Object.fromEntries(await Promise.all(results));
      const expected = OPERATIONS.map((operation) => {
        const isSafe = isOneOf(WRITES, operation) ? hasQuorum : hasOthers;
        const instead = isFirst ? elsewhere?.(operation) : undefined;
        const allowed = isSafe ? (instead ?? 'ok') : alone(operation);
        const outcome = outcomes[operation] ?? '';
        return [operation, [allowed].flat().some((one) => one === outcome) ? outcome : allowed];
      });
      await lift();
      expect(outcomes).toEqual(Object.fromEntries(expected));

      // What was acknowledged is there whole, and what was refused is not there at all.
      for (const key of WRITES)
        expect([key, (await get(key)).equals(outcomes[key] === 'ok' ? after : before)]).toEqual([key, true]);
      for (const key of MADE) {
        if (outcomes[key] === 'ok') expect([key, (await get(key)).equals(before)]).toEqual([key, true]);
        else expect([key, await outcomeOf(() => get(key))]).toEqual([key, '404 NoSuchKey']);
      }
    });
  });
});
