import {
  Check,
  Column,
  CreateDateColumn,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
  Unique,
  UpdateDateColumn,
} from 'typeorm';
import type { TenantPolicy } from '../../context/policy/tenant-policy';
import { Plan } from './plan.entity';

/** Suspended: requests are refused, data stays. Closing: refused, data is being removed. */
export type TenantState = 'active' | 'suspended' | 'closing';

/** The customer: owns users, access keys and containers. */
@Entity('tenants')
@Unique('tenants_name_key', ['name'])
@Index('tenants_by_plan', ['planName'])
@Check('tenants_state_check', "state IN ('active', 'suspended', 'closing')")
export class Tenant {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'tenants_pkey' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text', default: 'active' })
  state!: TenantState;

  @Column({ name: 'display_name', type: 'text', nullable: true })
  displayName!: string | null;

  @Column({ name: 'plan', type: 'text', nullable: true })
  planName!: string | null;

  @ManyToOne(() => Plan, { nullable: true })
  @JoinColumn({ name: 'plan', foreignKeyConstraintName: 'tenants_plan_fkey' })
  plan!: Plan | null;

  /** What differs from the plan. */
  @Column({ type: 'jsonb', default: {} })
  policy!: TenantPolicy;

  /** Counts the changes; `bigint` as text. */
  @Column({ type: 'bigint', default: 1 })
  revision!: string;

  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
