export const CONTAINER_FUNCTIONS = `
-- Does nothing when there is one of the name already. p_limit: containers that the tenant may have; NULL: any number.
-- outcome: ok | Exists | QuotaExceeded
CREATE FUNCTION vaultaire_create_container(
  p_tenant_id uuid, p_name text, p_owner_id uuid, p_region text, p_limit integer
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  IF p_limit IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(5, hashtext(p_tenant_id::text));
    PERFORM 1 FROM containers c WHERE c.tenant_id = p_tenant_id AND c.name = p_name;
    IF FOUND THEN RETURN 'Exists'; END IF;
    SELECT count(*) INTO v_count FROM (
      SELECT FROM containers c WHERE c.tenant_id = p_tenant_id LIMIT p_limit
    ) present;
    IF v_count >= p_limit THEN RETURN 'QuotaExceeded'; END IF;
  END IF;
  INSERT INTO containers (tenant_id, name, owner_id, region) VALUES (p_tenant_id, p_name, p_owner_id, p_region)
  ON CONFLICT DO NOTHING;
  RETURN CASE WHEN FOUND THEN 'ok' ELSE 'Exists' END;
END
$$;

-- Uploads in progress are aborted with their container (docs/adr/0005). outcome: ok | NoSuchContainer | HasVersions
CREATE FUNCTION vaultaire_delete_container(p_container_id bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_tenant_id uuid;
BEGIN
  PERFORM pg_advisory_xact_lock(1, (p_container_id % 2147483647)::integer);
  SELECT tenant_id INTO v_tenant_id FROM containers WHERE id = p_container_id;
  IF NOT FOUND THEN RETURN 'NoSuchContainer'; END IF;
  PERFORM 1 FROM artifact_versions WHERE container_id = p_container_id LIMIT 1;
  IF FOUND THEN RETURN 'HasVersions'; END IF;
  PERFORM vaultaire_abort_uploads(ARRAY(
    SELECT id FROM multipart_uploads WHERE container_id = p_container_id AND state = 'open'
  ));
  DELETE FROM multipart_uploads WHERE container_id = p_container_id;
  DELETE FROM containers WHERE id = p_container_id;
  PERFORM vaultaire_forget_usage(p_container_id, v_tenant_id);
  RETURN 'ok';
END
$$;

-- Every process caches containers by tenant and name; this tells them of a change when it commits.
CREATE FUNCTION vaultaire_container_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_containers', OLD.tenant_id || '/' || OLD.name);
  RETURN NULL;
END
$$;
CREATE TRIGGER containers_changed AFTER UPDATE OR DELETE ON containers
  FOR EACH ROW EXECUTE FUNCTION vaultaire_container_changed();
`;

export const DROP_CONTAINER_FUNCTIONS = `
DROP TRIGGER containers_changed ON containers;
DROP FUNCTION vaultaire_container_changed();
DROP FUNCTION vaultaire_delete_container(bigint);
DROP FUNCTION IF EXISTS vaultaire_create_container;
`;
