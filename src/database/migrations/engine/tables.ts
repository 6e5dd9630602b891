/**
 * Tables of the engine. No foreign key leads from the hot tables to `containers`: its check would take a row lock on the
 * container for each write. The functions take advisory locks instead (see `locks.ts`), which cost no write to the row.
 */
export const TABLES = `
CREATE TABLE containers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  name text COLLATE "C" NOT NULL,
  owner_id uuid NOT NULL REFERENCES users,
  region text NOT NULL,
  versioning text NOT NULL DEFAULT 'off' CHECK (versioning IN ('off', 'enabled', 'suspended')),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, name)
);
CREATE INDEX containers_by_owner ON containers (owner_id, name);

CREATE TABLE container_settings (
  container_id bigint NOT NULL REFERENCES containers ON DELETE CASCADE,
  sub_resource text NOT NULL,
  document jsonb NOT NULL,
  PRIMARY KEY (container_id, sub_resource)
);

-- Bytes, immutable. driver NULL: they stand in inline_body. ref_count: versions, manifests and parts that hold it.
CREATE TABLE blobs (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('writing', 'live', 'doomed')),
  ref_count integer NOT NULL DEFAULT 1,
  size_bytes bigint,
  md5 bytea,
  driver text,
  inline_body bytea,
  writer bigint,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  doomed_at timestamptz
);
-- Bodies are often compressed already, and reading a slice of a compressed value unpacks all of it.
ALTER TABLE blobs ALTER COLUMN inline_body SET STORAGE EXTERNAL;
CREATE INDEX blobs_writing ON blobs (writer) WHERE state = 'writing';
CREATE INDEX blobs_doomed ON blobs (doomed_at) WHERE state = 'doomed';

-- The blobs of an artifact that was written in parts, in order.
CREATE TABLE manifests (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'doomed')),
  ref_count integer NOT NULL DEFAULT 1,
  doomed_at timestamptz
);
CREATE INDEX manifests_doomed ON manifests (doomed_at) WHERE state = 'doomed';

CREATE TABLE manifest_parts (
  manifest_id uuid NOT NULL REFERENCES manifests ON DELETE CASCADE,
  part_number integer NOT NULL,
  blob_id uuid,
  start_byte bigint NOT NULL,
  size_bytes bigint NOT NULL,
  etag text NOT NULL,
  checksum_value text,
  PRIMARY KEY (manifest_id, part_number)
);
CREATE INDEX manifest_parts_by_blob ON manifest_parts (blob_id);

-- id grows with each version of a key: the latest version is the one with the highest id.
CREATE TABLE artifact_versions (
  container_id bigint NOT NULL,
  key text COLLATE "C" NOT NULL,
  id bigint NOT NULL,
  is_null_version boolean NOT NULL,
  is_latest boolean NOT NULL,
  is_delete_marker boolean NOT NULL,
  size_bytes bigint NOT NULL,
  etag text NOT NULL,
  checksum_algorithm text,
  checksum_type text,
  checksum_value text,
  content_type text,
  headers jsonb,
  metadata jsonb,
  tags jsonb,
  storage_class text NOT NULL,
  owner_id uuid NOT NULL,
  blob_id uuid,
  manifest_id uuid,
  part_count integer,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX artifact_versions_by_key ON artifact_versions (container_id, key, id DESC);
CREATE UNIQUE INDEX artifact_versions_listing ON artifact_versions (container_id, key)
  WHERE is_latest AND NOT is_delete_marker;

CREATE TABLE multipart_uploads (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  container_id bigint NOT NULL,
  key text COLLATE "C" NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'completed')),
  owner_id uuid NOT NULL,
  content_type text,
  headers jsonb,
  metadata jsonb,
  tags jsonb,
  storage_class text NOT NULL,
  checksum_algorithm text NOT NULL,
  checksum_type text NOT NULL,
  is_checksum_requested boolean NOT NULL,
  initiated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  completed_at timestamptz,
  result jsonb
);
CREATE INDEX multipart_uploads_open ON multipart_uploads (container_id, key, id) WHERE state = 'open';
CREATE INDEX multipart_uploads_completed ON multipart_uploads (completed_at) WHERE state = 'completed';

CREATE TABLE multipart_parts (
  upload_id uuid NOT NULL REFERENCES multipart_uploads ON DELETE CASCADE,
  part_number integer NOT NULL,
  blob_id uuid,
  size_bytes bigint NOT NULL,
  etag text NOT NULL,
  checksum_value text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (upload_id, part_number)
);

-- One row per gateway process, alive as long as it holds its advisory lock (see locks.ts).
CREATE TABLE gateway_instances (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  oldest_read_at timestamptz
);
`;

export const DROP_TABLES = `
DROP TABLE gateway_instances, multipart_parts, multipart_uploads, artifact_versions, manifest_parts, manifests, blobs,
  container_settings, containers CASCADE;
`;
