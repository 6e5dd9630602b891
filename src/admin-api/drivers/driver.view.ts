import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { S3_PROFILES } from '../../drivers/s3/profiles';

export class DriverCapabilitiesView {
  @ApiProperty({ description: 'Copies without moving bytes through the gateway' })
  readonly canCopy!: boolean;

  @ApiProperty({ description: 'Blobs survive the end of the process' })
  readonly isDurable!: boolean;

  @ApiPropertyOptional({ description: 'Bytes of the largest blob; absent: no limit of its own' })
  readonly maxBlobBytes?: number;
}

export class DriverHealthView {
  @ApiProperty()
  readonly isHealthy!: boolean;

  @ApiProperty({
    description: 'Milliseconds of writing, reading and deleting a probe blob, or of listing a source',
    example: 2.5,
  })
  readonly latencyMs!: number;

  @ApiPropertyOptional({ description: 'Why it is not healthy' })
  readonly reason?: string;
}

/** A configured storage backend, as the process that answers sees it. */
export class DriverView {
  @ApiProperty({ example: 'local' })
  readonly name!: string;

  @ApiProperty({ example: 'local' })
  readonly type!: string;

  @ApiProperty({
    description: 'It is a source of `attachable`: containers may have its objects, nothing is written there',
  })
  readonly isAttachable!: boolean;

  @ApiProperty({ description: 'New blobs go there' })
  readonly isDefault!: boolean;

  @ApiProperty()
  readonly capabilities!: DriverCapabilitiesView;

  @ApiProperty()
  readonly health!: DriverHealthView;
}

/** How a driver is to be emptied. */
export class DrainDriver {
  @ApiPropertyOptional({ description: 'Driver that gets the blobs; absent: those of their placements', example: 'new' })
  @IsOptional()
  @IsString()
  @MaxLength(32)
  readonly to?: string;
}

/** How the blobs of a driver are to be read. */
export class VerifyDriver {
  @ApiPropertyOptional({ description: 'Read no faster; absent: as fast as the driver is', example: 10_000_000 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1e12)
  readonly bytesPerSecond?: number;
}

export class ProbeStepView {
  @ApiProperty({ example: 'multipart upload' })
  readonly name!: string;

  @ApiProperty({ enum: ['works', 'differs', 'fails'] })
  readonly outcome!: 'works' | 'differs' | 'fails';

  @ApiProperty({ description: 'What was seen, for people' })
  readonly detail!: string;

  @ApiProperty({ description: 'Milliseconds', example: 12.5 })
  readonly latencyMs!: number;
}

export class ProbedQuirksView {
  @ApiProperty()
  readonly hasMultipart!: boolean;

  @ApiProperty()
  readonly hasListV2!: boolean;

  @ApiProperty({ description: 'The ETag of a PUT is the MD5 of its bytes' })
  readonly trustsETag!: boolean;

  @ApiProperty({ description: '`If-None-Match: *` is honoured' })
  readonly hasConditionalWrites!: boolean;

  @ApiProperty({ enum: ['crc32', 'md5', 'none'], description: 'The best checksum that the backend verifies' })
  readonly checksum!: 'crc32' | 'md5' | 'none';
}

export class ProbeDifferenceView {
  @ApiProperty({ description: 'Field of the configuration', example: 'hasConditionalWrites' })
  readonly field!: string;

  @ApiProperty({ oneOf: [{ type: 'boolean' }, { type: 'string' }] })
  readonly configured!: unknown;

  @ApiProperty({ oneOf: [{ type: 'boolean' }, { type: 'string' }] })
  readonly seen!: unknown;
}

/** What a probe found out about the backend of a driver. */
export class ProbeReportView {
  @ApiProperty({ example: 'lyve' })
  readonly driver!: string;

  @ApiProperty({ example: 'https://s3.eu-west-1.global.lyve.seagate.com' })
  readonly endpoint!: string;

  @ApiProperty({ description: 'Blobs can be written, read back whole and in ranges, listed and deleted' })
  readonly isUsable!: boolean;

  @ApiProperty({ description: 'CopyObject works' })
  readonly canCopy!: boolean;

  @ApiPropertyOptional({ enum: Object.keys(S3_PROFILES), description: 'The profile whose quirks are closest' })
  readonly bestProfile!: string | undefined;

  @ApiPropertyOptional({ type: ProbedQuirksView, description: 'Absent: not even a PUT worked, or time ran out' })
  readonly quirks!: ProbedQuirksView | undefined;

  @ApiProperty({ type: [ProbeDifferenceView], description: 'Where the configuration and the backend differ' })
  readonly differences!: readonly ProbeDifferenceView[];

  @ApiProperty({ type: [ProbeStepView], description: 'What was tried, in order' })
  readonly steps!: readonly ProbeStepView[];
}
