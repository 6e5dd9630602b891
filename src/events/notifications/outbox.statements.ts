import type { Statement } from '../../database/database';

/** Holds targets that nobody holds and that have something to send now, $2 seconds long, $3 at the most, those that work first. */
export const CLAIM_TARGETS: Statement = {
  name: 'notifications-claim',
  text: `UPDATE notification_target_states s
    SET holder = $1, held_until = clock_timestamp() + make_interval(secs => $2)
    FROM notification_targets t
    WHERE t.id = s.target_id AND s.target_id IN (
      SELECT f.target_id FROM notification_target_states f
      WHERE (f.held_until IS NULL OR f.held_until < clock_timestamp())
        AND (f.paused_until IS NULL OR f.paused_until < clock_timestamp())
        AND EXISTS (
          SELECT FROM notification_outbox o WHERE o.target_id = f.target_id AND o.state = 'pending'
            AND (o.next_attempt_at IS NULL OR o.next_attempt_at <= clock_timestamp())
        )
      ORDER BY f.failures, f.target_id LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    RETURNING t.id, t.kind, t.settings, t.secret, t.revision`,
};

/** Those of the targets $2 that the process $1 still holds, for $3 seconds more. */
export const RENEW_CLAIMS: Statement = {
  name: 'notifications-renew',
  text: `UPDATE notification_target_states SET held_until = clock_timestamp() + make_interval(secs => $3)
    WHERE holder = $1 AND target_id = ANY ($2) RETURNING target_id`,
};

/** $3: seconds for which nobody is to try; 0: none. */
export const RELEASE_TARGET: Statement = {
  name: 'notifications-release',
  text: `UPDATE notification_target_states SET holder = NULL, held_until = NULL,
      paused_until = CASE WHEN $3::double precision > 0 THEN clock_timestamp() + make_interval(secs => $3::double precision) END
    WHERE holder = $1 AND target_id = $2`,
};

/** What may be sent now, in order: nothing of a key before what waits for its next try. */
export const READY_EVENTS: Statement = {
  name: 'notifications-ready',
  text: `SELECT o.id, o.container_id, o.container, u.canonical_id AS owner_canonical_id, o.rule_id, o.event, o.key,
      o.size_bytes, o.etag, o.version_id, o.origin, o.occurred_at
    FROM notification_outbox o LEFT JOIN users u ON u.id = o.owner_id
    WHERE o.target_id = $1 AND o.state = 'pending'
      AND (o.next_attempt_at IS NULL OR o.next_attempt_at <= clock_timestamp())
      AND NOT EXISTS (
        SELECT FROM notification_outbox f
        WHERE f.target_id = $1 AND f.state = 'pending' AND f.next_attempt_at > clock_timestamp()
          AND f.container_id = o.container_id AND f.key = o.key AND f.id < o.id
      )
    ORDER BY o.id LIMIT $2`,
};

export const DELIVERED: Statement = {
  name: 'notifications-delivered',
  text: `WITH sent AS (
      UPDATE notification_outbox SET state = 'delivered', next_attempt_at = NULL, last_error = NULL,
        last_attempt_at = clock_timestamp(), attempts = least(attempts, 32000) + 1
      WHERE id = ANY ($2) AND state = 'pending'
    )
    UPDATE notification_target_states SET failures = 0, failing_since = NULL, last_success_at = clock_timestamp()
    WHERE target_id = $1`,
};

/**
 * A try of event $2 that failed with $3. It counts when the target refused it ($4), or has taken another event since the last try of
 * this one: while a target is away, tries don't count. After $5 that count the event is dead, else it waits, four times as long
 * after each, beginning with $6 seconds.
 */
export const FAILED: Statement = {
  name: 'notifications-failed',
  text: `UPDATE notification_outbox o SET
      attempts = o.attempts + c.count,
      state = CASE WHEN o.attempts + c.count >= $5 THEN 'dead' ELSE 'pending' END,
      last_attempt_at = clock_timestamp(),
      last_error = $3,
      next_attempt_at = CASE WHEN c.count = 1 AND o.attempts + 1 < $5
        THEN clock_timestamp() + make_interval(secs => $6 * (4 ^ o.attempts)) END
    FROM notification_target_states s
      CROSS JOIN LATERAL (
        SELECT CASE WHEN $4 OR s.last_success_at > (SELECT p.last_attempt_at FROM notification_outbox p WHERE p.id = $2)
          THEN 1 ELSE 0 END AS count
      ) c
    WHERE o.id = $2 AND o.state = 'pending' AND s.target_id = $1
    RETURNING o.state`,
};

/** $2: why the target is taken for down; NULL: it refused an event, which it can do only while it is up. */
export const TARGET_FAILED: Statement = {
  name: 'notifications-target-failed',
  text: `UPDATE notification_target_states SET
      failures = CASE WHEN $2::text IS NULL THEN failures ELSE least(failures, 1000) + 1 END,
      failing_since = CASE WHEN $2::text IS NULL THEN failing_since ELSE coalesce(failing_since, clock_timestamp()) END,
      last_error = coalesce($2, $3)
    WHERE target_id = $1 RETURNING failures`,
};

/** Sent ones of more than $1 days ago, $2 at the most. */
export const FORGET_DELIVERED: Statement = {
  name: 'notifications-forget-delivered',
  text: `DELETE FROM notification_outbox WHERE id IN (
      SELECT id FROM notification_outbox
      WHERE state = 'delivered' AND occurred_at < now() - make_interval(days => $1) LIMIT $2
    ) RETURNING id`,
};

/** What has waited for more than $1 days joins the dead letters, where it stays as long again. */
export const EXPIRE_PENDING: Statement = {
  name: 'notifications-expire',
  text: `UPDATE notification_outbox SET state = 'dead', next_attempt_at = NULL,
      last_error = 'The target was down for too long: ' || coalesce(last_error, 'it was never tried')
    WHERE id IN (
      SELECT id FROM notification_outbox
      WHERE state = 'pending' AND occurred_at < now() - make_interval(days => $1) LIMIT $2
    ) RETURNING id`,
};

/** And all of targets that are gone. */
export const FORGET_DEAD: Statement = {
  name: 'notifications-forget-dead',
  text: `DELETE FROM notification_outbox WHERE id IN (
      SELECT id FROM notification_outbox o
      WHERE (state = 'dead' AND occurred_at < now() - make_interval(days => 2 * $1))
        OR NOT EXISTS (SELECT FROM notification_targets t WHERE t.id = o.target_id)
      LIMIT $2
    ) RETURNING id`,
};
