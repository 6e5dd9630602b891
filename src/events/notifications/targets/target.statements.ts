import type { Statement } from '../../../database/database';

/** What is counted of what waits and of the dead letters. */
export const MAX_COUNTED = 10_000;

const VIEW = `SELECT t.id, t.tenant_id, n.name AS tenant, t.name, t.kind, t.settings, t.secret IS NOT NULL AS has_secret,
    t.revision, t.created_by, t.created_at, s.failing_since, s.last_error, s.last_success_at,
    (SELECT count(*)::integer FROM (SELECT FROM notification_outbox
      WHERE target_id = t.id AND state = 'pending' LIMIT ${MAX_COUNTED}) w) AS waiting,
    (SELECT count(*)::integer FROM (SELECT FROM notification_outbox
      WHERE target_id = t.id AND state = 'dead' LIMIT ${MAX_COUNTED}) d) AS dead_letters,
    (SELECT extract(epoch FROM clock_timestamp() - o.occurred_at)::double precision FROM notification_outbox o
      WHERE o.target_id = t.id AND o.state = 'pending' ORDER BY o.id LIMIT 1) AS lag_seconds
  FROM notification_targets t JOIN notification_target_states s ON s.target_id = t.id
    LEFT JOIN tenants n ON n.id = t.tenant_id`;

/** $1: of this tenant; NULL: of all. $2: the id that the page before ended with. */
export const LIST_TARGETS: Statement = {
  name: 'notification-targets-list',
  text: `${VIEW} WHERE ($1::uuid IS NULL OR t.tenant_id = $1) AND t.id > $2 ORDER BY t.id LIMIT $3`,
};

export const GET_TARGET: Statement = {
  name: 'notification-targets-get',
  text: `${VIEW} WHERE t.id = $2 AND ($1::uuid IS NULL OR t.tenant_id = $1)`,
};

/** No row: the name is taken. */
export const CREATE_TARGET: Statement = {
  name: 'notification-targets-create',
  text: `WITH made AS (
      INSERT INTO notification_targets (id, tenant_id, name, kind, settings, secret, created_by)
      VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id
    )
    INSERT INTO notification_target_states (target_id) SELECT id FROM made RETURNING target_id`,
};

/** $4 NULL: the secret stays. No row: $2 is not the current revision. Whatever paused it may be mended. */
export const UPDATE_TARGET: Statement = {
  name: 'notification-targets-update',
  text: `WITH changed AS (
      UPDATE notification_targets SET settings = $3, secret = coalesce($4, secret), revision = revision + 1
      WHERE id = $1 AND revision = $2 RETURNING id
    )
    UPDATE notification_target_states s SET paused_until = NULL FROM changed c WHERE s.target_id = c.id
    RETURNING s.target_id`,
};

/** No row: rules of containers name it, or there is none. */
export const DELETE_TARGET: Statement = {
  name: 'notification-targets-delete',
  text: `DELETE FROM notification_targets t
    WHERE t.id = $1 AND NOT EXISTS (SELECT FROM notification_rules r WHERE r.target_id = t.id) RETURNING t.id`,
};

export const LIST_DEAD_LETTERS: Statement = {
  name: 'notification-dead-letters',
  text: `SELECT id, event, container, key, version_id, occurred_at, attempts, last_error FROM notification_outbox
    WHERE target_id = $1 AND state = 'dead' AND id > $2 ORDER BY id LIMIT $3`,
};

/** The next $5 after event $4. $3: dead letters only. */
export const REPLAY: Statement = {
  name: 'notifications-replay',
  text: `WITH again AS (
      UPDATE notification_outbox SET state = 'pending', attempts = 0, next_attempt_at = NULL, last_attempt_at = NULL,
        last_error = NULL
      WHERE id IN (
        SELECT id FROM notification_outbox
        WHERE target_id = $1 AND occurred_at >= $2 AND (state = 'dead' OR (state = 'delivered' AND NOT $3)) AND id > $4
        ORDER BY id LIMIT $5
      ) RETURNING id
    )
    SELECT count(*)::integer AS events, max(id) AS last FROM again`,
};
