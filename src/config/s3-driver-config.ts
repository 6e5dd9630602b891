import { Type } from 'class-transformer';
import {
  Equals,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { RemoteDriverConfig } from './remote-driver-config';

const MIB = 1024 * 1024;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PROFILES = ['aws', 'lyve', 'quotaless', 'idrive', 'r2', 'wasabi', 'b2', 'minio', 'generic'] as const;

/** Where the two halves of the key come from: each from the file itself, from a file of its own, or from an environment variable. */
export class S3CredentialsConfig {
  @IsOptional()
  @IsString()
  readonly accessKeyId?: string;

  @IsOptional()
  @IsString()
  readonly accessKeyIdFile?: string;

  @IsOptional()
  @Matches(VARIABLE, { message: '$property must be the name of an environment variable' })
  readonly accessKeyIdEnv?: string;

  @IsOptional()
  @IsString()
  readonly secretAccessKey?: string;

  @IsOptional()
  @IsString()
  readonly secretAccessKeyFile?: string;

  @IsOptional()
  @Matches(VARIABLE, { message: '$property must be the name of an environment variable' })
  readonly secretAccessKeyEnv?: string;
}

/** Blobs as objects of an S3 backend. What is left out is as the profile has it. */
export class S3DriverConfig extends RemoteDriverConfig {
  @Equals('s3')
  declare readonly type: 's3';

  @IsIn(PROFILES)
  readonly profile: (typeof PROFILES)[number] = 'generic';

  /** URL of the service, without the bucket; `{region}` in it stands for the region. */
  @IsOptional()
  @IsUrl(
    { protocols: ['http', 'https'], require_protocol: true, require_tld: false, disallow_auth: true },
    { message: '$property must be an http or https URL' },
  )
  readonly endpoint?: string;

  @IsOptional()
  @Matches(/^[a-z0-9-]{1,64}$/, { message: '$property must be lower-case letters, digits and dashes' })
  readonly region?: string;

  @IsOptional()
  @Matches(/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/, { message: '$property must be a bucket name' })
  readonly bucket?: string;

  /** What every key begins with; a slash at its end is not added. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  readonly keyPrefix?: string;

  @ValidateNested()
  @IsObject()
  @Type(() => S3CredentialsConfig)
  readonly credentials!: S3CredentialsConfig;

  @IsOptional()
  @IsIn(['path', 'host'])
  readonly addressing?: 'path' | 'host';

  @IsOptional()
  @IsIn(['1.1', 'any'])
  readonly httpVersion?: '1.1' | 'any';

  @IsOptional()
  @IsBoolean()
  readonly signsPayload?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly hasMultipart?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly hasListV2?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly trustsETag?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly hasConditionalWrites?: boolean;

  @IsOptional()
  @IsIn(['crc32', 'md5', 'none'])
  readonly checksum?: 'crc32' | 'md5' | 'none';

  @IsOptional()
  @IsInt()
  @Min(5 * MIB)
  readonly maxPutBytes?: number;

  @IsOptional()
  @IsInt()
  @Min(5 * MIB)
  @Max(64 * MIB)
  readonly partBytes?: number;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(64)
  readonly parallelParts?: number;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1024)
  readonly targetConcurrency?: number;

  @IsOptional()
  @IsInt()
  @Min(100)
  @Max(3_600_000)
  readonly stallMs?: number;

  @IsOptional()
  @IsInt()
  @Min(100)
  @Max(3_600_000)
  readonly hedgeAfterMs?: number;
}
