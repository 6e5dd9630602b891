import { Type } from 'class-transformer';
import {
  ArrayMinSize,
  Equals,
  IsArray,
  IsBoolean,
  IsIn,
  IsInstance,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { TenantLimits } from '../context/policy/tenant-policy';
import { TenantPolicy } from '../context/policy/tenant-policy';
import { NamedDriverConfig } from './named-driver-config';
import { OneDriveDriverConfig } from './onedrive-driver-config';
import type { ArchiveClassConfig } from './archive-config';
import { ArchiveClassesByName } from './archive-config';
import type { PlacementConfig } from './placement-config';
import { PlacementRuleConfig, PlacementsByName } from './placement-config';
import { S3DriverConfig } from './s3-driver-config';
import { StripedDriverConfig } from './striped-driver-config';

const KIB = 1024;
const MIB = 1024 * KIB;
/** An address, or a network as `10.0.0.0/8`. */
const ADDRESS_OR_NETWORK = /^[0-9a-fA-F.:]{2,45}(\/\d{1,3})?$/;
const HOST_AND_PORT = /^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$/;

/** Blobs as files of a local (or mounted) file system. */
export class LocalDriverConfig extends NamedDriverConfig {
  @Equals('local')
  declare readonly type: 'local';

  /** Absolute once loaded; a relative path in the file begins at the folder of the file. */
  @IsString()
  @Matches(/\S/, { message: '$property must not be empty' })
  readonly path!: string;

  /** `full`: bytes and names are on the medium before a write is answered; `metadata`: names only; `none`: when the system gets to it. */
  @IsIn(['full', 'metadata', 'none'])
  readonly durability: 'full' | 'metadata' | 'none' = 'full';
}

/** Blobs in the memory of one process: for tests, with one worker. */
export class MemoryDriverConfig extends NamedDriverConfig {
  @Equals('memory')
  declare readonly type: 'memory';
}

export type DriverConfig =
  LocalDriverConfig | MemoryDriverConfig | S3DriverConfig | OneDriveDriverConfig | StripedDriverConfig;

/** Where objects are that can be attached to containers: a bucket, or a folder. Nothing is written there. */
export type AttachableConfig = LocalDriverConfig | S3DriverConfig;

export class EngineConfig {
  /** Bodies of up to so many bytes are kept in PostgreSQL instead of on a driver; 0: none. */
  @IsInt()
  @Min(0)
  @Max(MIB)
  readonly inlineMaxBytes: number = 16 * KIB;

  /** How long a displaced blob is kept for those who still read it. */
  @IsInt()
  @Min(1)
  @Max(7 * 86_400)
  readonly doomedGraceSeconds: number = 60;

  @IsInt()
  @Min(1)
  @Max(86_400)
  readonly sweepIntervalSeconds: number = 30;

  /** How often each process looks for copies that are missing, to make them. */
  @IsInt()
  @Min(1)
  @Max(86_400)
  readonly repairIntervalSeconds: number = 5;

  /** How long a write that has its quorum waits for a copy that is slower than the others, before that is left to repair. */
  @IsInt()
  @Min(1)
  @Max(3600)
  readonly slowCopySeconds: number = 10;

  /** Memory of one process for bytes on their way into drivers. */
  @IsInt()
  @Min(4 * MIB)
  @Max(4096 * MIB)
  readonly uploadBufferBytes: number = 16 * MIB;
}

/** The event log: one row for every request. */
export class EventsConfig {
  /** How long rows are kept, in days of UTC, for tenants whose plan says nothing else, and for requests of nobody. */
  @IsInt()
  @Min(1)
  @Max(36_500)
  readonly retentionDays: number = 90;

  /**
   * Whether reads that went well are logged too. Without them there is no audit of who read what, and there are no features of
   * artifacts. Changes, refusals and failures always are.
   */
  @IsBoolean()
  readonly reads: boolean = true;

  /** Disk of one process for rows that PostgreSQL can't take now. Beyond it the oldest are lost. */
  @IsInt()
  @Min(MIB)
  @Max(1024 * 1024 * MIB)
  readonly spoolMaxBytes: number = 1024 * MIB;
}

/** Server access logs of buckets (`PutBucketLogging`). */
export class AccessLogsConfig {
  /** How often the lines that wait are brought to their buckets. */
  @IsInt()
  @Min(1)
  @Max(240)
  readonly deliveryIntervalSeconds: number = 60;
}

/** What is told of changes in buckets (`PutBucketNotificationConfiguration`). */
export class NotificationsConfig {
  /** Addresses that targets may have besides public ones: addresses, or networks in CIDR form. */
  @IsArray()
  @Matches(ADDRESS_OR_NETWORK, {
    each: true,
    message: 'each value in $property must be an IP address or a network in CIDR form',
  })
  readonly allowedNetworks: string[] = [];

  /** The first wait after a failure. An event that is refused waits four times as long after each, a target that is down twice. */
  @IsNumber()
  @Min(0.01)
  @Max(60)
  readonly retrySeconds: number = 5;

  /** For how long what was sent can be sent again, and what can't be sent waits. */
  @IsInt()
  @Min(1)
  @Max(365)
  readonly retentionDays: number = 7;
}

/** A client of the gateway's own, which uses it through its public address and tells by metrics whether that works. */
export class CanaryConfig {
  /** Where clients reach the S3 plane: scheme, host and port. */
  @Matches(/^https?:\/\/[^/?#\s]+\/?$/, { message: '$property must be a URL of scheme, host and port' })
  readonly endpoint!: string;

  @IsInt()
  @Min(1)
  @Max(300)
  readonly intervalSeconds: number = 60;

  /** Of the canary's own tenant. */
  @Matches(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { message: '$property must be the name of a bucket' })
  readonly bucket: string = 'vaultaire-canary';
}

/** A token bucket: `burst` tokens at once, `perSecond` new ones. */
export class LimitConfig {
  @IsNumber()
  @Min(0.001)
  @Max(1e9)
  readonly perSecond!: number;

  @IsInt()
  @Min(1)
  @Max(1e9)
  readonly burst!: number;
}

function limit(perSecond: number, burst: number): LimitConfig {
  return Object.assign(new LimitConfig(), { perSecond, burst });
}

/** Requests of one tenant, by class of operation. */
export class LimitsConfig {
  @ValidateNested()
  @IsObject()
  @Type(() => LimitConfig)
  readonly read: LimitConfig = limit(50_000, 100_000);

  @ValidateNested()
  @IsObject()
  @Type(() => LimitConfig)
  readonly write: LimitConfig = limit(20_000, 40_000);

  @ValidateNested()
  @IsObject()
  @Type(() => LimitConfig)
  readonly list: LimitConfig = limit(10_000, 20_000);

  @ValidateNested()
  @IsObject()
  @Type(() => LimitConfig)
  readonly admin: LimitConfig = limit(1_000, 2_000);

  /** Requests of one client address (or IPv6 network) with unknown access keys or wrong signatures. */
  @ValidateNested()
  @IsObject()
  @Type(() => LimitConfig)
  readonly failedAuthentication: LimitConfig = limit(20, 100);
}

/** A named set of quotas and limits. */
export class PlanConfig {
  @Matches(/^[a-z0-9][a-z0-9._-]{0,62}$/, { message: '$property must be lower-case letters, digits, dots or dashes' })
  readonly name!: string;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  readonly description?: string;

  @IsObject()
  @ValidateNested()
  @Type(() => TenantPolicy)
  readonly policy: TenantPolicy = new TenantPolicy();
}

/** The validated YAML file of `VAULTAIRE_CONFIG`, with defaults for all that it leaves out. */
export class VaultaireConfig {
  @IsArray()
  @ArrayMinSize(1)
  @ValidateNested({ each: true })
  @Type(() => NamedDriverConfig, {
    keepDiscriminatorProperty: true,
    discriminator: {
      property: 'type',
      subTypes: [
        { name: 'local', value: LocalDriverConfig },
        { name: 'memory', value: MemoryDriverConfig },
        { name: 's3', value: S3DriverConfig },
        { name: 'onedrive', value: OneDriveDriverConfig },
        { name: 'striped', value: StripedDriverConfig },
      ],
    },
  })
  readonly drivers!: DriverConfig[];

  /** Sources for `attach`, named as no driver is. */
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => NamedDriverConfig, {
    keepDiscriminatorProperty: true,
    discriminator: {
      property: 'type',
      subTypes: [
        { name: 'local', value: LocalDriverConfig },
        { name: 's3', value: S3DriverConfig },
      ],
    },
  })
  readonly attachable: AttachableConfig[] = [];

  /** By name; `default` is always among them. */
  @PlacementsByName()
  @ValidateNested()
  @IsInstance(Map, { message: '$property must be a map of fields' })
  readonly placements!: ReadonlyMap<string, PlacementConfig>;

  /** Placements of storage classes. S3's own classes that are not named here have the default one. */
  @IsObject()
  readonly storageClasses: Readonly<Record<string, string>> = {};

  /** Storage classes whose artifacts have to be restored before they can be read. */
  @ArchiveClassesByName()
  @ValidateNested()
  @IsInstance(Map, { message: '$property must be a map of fields' })
  readonly archiveClasses: ReadonlyMap<string, ArchiveClassConfig> = new Map();

  /** Asked in order before `storageClasses`. */
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => PlacementRuleConfig)
  readonly placementRules: PlacementRuleConfig[] = [];

  @ValidateNested()
  @IsObject()
  @Type(() => EngineConfig)
  readonly engine: EngineConfig = new EngineConfig();

  @ValidateNested()
  @IsObject()
  @Type(() => LimitsConfig)
  readonly limits: LimitsConfig = new LimitsConfig();

  @ValidateNested()
  @IsObject()
  @Type(() => EventsConfig)
  readonly events: EventsConfig = new EventsConfig();

  @ValidateNested()
  @IsObject()
  @Type(() => AccessLogsConfig)
  readonly accessLogs: AccessLogsConfig = new AccessLogsConfig();

  @ValidateNested()
  @IsObject()
  @Type(() => NotificationsConfig)
  readonly notifications: NotificationsConfig = new NotificationsConfig();

  /** Absent: there is none. */
  @IsOptional()
  @ValidateNested()
  @IsObject()
  @Type(() => CanaryConfig)
  readonly canary?: CanaryConfig;

  /** Plans to make or write over at each start, by name. */
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => PlanConfig)
  readonly plans: PlanConfig[] = [];

  /** Plan of a tenant that is created without one. */
  @IsOptional()
  @IsString()
  readonly defaultPlan?: string;

  /** Limits of a tenant whose plan and overrides say nothing else. */
  defaultLimits(): TenantLimits {
    const { read, write, list, admin } = this.limits;
    return { tenant: { requests: { read, write, list, admin } } };
  }

  /** Peers whose forwarded headers name the client: addresses or networks in CIDR form. */
  @IsArray()
  @Matches(ADDRESS_OR_NETWORK, {
    each: true,
    message: 'each value in $property must be an IP address or a network in CIDR form',
  })
  readonly trustedProxies: string[] = [];

  /** Host names (with port, where not the scheme's own) that clients may sign for when a proxy rewrites `Host`. */
  @IsArray()
  @Matches(HOST_AND_PORT, {
    each: true,
    message: 'each value in $property must be a host name, with or without a port',
  })
  readonly publicHosts: string[] = [];
}
