import type { S3Client } from '@aws-sdk/client-s3';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
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
import { blobsOn, startMirrored } from '../support/mirrored-vaultaire';
import type { S3Simulator } from '../support/s3-simulator/s3-simulator';
import { md5 } from '../support/s3-simulator/simulated-store';
import type { SeenRequest, SimulatedFault } from '../support/s3-simulator/simulator-quirks';
import { StoredState } from '../support/stored-state';
import { until } from '../support/until';

const KIB = 1024;
const Bucket = 'matrix';

const CONFIG = {
  placements: {
    default: { drivers: ['one', 'two'], quorum: 1 },
    both: { drivers: ['one', 'two'], quorum: 2 },
    reversed: { drivers: ['two', 'one'], quorum: 1 },
  },
  storageClasses: { BOTH: 'both', REVERSED: 'reversed' },
};

/** Every layer of a remote driver is at work, but the breaker: what one cell does must not show in the next. */
const DRIVER = {
  stallMs: 400,
  resilience: {
    maxAttempts: 2,
    firstDelayMs: 1,
    maxDelayMs: 10,
    callTimeoutMs: 2_000,
    writeStallMs: 5_000,
    breaker: { windowCalls: 10_000, minCalls: 10_000 },
  },
  parallelReads: { thresholdBytes: KIB * KIB, rangeBytes: 256 * KIB, maxRanges: 3, hedgeAfterMs: 60_000 },
};

const OPERATIONS = [
  'PUT',
  'PUT with a quorum of both',
  'GET',
  'GET in parallel ranges',
  'GET of a range',
  'HEAD',
  'DELETE',
  'copy to another placement',
  'copy of a part',
  'multipart upload',
  'list',
] as const;
type Operation = (typeof OPERATIONS)[number];

/** Operations with an object of their own; the others look at that of GET. */
const PREPARED = [
  'PUT',
  'PUT with a quorum of both',
  'GET',
  'GET in parallel ranges',
  'GET of a range',
  'DELETE',
  'copy to another placement',
  'copy of a part',
] as const satisfies readonly Operation[];
/** Their results are kept to the end. */
const WRITES = [
  'PUT',
  'PUT with a quorum of both',
  'copy to another placement',
  'copy of a part',
  'multipart upload',
] as const satisfies readonly Operation[];
const COPIES = ['copy to another placement', 'copy of a part'] as const satisfies readonly Operation[];
const READS = ['GET', 'GET in parallel ranges', 'GET of a range'] as const satisfies readonly Operation[];

/**
 * How an operation ends for its client: well, that is with the right bytes; refused with 503 and `Retry-After`; refused because of the
 * archive; refused with 500; or with a body that breaks before its last byte.
 */
type Ending = 'done' | '503' | 'InvalidObjectState' | 'InternalError' | 'broken';
type Endings = Partial<Record<Operation, Ending>>;

interface Part {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
  readonly PartNumber: number;
}

interface FaultCase {
  readonly name: string;
  /** Undefined: the request is not of a kind that the fault hits. */
  readonly hit: (request: SeenRequest) => SimulatedFault | undefined;
  /** What is not `done` while one backend has it and the other is well. */
  readonly one: Endings;
  /** What is not `done` when the first request of each kind for each blob meets it, on both backends. Undefined: not tried. */
  readonly bothOnce?: Endings;
  /** What is not `done` while both have it. */
  readonly both: Endings;
}

/** What clients ask for. There is no checksum of a range, so that nothing tells of a wrong byte in one but `driver verify`. */
const RANGE = 'bytes=100-90099';

const copyOf = (key: string): string => `${key}, copied`;

const isRead = ({ operation }: SeenRequest): boolean => operation === 'GetObject';
const carriesBytes = ({ operation }: SeenRequest): boolean => operation === 'PutObject' || operation === 'UploadPart';

const of = (ending: Ending, ...operations: readonly Operation[]): Endings =>
  Object.fromEntries(operations.map((operation) => [operation, ending]));

const FAULTS: readonly FaultCase[] = [
  { name: 'latency', hit: () => ({ do: 'delay', ms: 30 }), one: {}, both: {} },
  {
    name: '500',
    hit: () => ({ do: 'answer', status: 500, code: 'InternalError' }),
    one: of('503', 'PUT with a quorum of both'),
    bothOnce: {},
    both: of('503', ...WRITES, ...READS),
  },
  {
    name: 'a reset in the middle of the body',
    hit: (request) => {
      if (isRead(request)) return { do: 'reset-body', afterBytes: 1000 };
      return carriesBytes(request) ? { do: 'reset', afterBytes: 1000 } : undefined;
    },
    one: of('503', 'PUT with a quorum of both'),
    bothOnce: {},
    both: { ...of('503', ...WRITES), ...of('broken', ...READS) },
  },
  {
    name: 'a stall',
    hit: () => ({ do: 'stall' }),
    one: of('503', 'PUT with a quorum of both'),
    bothOnce: {},
    both: of('503', ...WRITES, ...READS),
  },
  {
    name: 'a stall in the middle of the body',
    hit: (request) => (isRead(request) ? { do: 'stall-body', afterBytes: 1000 } : undefined),
    one: {},
    both: { ...of('broken', ...READS), ...of('503', ...COPIES) },
  },
  {
    name: 'a truncated body',
    hit: (request) => (isRead(request) ? { do: 'truncate-body', afterBytes: 1000 } : undefined),
    one: {},
    both: { ...of('broken', ...READS), ...of('503', ...COPIES) },
  },
  {
    name: '503 with a Retry-After that is waited for',
    hit: () => ({ do: 'answer', status: 503, code: 'SlowDown', retryAfterSeconds: 0 }),
    one: of('503', 'PUT with a quorum of both'),
    bothOnce: {},
    both: of('503', ...WRITES, ...READS),
  },
  {
    name: '503 with a Retry-After that is passed on',
    hit: () => ({ do: 'answer', status: 503, code: 'ServiceUnavailable', retryAfterSeconds: 7 }),
    one: of('503', 'PUT with a quorum of both'),
    both: of('503', ...WRITES, ...READS),
  },
  {
    name: '403 of a wrong region',
    hit: () => ({ do: 'answer', status: 403, code: 'AccessDenied' }),
    one: of('503', 'PUT with a quorum of both'),
    both: of('503', ...WRITES, ...READS),
  },
  {
    name: '403 of an archived object',
    hit: (request) => (isRead(request) ? { do: 'answer', status: 403, code: 'InvalidObjectState' } : undefined),
    one: {},
    both: of('InvalidObjectState', ...COPIES, ...READS),
  },
  {
    name: 'a corrupt byte',
    hit: (request) =>
      (isRead(request) && request.headers.range !== RANGE) || carriesBytes(request) ? { do: 'corrupt' } : undefined,
    one: { ...of('503', 'PUT with a quorum of both'), ...of('broken', 'GET in parallel ranges') },
    bothOnce: { ...of('broken', 'GET'), ...of('InternalError', ...COPIES) },
    both: {
      ...of('503', 'PUT', 'PUT with a quorum of both', 'multipart upload'),
      ...of('InternalError', ...COPIES),
      ...of('broken', 'GET', 'GET in parallel ranges'),
    },
  },
];

/** What Node.js says of an answer that ended before its `Content-Length`. */
const BROKEN = /aborted$|socket hang up$/;

const SCOPES = { one: 'at one backend', bothOnce: 'at both backends, once', both: 'at both backends' } as const;
const CELLS = FAULTS.flatMap(({ name, hit, ...expected }) =>
  (['one', 'bothOnce', 'both'] as const).flatMap((scope) => {
    const exceptions = expected[scope];
    return exceptions === undefined ? [] : [{ title: `${name} ${SCOPES[scope]}`, hit, scope, exceptions }];
  }),
);

jest.setTimeout(30_000);

describe('a matrix of faults and operations', () => {
  let mirrored: MirroredVaultaire;
  let s3: S3Client;
  let state: StoredState;
  /** What was acknowledged, by key. */
  const acknowledged = new Map<string, Buffer>();
  let round = 0;

  beforeAll(async () => {
    mirrored = await startMirrored(CONFIG, { driver: DRIVER });
    state = await StoredState.of(mirrored.vaultaire);
    // The gateway has to notice wrong bytes by itself.
    s3 = mirrored.vaultaire.s3Client({ responseChecksumValidation: 'WHEN_REQUIRED' });
    await s3.send(new CreateBucketCommand({ Bucket }));
    // The first of everything takes longer than the stall deadline may allow for.
    await put('first', randomBytes(100 * KIB));
    await expectNothingLost(['first']);
  }, 60_000);
  afterAll(async () => {
    await state.close();
    await mirrored.stop();
  }, 60_000);

  const put = async (Key: string, body: Buffer, StorageClass = 'STANDARD'): Promise<void> => {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: body, StorageClass: StorageClass as 'STANDARD' }));
    acknowledged.set(Key, body);
  };
  const get = async (Key: string, Range?: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, Range }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const expectBytes = (actual: Buffer, expected: Buffer): void => {
    if (!actual.equals(expected)) throw new Error('the client got other bytes than were stored');
  };

  async function upload(Key: string, send: (part: Part) => Promise<string | undefined>): Promise<void> {
    const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const ETag = await send({ Bucket, Key, UploadId, PartNumber: 1 });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
  }

  /** Does `operation` on the key of its name, which holds `body`; throws what its client sees. */
  async function perform(operation: Operation, Key: string, body: Buffer): Promise<void> {
    switch (operation) {
      case 'PUT':
        return put(Key, randomBytes(body.length));
      case 'PUT with a quorum of both':
        return put(Key, randomBytes(body.length), 'BOTH');
      case 'GET':
      case 'GET in parallel ranges':
        expectBytes(await get(Key), body);
        return;
      case 'GET of a range':
        expectBytes(await get(Key, RANGE), body.subarray(100, 90_100));
        return;
      case 'HEAD': {
        const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
        expect(ContentLength).toBe(body.length);
        return;
      }
      case 'DELETE':
        await s3.send(new DeleteObjectCommand({ Bucket, Key }));
        acknowledged.delete(Key);
        return;
      case 'copy to another placement': {
        const copy = { Bucket, Key: copyOf(Key), CopySource: `${Bucket}/${encodeURIComponent(Key)}` };
        await s3.send(new CopyObjectCommand({ ...copy, StorageClass: 'REVERSED' as 'STANDARD' }));
        acknowledged.set(copy.Key, body);
        return;
      }
      case 'copy of a part':
        await upload(copyOf(Key), async (part) => {
          const command = new UploadPartCopyCommand({ ...part, CopySource: `${Bucket}/${encodeURIComponent(Key)}` });
          return (await s3.send(command)).CopyPartResult?.ETag;
        });
        acknowledged.set(copyOf(Key), body);
        return;
      case 'multipart upload': {
        const Body = randomBytes(body.length);
        await upload(Key, async (part) => (await s3.send(new UploadPartCommand({ ...part, Body }))).ETag);
        acknowledged.set(Key, Body);
        return;
      }
      case 'list': {
        const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
        expect(Contents?.find((found) => found.Key === Key)?.Size).toBe(body.length);
      }
    }
  }

  const endingOf = async (performed: Promise<void>): Promise<string> => {
    try {
      await performed;
      return 'done';
    } catch (error) {
      if (!(error instanceof S3ServiceException)) return BROKEN.test(String(error)) ? 'broken' : String(error);
      const { httpStatusCode: status } = error.$metadata;
      const hasRetryAfter = Number(error.$response?.headers['retry-after'] ?? 0) > 0;
      return status === 503 && hasRetryAfter ? '503' : error.name;
    }
  };

  const backends = (): readonly S3Simulator[] => [mirrored.one, mirrored.two];
  const liftFaults = (): void => {
    for (const simulator of backends()) simulator.faults = () => undefined;
  };

  it.each(CELLS)('$title', async ({ hit, scope, exceptions }) => {
    round += 1;
    const prefix = `${String(round)}: `;
    const keyOf = (operation: Operation): string =>
      prefix + (operation === 'HEAD' || operation === 'list' ? 'GET' : operation);
    const small = randomBytes(100 * KIB);
    const large = randomBytes(1100 * KIB);
    const bodyOf = (operation: Operation): Buffer => (operation === 'GET in parallel ranges' ? large : small);
    await Promise.all(PREPARED.map((operation) => put(keyOf(operation), bodyOf(operation))));

    for (const simulator of scope === 'one' ? [mirrored.one] : backends()) {
      const met = new Set<string>();
      simulator.faults = (request) => {
        const which = `${request.method} ${request.target}`;
        if (scope === 'bothOnce' && met.has(which)) return undefined;
        met.add(which);
        return hit(request);
      };
    }
    const endings = await Promise.all(
      OPERATIONS.map(async (operation) => [
        operation,
        await endingOf(perform(operation, keyOf(operation), bodyOf(operation))),
      ]),
    );
    liftFaults();

    const well = Object.fromEntries(OPERATIONS.map((operation) => [operation, 'done']));
    expect(Object.fromEntries(endings)).toEqual({ ...well, ...exceptions });
    const keys = OPERATIONS.map(keyOf);
    await expectNothingLost([...keys, ...keys.map(copyOf)]);
    await remove([...READS.map(keyOf), ...COPIES.map(keyOf)]);
  });

  async function remove(keys: readonly string[]): Promise<void> {
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
    for (const key of keys) acknowledged.delete(key);
  }

  /** What was acknowledged is there and whole; of what was refused, there is what was before. */
  async function expectNothingLost(keys: readonly string[]): Promise<void> {
    await Promise.all(
      keys.map(async (key) => {
        const body = acknowledged.get(key);
        if (body === undefined) await expect(get(key)).rejects.toMatchObject({ name: 'NoSuchKey' });
        else expectBytes(await get(key), body);
      }),
    );
  }

  it('whatever it was, repair brings all that was acknowledged to both backends', async () => {
    await until('all copies are made', async () => {
      // As if the time until the next try were over.
      await state.query(`UPDATE blob_replicas SET due_at = clock_timestamp()`);
      const [row] = await state.query(`SELECT FROM blob_replicas WHERE state <> 'live'`);
      return row === undefined;
    });
    const copiesOn = ({ store }: S3Simulator): Map<string, string> =>
      new Map([...store.objects].map(([key, { bytes }]) => [key, md5(bytes)]));
    expect(copiesOn(mirrored.one)).toEqual(copiesOn(mirrored.two));
    expect(blobsOn(mirrored.one)).toHaveLength(acknowledged.size);
  });

  it('whatever it was, nothing is left of what was refused or deleted', async () => {
    await remove([...acknowledged.keys()]);
    await until('both backends are empty', async () => {
      // As if the grace period and the time until the next try were over.
      await state.query(`UPDATE blobs SET doomed_at = doomed_at - interval '1 minute' WHERE state = 'doomed'`);
      await state.query(`UPDATE blob_replicas SET due_at = clock_timestamp(), since = since - interval '1 minute'`);
      return backends().every((simulator) => blobsOn(simulator).length === 0);
    });
    expect(await state.violations()).toEqual([]);
  });
});
