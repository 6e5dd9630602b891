import { Injectable } from '@nestjs/common';
import { Environment } from '../../config/environment';
import type { ContainerId, TenantId } from '../../context/ids';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import type { NotificationRule } from './notification-rules';
import { parseTargetArn } from './targets/target-arn';

const GET: Statement = {
  name: 'notification-rules-get',
  text: `SELECT id, element, arn, events, prefix, suffix FROM notification_rules WHERE container_id = $1 ORDER BY place`,
};
/** Kept as they are until the rules that name them are written. */
const FIND_TARGETS: Statement = {
  name: 'notification-rules-targets',
  text: `SELECT id, name, tenant_id IS NOT NULL AS is_own FROM notification_targets
    WHERE (tenant_id = $1 AND name = ANY ($2)) OR (tenant_id IS NULL AND name = ANY ($3)) FOR KEY SHARE`,
};
const SET: Statement = {
  name: 'notification-rules-set',
  text: 'SELECT vaultaire_set_notification_rules($1, $2, $3) AS is_there',
};

interface RuleRow extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly element: NotificationRule['element'];
  readonly arn: string;
  readonly events: NotificationRule['events'];
  readonly prefix: string | null;
  readonly suffix: string | null;
}

/** What came of setting rules. */
export type NotificationSettingsResult =
  | { readonly kind: 'set' }
  | { readonly kind: 'no-container' }
  /** ARNs that name no target of the tenant, nor one of all. Nothing was changed. */
  | { readonly kind: 'unknown-targets'; readonly arns: readonly string[] };

/** What of containers is told to whom. */
@Injectable()
export class NotificationSettings {
  constructor(
    private readonly database: Database,
    private readonly environment: Environment,
  ) {}

  /** In the order in which they were set. */
  async get(container: ContainerId): Promise<NotificationRule[]> {
    const rows = await this.database.query<RuleRow>(GET, [container]);
    return rows.map(({ prefix, suffix, ...rule }) => ({
      ...rule,
      prefix: prefix ?? undefined,
      suffix: suffix ?? undefined,
    }));
  }

  /**
   * Replaces all rules; each target is told once that they were set. Changes that are committed from then on go by them, also those
   * of other processes. The rules don't overlap (see `doOverlap`), and their ids are unique.
   */
  async set(
    tenant: TenantId,
    container: ContainerId,
    rules: readonly NotificationRule[],
    origin: string,
  ): Promise<NotificationSettingsResult> {
    const named = rules.map((rule) => ({
      rule,
      target: parseTargetArn(rule.arn, rule.element, tenant, this.environment.region),
    }));
    const namesOf = (isOwn: boolean): string[] =>
      named.flatMap(({ target }) => (target?.isOwn === isOwn ? [target.name] : []));
    return this.database.transaction(async (tx) => {
      const targets = await tx.query<{ id: string; name: string; is_own: boolean }>(FIND_TARGETS, [
        tenant,
        namesOf(true),
        namesOf(false),
      ]);
      const resolved = named.map(({ rule, target }) => ({
        ...rule,
        targetId: targets.find(({ name, is_own }) => name === target?.name && is_own === target.isOwn)?.id,
      }));
      const unknown = resolved.filter(({ targetId }) => targetId === undefined);
      if (unknown.length > 0) return { kind: 'unknown-targets', arns: unknown.map(({ arn }) => arn) };
      const [row] = await tx.query<{ is_there: boolean }>(SET, [container, JSON.stringify(resolved), origin]);
      return { kind: row?.is_there === true ? 'set' : 'no-container' };
    });
  }
}
