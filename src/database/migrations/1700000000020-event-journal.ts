import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ARTIFACT_FUNCTIONS, DROP_ARTIFACT_FUNCTIONS } from './engine/artifacts';
import { DROP_MULTIPART_FUNCTIONS, MULTIPART_FUNCTIONS } from './engine/multipart';
import { TAG_FUNCTION } from './engine/notifications';

const UP = `
-- What requests changed, until their rows of the event log have come. No index: it is short, and read as a whole. origin: see originOf in
-- src/engine/change-origin.ts. is_done false: announced before it was tried, so that nobody knows what came of it.
CREATE TABLE event_journal (
  journaled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  origin text NOT NULL,
  tenant_id uuid,
  container text,
  key text COLLATE "C",
  size_bytes bigint NOT NULL DEFAULT 0,
  actor text,
  is_done boolean NOT NULL DEFAULT true
);

-- In the transaction of the change, so that a gateway that is killed before it has written its event log loses no change of it.
CREATE OR REPLACE FUNCTION vaultaire_journal(
  p_origin text, p_tenant_id uuid, p_container text, p_key text, p_size_bytes bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event_journal (origin, tenant_id, container, key, size_bytes)
  VALUES (p_origin, p_tenant_id, p_container, p_key, p_size_bytes);
END
$$;

-- Takes up to p_limit changes that are older than p_patience off the journal, and adds the rows of those that the event log lacks. A row that
-- comes later all the same, from a spool, has the id of the one that was added, and is left out. Says how many were taken.
CREATE FUNCTION vaultaire_recover_events(p_patience interval, p_limit integer, OUT taken bigint, OUT recovered bigint)
LANGUAGE sql AS $$
  WITH old AS (
    DELETE FROM event_journal WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM event_journal WHERE journaled_at <= clock_timestamp() - p_patience LIMIT p_limit
    ))
    RETURNING *, string_to_array(origin, ' ') AS who
  ), added AS (
    INSERT INTO events (
      id, time, request_id, tenant_id, user_id, access_key_id, actor, operation, container, artifact_key,
      outcome, status, bytes_in, bytes_out, latency_ms, remote_address
    )
    SELECT who[6]::uuid,
      timestamptz 'epoch' + ('x' || left(replace(who[6], '-', ''), 12))::bit(48)::bigint * interval '1 millisecond',
      who[2], tenant_id, nullif(who[4], '-')::uuid, nullif(who[5], '-'), actor, who[1], container, key,
      CASE WHEN is_done THEN 'completed' ELSE 'aborted' END,
      CASE WHEN NOT is_done THEN 500 WHEN who[1] IN ('DeleteObject', 'DeleteObjectTagging') THEN 204 ELSE 200 END,
      size_bytes, 0, 0, nullif(who[3], '-')
    FROM old
    ON CONFLICT DO NOTHING
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM added)
$$;
`;

/** The functions that commit stay as they are, and note nothing. */
const DOWN = `
CREATE OR REPLACE FUNCTION vaultaire_journal(
  p_origin text, p_tenant_id uuid, p_container text, p_key text, p_size_bytes bigint
) RETURNS void LANGUAGE sql AS 'SELECT';
DROP FUNCTION vaultaire_recover_events(interval, integer);
DROP TABLE event_journal;
`;

/** Changes are noted in their own transactions for the event log, which is written later. */
export class EventJournal1700000000020 implements MigrationInterface {
  readonly name = 'EventJournal1700000000020';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      UP,
      TAG_FUNCTION,
      DROP_MULTIPART_FUNCTIONS,
      DROP_ARTIFACT_FUNCTIONS,
      ARTIFACT_FUNCTIONS,
      MULTIPART_FUNCTIONS,
    ]) {
      await runner.query(sql);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
