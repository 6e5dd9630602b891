/**
 * Advisory locks, all held until the end of the transaction and always taken in this order:
 *
 * 1. class 1: a container. Writers share it; deleting the container takes it alone.
 * 2. class 2: a multipart upload. Parts share it; complete and abort take it alone.
 * 3. one 64-bit lock per key of a container, always alone: writers of one key decide one after the other.
 *
 * Then come rows: the counters of usage (see `usage.ts`), then blobs and manifests. Class 5 is a tenant whose containers are
 * counted, to make one.
 *
 * Class 3 is held for the life of a connection: a gateway process that holds the lock of its row in
 * `gateway_instances` is alive.
 */
export const LOCKS = `
CREATE FUNCTION vaultaire_lock_container(p_container_id bigint) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock_shared(1, (p_container_id % 2147483647)::integer)
$$;

CREATE FUNCTION vaultaire_lock_key(p_container_id bigint, p_key text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(p_key, p_container_id))
$$;

CREATE FUNCTION vaultaire_live_instances() RETURNS TABLE (instance_id bigint) LANGUAGE sql STABLE AS $$
  SELECT objid::bigint FROM pg_locks
  WHERE locktype = 'advisory' AND classid = 3 AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
$$;
`;

export const DROP_LOCKS = `
DROP FUNCTION vaultaire_live_instances();
DROP FUNCTION vaultaire_lock_key(bigint, text);
DROP FUNCTION vaultaire_lock_container(bigint);
`;
