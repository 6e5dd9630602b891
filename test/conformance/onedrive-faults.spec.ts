import { randomBytes, randomUUID } from 'node:crypto';
import { blobId, blobKey, tenantId } from '../../src/context/ids';
import type { BlobKey } from '../../src/context/ids';
import type { Driver } from '../../src/drivers/driver';
import { DriverError } from '../../src/drivers/driver.errors';
import { OneDriveDriver } from '../../src/drivers/onedrive/onedrive.driver';
import { FRAGMENT_UNIT_BYTES } from '../../src/drivers/onedrive/onedrive-settings';
import type { OneDriveSettings } from '../../src/drivers/onedrive/onedrive-settings';
import { TransferBuffers } from '../../src/drivers/transfer-buffers';
import { GraphSimulator } from '../support/graph-simulator/graph-simulator';
import type { GraphFault, GraphOperation, GraphQuirks } from '../support/graph-simulator/graph-quirks';
import { oneDriveSettings } from '../support/graph-simulator/onedrive-settings';
import { retryLayer } from '../../src/drivers/layers/retry.layer';
import { contextOf, kindOf, sourceOf } from './describe-driver';

const FRAGMENT_BYTES = 2 * FRAGMENT_UNIT_BYTES;
/** For tests in which something stands still; other tests wait longer than any busy machine takes. */
const STALL_MS = 300;

const answers = (status: number, code: string, retryAfterSeconds?: number): GraphFault => ({
  do: 'answer',
  status,
  code,
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
});

describe('the OneDrive driver', () => {
  const tenant = tenantId(randomUUID());
  const ctx = contextOf(tenant);
  const small = randomBytes(10_000);
  const large = randomBytes(3 * FRAGMENT_BYTES + 1234);
  let simulator: GraphSimulator;
  let driver: Driver;
  let retries: number;

  /** `bufferBytes`: memory for uploads. */
  async function start(
    quirks: Partial<GraphQuirks> = {},
    drives: readonly string[] = ['one'],
    bufferBytes = 8 * 1024 * 1024,
    stallMs = 10_000,
  ): Promise<void> {
    simulator = await GraphSimulator.start(quirks, drives);
    driver = newDriver({ stallMs }, bufferBytes);
  }

  function newDriver(overrides: Partial<OneDriveSettings> = {}, bufferBytes = 8 * 1024 * 1024): Driver {
    retries = 0;
    const settings = oneDriveSettings(simulator, { fragmentBytes: FRAGMENT_BYTES, stallMs: 10_000, ...overrides });
    const onRetry = (): void => {
      retries += 1;
    };
    return new OneDriveDriver({ settings, buffers: new TransferBuffers(bufferBytes), onRetry });
  }

  afterEach(async () => {
    await driver.close();
    await simulator.close();
  });

  const startWith = (fault: GraphFault): Promise<void> =>
    start({}, ['one'], undefined, fault.do.startsWith('stall') ? STALL_MS : undefined);
  const newKey = (): BlobKey => blobKey(tenant, blobId(randomUUID()));
  const write = (key: BlobKey, bytes: Buffer): Promise<unknown> =>
    driver.write(ctx, key, sourceOf(bytes.subarray(0, 5000), bytes.subarray(5000)), { sizeBytes: bytes.length });
  const written = async (bytes: Buffer): Promise<BlobKey> => {
    const key = newKey();
    await write(key, bytes);
    return key;
  };
  const readAll = async (key: BlobKey, range?: { start: number; end: number }): Promise<Buffer> =>
    Buffer.concat(await (await driver.read(ctx, key, range)).body.toArray());
  const failureOf = async (promise: Promise<unknown>): Promise<DriverError> => {
    try {
      await promise;
    } catch (error) {
      if (error instanceof DriverError) return error;
    }
    throw new Error('there was no driver error');
  };
  const sentRanges = (): string[] =>
    simulator.seen
      .filter(({ operation }) => operation === 'PutFragment')
      .map((one) => one.headers['content-range'] ?? '');

  describe('uploads', () => {
    it('puts small blobs in one request, and large ones in fragments without a token', async () => {
      await start();
      expect((await readAll(await written(small))).equals(small)).toBe(true);
      expect(simulator.operations()).not.toContain('CreateUploadSession');
      expect((await readAll(await written(large))).equals(large)).toBe(true);
      expect(sentRanges()).toHaveLength(4);
      expect(sentRanges()[0]).toBe(`bytes 0-${FRAGMENT_BYTES - 1}/${large.length}`);
      expect(
        simulator.seen.every(({ operation, headers }) => operation !== 'PutFragment' || !headers.authorization),
      ).toBe(true);
      expect(simulator.operations().filter((operation) => operation === 'Token')).toHaveLength(1);
    });

    it.each<[string, GraphFault]>([
      ['the connection breaks in the middle', { do: 'reset', afterBytes: 1000 }],
      ['the answer is lost', { do: 'lose-answer' }],
      ['nothing moves', { do: 'stall' }],
      ['the service fails', answers(500, 'generalException')],
      ['the service is busy', answers(503, 'serviceNotAvailable', 0)],
      ['a part is taken only', { do: 'take-part', bytes: FRAGMENT_UNIT_BYTES }],
      ['other bytes are expected', answers(416, 'invalidRange')],
    ])('resumes a fragment when %s', async (_, fault) => {
      await startWith(fault);
      for (const skip of [0, 1, 3]) {
        simulator.faults = () => undefined;
        simulator.failNext('PutFragment', fault, 1, skip);
        const key = await written(large);
        expect((await readAll(key)).equals(large)).toBe(true);
        await driver.delete(ctx, key);
        expect(simulator.leftovers()).toEqual([]);
      }
    });

    it('asks where to go on, instead of sending again what has arrived', async () => {
      await start();
      simulator.failNext('PutFragment', { do: 'lose-answer' }, 1, 1);
      await written(large);
      expect(simulator.operations()).toContain('GetSession');
      expect(new Set(sentRanges()).size).toBe(sentRanges().length);
    });

    it('begins a session that is gone anew while its bytes are still here', async () => {
      await start();
      simulator.failNext('PutFragment', answers(404, 'itemNotFound'));
      const key = await written(large);
      expect((await readAll(key)).equals(large)).toBe(true);
      expect(simulator.operations().filter((operation) => operation === 'CreateUploadSession')).toHaveLength(2);
      expect(retries).toBe(1);
    });

    it('fails as unavailable when a session is gone with bytes that are not here any more', async () => {
      await start();
      simulator.failNext('PutFragment', answers(404, 'itemNotFound'), 1, 2);
      const key = newKey();
      const error = await failureOf(write(key, large));
      expect([error.kind, error.isRetryable]).toEqual(['Unavailable', false]);
      expect(simulator.leftovers()).toEqual([]);
      expect(await kindOf(driver.stat(ctx, key))).toBe('NotFound');
    });

    it.each<[GraphOperation, Buffer]>([
      ['PutContent', small],
      ['CreateUploadSession', large],
      ['PutFragment', large],
    ])(
      'gives up when %s goes on failing, and leaves nothing',
      async (operation, bytes) => {
        await startWith({ do: 'stall' });
        for (const fault of [
          answers(500, 'generalException'),
          answers(403, 'accessDenied'),
          { do: 'stall' } as const,
        ]) {
          simulator.faults = () => undefined;
          simulator.failNext(operation, fault, Number.POSITIVE_INFINITY);
          expect(await kindOf(write(newKey(), bytes))).toBe('Unavailable');
          expect(simulator.leftovers()).toEqual([]);
        }
      },
      20_000,
    );

    it('ends its session when it is throttled for longer than an upload waits', async () => {
      await start();
      simulator.failNext('PutFragment', answers(429, 'activityLimitReached', 60), 1, 1);
      const error = await failureOf(write(newKey(), large));
      expect([error.kind, error.retryAfterSeconds]).toEqual(['RateLimited', 60]);
      expect(simulator.leftovers()).toEqual([]);
    });

    it('takes a file whose answer was lost for its own, and that of another writer not', async () => {
      await start();
      simulator.failNext('PutContent', { do: 'lose-answer' });
      const key = await written(small);
      expect((await readAll(key)).equals(small)).toBe(true);
      simulator.failNext('PutContent', { do: 'lose-answer' });
      expect(await kindOf(write(key, randomBytes(small.length)))).toBe('AlreadyExists');
      expect((await readAll(key)).equals(small)).toBe(true);
    });

    it('streams from the source where there is no memory', async () => {
      await start({}, ['one'], 1);
      const [first, second] = [newKey(), newKey()];
      const held = driver.write(ctx, first, sourceOf(large), { sizeBytes: large.length });
      await Promise.all([held, write(second, large), written(small)]);
      expect((await readAll(first)).equals(large)).toBe(true);
      expect((await readAll(second)).equals(large)).toBe(true);
    });

    it('makes folders where the service does not', async () => {
      await start({ makesFolders: false });
      expect((await readAll(await written(small))).equals(small)).toBe(true);
      expect((await readAll(await written(large))).equals(large)).toBe(true);
      expect(simulator.operations()).toContain('CreateFolder');
    });
  });

  describe('downloads', () => {
    it('asks once where a blob is, and renews a download URL that is no longer good', async () => {
      await start();
      const key = await written(large);
      await readAll(key, { start: 0, end: 9 });
      await readAll(key, { start: 10, end: 19 });
      const lookups = (): number => simulator.operations().filter((operation) => operation === 'GetItem').length;
      expect(lookups()).toBe(1);
      simulator.expireDownloads();
      expect((await readAll(key, { start: 20, end: 29 })).equals(large.subarray(20, 30))).toBe(true);
      expect(lookups()).toBe(2);
    });

    it('finds out that a blob was deleted elsewhere', async () => {
      await start();
      const key = await written(small);
      await readAll(key);
      const other = newDriver();
      await other.delete(ctx, key);
      await other.close();
      expect(await kindOf(driver.read(ctx, key))).toBe('NotFound');
    });

    it.each<[string, GraphFault]>([
      ['breaks', { do: 'reset-body', afterBytes: 200_000 }],
      ['is cut short', { do: 'truncate-body', afterBytes: 200_000 }],
      ['stands still', { do: 'stall-body', afterBytes: 200_000 }],
    ])('goes on within the layers when a body %s', async (_, fault) => {
      await startWith(fault);
      const key = await written(large);
      const layered = retryLayer({ maxAttempts: 4, firstDelayMs: 1, maxDelayMs: 100 })(driver);
      simulator.failNext('Download', fault);
      const { body } = await layered.read(ctx, key);
      expect(Buffer.concat(await body.toArray()).equals(large)).toBe(true);
      simulator.failNext('Download', fault);
      expect(await kindOf(readAll(key))).toBe('Unavailable');
    });
  });

  describe('tokens', () => {
    it('are renewed before their end, and when the service refuses one', async () => {
      await start({ tokenSeconds: 3600 });
      const key = await written(small);
      simulator.expireTokens();
      await driver.stat(ctx, key);
      await Promise.all([driver.stat(ctx, key), driver.stat(ctx, key)]);
      expect(simulator.operations().filter((operation) => operation === 'Token')).toHaveLength(2);
      simulator.expireTokens();
      await Promise.all(Array.from({ length: 5 }, () => driver.stat(ctx, key)));
    });

    it('are asked for anew when they live shortly', async () => {
      await start({ tokenSeconds: 0 });
      expect(await kindOf(write(newKey(), small))).toBe('Unavailable');
      simulator.quirks = { ...simulator.quirks, tokenSeconds: 60 };
      await written(small);
    });

    it('that are refused are an outage of the installation, told without the secret', async () => {
      await start();
      await driver.close();
      const [account] = oneDriveSettings(simulator).accounts;
      if (account === undefined) throw new Error('there is no account');
      driver = newDriver({ accounts: [{ ...account, clientSecret: 'wrong-secret' }] });
      const error = await failureOf(driver.stat(ctx, newKey()));
      expect([error.kind, error.isRetryable]).toEqual(['Unavailable', false]);
      expect(JSON.stringify([error.message, error.cause])).not.toContain('wrong-secret');
    });
  });

  describe('errors', () => {
    it.each([
      [404, 'itemNotFound', 'NotFound'],
      [404, 'ResourceNotFound', 'Unavailable'],
      [403, 'accessDenied', 'Unavailable'],
      [423, 'resourceLocked', 'Unavailable'],
      [500, 'generalException', 'Unavailable'],
      [400, 'invalidRequest', 'Unexpected'],
      [501, 'notSupported', 'Unavailable'],
      [509, 'bandwidthLimitExceeded', 'RateLimited'],
    ] as const)('%d %s is %s', async (status, code, kind) => {
      await start();
      simulator.failNext('GetItem', answers(status, code));
      expect(await kindOf(driver.stat(ctx, newKey()))).toBe(kind);
    });
  });

  describe('a fleet', () => {
    const drives = ['one', 'two', 'three'];
    const homeOf = (key: BlobKey): string => {
      const name = key.split('/').at(-1) ?? '';
      return (
        simulator
          .leftovers()
          .find((path) => path.includes(name))
          ?.split(':')[0] ?? 'nowhere'
      );
    };

    it('spreads blobs, lists all, and deletes wherever they are', async () => {
      await start({ pageItems: 2 }, drives);
      const keys = await Promise.all(Array.from({ length: 40 }, () => written(small)));
      expect(new Set(keys.map(homeOf))).toEqual(new Set(drives));
      const listed = new Set<string>();
      for await (const { key } of driver.list(ctx)) listed.add(key);
      expect(listed).toEqual(new Set(keys));
      await Promise.all(keys.map((key) => driver.delete(ctx, key)));
      expect(simulator.leftovers()).toEqual([]);
    });

    it('still finds every blob after accounts were added', async () => {
      await start({}, drives);
      await driver.close();
      const { accounts } = oneDriveSettings(simulator);
      driver = newDriver({ accounts: accounts.slice(0, 1) });
      const keys = await Promise.all(Array.from({ length: 20 }, () => written(small)));
      await driver.close();
      driver = newDriver({ accounts: [...accounts].reverse() });
      for (const key of keys) expect((await readAll(key)).equals(small)).toBe(true);
      for (const key of keys) await driver.delete(ctx, key);
      expect(simulator.leftovers()).toEqual([]);
    });

    it('goes on while one account is throttled, which pauses alone', async () => {
      await start({}, drives);
      const keys = await Promise.all(Array.from({ length: 30 }, () => written(small)));
      const throttled = keys.filter((key) => homeOf(key) === 'one');
      const others = keys.filter((key) => homeOf(key) !== 'one');
      simulator.faults = ({ drive }) => (drive === 'one' ? answers(429, 'activityLimitReached', 60) : undefined);
      for (const key of throttled) {
        const error = await failureOf(driver.stat(ctx, key));
        expect(error.kind).toBe('RateLimited');
        expect(error.retryAfterSeconds).toBeGreaterThan(50);
      }
      for (const key of others) expect((await readAll(key)).equals(small)).toBe(true);
      const fresh = await Promise.all(Array.from({ length: 20 }, (_, index) => written(index < 10 ? small : large)));
      expect(new Set(fresh.map(homeOf))).toEqual(new Set(['two', 'three']));
      // The account was asked once, and not again while it pauses.
      const asked = simulator.seen.filter(({ drive, operation }) => drive === 'one' && operation === 'GetItem');
      expect(asked).toHaveLength(1);
    });

    it('tells no miss while an account that may have the blob can not be asked', async () => {
      await start({}, drives);
      simulator.faults = ({ drive }) => (drive === 'two' ? answers(500, 'generalException') : undefined);
      expect(await kindOf(driver.stat(ctx, newKey()))).toBe('Unavailable');
      simulator.faults = () => undefined;
      expect(await kindOf(driver.stat(ctx, newKey()))).toBe('NotFound');
    });

    it('does not move on to another account when the answer of the first was lost', async () => {
      await start({}, ['one', 'two']);
      let requests = 0;
      simulator.faults = ({ operation }) => {
        if (operation !== 'PutContent') return undefined;
        requests += 1;
        return requests === 1 ? { do: 'lose-answer' } : answers(429, 'activityLimitReached', 0);
      };
      const key = await written(small);
      expect(simulator.leftovers()).toHaveLength(1);
      expect((await readAll(key)).equals(small)).toBe(true);
    });

    it('lists no part of its blobs as if it were all, and deletes what it can', async () => {
      await start({}, drives);
      const keys = await Promise.all(Array.from({ length: 15 }, () => written(small)));
      simulator.faults = ({ drive }) => (drive === 'two' ? answers(404, 'ResourceNotFound') : undefined);
      const listed: string[] = [];
      const listing = async (): Promise<void> => {
        for await (const { key } of driver.list(ctx)) listed.push(key);
      };
      expect(await kindOf(listing())).toBe('Unavailable');
      for (const key of keys) expect(await kindOf(driver.delete(ctx, key))).toBe('Unavailable');
      expect(new Set(simulator.leftovers().map((path) => path.split(':')[0]))).toEqual(new Set(['two']));
      simulator.faults = () => undefined;
      for (const key of keys) await driver.delete(ctx, key);
      expect(simulator.leftovers()).toEqual([]);
    });

    it('gives a blob to the next account where a drive is full', async () => {
      await start({}, ['one', 'two']);
      simulator.faults = ({ drive, operation }) =>
        drive === 'one' && (operation === 'PutContent' || operation === 'CreateUploadSession')
          ? answers(507, 'quotaLimitReached')
          : undefined;
      const keys = await Promise.all(
        Array.from({ length: 10 }, (_, index) => written(index % 2 === 0 ? small : large)),
      );
      expect(new Set(keys.map(homeOf))).toEqual(new Set(['two']));
      for (const key of keys) expect((await driver.stat(ctx, key)).sizeBytes).toBeGreaterThan(0);
    });

    it('has no room when all drives are full', async () => {
      await start({ driveBytes: 100 }, ['one', 'two']);
      expect(await kindOf(write(newKey(), small))).toBe('NoSpace');
      expect(simulator.leftovers()).toEqual([]);
    });
  });

  it('deletes for good where it is told to, else into the recycle bin', async () => {
    await start();
    await driver.delete(ctx, await written(small));
    expect(simulator.drives.get('one')?.recycled).toHaveLength(1);
    await driver.close();
    driver = newDriver({ deletesForGood: true });
    await driver.delete(ctx, await written(small));
    await driver.delete(ctx, newKey());
    expect(simulator.leftovers()).toEqual([]);
    expect(simulator.drives.get('one')?.recycled).toHaveLength(1);
  });

  it('waits for an account that pauses shortly', async () => {
    await start();
    const key = await written(small);
    simulator.failNext('GetItem', answers(429, 'activityLimitReached', 1));
    expect(await kindOf(driver.stat(ctx, key))).toBe('RateLimited');
    const waiting = driver.stat(ctx, key);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(simulator.operations().filter((operation) => operation === 'GetItem')).toHaveLength(1);
    expect(await waiting).toMatchObject({ sizeBytes: small.length });
  });
});
