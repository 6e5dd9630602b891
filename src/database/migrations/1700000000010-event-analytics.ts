import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * For questions to the event log. Ids begin with the time, so one index per tenant serves filters, export and retention; an id of
 * a request is found by a Bloom filter per 64 pages, since an index of random values would cost each event more than all the rest.
 */
const INDEXES = `
CREATE INDEX events_by_tenant ON events (tenant_id, id);
CREATE INDEX events_by_request ON events USING brin (request_id text_bloom_ops)
  WITH (pages_per_range = 64, autosummarize = on);

-- The least and the greatest event id of a time: UUIDv7 with nothing but zeros behind the milliseconds.
CREATE FUNCTION vaultaire_event_id_at(p_time timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM p_time) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;
`;

/** Work that one gateway does at a time, and all others leave alone for the interval. */
const PERIODIC_JOBS = `
CREATE TABLE periodic_jobs (
  name text CONSTRAINT periodic_jobs_pkey PRIMARY KEY,
  claimed_at timestamptz,
  succeeded_at timestamptz,
  duration_ms double precision,
  error text
);

-- True for the one that is to do it now. A gateway that claimed it and died is followed by another after the lease.
CREATE FUNCTION vaultaire_claim_job(p_name text, p_interval interval, p_lease interval) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO periodic_jobs (name) VALUES (p_name) ON CONFLICT DO NOTHING;
  UPDATE periodic_jobs SET claimed_at = clock_timestamp()
    WHERE name = p_name
      AND (succeeded_at IS NULL OR succeeded_at < clock_timestamp() - p_interval)
      AND (claimed_at IS NULL OR claimed_at < clock_timestamp() - p_lease OR claimed_at < succeeded_at);
  RETURN FOUND;
END
$$;
`;

/**
 * How long the event log keeps rows. Partitions of whole days go once the longest retention of any tenant has passed; what
 * tenants with a shorter one have left in them goes row by row.
 */
const RETENTION = `
-- Days by tenant; NULL days: for ever. p_default: of the configuration.
CREATE FUNCTION vaultaire_event_retention(p_default integer)
RETURNS TABLE (tenant_id uuid, days integer) LANGUAGE sql STABLE AS $$
  SELECT t.id, CASE
      WHEN t.policy #> '{events,retentionDays}' IS NOT NULL THEN (t.policy #>> '{events,retentionDays}')::integer
      WHEN p.policy #> '{events,retentionDays}' IS NOT NULL THEN (p.policy #>> '{events,retentionDays}')::integer
      ELSE p_default
    END
  FROM tenants t LEFT JOIN plans p ON p.name = t.plan
$$;

-- Drops the partitions of days that ended longer ago than any retention, and such rows of the default partition.
CREATE FUNCTION vaultaire_drop_event_partitions(p_default integer) RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  v_days integer;
  v_oldest date;
  v_name text;
  v_dropped integer := 0;
BEGIN
  -- One tenant that keeps its rows for ever keeps the partitions.
  IF EXISTS (SELECT FROM vaultaire_event_retention(p_default) WHERE days IS NULL) THEN RETURN 0; END IF;
  SELECT greatest(p_default, max(days)) INTO v_days FROM vaultaire_event_retention(p_default);
  v_oldest := (now() AT TIME ZONE 'UTC')::date - v_days;
  FOR v_name IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'events'::regclass AND c.relname ~ '^events_[0-9]{8}$'
      AND to_date(substr(c.relname, 8), 'YYYYMMDD') < v_oldest
    ORDER BY c.relname
  LOOP
    EXECUTE format('DROP TABLE %I', v_name);
    v_dropped := v_dropped + 1;
  END LOOP;
  DELETE FROM events_default WHERE time < v_oldest::timestamp AT TIME ZONE 'UTC';
  RETURN v_dropped;
END
$$;

-- Deletes rows of those whose retention is shorter, p_limit at the most; call again until there are none.
CREATE FUNCTION vaultaire_expire_events(p_default integer, p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  v_tenant record;
  v_before uuid;
  v_left integer := p_limit;
  v_deleted integer;
BEGIN
  FOR v_tenant IN SELECT tenant_id, days FROM vaultaire_event_retention(p_default) UNION ALL SELECT NULL, p_default LOOP
    CONTINUE WHEN v_tenant.days IS NULL;
    v_before := vaultaire_event_id_at(((now() AT TIME ZONE 'UTC')::date - v_tenant.days)::timestamp AT TIME ZONE 'UTC');
    IF v_tenant.tenant_id IS NULL THEN
      DELETE FROM events WHERE (id, time) IN
        (SELECT id, time FROM events WHERE tenant_id IS NULL AND id < v_before ORDER BY id LIMIT v_left);
    ELSE
      DELETE FROM events WHERE (id, time) IN
        (SELECT id, time FROM events WHERE tenant_id = v_tenant.tenant_id AND id < v_before ORDER BY id LIMIT v_left);
    END IF;
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    v_left := v_left - v_deleted;
    EXIT WHEN v_left <= 0;
  END LOOP;
  RETURN p_limit - v_left;
END
$$;
`;

/**
 * What became of each artifact on each day, so that features of artifacts never need the log itself: with a hundred million
 * events, a day of the log is read when it is rolled up, and questions read as many rows as an artifact has days.
 */
const ACCESS = `
CREATE TABLE artifact_access_daily (
  tenant_id uuid NOT NULL,
  container text COLLATE "C" NOT NULL,
  artifact_key text COLLATE "C" NOT NULL,
  day date NOT NULL,
  reads integer NOT NULL,
  heads integer NOT NULL,
  writes integer NOT NULL,
  deletes integer NOT NULL,
  bytes_read bigint NOT NULL,
  bytes_written bigint NOT NULL,
  first_read_at timestamptz,
  last_read_at timestamptz,
  -- Between reads of the day, in seconds.
  gap_square_sum double precision NOT NULL,
  -- Reads by hour of the day, UTC; 24 numbers.
  reads_by_hour integer[] NOT NULL,
  CONSTRAINT artifact_access_daily_pkey PRIMARY KEY (tenant_id, container, artifact_key, day)
);
CREATE INDEX artifact_access_daily_by_day ON artifact_access_daily (day);

-- How many events a day had when it was rolled up last: rows that come late change it.
CREATE TABLE artifact_access_days (
  day date CONSTRAINT artifact_access_days_pkey PRIMARY KEY,
  events bigint NOT NULL,
  rolled_up_at timestamptz NOT NULL
);

-- Rolls up one day (UTC) anew; false when nothing has come since the last time.
CREATE FUNCTION vaultaire_roll_up_access(p_day date) RETURNS boolean
LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
  v_from timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
  v_to timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'UTC';
  v_events bigint;
BEGIN
  SELECT count(*) INTO v_events FROM events WHERE time >= v_from AND time < v_to;
  IF v_events = coalesce((SELECT events FROM artifact_access_days WHERE day = p_day), 0) THEN RETURN false; END IF;
  DELETE FROM artifact_access_daily WHERE day = p_day;
  INSERT INTO artifact_access_daily
  SELECT tenant_id, container, artifact_key, p_day,
    count(*) FILTER (WHERE is_read), count(*) FILTER (WHERE operation = 'HeadObject'),
    count(*) FILTER (WHERE is_write), count(*) FILTER (WHERE operation = 'DeleteObject'),
    coalesce(sum(bytes_out) FILTER (WHERE is_read), 0), coalesce(sum(bytes_in) FILTER (WHERE is_write), 0),
    min(time) FILTER (WHERE is_read), max(time) FILTER (WHERE is_read),
    coalesce(sum((second - second_before) ^ 2), 0),
    ARRAY[HOURS]
  FROM (
    SELECT *, floor(second / 3600)::integer AS hour,
      CASE WHEN is_read THEN lag(second) OVER (PARTITION BY tenant_id, container, artifact_key, is_read ORDER BY second)
      END AS second_before
    FROM (
      SELECT tenant_id, container, artifact_key, operation, time, bytes_in, bytes_out,
        extract(epoch FROM time - v_from)::double precision AS second,
        operation = 'GetObject' AS is_read,
        operation IN ('PutObject', 'CopyObject', 'CompleteMultipartUpload') AS is_write
      FROM events
      WHERE time >= v_from AND time < v_to AND status < 300 AND tenant_id IS NOT NULL AND artifact_key IS NOT NULL
        AND container IS NOT NULL
        AND operation IN
          ('GetObject', 'HeadObject', 'PutObject', 'CopyObject', 'CompleteMultipartUpload', 'DeleteObject')
    ) AS access
  ) AS with_gaps
  GROUP BY tenant_id, container, artifact_key;
  INSERT INTO artifact_access_days VALUES (p_day, v_events, clock_timestamp())
    ON CONFLICT (day) DO UPDATE SET events = excluded.events, rolled_up_at = excluded.rolled_up_at;
  RETURN true;
END
$$;
`.replace(
  'HOURS',
  Array.from({ length: 24 }, (_, hour) => `(count(*) FILTER (WHERE is_read AND hour = ${hour}))::integer`).join(', '),
);

/** Described column by column in docs/event-log.md. */
const FEATURES = `
CREATE VIEW artifact_access_features AS
WITH days AS (
  SELECT *,
    lag(last_read_at) OVER (PARTITION BY tenant_id, container, artifact_key ORDER BY day) AS read_before
  FROM artifact_access_daily
), accessed AS (
  SELECT tenant_id, container, artifact_key,
    sum(reads) AS reads, sum(heads) AS heads, sum(writes) AS writes, sum(deletes) AS deletes,
    count(*) FILTER (WHERE reads > 0) AS days_read,
    sum(bytes_read) AS bytes_read, sum(bytes_written) AS bytes_written,
    min(first_read_at) AS first_read_at, max(last_read_at) AS last_read_at,
    sum(gap_square_sum + coalesce(power(extract(epoch FROM first_read_at - read_before), 2), 0)) AS gap_square_sum,
    coalesce(sum(reads) FILTER (WHERE day > (now() AT TIME ZONE 'UTC')::date - 1), 0) AS reads_1d,
    coalesce(sum(reads) FILTER (WHERE day > (now() AT TIME ZONE 'UTC')::date - 7), 0) AS reads_7d,
    coalesce(sum(reads) FILTER (WHERE day > (now() AT TIME ZONE 'UTC')::date - 28), 0) AS reads_28d,
    ARRAY[HOURS] AS reads_by_hour
  FROM days
  GROUP BY tenant_id, container, artifact_key
)
SELECT a.tenant_id, a.container, a.artifact_key,
  extract(epoch FROM now() - a.last_read_at) AS recency_seconds,
  a.reads, a.heads, a.writes, a.deletes, a.days_read, a.reads_1d, a.reads_7d, a.reads_28d,
  a.first_read_at, a.last_read_at,
  CASE WHEN a.reads > 1 THEN extract(epoch FROM a.last_read_at - a.first_read_at) / (a.reads - 1) END
    AS mean_gap_seconds,
  CASE WHEN a.reads > 1 THEN sqrt(greatest(0, a.gap_square_sum / (a.reads - 1) -
    power(extract(epoch FROM a.last_read_at - a.first_read_at)::double precision / (a.reads - 1)::double precision, 2)))
  END AS gap_deviation_seconds,
  a.reads_by_hour, a.bytes_read, a.bytes_written,
  v.size_bytes, v.storage_class, v.content_type, v.created_at,
  extract(epoch FROM now() - v.created_at) AS age_seconds
FROM accessed a
LEFT JOIN containers c ON c.tenant_id = a.tenant_id AND c.name = a.container
LEFT JOIN artifact_versions v
  ON v.container_id = c.id AND v.key = a.artifact_key AND v.is_latest AND NOT v.is_delete_marker;
`.replace('HOURS', Array.from({ length: 24 }, (_, hour) => `coalesce(sum(reads_by_hour[${hour + 1}]), 0)`).join(', '));

/** Retention of the event log, and what is asked of it: filters, export, features of artifacts. */
export class EventAnalytics1700000000010 implements MigrationInterface {
  readonly name = 'EventAnalytics1700000000010';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [INDEXES, PERIODIC_JOBS, RETENTION, ACCESS, FEATURES]) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP VIEW artifact_access_features');
    await runner.query('DROP FUNCTION vaultaire_roll_up_access(date)');
    await runner.query('DROP TABLE artifact_access_daily, artifact_access_days');
    await runner.query('DROP FUNCTION vaultaire_expire_events(integer, integer)');
    await runner.query('DROP FUNCTION vaultaire_drop_event_partitions(integer)');
    await runner.query('DROP FUNCTION vaultaire_event_retention(integer)');
    await runner.query('DROP FUNCTION vaultaire_claim_job(text, interval, interval)');
    await runner.query('DROP TABLE periodic_jobs');
    await runner.query('DROP INDEX events_by_request, events_by_tenant');
    await runner.query('DROP FUNCTION vaultaire_event_id_at(timestamptz)');
  }
}
