import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  Equals,
  IsArray,
  IsBoolean,
  IsDivisibleBy,
  IsInt,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { RemoteDriverConfig } from './remote-driver-config';

const KIB = 1024;
const MIB = 1024 * KIB;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SERVICE_URL = { protocols: ['http', 'https'], require_protocol: true, require_tld: false, disallow_auth: true };

/** A drive, and the application that may use it: with the application permission `Files.ReadWrite.All`. */
export class OneDriveAccountConfig {
  /** Blobs are given to accounts by it: don't rename one that holds blobs. */
  @Matches(/^[a-z0-9][a-z0-9-]{0,31}$/, { message: '$property must be lower-case letters, digits and dashes' })
  readonly name!: string;

  /** Directory (Microsoft's tenant) of the application. */
  @Matches(/^[A-Za-z0-9.-]{1,253}$/, { message: '$property must be the id or a domain of the directory' })
  readonly directory!: string;

  @Matches(/^[A-Za-z0-9-]{1,64}$/, { message: '$property must be the id of the application' })
  readonly clientId!: string;

  @IsOptional()
  @IsString()
  readonly clientSecret?: string;

  @IsOptional()
  @IsString()
  readonly clientSecretFile?: string;

  @IsOptional()
  @Matches(VARIABLE, { message: '$property must be the name of an environment variable' })
  readonly clientSecretEnv?: string;

  /** Id of the drive; or `user`. */
  @IsOptional()
  @Matches(/^[A-Za-z0-9!_-]{1,200}$/, { message: '$property must be the id of a drive' })
  readonly driveId?: string;

  /** Id or principal name of the user whose drive it is; or `driveId`. */
  @IsOptional()
  @Matches(/^[^\s/]{1,200}$/, { message: '$property must be the id or the principal name of a user' })
  readonly user?: string;
}

/** Blobs as files on a fleet of OneDrive drives. */
export class OneDriveDriverConfig extends RemoteDriverConfig {
  @Equals('onedrive')
  declare readonly type: 'onedrive';

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique(({ name }: OneDriveAccountConfig) => name, { message: '$property must have different names' })
  @ValidateNested({ each: true })
  @Type(() => OneDriveAccountConfig)
  readonly accounts!: OneDriveAccountConfig[];

  /** Folder of each drive that holds all blobs. */
  @Matches(/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/, { message: '$property must be letters, digits and dashes' })
  readonly folder: string = 'vaultaire';

  @IsUrl(SERVICE_URL, { message: '$property must be an http or https URL' })
  readonly graphUrl: string = 'https://graph.microsoft.com/v1.0';

  @IsUrl(SERVICE_URL, { message: '$property must be an http or https URL' })
  readonly loginUrl: string = 'https://login.microsoftonline.com';

  /** Largest body of one PUT; more goes up in fragments. */
  @IsInt()
  @Min(0)
  @Max(4 * MIB)
  readonly maxPutBytes: number = 4_000_000;

  @IsInt()
  @IsDivisibleBy(320 * KIB)
  @Min(320 * KIB)
  @Max(60 * MIB)
  readonly fragmentBytes: number = 32 * 320 * KIB;

  /** Deleted files do not go to the recycle bin of their drive, where they count towards its storage. */
  @IsBoolean()
  readonly deletesForGood: boolean = false;

  @IsInt()
  @Min(100)
  @Max(3_600_000)
  readonly stallMs: number = 30_000;
}
