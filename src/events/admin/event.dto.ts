import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsBoolean, IsDate, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { PageQuery } from '../../admin-api/page';

/** `?limit=&cursor=` and filters of `GET /events`. */
export class EventListQuery extends PageQuery {
  @ApiPropertyOptional({
    description: 'Events from then on; default: a day before `to`',
    example: '2026-01-31T00:00:00Z',
  })
  @IsOptional()
  @Type(() => Date)
  @IsDate()
  readonly from?: Date;

  @ApiPropertyOptional({ description: 'Events before then; default: now' })
  @IsOptional()
  @Type(() => Date)
  @IsDate()
  readonly to?: Date;

  @ApiPropertyOptional({ description: 'Name or id of a tenant; a tenant-admin sees the own one only' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly tenant?: string;

  @ApiPropertyOptional({ example: 'GetObject' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  readonly operation?: string;

  @ApiPropertyOptional({ description: 'First digit of the status', minimum: 1, maximum: 5, example: 4 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(5)
  readonly statusClass?: number;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  readonly container?: string;

  @ApiPropertyOptional({ description: 'Events of artifacts whose key begins so' })
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  readonly keyPrefix?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  readonly accessKey?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly requestId?: string;
}

export const EXPORT_FORMATS = ['ndjson', 'csv', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Query of `GET /events/export`. */
export class EventExportQuery {
  @ApiPropertyOptional({ enum: EXPORT_FORMATS, default: 'ndjson' })
  @IsIn(EXPORT_FORMATS)
  readonly format: ExportFormat = 'ndjson';

  @ApiProperty({ description: 'Events from then on', example: '2026-01-01T00:00:00Z' })
  @Type(() => Date)
  @IsDate()
  readonly from!: Date;

  @ApiPropertyOptional({ description: 'Events before then; default: now' })
  @IsOptional()
  @Type(() => Date)
  @IsDate()
  readonly to?: Date;

  @ApiPropertyOptional({ description: 'Name or id of a tenant; a tenant-admin gets the own one only' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly tenant?: string;

  @ApiPropertyOptional({ type: Boolean, description: 'Puts an HMAC in the place of each key', default: false })
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  readonly hashKeys: boolean = false;
}

/** One request, as the event log keeps it. What is not known, or was not there, is absent. */
export class EventView {
  @ApiProperty({ description: 'UUIDv7: begins with the time' })
  readonly id!: string;
  @ApiProperty({ description: 'When the request began' })
  readonly time!: Date;
  @ApiProperty()
  readonly requestId!: string;
  @ApiPropertyOptional()
  readonly tenantId?: string;
  @ApiPropertyOptional()
  readonly userId?: string;
  @ApiPropertyOptional()
  readonly accessKeyId?: string;
  @ApiPropertyOptional({ description: 'Of the admin plane', example: 'token:root' })
  readonly actor?: string;
  @ApiProperty({ example: 'GetObject' })
  readonly operation!: string;
  @ApiPropertyOptional()
  readonly container?: string;
  @ApiPropertyOptional()
  readonly artifactKey?: string;
  @ApiPropertyOptional()
  readonly versionId?: string;
  @ApiProperty({ enum: ['completed', 'aborted'] })
  readonly outcome!: string;
  @ApiProperty({ example: 200 })
  readonly status!: number;
  @ApiPropertyOptional({ example: 'NoSuchKey' })
  readonly errorCode?: string;
  @ApiProperty()
  readonly bytesIn!: number;
  @ApiProperty()
  readonly bytesOut!: number;
  @ApiProperty()
  readonly latencyMs!: number;
  @ApiPropertyOptional()
  readonly firstByteMs?: number;
  @ApiPropertyOptional()
  readonly driver?: string;
  @ApiPropertyOptional()
  readonly driverLatencyMs?: number;
  @ApiPropertyOptional()
  readonly placement?: string;
  @ApiPropertyOptional()
  readonly range?: string;
  @ApiPropertyOptional()
  readonly remoteAddress?: string;
  @ApiPropertyOptional()
  readonly userAgent?: string;
}
