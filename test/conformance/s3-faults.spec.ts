import { randomBytes, randomUUID } from 'node:crypto';
import { blobId, blobKey, tenantId } from '../../src/context/ids';
import type { BlobKey } from '../../src/context/ids';
import type { Driver } from '../../src/drivers/driver';
import { DEFAULT_BREAKER } from '../../src/drivers/layers/breaker.layer';
import { newDriverResources } from '../../src/drivers/create-driver';
import { composeLayers } from '../../src/drivers/layers/compose-layers';
import { driverLayers } from '../../src/drivers/layers/driver-layers';
import { s3Settings } from '../../src/drivers/s3/profiles';
import type { S3Overrides } from '../../src/drivers/s3/profiles';
import { S3Driver } from '../../src/drivers/s3/s3.driver';
import { TransferBuffers } from '../../src/drivers/transfer-buffers';
import { S3Simulator } from '../support/s3-simulator/s3-simulator';
import type { SimulatedFault, SimulatedOperation, SimulatorQuirks } from '../support/s3-simulator/simulator-quirks';
import { contextOf, kindOf, sourceOf } from './describe-driver';

const PART_BYTES = 64 * 1024;
const STALL_MS = 150;

type Operation = 'write' | 'multipart write' | 'read' | 'range read' | 'stat' | 'delete' | 'list';
/** How an operation ends: well, or with a kind. */
type Ending = 'no error' | 'Unavailable' | 'RateLimited' | 'Archived' | 'Corrupted' | 'NotFound';

const OPERATIONS: readonly Operation[] = ['write', 'multipart write', 'read', 'range read', 'stat', 'delete', 'list'];

/** The requests that the fault hits, for each operation: the one that carries the bytes or the answer. */
const HIT: Readonly<Record<Operation, SimulatedOperation>> = {
  write: 'PutObject',
  'multipart write': 'UploadPart',
  read: 'GetObject',
  'range read': 'GetObject',
  stat: 'HeadObject',
  delete: 'DeleteObject',
  list: 'ListObjectsV2',
};

interface FaultCase {
  readonly name: string;
  readonly fault: SimulatedFault;
  /** What comes of it when it happens once; the rest ends well. */
  readonly once?: Partial<Record<Operation, Ending>>;
  /** And when it goes on; undefined: it can't harm the operation. */
  readonly always: Ending;
  readonly exceptAlways?: Partial<Record<Operation, Ending>>;
}

const answers = (status: number, code: string, retryAfterSeconds?: number): SimulatedFault => ({
  do: 'answer',
  status,
  code,
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
});

const bodyOnly: Partial<Record<Operation, Ending>> = {
  write: 'no error',
  'multipart write': 'no error',
  stat: 'no error',
  delete: 'no error',
};

const FAULTS: readonly FaultCase[] = [
  { name: 'a stall', fault: { do: 'stall' }, always: 'Unavailable' },
  { name: 'a reset before the answer', fault: { do: 'reset', afterBytes: 0 }, always: 'Unavailable' },
  {
    name: 'a reset in the middle of the request',
    fault: { do: 'reset', afterBytes: 1000 },
    always: 'no error',
    exceptAlways: { write: 'Unavailable', 'multipart write': 'Unavailable' },
  },
  {
    name: 'an answer that is lost',
    fault: { do: 'lose-answer' },
    always: 'Unavailable',
    // The object itself tells that it was written.
    exceptAlways: { write: 'no error' },
  },
  { name: '500', fault: answers(500, 'InternalError'), always: 'Unavailable' },
  {
    name: '503 with Retry-After 0',
    fault: answers(503, 'SlowDown', 0),
    always: 'RateLimited',
    // The answer to a HEAD has no body to say more than its status.
    exceptAlways: { stat: 'Unavailable' },
  },
  {
    name: '503 with a Retry-After longer than anybody holds a request',
    fault: answers(503, 'ServiceUnavailable', 60),
    once: Object.fromEntries(OPERATIONS.map((operation) => [operation, 'Unavailable'])),
    always: 'Unavailable',
  },
  {
    name: '403 of a wrong region or a suspended account',
    fault: answers(403, 'AccessDenied'),
    once: Object.fromEntries(OPERATIONS.map((operation) => [operation, 'Unavailable'])),
    always: 'Unavailable',
  },
  {
    name: '403 of an archived object',
    fault: answers(403, 'InvalidObjectState'),
    once: Object.fromEntries(OPERATIONS.map((operation) => [operation, 'Archived'])),
    always: 'Archived',
    exceptAlways: { stat: 'Unavailable' },
  },
  {
    name: 'a reset in the middle of the answer',
    fault: { do: 'reset-body', afterBytes: 100 },
    always: 'Unavailable',
    exceptAlways: bodyOnly,
  },
  {
    name: 'a reset in the middle of the answer, with progress between two of them',
    fault: { do: 'reset-body', afterBytes: 70_000 },
    always: 'no error',
  },
  {
    name: 'a truncated answer',
    fault: { do: 'truncate-body', afterBytes: 0 },
    always: 'Unavailable',
    exceptAlways: bodyOnly,
  },
  {
    name: 'a stall in the middle of the answer',
    fault: { do: 'stall-body', afterBytes: 0 },
    always: 'Unavailable',
    exceptAlways: bodyOnly,
  },
];

describe('the S3 driver within its layers, against a backend with', () => {
  const tenant = tenantId(randomUUID());
  const ctx = contextOf(tenant);
  let simulator: S3Simulator;
  let driver: Driver;
  let retries: string[];

  async function start(quirks: Partial<SimulatorQuirks> = {}, overrides: S3Overrides = {}): Promise<void> {
    simulator = await S3Simulator.start({ minPartBytes: PART_BYTES, ...quirks });
    const settings = s3Settings(
      's3',
      'aws',
      {
        endpoint: simulator.endpoint,
        region: 'us-east-1',
        bucket: simulator.bucket,
        addressing: 'path',
        partBytes: PART_BYTES,
        stallMs: STALL_MS,
        ...overrides,
      },
      { accessKeyId: 'simulated', secretAccessKey: 'secret' },
    );
    retries = [];
    const silent = (): void => undefined;
    const telemetry = {
      observe: silent,
      hedged: silent,
      watchBreaker: silent,
      watchConcurrency: silent,
      retried: (_: string, operation: string) => retries.push(operation),
    };
    const observer = { retried: () => retries.push('request'), hedged: () => retries.push('hedge') };
    driver = composeLayers(
      new S3Driver({ settings, buffers: new TransferBuffers(8 * 1024 * 1024), observer }),
      driverLayers(
        telemetry,
        {
          breaker: { ...DEFAULT_BREAKER, windowCalls: 1000, minCalls: 1000 },
          concurrency: { maxReads: 4, maxWrites: 4, maxCalls: 4, maxWaiting: 100 },
          retry: { maxAttempts: 4, firstDelayMs: 1, maxDelayMs: 2000 },
          deadlines: { callMs: 5_000, stallMs: 5_000 },
          parallelReads: { thresholdBytes: PART_BYTES, rangeBytes: PART_BYTES, maxRanges: 3, hedgeAfterMs: 60_000 },
        },
        newDriverResources(),
      ),
    );
  }

  afterEach(async () => {
    await driver.close();
    await simulator.close();
  });

  const newKey = (): BlobKey => blobKey(tenant, blobId(randomUUID()));
  const small = randomBytes(PART_BYTES / 2);
  const large = randomBytes(PART_BYTES * 5 + 17);
  const readAll = async (key: BlobKey, range?: { start: number; end: number }): Promise<Buffer> =>
    Buffer.concat(await (await driver.read(ctx, key, range)).body.toArray());

  /** Does the operation on `key`, which holds `large` unless it is written, and checks what comes of it. */
  async function perform(operation: Operation, key: BlobKey): Promise<void> {
    switch (operation) {
      case 'write':
        await driver.write(ctx, key, sourceOf(small), { sizeBytes: small.length });
        return;
      case 'multipart write':
        await driver.write(ctx, key, sourceOf(large.subarray(0, 100_000), large.subarray(100_000)), {
          sizeBytes: large.length,
        });
        return;
      case 'read':
        expect((await readAll(key)).equals(large)).toBe(true);
        return;
      case 'range read':
        expect((await readAll(key, { start: 10, end: 200_000 })).equals(large.subarray(10, 200_001))).toBe(true);
        return;
      case 'stat':
        expect((await driver.stat(ctx, key)).sizeBytes).toBe(large.length);
        return;
      case 'delete':
        await driver.delete(ctx, key);
        return;
      case 'list':
        for await (const listing of driver.list(ctx)) expect(listing.key).toBe(key);
    }
  }

  const isWrite = (operation: Operation): boolean => operation.endsWith('write');

  /** Whatever happened: what was acknowledged is there and whole, and of what was refused nothing is. */
  async function expectNothingLost(operation: Operation, key: BlobKey, ending: Ending): Promise<void> {
    simulator.faults = () => undefined;
    if (isWrite(operation) && ending !== 'no error') {
      expect(simulator.leftovers()).toEqual([]);
    } else if (operation === 'delete') {
      expect(await kindOf(driver.stat(ctx, key))).toBe(simulator.leftovers().length === 0 ? 'NotFound' : 'no error');
      if (ending === 'no error') expect(simulator.leftovers()).toEqual([]);
    } else {
      expect((await readAll(key)).equals(operation === 'write' ? small : large)).toBe(true);
      expect(simulator.leftovers()).toHaveLength(1);
    }
  }

  async function keyFor(operation: Operation): Promise<BlobKey> {
    const key = newKey();
    if (!isWrite(operation)) await driver.write(ctx, key, sourceOf(large), { sizeBytes: large.length });
    return key;
  }

  describe.each(FAULTS)('$name', ({ fault, once, always, exceptAlways }) => {
    it.each(OPERATIONS)('once: %s', async (operation) => {
      await start();
      const key = await keyFor(operation);
      simulator.failNext(HIT[operation], fault);
      const expected =
        operation === 'stat' && always === 'Archived' ? 'Unavailable' : (once?.[operation] ?? 'no error');
      expect(await kindOf(perform(operation, key))).toBe(expected);
      await expectNothingLost(operation, key, expected);
    });

    it.each(OPERATIONS)(
      'always: %s',
      async (operation) => {
        await start();
        const key = await keyFor(operation);
        simulator.failNext(HIT[operation], fault, Number.POSITIVE_INFINITY);
        const expected = exceptAlways?.[operation] ?? always;
        expect(await kindOf(perform(operation, key))).toBe(expected);
        await expectNothingLost(operation, key, expected);
      },
      20_000,
    );
  });

  describe('flipped bits', () => {
    it.each(['write', 'multipart write'] as const)('on the way there: %s sends them again', async (operation) => {
      await start();
      const key = newKey();
      simulator.failNext(HIT[operation], { do: 'corrupt' });
      await perform(operation, key);
      expect(retries).toContain('request');
      await expectNothingLost(operation, key, 'no error');
    });

    it('on the way there, with MD5 instead of CRC32', async () => {
      await start({ hasChecksums: false }, { checksum: 'md5', trustsETag: true });
      const key = newKey();
      simulator.failNext('PutObject', { do: 'corrupt' });
      await perform('write', key);
      await expectNothingLost('write', key, 'no error');
    });

    it.each([
      ['large', large.length, 1],
      ['of up to 256 KiB', PART_BYTES / 2, PART_BYTES / 2],
    ] as const)('on the way back: a body %s is never handed on whole', async (_, sizeBytes, missingBytes) => {
      await start();
      const key = newKey();
      const written = large.subarray(0, sizeBytes);
      await driver.write(ctx, key, sourceOf(written), { sizeBytes });
      // In the middle of the body, or of each of its ranges.
      simulator.failNext('GetObject', { do: 'corrupt' }, Number.POSITIVE_INFINITY);
      let receivedBytes = 0;
      const reading = (async () => {
        for await (const chunk of (await driver.read(ctx, key)).body) receivedBytes += (chunk as Buffer).length;
      })();
      expect(await kindOf(reading)).toBe('Corrupted');
      expect(receivedBytes).toBeLessThanOrEqual(sizeBytes - missingBytes);
      simulator.faults = () => undefined;
      expect((await readAll(key)).equals(written)).toBe(true);
    });
  });

  describe.each(['CreateMultipartUpload', 'CompleteMultipartUpload'] as const)('faults of %s', (hit) => {
    it.each([
      ['a stall', { do: 'stall' }],
      ['a lost answer', { do: 'lose-answer' }],
      ['500', answers(500, 'InternalError')],
      ['a reset', { do: 'reset', afterBytes: 0 }],
    ] as const)('%s, once', async (_, fault) => {
      await start();
      const key = newKey();
      simulator.failNext(hit, fault);
      expect(await kindOf(perform('multipart write', key))).toBe('no error');
      simulator.faults = () => undefined;
      expect((await readAll(key)).equals(large)).toBe(true);
    });

    it.each([
      ['a stall', { do: 'stall' }],
      ['lost answers', { do: 'lose-answer' }],
      ['403', answers(403, 'AccessDenied')],
    ] as const)('%s, always', async (_, fault) => {
      await start();
      const key = newKey();
      simulator.failNext(hit, fault, Number.POSITIVE_INFINITY);
      const kind = await kindOf(perform('multipart write', key));
      // A completion whose answer is lost is found out about by asking for the object.
      expect(kind).toBe(hit === 'CompleteMultipartUpload' && fault.do === 'lose-answer' ? 'no error' : 'Unavailable');
      simulator.faults = () => undefined;
      if (kind === 'no error') expect((await readAll(key)).equals(large)).toBe(true);
      else expect(simulator.leftovers()).toEqual([]);
    });
  });

  it('a lost answer: the blob of another writer under the key is not taken for its own', async () => {
    await start();
    const key = newKey();
    await driver.write(ctx, key, sourceOf(Buffer.from('old')), { sizeBytes: 3 });
    simulator.failNext('PutObject', { do: 'lose-answer' });
    expect(await kindOf(perform('write', key))).toBe('AlreadyExists');
    expect((await readAll(key)).toString()).toBe('old');
  });

  it.each([301, 400, 403] as const)(
    'another region, told by %d: refused at once and as unavailable',
    async (status) => {
      await start({ region: 'eu-west-1', wrongRegionStatus: status });
      expect(await kindOf(perform('write', newKey()))).toBe('Unavailable');
      expect(retries).toEqual([]);
      expect(simulator.leftovers()).toEqual([]);
    },
  );

  it('no bucket: nothing is taken for missing', async () => {
    await start({}, { bucket: 'other' });
    for (const operation of OPERATIONS) expect(await kindOf(perform(operation, newKey()))).toBe('Unavailable');
  });

  it('stalling PUTs: a second one beside the first is answered sooner', async () => {
    await start({}, { stallMs: 60_000, hedgeAfterMs: 20 });
    const key = newKey();
    simulator.failNext('PutObject', { do: 'stall' });
    await perform('write', key);
    expect(retries).toEqual(['hedge']);
    await expectNothingLost('write', key, 'no error');
  });

  it('less memory than parts: the rest streams through', async () => {
    simulator = await S3Simulator.start({ minPartBytes: PART_BYTES });
    const settings = s3Settings(
      's3',
      'aws',
      {
        endpoint: simulator.endpoint,
        region: 'us-east-1',
        bucket: simulator.bucket,
        addressing: 'path',
        partBytes: PART_BYTES,
      },
      { accessKeyId: 'simulated', secretAccessKey: 'secret' },
    );
    const buffers = new TransferBuffers(PART_BYTES);
    driver = new S3Driver({ settings, buffers });
    const held = buffers.tryTake(PART_BYTES);
    const key = newKey();
    await perform('multipart write', key);
    expect((await readAll(key)).equals(large)).toBe(true);
    const other = newKey();
    await perform('write', other);
    expect((await readAll(other)).equals(small)).toBe(true);
    const tooLong = driver.write(ctx, newKey(), sourceOf(small, Buffer.from('x')), { sizeBytes: small.length });
    expect(await kindOf(tooLong)).toBe('Corrupted');
    expect(simulator.leftovers()).toHaveLength(2);
    held?.release();
    expect(buffers.freeBytes).toBe(PART_BYTES);
  });
});
