import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { ContainerQuota, PLACEMENT_NAME, PLACEMENT_NAME_MESSAGE } from '../../context/policy/tenant-policy';
import { PageQuery } from '../page';

const VERSIONING = ['off', 'enabled', 'suspended'] as const;

const isGiven = (_object: unknown, value: unknown): boolean => value !== undefined;

export class ContainerUsageView {
  @ApiProperty({ description: 'Bytes of all versions and of uploads in progress', example: 1_500_000 })
  readonly bytes!: number;

  @ApiProperty({ description: 'Versions, without delete markers', example: 42 })
  readonly artifacts!: number;
}

/** A container (bucket) of a tenant. */
export class ContainerView {
  @ApiProperty({ example: 'photos' })
  readonly name!: string;

  @ApiProperty({ description: 'Name of the user who owns it', example: 'alice' })
  readonly owner!: string;

  @ApiProperty({ example: 'us-east-1' })
  readonly region!: string;

  @ApiProperty({ enum: VERSIONING })
  readonly versioning!: (typeof VERSIONING)[number];

  @ApiProperty({ type: ContainerQuota })
  readonly quota!: ContainerQuota;

  @ApiPropertyOptional({ description: 'Placement of its own; absent: that of the tenant', example: 'mirrored' })
  readonly placement?: string;

  @ApiProperty({ type: ContainerUsageView })
  readonly usage!: ContainerUsageView;

  @ApiProperty({ description: 'Counts the changes by the admin API; also the ETag', example: '1' })
  readonly revision!: string;

  @ApiProperty()
  readonly createdAt!: Date;
}

export class ContainerQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'Beginning of the name', example: 'backup-' })
  @IsOptional()
  @IsString()
  @MaxLength(63)
  readonly prefix?: string;
}

export class CreateContainer {
  @ApiProperty({ description: 'By the rules for names of S3 buckets', example: 'photos' })
  @IsString()
  @MaxLength(63)
  readonly name!: string;

  @ApiProperty({ description: 'Name or id of the user who is to own it', example: 'alice' })
  @IsString()
  @MaxLength(255)
  readonly owner!: string;
}

export class EmptyContainer {
  @ApiPropertyOptional({
    default: false,
    description: 'Delete objects of attached sources too, where their artifacts are made of them. Operators only',
  })
  @IsOptional()
  @IsBoolean()
  readonly deleteForeignData: boolean = false;
}

export class UpdateContainer {
  @ApiPropertyOptional({ type: ContainerQuota, description: 'Takes the place of the whole quota' })
  @ValidateIf(isGiven)
  @IsObject()
  @ValidateNested()
  @Type(() => ContainerQuota)
  readonly quota?: ContainerQuota;

  @ApiPropertyOptional({ enum: ['enabled', 'suspended'], example: 'enabled' })
  @ValidateIf(isGiven)
  @IsIn(['enabled', 'suspended'])
  readonly versioning?: 'enabled' | 'suspended';

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'Placement of what is written from now on; null: that of the tenant. Operators only',
    example: 'mirrored',
  })
  @IsOptional()
  @Matches(PLACEMENT_NAME, { message: PLACEMENT_NAME_MESSAGE })
  readonly placement?: string | null;
}
