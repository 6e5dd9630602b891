import { ApiPropertyOptional, ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsNumber, IsObject, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';

const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/** What a placement may be called. */
export const PLACEMENT_NAME = /^[a-z][a-z0-9-]{0,31}$/;
export const PLACEMENT_NAME_MESSAGE = '$property must be a name of lower-case letters, digits and dashes, at most 32';

/** A bound that is never exceeded, and one whose approach is announced at 80, 90 and 100 per cent. Absent: none. */
export class QuotaBounds {
  @ApiPropertyOptional({ type: Number, description: 'Never exceeded', example: 1_000_000_000_000, nullable: true })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_COUNT)
  readonly hard?: number | null;

  @ApiPropertyOptional({
    type: Number,
    description: 'Announced at 80, 90 and 100 per cent',
    example: 800_000_000_000,
    nullable: true,
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_COUNT)
  readonly soft?: number | null;
}

/** How much a container may hold. */
export class ContainerQuota {
  @ApiPropertyOptional({ type: QuotaBounds, description: 'Bytes of all versions, and of uploads in progress' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => QuotaBounds)
  readonly bytes?: QuotaBounds;

  @ApiPropertyOptional({ type: QuotaBounds, description: 'Versions, without delete markers' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => QuotaBounds)
  readonly artifacts?: QuotaBounds;
}

/** How much a tenant may hold, and take away. */
export class TenantQuota extends ContainerQuota {
  @ApiPropertyOptional({ type: QuotaBounds, description: 'Bytes sent in answers, per calendar month (UTC)' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => QuotaBounds)
  readonly monthlyEgressBytes?: QuotaBounds;

  @ApiPropertyOptional({
    type: Number,
    description: 'Bytes of the largest artifact',
    example: 5_000_000_000,
    nullable: true,
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_COUNT)
  readonly largestArtifactBytes?: number | null;

  @ApiPropertyOptional({ type: Number, description: 'Number of containers', example: 100, nullable: true })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  readonly containers?: number | null;

  @ApiPropertyOptional({ type: Number, description: 'Number of active access keys', example: 20, nullable: true })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  readonly accessKeys?: number | null;
}

/** A token bucket: `burst` requests at once, `perSecond` new ones. */
export class RequestRate {
  @ApiProperty({ description: 'Requests a second', example: 100 })
  @IsNumber()
  @Min(0.001)
  @Max(1e9)
  readonly perSecond!: number;

  @ApiProperty({ description: 'Requests at once', example: 200 })
  @IsInt()
  @Min(1)
  @Max(1e9)
  readonly burst!: number;
}

/** Rates by class of operation. Absent or null: the class is not limited. */
export class RequestRates {
  @ApiPropertyOptional({ type: RequestRate, nullable: true })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RequestRate)
  readonly read?: RequestRate | null;

  @ApiPropertyOptional({ type: RequestRate, nullable: true })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RequestRate)
  readonly write?: RequestRate | null;

  @ApiPropertyOptional({ type: RequestRate, nullable: true })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RequestRate)
  readonly list?: RequestRate | null;

  @ApiPropertyOptional({ type: RequestRate, nullable: true })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RequestRate)
  readonly admin?: RequestRate | null;
}

/** How fast somebody may ask. */
export class RateLimits {
  @ApiPropertyOptional({ type: RequestRates })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RequestRates)
  readonly requests?: RequestRates;

  @ApiPropertyOptional({ type: Number, description: 'Requests in flight', example: 500, nullable: true })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  readonly requestsInFlight?: number | null;

  @ApiPropertyOptional({
    type: Number,
    description: 'Bytes a second that come in; shaped, not refused',
    nullable: true,
  })
  @IsOptional()
  @IsInt()
  @Min(1024)
  @Max(MAX_COUNT)
  readonly bytesInPerSecond?: number | null;

  @ApiPropertyOptional({ type: Number, description: 'Bytes a second that go out; shaped, not refused', nullable: true })
  @IsOptional()
  @IsInt()
  @Min(1024)
  @Max(MAX_COUNT)
  readonly bytesOutPerSecond?: number | null;
}

/** Limits of a tenant as a whole, and of each of its access keys. */
export class TenantLimits {
  @ApiPropertyOptional({ type: RateLimits, description: 'All access keys of the tenant together' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RateLimits)
  readonly tenant?: RateLimits;

  @ApiPropertyOptional({ type: RateLimits, description: 'Each access key' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RateLimits)
  readonly accessKey?: RateLimits;
}

/** What is kept of requests. */
export class EventsPolicy {
  @ApiPropertyOptional({
    type: Number,
    description: 'Days that the event log keeps rows of the tenant; null: for ever',
    example: 90,
    nullable: true,
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(36_500)
  readonly retentionDays?: number | null;
}

/**
 * Quotas, limits and placement, as a plan names them or a tenant overrides them. What is absent is inherited (tenant from plan, plan from
 * the defaults of the configuration); null lifts the bound.
 */
export class TenantPolicy {
  @ApiPropertyOptional({ type: TenantQuota })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => TenantQuota)
  readonly quota?: TenantQuota;

  @ApiPropertyOptional({ type: TenantLimits })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => TenantLimits)
  readonly limits?: TenantLimits;

  @ApiPropertyOptional({ type: EventsPolicy })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => EventsPolicy)
  readonly events?: EventsPolicy;

  @ApiPropertyOptional({
    type: String,
    description: 'Placement of what is written to containers that have none of their own; null: the default one',
    example: 'mirrored',
    nullable: true,
  })
  @IsOptional()
  @Matches(PLACEMENT_NAME, { message: PLACEMENT_NAME_MESSAGE })
  readonly placement?: string | null;
}
