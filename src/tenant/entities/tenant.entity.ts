import { Check, Column, CreateDateColumn, Entity, PrimaryColumn, Unique } from 'typeorm';

/** Suspended: requests are refused, data stays. Closing: refused, data is being removed. */
export type TenantState = 'active' | 'suspended' | 'closing';

/** The customer: owns users, access keys and containers. */
@Entity('tenants')
@Unique('tenants_name_key', ['name'])
@Check('tenants_state_check', "state IN ('active', 'suspended', 'closing')")
export class Tenant {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'tenants_pkey' })
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text', default: 'active' })
  state!: TenantState;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
