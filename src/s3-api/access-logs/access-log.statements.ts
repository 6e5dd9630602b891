import type { TenantPolicy } from '../../context/policy/tenant-policy';
import type { Statement } from '../../database/database';
import type { StoredAccessLogSettings } from './access-log-settings';

/** A bucket whose log has something to deliver, and all that writing to its target takes. */
export interface LogSource extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly region: string;
  readonly owner_id: string;
  readonly canonical_id: string;
  readonly display_name: string;
  readonly document: StoredAccessLogSettings;
  readonly plan_policy: TenantPolicy | null;
  readonly tenant_policy: TenantPolicy;
}

export const LOG_SOURCES: Statement = {
  name: 'access-log-sources',
  text: `SELECT c.id, c.tenant_id, c.name, c.region, c.owner_id, u.canonical_id, u.display_name, s.document,
      p.policy AS plan_policy, t.policy AS tenant_policy
    FROM container_settings s JOIN containers c ON c.id = s.container_id JOIN users u ON u.id = c.owner_id
      JOIN tenants t ON t.id = c.tenant_id LEFT JOIN plans p ON p.name = t.plan
    WHERE s.sub_resource = 'logging' AND (
      EXISTS (SELECT FROM access_log_lines l WHERE l.container_id = c.id AND l.delivery_id IS NULL)
      OR EXISTS (SELECT FROM access_log_deliveries d WHERE d.container_id = c.id))
    ORDER BY c.id`,
};

/** A delivery that was begun and not finished, since whoever did it failed or died: $2 seconds ago at least. */
export const RESUME_DELIVERY: Statement = {
  name: 'access-log-resume',
  text: `UPDATE access_log_deliveries SET claimed_at = clock_timestamp() WHERE id = (
      SELECT id FROM access_log_deliveries
      WHERE container_id = $1 AND claimed_at < clock_timestamp() - make_interval(secs => $2)
      ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, target, target_key`,
};

/** When the oldest request that waits was. */
export const OLDEST_WAITING: Statement = {
  name: 'access-log-oldest',
  text: `SELECT time FROM access_log_lines WHERE container_id = $1 AND delivery_id IS NULL ORDER BY event_id LIMIT 1`,
};

/** Gives waiting lines of the times from $6 to before $7 to delivery $2, $5 of them at the most. No row: another was faster. */
export const BEGIN_DELIVERY: Statement = {
  name: 'access-log-begin',
  text: `WITH taken AS (
      SELECT event_id FROM access_log_lines
      WHERE container_id = $1 AND delivery_id IS NULL AND time >= $6 AND time < $7
      ORDER BY event_id LIMIT $5 FOR UPDATE SKIP LOCKED
    ), given AS (
      UPDATE access_log_lines l SET delivery_id = $2 FROM taken t WHERE l.event_id = t.event_id
    )
    INSERT INTO access_log_deliveries (id, container_id, target, target_key)
    SELECT $2, $1, $3, $4 WHERE EXISTS (SELECT FROM taken)
    RETURNING id, target, target_key`,
};

/** The next lines of delivery $1 after event $2, $3 of them at the most. */
export const DELIVERY_LINES: Statement = {
  name: 'access-log-lines',
  text: `SELECT event_id, line FROM access_log_lines WHERE delivery_id = $1 AND event_id > $2 ORDER BY event_id LIMIT $3`,
};

export const FINISH_DELIVERY: Statement = {
  name: 'access-log-finish',
  text: `WITH lines AS (DELETE FROM access_log_lines WHERE delivery_id = $1)
    DELETE FROM access_log_deliveries WHERE id = $1`,
};

/** Its lines wait again, for whichever target the bucket has by then. */
export const ABANDON_DELIVERY: Statement = {
  name: 'access-log-abandon',
  text: `WITH lines AS (UPDATE access_log_lines SET delivery_id = NULL WHERE delivery_id = $1)
    DELETE FROM access_log_deliveries WHERE id = $1`,
};

/** Of buckets that are gone, and what could not be delivered for $1 days. */
export const FORGET_LINES: Statement = {
  name: 'access-log-forget',
  text: `WITH lines AS (
      DELETE FROM access_log_lines l WHERE time < now() - make_interval(days => $1) OR NOT EXISTS (
        SELECT FROM container_settings s WHERE s.container_id = l.container_id AND s.sub_resource = 'logging')
      RETURNING delivery_id
    )
    DELETE FROM access_log_deliveries d WHERE d.id IN (SELECT delivery_id FROM lines)`,
};
