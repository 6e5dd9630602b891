import { plainToInstance, Transform, Type } from 'class-transformer';
import {
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';

const LABEL = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const LABEL_MESSAGE = 'must be lower-case letters, digits, dots, dashes or underscores';
const MAX_DAYS = 36_500;
const MAX_BYTES = 2 ** 53 - 1;

/** The classes that S3 clients may name anywhere. Those of directory buckets and Outposts are bound to their own buckets. */
export const S3_STORAGE_CLASSES: ReadonlySet<string> = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'GLACIER_IR',
  'DEEP_ARCHIVE',
]);

/** Old artifacts go elsewhere. */
export class TierConfig {
  /** Age of an artifact's bytes, in days, from which they are moved. */
  @IsInt()
  @Min(1)
  @Max(MAX_DAYS)
  readonly afterDays!: number;

  /** Days without a read that they must have had besides. Where reads are not known for so long, they stay. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_DAYS)
  readonly idleDays?: number;

  /** Name of the placement that they have then. */
  @IsString()
  readonly to!: string;
}

/** Which drivers hold the blobs of an artifact, and how. */
export class PlacementConfig {
  /** Short for `drivers` with this one. */
  @IsOptional()
  @IsString()
  readonly driver?: string;

  /** Drivers that may hold a copy, the preferred first. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayUnique()
  @IsString({ each: true })
  readonly drivers?: string[];

  /** How many of `drivers` hold each blob; default all. The others are spares, for when one of the first is away. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(16)
  readonly copies?: number;

  /** Copies that must be durable before a write is answered; default more than half of `copies`. The rest is repaired later. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(16)
  readonly quorum?: number;

  /** Drivers that get a copy after the answer. They are read only when none of `drivers` has one. */
  @IsArray()
  @ArrayUnique()
  @IsString({ each: true })
  readonly backup: string[] = [];

  /** Label that every driver of the placement must have. */
  @IsOptional()
  @Matches(LABEL, { message: `$property ${LABEL_MESSAGE}` })
  readonly residency?: string;

  @IsOptional()
  @ValidateNested()
  @IsObject()
  @Type(() => TierConfig)
  readonly tier?: TierConfig;
}

/** Chooses a placement: the first rule of which all that it names applies. */
export class PlacementRuleConfig {
  /** Storage classes, any of which applies. */
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  readonly storageClasses?: string[];

  /** Names of buckets, any of which applies; `*` and `?` stand for characters. */
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  readonly buckets?: string[];

  /** Plans of the tenant, any of which applies. */
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  readonly plans?: string[];

  /** Content types, any of which applies; `*` stands for any characters. */
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  readonly contentTypes?: string[];

  /** Bodies of at least so many bytes. One of unknown length, and a part of an upload in parts, has no size here. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_BYTES)
  readonly minBytes?: number;

  /** Bodies of at most so many bytes. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_BYTES)
  readonly maxBytes?: number;

  @IsString()
  readonly placement!: string;
}

/** The map of named placements, each as its class; anything else is left for the validator to refuse. */
export function PlacementsByName(): PropertyDecorator {
  return Transform(({ value }: { readonly value: unknown }) =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : new Map(Object.entries(value).map(([name, given]: [string, unknown]) => [name, toPlacement(given)])),
  );
}

function toPlacement(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  return plainToInstance(PlacementConfig, given, { exposeDefaultValues: true });
}
