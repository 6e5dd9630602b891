import { Check, Column, CreateDateColumn, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { KeyScope } from '../../context/policy/key-scope';
import { User } from './user.entity';

export type AccessKeyState = 'active' | 'revoked';

/** What a user signs requests with. */
@Entity('access_keys')
@Index('access_keys_by_user', ['userId'])
@Check('access_keys_state_check', "state IN ('active', 'revoked')")
export class AccessKey {
  /** The public half, as it stands in the `Credential` of a signature. */
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'access_keys_pkey', collation: 'C' })
  id!: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId!: string;

  @ManyToOne(() => User, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'access_keys_user_id_fkey' })
  user!: User;

  /** Sealed by `SecretCipher` for this key's id. */
  @Column({ name: 'secret_ciphertext', type: 'bytea', select: false })
  secretCiphertext!: Buffer;

  @Column({ type: 'text', default: 'active' })
  state!: AccessKeyState;

  @Column({ type: 'text', nullable: true })
  description!: string | null;

  /** Null: all that the user may. */
  @Column({ type: 'jsonb', nullable: true })
  scope!: KeyScope | null;

  /** Counts the changes; `bigint` as text. */
  @Column({ type: 'bigint', default: 1 })
  revision!: string;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'last_used_at', type: 'timestamptz', nullable: true })
  lastUsedAt!: Date | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
