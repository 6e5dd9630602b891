import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newDriverResources } from '../../src/drivers/create-driver';
import { composeLayers } from '../../src/drivers/layers/compose-layers';
import { driverLayers } from '../../src/drivers/layers/driver-layers';
import type { DriverTelemetry, ResilienceOptions } from '../../src/drivers/layers/driver-layers';
import { DEFAULT_BREAKER } from '../../src/drivers/layers/breaker.layer';
import { DEFAULT_BACKOFF } from '../../src/drivers/backoff';
import { LocalDriver } from '../../src/drivers/local/local.driver';
import type { LocalDurability } from '../../src/drivers/local/local.driver';
import { MemoryDriver } from '../../src/drivers/memory/memory.driver';
import { OneDriveDriver } from '../../src/drivers/onedrive/onedrive.driver';
import { s3Settings } from '../../src/drivers/s3/profiles';
import type { S3ProfileName } from '../../src/drivers/s3/profiles';
import { S3Driver } from '../../src/drivers/s3/s3.driver';
import { Semaphore } from '../../src/drivers/semaphore';
import { StripedDriver } from '../../src/drivers/striped/striped.driver';
import { TransferBuffers } from '../../src/drivers/transfer-buffers';
import { faultLayer } from '../support/fault.layer';
import { GraphSimulator } from '../support/graph-simulator/graph-simulator';
import type { GraphQuirks } from '../support/graph-simulator/graph-quirks';
import { oneDriveSettings } from '../support/graph-simulator/onedrive-settings';
import { S3Simulator } from '../support/s3-simulator/s3-simulator';
import { SIMULATED_BACKENDS } from '../support/s3-simulator/simulator-quirks';
import { describeDriver } from './describe-driver';
import type { DriverUnderTest } from './describe-driver';

function memory(): Promise<DriverUnderTest> {
  const driver = new MemoryDriver('memory');
  return Promise.resolve({
    driver,
    leftovers: () => Promise.resolve(driver.keys()),
    dispose: () => Promise.resolve(),
  });
}

function striped(): Promise<DriverUnderTest> {
  const members = ['a', 'b', 'c'].map((name) => new MemoryDriver(name));
  const driver = new StripedDriver({
    name: 'striped',
    members,
    chunkBytes: 32 * 1024,
    writeMemory: new TransferBuffers(1024 * 1024),
    readMemory: new Semaphore(4),
  });
  return Promise.resolve({
    driver,
    leftovers: () => Promise.resolve([...new Set(members.flatMap((member) => member.keys()))]),
    dispose: () => Promise.resolve(),
  });
}

async function local(durability: LocalDurability): Promise<DriverUnderTest> {
  const root = await mkdtemp(join(tmpdir(), 'vaultaire-local-'));
  return {
    driver: new LocalDriver({ name: 'local', root, durability }),
    leftovers: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
    },
    ...(process.platform === 'linux' && { openHandles: () => readdirSync('/proc/self/fd').length }),
    dispose: () => rm(root, { recursive: true }),
  };
}

/** Against a simulator with the quirks of the profile's backend. */
async function s3(profile: S3ProfileName): Promise<DriverUnderTest> {
  // Small parts: most writes of the suite become multipart uploads. Without those, a part is the most of unknown length.
  const partBytes = profile === 'quotaless' ? 8 * 1024 * 1024 : 64 * 1024;
  const quirks = { ...SIMULATED_BACKENDS[profile], maxKeysPerPage: 400, minPartBytes: partBytes };
  const simulator = await S3Simulator.start(quirks);
  const settings = s3Settings(
    's3',
    profile,
    {
      endpoint: simulator.endpoint,
      region: 'us-east-1',
      bucket: simulator.bucket,
      addressing: 'path',
      partBytes,
    },
    { accessKeyId: 'simulated', secretAccessKey: 'secret' },
  );
  return {
    driver: new S3Driver({ settings, buffers: new TransferBuffers(64 * 1024 * 1024) }),
    leftovers: () => Promise.resolve(simulator.leftovers()),
    openHandles: () => simulator.inFlight,
    dispose: () => simulator.close(),
  };
}

/** Against a simulator of Microsoft Graph. */
async function oneDrive(
  drives: readonly string[],
  maxPutBytes: number,
  quirks: Partial<GraphQuirks> = {},
): Promise<DriverUnderTest> {
  const simulator = await GraphSimulator.start(quirks, drives);
  const settings = oneDriveSettings(simulator, { maxPutBytes });
  return {
    driver: new OneDriveDriver({ settings, buffers: new TransferBuffers(64 * 1024 * 1024) }),
    leftovers: () => Promise.resolve(simulator.leftovers()),
    openHandles: () => simulator.inFlight,
    dispose: () => simulator.close(),
  };
}

const SILENT: DriverTelemetry = {
  observe: () => undefined,
  retried: () => undefined,
  hedged: () => undefined,
  watchBreaker: () => undefined,
  watchConcurrency: () => undefined,
};

/** As a remote driver is called. Few at once, so that calls do wait. */
const REMOTE: ResilienceOptions = {
  breaker: DEFAULT_BREAKER,
  concurrency: { maxReads: 6, maxWrites: 6, maxCalls: 3, maxWaiting: 10_000 },
  retry: DEFAULT_BACKOFF,
  deadlines: { callMs: 30_000, stallMs: 30_000 },
  // Cut reads don't go on while the blob is deleted; the engine, which deletes nothing that is read, needs no such thing.
  parallelReads: { thresholdBytes: 64 * 1024, rangeBytes: 32 * 1024, maxRanges: 1, hedgeAfterMs: 30_000 },
};

/** All layers of the gateway, and the one that tests put faults in with. */
async function layered(
  factory: () => Promise<DriverUnderTest>,
  resilience?: ResilienceOptions,
): Promise<DriverUnderTest> {
  const subject = await factory();
  const layers = [...driverLayers(SILENT, resilience, newDriverResources()), faultLayer(() => undefined)];
  return { ...subject, driver: composeLayers(subject.driver, layers) };
}

describeDriver('memory', memory);
describeDriver('striped over three', striped);
describeDriver('local with durability full', () => local('full'));
describeDriver('local with durability metadata', () => local('metadata'));
describeDriver('local with durability none', () => local('none'));
describeDriver('memory within all layers', () => layered(memory));
describeDriver('local within all layers', () => layered(() => local('none')));
// One of each kind: conditional writes and checksums, neither of them, and no multipart either.
describeDriver('s3 as aws', () => s3('aws'));
describeDriver('s3 as lyve', () => s3('lyve'));
describeDriver('s3 as quotaless', () => s3('quotaless'));
describeDriver('memory within the layers of a remote driver', () => layered(memory, REMOTE));
describeDriver('s3 within all layers', () => layered(() => s3('aws'), REMOTE));
describeDriver('onedrive', () => oneDrive(['one'], 4_000_000));
// Nearly everything goes up in fragments, to one drive or another.
describeDriver('onedrive with upload sessions and several drives', () =>
  oneDrive(['one', 'two', 'three'], 1_000, { makesFolders: false, checksNameLate: true, pageItems: 3 }),
);
describeDriver('onedrive within all layers', () => layered(() => oneDrive(['one', 'two'], 4_000_000), REMOTE));
