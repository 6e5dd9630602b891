import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsDate,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { PageQuery } from '../../../admin-api/page';
import type { NotificationTarget } from '../targets/notification-targets';
import { TARGET_KINDS } from '../targets/target.types';
import type { TargetKind } from '../targets/target.types';

const URL_DESCRIPTION =
  'webhook: `http://` or `https://`; redis: `redis://` or `rediss://`, with user and number of the database; nats: `nats://` or `tls://`, with user. Never a password';
const SECRET_DESCRIPTION =
  'webhook: the key of signatures, needed, best as `whsec_<base64>` of 24 bytes and more; redis: the password; nats: the password, or a token where there is no user. Never shown again';

export class TargetQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'Targets of this tenant, by name or id', example: 'acme' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly tenant?: string;
}

/** Fields that may be changed. */
export class UpdateTarget {
  @ApiPropertyOptional({ description: URL_DESCRIPTION, example: 'https://hooks.example.com/s3' })
  @IsOptional()
  @IsString()
  @MaxLength(2_048)
  readonly url?: string;

  @ApiPropertyOptional({ description: SECRET_DESCRIPTION, writeOnly: true, minLength: 16, maxLength: 512 })
  @IsOptional()
  @IsString()
  @Length(16, 512)
  readonly secret?: string;

  @ApiPropertyOptional({ description: 'redis: key of the stream', example: 'bucket-events' })
  @IsOptional()
  @IsString()
  @Length(1, 512)
  readonly stream?: string;

  @ApiPropertyOptional({ description: 'redis: about how many entries the stream keeps; absent: all', minimum: 1 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1e12)
  readonly maxEntries?: number;

  @ApiPropertyOptional({ description: 'nats: what a stream of JetStream takes', example: 'buckets.photos' })
  @IsOptional()
  @Matches(/^[^\s.*>]+(\.[^\s.*>]+)*$/, { message: '$property must be words with dots between, no wildcards' })
  @MaxLength(256)
  readonly subject?: string;
}

export class CreateTarget extends UpdateTarget {
  @ApiProperty({ description: 'The last part of its ARN; unique in the tenant', example: 'thumbnails' })
  @Matches(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
    message: '$property must be lower-case letters, digits, dots, dashes or underscores, at most 63',
  })
  readonly name!: string;

  @ApiProperty({ enum: TARGET_KINDS })
  @IsIn(TARGET_KINDS)
  readonly kind!: TargetKind;

  @ApiPropertyOptional({
    description: 'Whose buckets may name it, by name or id; absent: all tenants, or that of a tenant administrator',
    example: 'acme',
  })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly tenant?: string;

  @ApiProperty({ description: URL_DESCRIPTION, example: 'https://hooks.example.com/s3' })
  @IsString()
  @MaxLength(2_048)
  declare readonly url: string;
}

/** A target of notifications, without its secret. */
export class TargetView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'thumbnails' })
  readonly name!: string;

  @ApiProperty({
    description: 'What bucket configurations name it by',
    example: 'arn:vaultaire:sqs:us-east-1::thumbnails',
  })
  readonly arn!: string;

  @ApiPropertyOptional({ description: 'Absent: of all tenants', example: 'acme' })
  readonly tenant?: string;

  @ApiPropertyOptional({ format: 'uuid' })
  readonly tenantId?: string;

  @ApiProperty({ enum: TARGET_KINDS })
  readonly kind!: TargetKind;

  @ApiProperty({ example: 'https://hooks.example.com/s3' })
  readonly url!: string;

  @ApiPropertyOptional({ example: 'bucket-events' })
  readonly stream?: string;

  @ApiPropertyOptional()
  readonly maxEntries?: number;

  @ApiPropertyOptional({ example: 'buckets.photos' })
  readonly subject?: string;

  @ApiProperty()
  readonly hasSecret!: boolean;

  @ApiProperty({
    description: 'down: it does not answer, or not as it should; what is for it waits',
    enum: ['ok', 'down'],
  })
  readonly health!: 'ok' | 'down';

  @ApiPropertyOptional({ description: 'Since when it has been down' })
  readonly failingSince?: Date;

  @ApiPropertyOptional({ description: 'Of the last try that failed' })
  readonly lastError?: string;

  @ApiPropertyOptional()
  readonly lastSuccessAt?: Date;

  @ApiProperty({ description: 'Events that wait; counted up to 10,000' })
  readonly waiting!: number;

  @ApiProperty({ description: 'Age of the oldest event that waits' })
  readonly lagSeconds!: number;

  @ApiProperty({ description: 'Events that it refused five times; counted up to 10,000' })
  readonly deadLetters!: number;

  @ApiPropertyOptional({ example: 'token:first' })
  readonly createdBy?: string;

  @ApiProperty()
  readonly createdAt!: Date;

  @ApiProperty({ description: 'The number in its ETag', example: '1' })
  readonly revision!: string;
}

export function targetView(target: NotificationTarget): TargetView {
  const { id, name, arn, settings, hasSecret, waiting, lagSeconds, deadLetters, createdAt, revision } = target;
  const { tenant, tenantId, failingSince, lastError, lastSuccessAt, createdBy } = target;
  return {
    id,
    name,
    arn,
    ...settings,
    hasSecret,
    health: failingSince === undefined ? 'ok' : 'down',
    waiting,
    lagSeconds,
    deadLetters,
    createdAt,
    revision,
    ...(tenant !== undefined && { tenant }),
    ...(tenantId !== undefined && { tenantId }),
    ...(failingSince !== undefined && { failingSince }),
    ...(lastError !== undefined && { lastError }),
    ...(lastSuccessAt !== undefined && { lastSuccessAt }),
    ...(createdBy !== undefined && { createdBy }),
  };
}

export class DeadLetterView {
  @ApiProperty({ description: 'As in `webhook-id`', example: '42' })
  readonly id!: string;

  @ApiProperty({ example: 'ObjectCreated:Put' })
  readonly event!: string;

  @ApiProperty({ example: 'photos' })
  readonly bucket!: string;

  @ApiProperty({ example: '2030/01/cat.jpg' })
  readonly key!: string;

  @ApiPropertyOptional()
  readonly versionId?: string;

  @ApiProperty()
  readonly occurredAt!: Date;

  @ApiProperty()
  readonly attempts!: number;

  @ApiPropertyOptional({ example: 'The receiver answered 422' })
  readonly lastError?: string;
}

export class ReplayRequest {
  @ApiProperty({ description: 'Events from then on', format: 'date-time' })
  @Type(() => Date)
  @IsDate()
  readonly from!: Date;

  @ApiPropertyOptional({ description: 'Only those that were never delivered', default: false })
  @IsOptional()
  @IsBoolean()
  readonly deadLettersOnly: boolean = false;
}

export class ReplayView {
  @ApiProperty({ description: 'How many events are sent again' })
  readonly events!: number;
}
