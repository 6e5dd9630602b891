import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Environment } from '../../../config/environment';
import { Database } from '../../../database/database';
import { SecretCipher } from '../../../tenant/secret-cipher';
import { secretName } from './sender-factory';
import {
  CREATE_TARGET,
  DELETE_TARGET,
  GET_TARGET,
  LIST_DEAD_LETTERS,
  LIST_TARGETS,
  REPLAY,
  UPDATE_TARGET,
} from './target.statements';
import { targetArn } from './target-arn';
import type { TargetSettings } from './target.types';

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
/** Events in one transaction. */
const REPLAY_BATCH = 10_000;
const FOREIGN_KEY_VIOLATION = '23503';

/** A target without its secret, and how it is. */
export interface NotificationTarget {
  readonly id: string;
  /** Undefined: of all tenants. */
  readonly tenantId: string | undefined;
  readonly tenant: string | undefined;
  readonly name: string;
  readonly arn: string;
  readonly settings: TargetSettings;
  readonly hasSecret: boolean;
  readonly revision: string;
  readonly createdBy: string | undefined;
  readonly createdAt: Date;
  /** Undefined: the last try went well, or was refused. */
  readonly failingSince: Date | undefined;
  readonly lastError: string | undefined;
  readonly lastSuccessAt: Date | undefined;
  /** Events; no more than 10,000 are counted. */
  readonly waiting: number;
  readonly deadLetters: number;
  /** Age of the oldest event that waits; 0: none does. */
  readonly lagSeconds: number;
}

/** An event that the target refused five times, or that waited for too long. */
export interface DeadLetter extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly event: string;
  readonly container: string;
  readonly key: string;
  readonly version_id: string | null;
  readonly occurred_at: Date;
  readonly attempts: number;
  readonly last_error: string | null;
}

interface TargetRow extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly tenant_id: string | null;
  readonly tenant: string | null;
  readonly name: string;
  readonly settings: TargetSettings;
  readonly has_secret: boolean;
  readonly revision: string;
  readonly created_by: string | null;
  readonly created_at: Date;
  readonly failing_since: Date | null;
  readonly last_error: string | null;
  readonly last_success_at: Date | null;
  readonly waiting: number;
  readonly dead_letters: number;
  readonly lag_seconds: number | null;
}

/** Targets as administrators see them. `tenantId` confines to those of one tenant; undefined: all. */
@Injectable()
export class NotificationTargets {
  constructor(
    private readonly database: Database,
    private readonly cipher: SecretCipher,
    private readonly environment: Environment,
  ) {}

  /** `after`: id of the last one of the page before. */
  async list(tenantId: string | undefined, after: string | undefined, limit: number): Promise<NotificationTarget[]> {
    const rows = await this.database.query<TargetRow>(LIST_TARGETS, [tenantId ?? null, after ?? FIRST_ID, limit]);
    return rows.map((row) => this.toTarget(row));
  }

  async find(tenantId: string | undefined, id: string): Promise<NotificationTarget | undefined> {
    const [row] = await this.database.query<TargetRow>(GET_TARGET, [tenantId ?? null, id]);
    return row === undefined ? undefined : this.toTarget(row);
  }

  /** Undefined: the name is taken. */
  async create(target: {
    readonly tenantId: string | undefined;
    readonly name: string;
    readonly settings: TargetSettings;
    readonly secret: string | undefined;
    readonly createdBy: string;
  }): Promise<NotificationTarget | undefined> {
    const id = randomUUID();
    const { tenantId, name, settings, secret, createdBy } = target;
    const rows = await this.database.query(CREATE_TARGET, [
      id,
      tenantId ?? null,
      name,
      settings.kind,
      JSON.stringify(settings),
      this.seal(id, secret),
      createdBy,
    ]);
    return rows.length === 0 ? undefined : this.find(tenantId, id);
  }

  /** False: `revision` is not the current one. `secret` undefined: it stays. What waits goes to the target as it is then. */
  async update(id: string, revision: string, settings: TargetSettings, secret: string | undefined): Promise<boolean> {
    const values = [id, revision, JSON.stringify(settings), this.seal(id, secret)];
    return (await this.database.query(UPDATE_TARGET, values)).length > 0;
  }

  /** With all that waits for it. False: containers name it. */
  async delete(id: string): Promise<boolean> {
    try {
      return (await this.database.query(DELETE_TARGET, [id])).length > 0;
    } catch (error) {
      // Named by a container in this moment.
      if (error instanceof Error && 'code' in error && error.code === FOREIGN_KEY_VIOLATION) return false;
      throw error;
    }
  }

  /** In the order of their events. `after`: id of the last one of the page before. */
  deadLetters(id: string, after: string | undefined, limit: number): Promise<DeadLetter[]> {
    return this.database.query<DeadLetter>(LIST_DEAD_LETTERS, [id, after ?? '0', limit]);
  }

  /** Sends again what there was from then on, as far as it is kept, dead letters too. Resolves with how many events. */
  async replay(id: string, from: Date, isDeadOnly: boolean): Promise<number> {
    let events = 0;
    // The oldest first, so that those of a key stay in order while they are sent already.
    for (let last: string | null = '0'; last !== null;) {
      const values: unknown[] = [id, from, isDeadOnly, last, REPLAY_BATCH];
      const [row] = await this.database.query<{ events: number; last: string | null }>(REPLAY, values);
      events += row?.events ?? 0;
      last = row?.last ?? null;
    }
    return events;
  }

  private seal(id: string, secret: string | undefined): Buffer | null {
    return secret === undefined ? null : this.cipher.seal(secretName(id), secret);
  }

  private toTarget(row: TargetRow): NotificationTarget {
    const tenantId = row.tenant_id ?? undefined;
    return {
      id: row.id,
      tenantId,
      tenant: row.tenant ?? undefined,
      name: row.name,
      arn: targetArn(tenantId, row.name, this.environment.region),
      settings: row.settings,
      hasSecret: row.has_secret,
      revision: row.revision,
      createdBy: row.created_by ?? undefined,
      createdAt: row.created_at,
      failingSince: row.failing_since ?? undefined,
      lastError: row.last_error ?? undefined,
      lastSuccessAt: row.last_success_at ?? undefined,
      waiting: row.waiting,
      deadLetters: row.dead_letters,
      lagSeconds: row.lag_seconds ?? 0,
    };
  }
}
