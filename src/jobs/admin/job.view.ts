import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { PageQuery } from '../../admin-api/page';
import { JOB_STATES } from '../job.types';
import type { Job, JobData, JobState } from '../job.types';

/** A job, as answers show it. */
export class JobView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'container-empty' })
  readonly kind!: string;

  @ApiProperty({ enum: JOB_STATES })
  readonly state!: JobState;

  @ApiPropertyOptional({ description: 'Name of the tenant that it works on', example: 'acme' })
  readonly tenant?: string;

  @ApiPropertyOptional({ format: 'uuid' })
  readonly tenantId?: string;

  @ApiProperty({ type: Object, additionalProperties: true, example: { container: 'photos' } })
  readonly parameters!: JobData;

  @ApiProperty({
    type: Object,
    additionalProperties: true,
    description: 'What it did so far',
    example: { artifactsRemoved: 1200 },
  })
  readonly progress!: JobData;

  @ApiPropertyOptional({ description: 'Why it failed' })
  readonly error?: string;

  @ApiProperty({ description: 'It was asked to stop' })
  readonly isCancelRequested!: boolean;

  @ApiProperty({ example: 'token:alice' })
  readonly createdBy!: string;

  @ApiProperty()
  readonly createdAt!: Date;

  @ApiPropertyOptional()
  readonly startedAt?: Date;

  @ApiPropertyOptional()
  readonly finishedAt?: Date;
}

export class JobQuery extends PageQuery {
  @ApiPropertyOptional({ enum: JOB_STATES })
  @IsOptional()
  @IsIn(JOB_STATES)
  readonly state?: JobState;

  @ApiPropertyOptional({ example: 'container-empty' })
  @IsOptional()
  @Matches(/^[a-z][a-z0-9-]{0,62}$/, { message: '$property must be the name of a kind of job' })
  readonly kind?: string;

  @ApiPropertyOptional({ description: 'Jobs of this tenant only, by name or id' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly tenant?: string;
}

/** What has no value is left out. Also for other controllers that answer with the job that they queued. */
export function jobView(job: Job): JobView {
  const { id, kind, state, parameters, progress, isCancelRequested, createdBy, createdAt } = job;
  return {
    id,
    kind,
    state,
    ...(job.tenantName === undefined ? {} : { tenant: job.tenantName }),
    ...(job.tenantId === undefined ? {} : { tenantId: job.tenantId }),
    parameters,
    progress,
    ...(job.error === undefined ? {} : { error: job.error }),
    isCancelRequested,
    createdBy,
    createdAt,
    ...(job.startedAt === undefined ? {} : { startedAt: job.startedAt }),
    ...(job.finishedAt === undefined ? {} : { finishedAt: job.finishedAt }),
  };
}
