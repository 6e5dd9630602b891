import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { PLACEMENT_NAME, PLACEMENT_NAME_MESSAGE } from '../../context/policy/tenant-policy';
import type { DefinedPlacement } from '../../engine/placement/placement-store';
import type { Placement } from '../../engine/placement/placements';

const MAX_DRIVERS = 16;
const MAX_ITEMS = 100;
const MAX_DAYS = 36_500;

/** Old artifacts go elsewhere. */
export class PlacementTier {
  @ApiProperty({ description: 'Age of bytes from which they are moved', example: 30 })
  @IsInt()
  @Min(1)
  @Max(MAX_DAYS)
  readonly afterDays!: number;

  @ApiPropertyOptional({ description: 'Days without a read that they must have had besides', example: 30 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_DAYS)
  readonly idleDays?: number;

  @ApiProperty({ description: 'Placement that they have then', example: 'cold' })
  @IsString()
  @MaxLength(32)
  readonly to!: string;
}

/** Which drivers hold the blobs of an artifact, and how. */
export class ReplacePlacement {
  @ApiProperty({ description: 'Drivers that may hold a copy, the preferred first', example: ['lyve', 'wasabi'] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_DRIVERS)
  @ArrayUnique()
  @IsString({ each: true })
  readonly drivers!: string[];

  @ApiPropertyOptional({ description: 'How many of them hold each blob; default: all. The others are spares' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_DRIVERS)
  readonly copies?: number;

  @ApiPropertyOptional({
    description: 'Copies that are durable before a write is answered; default: more than half of them',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_DRIVERS)
  readonly quorum?: number;

  @ApiPropertyOptional({ type: [String], description: 'Drivers that get a copy after the answer', default: [] })
  @IsArray()
  @ArrayMaxSize(MAX_DRIVERS)
  @ArrayUnique()
  @IsString({ each: true })
  readonly backup: string[] = [];

  @ApiPropertyOptional({ description: 'Label that all its drivers have to have', example: 'eu' })
  @IsOptional()
  @IsString()
  @MaxLength(63)
  readonly residency?: string;

  @ApiPropertyOptional({ type: PlacementTier })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => PlacementTier)
  readonly tier?: PlacementTier;
}

export class CreatePlacement extends ReplacePlacement {
  @ApiProperty({ example: 'mirrored' })
  @Matches(PLACEMENT_NAME, { message: PLACEMENT_NAME_MESSAGE })
  readonly name!: string;
}

/** Chooses a placement: the first rule of which all that it names applies. */
export class PlacementRule {
  @ApiPropertyOptional({ type: [String], description: 'Storage classes, any of which applies', example: ['STANDARD'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_ITEMS)
  @IsString({ each: true })
  readonly storageClasses?: string[];

  @ApiPropertyOptional({ type: [String], description: 'Names of buckets; `*` and `?` stand for characters' })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_ITEMS)
  @IsString({ each: true })
  readonly buckets?: string[];

  @ApiPropertyOptional({ type: [String], description: 'Plans of the tenant', example: ['gold'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_ITEMS)
  @IsString({ each: true })
  readonly plans?: string[];

  @ApiPropertyOptional({ type: [String], description: '`*` stands for characters', example: ['video/*'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_ITEMS)
  @IsString({ each: true })
  readonly contentTypes?: string[];

  @ApiPropertyOptional({ description: 'Bodies of at least so many bytes, where their length is known' })
  @IsOptional()
  @IsInt()
  @Min(0)
  readonly minBytes?: number;

  @ApiPropertyOptional({ description: 'Bodies of at most so many bytes, where their length is known' })
  @IsOptional()
  @IsInt()
  @Min(0)
  readonly maxBytes?: number;

  @ApiProperty({ example: 'cold' })
  @IsString()
  @MaxLength(32)
  readonly placement!: string;
}

/** What placements are chosen by, besides settings. */
export class PlacementPolicy {
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'Placement of each storage class',
    example: { FAST: 'mirrored' },
  })
  @IsObject()
  readonly storageClasses!: Readonly<Record<string, string>>;

  @ApiProperty({ type: [PlacementRule], description: 'Asked in order, after those of the file and before classes' })
  @IsArray()
  @ArrayMaxSize(MAX_ITEMS)
  @ValidateNested({ each: true })
  @Type(() => PlacementRule)
  readonly rules!: PlacementRule[];
}

export class PlacementPolicyView {
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, example: { FAST: 'mirrored' } })
  readonly storageClasses!: Readonly<Record<string, string>>;

  @ApiProperty({ type: [PlacementRule] })
  readonly rules!: readonly PlacementRule[];

  @ApiProperty({ type: PlacementPolicy, description: 'What the configuration says; it comes first' })
  readonly file!: {
    readonly storageClasses: Readonly<Record<string, string>>;
    readonly rules: readonly PlacementRule[];
  };

  @ApiProperty({ description: 'Counts the changes; also the ETag', example: '1' })
  readonly revision!: string;
}

/** A placement, with the defaults filled in. */
export class PlacementView {
  @ApiProperty({ example: 'mirrored' })
  readonly name!: string;

  @ApiProperty({ type: [String], description: 'Drivers that may hold a copy, the preferred first', example: ['lyve'] })
  readonly drivers!: readonly string[];

  @ApiProperty({ example: 1 })
  readonly copies!: number;

  @ApiProperty({ example: 1 })
  readonly quorum!: number;

  @ApiProperty({ type: [String], example: [] })
  readonly backup!: readonly string[];

  @ApiPropertyOptional({ example: 'eu' })
  readonly residency?: string;

  @ApiPropertyOptional({ type: PlacementTier })
  readonly tier?: PlacementTier;

  @ApiProperty({ enum: ['api', 'file'], description: 'file: from the configuration, and changed only there' })
  readonly source!: 'api' | 'file';

  @ApiPropertyOptional({ description: 'Counts the changes; also the ETag. Absent for those of the file', example: '1' })
  readonly revision?: string;
}

/** @param defined its row; undefined: it stands in the configuration */
export function placementView(placement: Placement, defined: DefinedPlacement | undefined): PlacementView {
  const { name, drivers, copies, quorum, backup, residency, tier } = placement;
  return {
    name,
    drivers,
    copies,
    quorum,
    backup,
    ...(residency === undefined ? {} : { residency }),
    ...(tier === undefined ? {} : { tier }),
    ...(defined === undefined ? { source: 'file' } : { source: 'api', revision: defined.revision }),
  };
}
