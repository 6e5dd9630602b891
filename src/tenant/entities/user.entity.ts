import {
  Check,
  Column,
  CreateDateColumn,
  Entity,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
  Unique,
  UpdateDateColumn,
} from 'typeorm';
import { Tenant } from './tenant.entity';

/** A person or a program of a tenant. Owns containers and artifacts. */
@Entity('users')
@Unique('users_canonical_id_key', ['canonicalId'])
@Unique('users_tenant_id_name_key', ['tenantId', 'name'])
@Check('users_canonical_id_check', "canonical_id ~ '^[0-9a-f]{64}$'")
export class User {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'users_pkey' })
  id!: string;

  @Column({ name: 'tenant_id', type: 'uuid' })
  tenantId!: string;

  @ManyToOne(() => Tenant, { nullable: false })
  @JoinColumn({ name: 'tenant_id', foreignKeyConstraintName: 'users_tenant_id_fkey' })
  tenant!: Tenant;

  @Column({ type: 'text' })
  name!: string;

  /** 64 hex digits; the `ID` of `Owner` in S3 answers. Random: says nothing about the user. */
  @Column({ name: 'canonical_id', type: 'text' })
  canonicalId!: string;

  @Column({ name: 'display_name', type: 'text' })
  displayName!: string;

  @Column({ type: 'text', nullable: true })
  email!: string | null;

  /** Counts the changes; `bigint` as text. */
  @Column({ type: 'bigint', default: 1 })
  revision!: string;

  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
