import type { DriverConfig } from '../config/vaultaire-config';
import { StartUpError } from '../config/start-up.error';
import type { Driver } from './driver';
import type { DriverTelemetry, LayerResources, ResilienceOptions } from './layers/driver-layers';
import { LocalDriver } from './local/local.driver';
import { MemoryDriver } from './memory/memory.driver';
import { oneDriveSettingsOf } from './onedrive/onedrive-configuration';
import { OneDriveDriver } from './onedrive/onedrive.driver';
import type { S3Settings } from './s3/profiles';
import { s3SettingsOf } from './s3/s3-configuration';
import { S3Driver } from './s3/s3.driver';
import { Semaphore } from './semaphore';
import { StripedDriver } from './striped/striped.driver';
import { TransferBuffers } from './transfer-buffers';

/** Memory of one process for bytes on their way to remote backends, over all its drivers. */
const TRANSFER_BUFFER_BYTES = 64 * 1024 * 1024;
/** Memory of one process for chunks on their way to striped drivers. */
const STRIPE_BUFFER_BYTES = 32 * 1024 * 1024;
/** Ranges of one process that parallel reads hold in memory, over all its drivers. */
const RANGES_IN_MEMORY = 12;

/** What the drivers of a process share. */
export interface DriverResources extends LayerResources {
  readonly buffers: TransferBuffers;
  readonly stripeBuffers: TransferBuffers;
  /** Undefined: nobody measures. */
  readonly telemetry: Pick<DriverTelemetry, 'retried' | 'hedged'> | undefined;
}

export function newDriverResources(telemetry?: DriverResources['telemetry']): DriverResources {
  return {
    buffers: new TransferBuffers(TRANSFER_BUFFER_BYTES),
    stripeBuffers: new TransferBuffers(STRIPE_BUFFER_BYTES),
    rangeMemory: new Semaphore(RANGES_IN_MEMORY),
    telemetry,
  };
}

/**
 * The bare driver that a configuration asks for; a striped one over `members`. Touches no backend yet.
 *
 * @throws StartUpError when credentials can't be read or a field is missing that the profile does not fill
 */
export function createDriver(
  config: DriverConfig,
  resources: DriverResources = newDriverResources(),
  members: readonly Driver[] = [],
): Driver {
  switch (config.type) {
    case 'local':
      return new LocalDriver({ name: config.name, root: config.path, durability: config.durability });
    case 'memory':
      return new MemoryDriver(config.name);
    case 's3': {
      const { buffers, telemetry } = resources;
      const observer = telemetry && {
        retried: () => {
          telemetry.retried(config.name, 'request');
        },
        hedged: () => {
          telemetry.hedged(config.name);
        },
      };
      return new S3Driver({ settings: s3SettingsOf(config), buffers, observer });
    }
    case 'onedrive': {
      const { buffers, telemetry } = resources;
      const onRetry =
        telemetry &&
        (() => {
          telemetry.retried(config.name, 'request');
        });
      return new OneDriveDriver({ settings: oneDriveSettingsOf(config), buffers, onRetry });
    }
    case 'striped':
      return new StripedDriver({
        name: config.name,
        members,
        chunkBytes: config.chunkBytes,
        writeMemory: resources.stripeBuffers,
        readMemory: resources.rangeMemory,
      });
  }
}

/** Names of drivers that hold parts of a striped driver's blobs only: nobody else may list, sweep or read them. */
export function memberNamesOf(configs: readonly DriverConfig[]): ReadonlySet<string> {
  return new Set(configs.flatMap((config) => (config.type === 'striped' ? config.over : [])));
}

/** The bare drivers of a configuration that hold blobs, for commands. */
export function createDrivers(configs: readonly DriverConfig[]): Driver[] {
  const resources = newDriverResources();
  const memberNames = memberNamesOf(configs);
  const members = new Map(
    configs.filter(({ name }) => memberNames.has(name)).map((config) => [config.name, createDriver(config, resources)]),
  );
  return configs
    .filter(({ name }) => !memberNames.has(name))
    .map((config) => {
      const over = config.type === 'striped' ? config.over.flatMap((name) => members.get(name) ?? []) : [];
      return createDriver(config, resources, over);
    });
}

/** How the backend is to be called; undefined for drivers of this machine and over others, which need no layers but the metrics. */
export function resilienceOf(config: DriverConfig): ResilienceOptions | undefined {
  if (config.type === 'local' || config.type === 'memory' || config.type === 'striped') return undefined;
  const { breaker, maxReads, maxWrites, maxCalls, maxWaiting, ...rest } = config.resilience;
  return {
    breaker,
    concurrency: { maxReads, maxWrites, maxCalls, maxWaiting },
    retry: { maxAttempts: rest.maxAttempts, firstDelayMs: rest.firstDelayMs, maxDelayMs: rest.maxDelayMs },
    deadlines: { callMs: rest.callTimeoutMs, stallMs: rest.writeStallMs },
    parallelReads: config.parallelReads,
  };
}

/**
 * Refuses two drivers on one place: they would list and sweep each other's blobs, and two replicas would be one.
 *
 * @throws StartUpError that names both
 */
export function refuseSharedBackends(configs: readonly DriverConfig[]): void {
  const seen: S3Settings[] = [];
  for (const config of configs) {
    if (config.type !== 's3') continue;
    const settings = s3SettingsOf(config);
    const other = seen.find((earlier) => isSamePlace(earlier, settings));
    if (other !== undefined)
      throw new StartUpError(`drivers: ${other.name} and ${settings.name} use the same endpoint, bucket and prefix`);
    seen.push(settings);
  }
  refuseSharedDrives(configs);
}

/** One drive of a fleet twice, also in one driver: a file would count as two. */
function refuseSharedDrives(configs: readonly DriverConfig[]): void {
  const ownerByPlace = new Map<string, string>();
  for (const config of configs) {
    if (config.type !== 'onedrive') continue;
    const { name, graphUrl, folder, accounts } = oneDriveSettingsOf(config);
    for (const { drivePath } of accounts) {
      const place = `${graphUrl}${drivePath}/${folder}`.toLowerCase();
      const owner = ownerByPlace.get(place);
      if (owner !== undefined)
        throw new StartUpError(`drivers: ${owner} and ${name}: two accounts use the same drive and folder`);
      ownerByPlace.set(place, name);
    }
  }
}

function isSamePlace(a: S3Settings, b: S3Settings): boolean {
  const isSameBucket = a.endpoint === b.endpoint && a.bucket === b.bucket;
  return isSameBucket && (a.keyPrefix.startsWith(b.keyPrefix) || b.keyPrefix.startsWith(a.keyPrefix));
}
