import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { ADMIN_ROLES } from '../admin-caller.decorator';
import type { AdminRole } from '../admin-caller.decorator';

export const TOKEN_STATES = ['active', 'expired', 'revoked'] as const;
export type AdminTokenState = (typeof TOKEN_STATES)[number];

/** A token of the admin API without its secret. */
export class AdminTokenView {
  @ApiProperty({ format: 'uuid' })
  readonly id!: string;

  @ApiProperty({ description: 'Says in the event log who acted', example: 'alice' })
  readonly name!: string;

  @ApiProperty({ enum: ADMIN_ROLES })
  readonly role!: AdminRole;

  @ApiPropertyOptional({ description: 'Name of the tenant that a tenant-admin is bound to', example: 'acme' })
  readonly tenant?: string;

  @ApiPropertyOptional({ format: 'uuid' })
  readonly tenantId?: string;

  @ApiProperty({ enum: TOKEN_STATES })
  readonly state!: AdminTokenState;

  @ApiProperty({ example: 'token:first' })
  readonly createdBy!: string;

  @ApiProperty()
  readonly createdAt!: Date;

  @ApiPropertyOptional()
  readonly expiresAt?: Date;

  @ApiPropertyOptional()
  readonly revokedAt?: Date;

  @ApiPropertyOptional({ description: 'Accurate to a minute' })
  readonly lastUsedAt?: Date;
}

/** The only answer that ever holds the token itself. */
export class CreatedAdminToken extends AdminTokenView {
  @ApiProperty({ description: 'Shown this once', example: 'vat_hZ0cNqQ1lV8m3uXJ5o9yB2tRwE7sKaFdGiLpC4nTxYk' })
  readonly token!: string;
}

export class CreateAdminToken {
  @ApiProperty({ description: 'Not in use by another active token', example: 'alice' })
  @Matches(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
    message: '$property must be lower-case letters, digits, dots, dashes or underscores, at most 63',
  })
  readonly name!: string;

  @ApiProperty({
    enum: ADMIN_ROLES,
    description: 'operator: everything; viewer: reads everything; tenant-admin: one tenant',
    example: 'tenant-admin',
  })
  @IsIn(ADMIN_ROLES)
  readonly role!: AdminRole;

  @ApiPropertyOptional({ description: 'Tenant of a tenant-admin, by name or id; not for others', example: 'acme' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly tenant?: string;

  @ApiPropertyOptional({ description: 'Absent: never', format: 'date-time', example: '2030-01-01T00:00:00Z' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly expiresAt?: string;
}
