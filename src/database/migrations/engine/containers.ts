export const CONTAINER_FUNCTIONS = `
-- Uploads in progress are aborted with their container (docs/adr/0005). outcome: ok | NoSuchContainer | HasVersions
CREATE FUNCTION vaultaire_delete_container(p_container_id bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1, (p_container_id % 2147483647)::integer);
  PERFORM 1 FROM containers WHERE id = p_container_id;
  IF NOT FOUND THEN RETURN 'NoSuchContainer'; END IF;
  PERFORM 1 FROM artifact_versions WHERE container_id = p_container_id LIMIT 1;
  IF FOUND THEN RETURN 'HasVersions'; END IF;
  PERFORM vaultaire_abort_upload(id) FROM multipart_uploads WHERE container_id = p_container_id AND state = 'open';
  DELETE FROM multipart_uploads WHERE container_id = p_container_id;
  DELETE FROM containers WHERE id = p_container_id;
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
`;
