import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsISO8601, IsOptional } from 'class-validator';
import { TenantLimits, TenantQuota } from '../../context/policy/tenant-policy';
import { PageQuery } from '../page';

export class QuotaView {
  @ApiProperty({ type: TenantQuota, description: 'What holds' })
  readonly effective!: TenantQuota;

  @ApiProperty({ type: TenantQuota, description: 'What the plan says' })
  readonly plan!: TenantQuota;

  @ApiProperty({ type: TenantQuota, description: 'What differs from the plan' })
  readonly overrides!: TenantQuota;

  @ApiProperty({ description: 'Of the tenant; also the ETag', example: '1' })
  readonly revision!: string;
}

export class LimitsView {
  @ApiProperty({ type: TenantLimits, description: 'What holds' })
  readonly effective!: TenantLimits;

  @ApiProperty({ type: TenantLimits, description: 'What the plan says' })
  readonly plan!: TenantLimits;

  @ApiProperty({ type: TenantLimits, description: 'What differs from the plan' })
  readonly overrides!: TenantLimits;

  @ApiProperty({ description: 'Of the tenant; also the ETag', example: '1' })
  readonly revision!: string;
}

export class UsageView {
  @ApiProperty({ description: 'Bytes of all versions and of uploads in progress', example: 1_500_000 })
  readonly bytes!: number;

  @ApiProperty({ description: 'Versions, without delete markers', example: 42 })
  readonly artifacts!: number;

  @ApiProperty({ description: 'Bytes of uploads in progress, part of `bytes`', example: 0 })
  readonly uploadsBytes!: number;

  @ApiProperty({ description: 'Bytes sent in answers since the month began (UTC)', example: 10_000 })
  readonly egressBytesThisMonth!: number;

  @ApiProperty({ example: 3 })
  readonly containers!: number;

  @ApiProperty({ description: 'Active access keys', example: 2 })
  readonly accessKeys!: number;
}

export class UsagePeriodView {
  @ApiProperty({ description: 'Begin of the hour or day (UTC)' })
  readonly time!: Date;

  @ApiPropertyOptional({ description: 'At the last sample of the period' })
  readonly bytes?: number;

  @ApiPropertyOptional({ description: 'At the last sample of the period' })
  readonly artifacts?: number;

  @ApiProperty({ description: 'Bytes that came in' })
  readonly ingressBytes!: number;

  @ApiProperty({ description: 'Bytes that went out' })
  readonly egressBytes!: number;

  @ApiProperty()
  readonly requests!: number;
}

export class UsageHistoryQuery extends PageQuery {
  @ApiPropertyOptional({ format: 'date-time', description: 'Default: 30 days before `to`' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly from?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Default: now' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly to?: string;

  @ApiPropertyOptional({ enum: ['hour', 'day'], default: 'day' })
  @IsOptional()
  @IsIn(['hour', 'day'])
  @Type(() => String)
  readonly step: 'hour' | 'day' = 'day';
}
