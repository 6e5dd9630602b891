import { Check, Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';
import type { TenantPolicy } from '../../context/policy/tenant-policy';

/** A named set of quotas and limits. `file`: from the configuration, which is written over it at each start. */
@Entity('plans')
@Check('plans_source_check', "source IN ('api', 'file')")
export class Plan {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'plans_pkey' })
  name!: string;

  @Column({ type: 'text', nullable: true })
  description!: string | null;

  @Column({ type: 'jsonb', default: {} })
  policy!: TenantPolicy;

  @Column({ type: 'text', default: 'api' })
  source!: 'api' | 'file';

  /** Counts the changes; `bigint` as text. */
  @Column({ type: 'bigint', default: 1 })
  revision!: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz' })
  updatedAt!: Date;
}
