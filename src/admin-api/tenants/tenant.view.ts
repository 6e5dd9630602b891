import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsEmail,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { KeyScope } from '../../context/policy/key-scope';
import { TenantPolicy } from '../../context/policy/tenant-policy';
import type { AccessKey } from '../../tenant/entities/access-key.entity';
import type { Plan } from '../../tenant/entities/plan.entity';
import type { Tenant, TenantState } from '../../tenant/entities/tenant.entity';
import type { User } from '../../tenant/entities/user.entity';
import { PageQuery } from '../page';

const TENANT_STATES = ['active', 'suspended', 'closing'] as const;
const KEY_STATES = ['active', 'expired', 'revoked'] as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const NAME_MESSAGE = '$property must be 1 to 63 of A-Z a-z 0-9 . _ -, a letter or digit first';
const PLAN_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const MAX_OVERLAP_SECONDS = 30 * 86_400;

const isGiven = (_object: unknown, value: unknown): boolean => value !== undefined;

export class TenantView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'acme' })
  readonly name!: string;

  @ApiPropertyOptional({ example: 'Acme Ltd' })
  readonly displayName?: string;

  @ApiProperty({
    enum: TENANT_STATES,
    description: 'suspended: requests are refused, data stays; closing: refused, data is being removed',
  })
  readonly state!: TenantState;

  @ApiPropertyOptional({ description: 'Name of its plan', example: 'gold' })
  readonly plan?: string;

  @ApiProperty({ type: TenantPolicy, description: 'What differs from the plan' })
  readonly policy!: TenantPolicy;

  @ApiProperty({ description: 'Counts the changes; also the ETag', example: '1' })
  readonly revision!: string;

  @ApiProperty()
  readonly createdAt!: Date;

  @ApiProperty()
  readonly updatedAt!: Date;
}

export function tenantView(tenant: Tenant): TenantView {
  const { id, name, displayName, state, planName, policy, revision, createdAt, updatedAt } = tenant;
  return {
    id,
    name,
    ...(displayName === null ? {} : { displayName }),
    state,
    ...(planName === null ? {} : { plan: planName }),
    policy,
    revision,
    createdAt,
    updatedAt,
  };
}

export class TenantQuery extends PageQuery {
  @ApiPropertyOptional({ enum: TENANT_STATES })
  @IsOptional()
  @IsIn(TENANT_STATES)
  readonly state?: TenantState;

  @ApiPropertyOptional({ description: 'Beginning of the name', example: 'ac' })
  @IsOptional()
  @IsString()
  @MaxLength(63)
  readonly prefix?: string;
}

export class CreateTenant {
  @ApiProperty({ example: 'acme' })
  @Matches(NAME, { message: NAME_MESSAGE })
  readonly name!: string;

  @ApiPropertyOptional({ example: 'Acme Ltd' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly displayName?: string;

  @ApiPropertyOptional({ description: 'Default: `defaultPlan` of the configuration', example: 'gold' })
  @IsOptional()
  @Matches(PLAN_NAME, { message: '$property must be the name of a plan' })
  readonly plan?: string;

  @ApiPropertyOptional({
    type: TenantPolicy,
    description: 'What differs from the plan',
    example: { quota: { bytes: { hard: 1_000_000_000_000 } } },
  })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => TenantPolicy)
  readonly policy?: TenantPolicy;
}

export class UpdateTenant {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'Acme Limited' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly displayName?: string | null;

  @ApiPropertyOptional({ enum: ['active', 'suspended'], example: 'suspended' })
  @ValidateIf(isGiven)
  @IsIn(['active', 'suspended'])
  readonly state?: 'active' | 'suspended';

  @ApiPropertyOptional({ type: String, nullable: true, description: 'null: no plan', example: 'silver' })
  @IsOptional()
  @Matches(PLAN_NAME, { message: '$property must be the name of a plan' })
  readonly plan?: string | null;

  @ApiPropertyOptional({ type: TenantPolicy, description: 'Takes the place of all that differed from the plan' })
  @ValidateIf(isGiven)
  @IsObject()
  @ValidateNested()
  @Type(() => TenantPolicy)
  readonly policy?: TenantPolicy;
}

export class UserView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ example: 'alice' })
  readonly name!: string;

  @ApiProperty({ description: '`ID` of `Owner` in S3 answers', example: '0'.repeat(64) })
  readonly canonicalId!: string;

  @ApiProperty({ example: 'Alice' })
  readonly displayName!: string;

  @ApiPropertyOptional({ example: 'alice@example.com' })
  readonly email?: string;

  @ApiProperty({ example: '1' })
  readonly revision!: string;

  @ApiProperty()
  readonly createdAt!: Date;
}

export function userView({ id, name, canonicalId, displayName, email, revision, createdAt }: User): UserView {
  return { id, name, canonicalId, displayName, ...(email === null ? {} : { email }), revision, createdAt };
}

export class CreateUser {
  @ApiProperty({ example: 'alice' })
  @Matches(NAME, { message: NAME_MESSAGE })
  readonly name!: string;

  @ApiPropertyOptional({ description: 'Shown in S3 answers; default: the name', example: 'Alice' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly displayName?: string;

  @ApiPropertyOptional({ example: 'alice@example.com' })
  @IsOptional()
  @IsEmail()
  readonly email?: string;
}

export class UpdateUser {
  @ApiPropertyOptional({ example: 'Alice B.' })
  @ValidateIf(isGiven)
  @IsString()
  @MaxLength(255)
  readonly displayName?: string;

  @ApiPropertyOptional({ type: String, nullable: true, example: 'alice@example.com' })
  @IsOptional()
  @IsEmail()
  readonly email?: string | null;
}

export class KeyView {
  @ApiProperty({ example: 'AKIAEXAMPLEEXAMPLE22' })
  readonly accessKeyId!: string;

  @ApiProperty({ description: 'Name of its user', example: 'alice' })
  readonly user!: string;

  @ApiProperty({ enum: KEY_STATES })
  readonly state!: (typeof KEY_STATES)[number];

  @ApiPropertyOptional({ example: 'nightly backup' })
  readonly description?: string;

  @ApiPropertyOptional({ type: KeyScope, description: 'Absent: all that its user may' })
  readonly scope?: KeyScope;

  @ApiPropertyOptional({ description: 'Absent: never' })
  readonly expiresAt?: Date;

  @ApiPropertyOptional({ description: 'Accurate to a minute' })
  readonly lastUsedAt?: Date;

  @ApiProperty({ example: '1' })
  readonly revision!: string;

  @ApiProperty()
  readonly createdAt!: Date;
}

export class CreatedKeyView extends KeyView {
  @ApiProperty({ description: 'Shown this once', example: 'wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY' })
  readonly secretKey!: string;
}

export function keyView(key: AccessKey): KeyView {
  const { id, user, description, scope, expiresAt, lastUsedAt, revision, createdAt } = key;
  const isExpired = expiresAt !== null && expiresAt.getTime() <= Date.now();
  return {
    accessKeyId: id,
    user: user.name,
    state: key.state === 'revoked' ? 'revoked' : isExpired ? 'expired' : 'active',
    ...(description === null ? {} : { description }),
    ...(scope === null ? {} : { scope }),
    ...(expiresAt === null ? {} : { expiresAt }),
    ...(lastUsedAt === null ? {} : { lastUsedAt }),
    revision,
    createdAt,
  };
}

export class CreateKey {
  @ApiPropertyOptional({ example: 'nightly backup' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly description?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Absent: never', example: '2030-01-01T00:00:00Z' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly expiresAt?: string;

  @ApiPropertyOptional({ type: KeyScope, description: 'Absent: all that its user may' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => KeyScope)
  readonly scope?: KeyScope;

  @ApiPropertyOptional({ description: 'To take over a key from elsewhere, together with secretKey; operators only' })
  @IsOptional()
  @Matches(/^[A-Za-z0-9_.-]{3,128}$/, { message: '$property must be 3 to 128 of A-Z a-z 0-9 . _ -' })
  readonly accessKeyId?: string;

  @ApiPropertyOptional({ description: 'Together with accessKeyId; operators only' })
  @IsOptional()
  @Matches(/^[\x21-\x7e]{8,128}$/, { message: '$property must be 8 to 128 printable ASCII characters' })
  readonly secretKey?: string;
}

export class UpdateKey {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'nightly backup' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly description?: string | null;

  @ApiPropertyOptional({ type: String, nullable: true, format: 'date-time', description: 'null: never' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly expiresAt?: string | null;

  @ApiPropertyOptional({ type: KeyScope, nullable: true, description: 'null: all that its user may' })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => KeyScope)
  readonly scope?: KeyScope | null;
}

export class RotateKey {
  @ApiPropertyOptional({
    description: 'Seconds for which the old key still works',
    minimum: 0,
    maximum: MAX_OVERLAP_SECONDS,
    default: 86_400,
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_OVERLAP_SECONDS)
  readonly overlapSeconds: number = 86_400;
}

export class PlanView {
  @ApiProperty({ example: 'gold' })
  readonly name!: string;

  @ApiPropertyOptional({ example: 'For customers with more than 1 TB' })
  readonly description?: string;

  @ApiProperty({ type: TenantPolicy })
  readonly policy!: TenantPolicy;

  @ApiProperty({ enum: ['api', 'file'], description: 'file: from the configuration, and changed only there' })
  readonly source!: 'api' | 'file';

  @ApiProperty({ example: '1' })
  readonly revision!: string;

  @ApiProperty()
  readonly createdAt!: Date;

  @ApiProperty()
  readonly updatedAt!: Date;
}

export function planView({ name, description, policy, source, revision, createdAt, updatedAt }: Plan): PlanView {
  return { name, ...(description === null ? {} : { description }), policy, source, revision, createdAt, updatedAt };
}

export class CreatePlan {
  @ApiProperty({ example: 'gold' })
  @Matches(PLAN_NAME, { message: '$property must be lower-case letters, digits, dots, dashes or underscores' })
  readonly name!: string;

  @ApiPropertyOptional({ example: 'For customers with more than 1 TB' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  readonly description?: string;

  @ApiProperty({
    type: TenantPolicy,
    example: {
      quota: { bytes: { hard: 1_000_000_000_000, soft: 800_000_000_000 }, containers: 100 },
      limits: { tenant: { requests: { write: { perSecond: 100, burst: 200 } } } },
    },
  })
  @IsObject()
  @ValidateNested()
  @Type(() => TenantPolicy)
  readonly policy!: TenantPolicy;
}

export class UpdatePlan {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'For customers with more than 1 TB' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  readonly description?: string | null;

  @ApiPropertyOptional({ type: TenantPolicy, description: 'Takes the place of the whole policy' })
  @ValidateIf(isGiven)
  @IsObject()
  @ValidateNested()
  @Type(() => TenantPolicy)
  readonly policy?: TenantPolicy;
}
