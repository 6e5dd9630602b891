import pg from 'pg';

const BATCH_KEYS = 100_000;

/** A container's row, as this loads it: empty artifacts, a thousand to a folder. Follows `src/database/migrations/engine/tables.ts`. */
const INSERT = `
INSERT INTO artifact_versions (
  container_id, key, id, is_null_version, is_latest, is_delete_marker, size_bytes, etag,
  checksum_algorithm, checksum_type, checksum_value, content_type, storage_class, owner_id, created_at
)
SELECT c.id, to_char(n / 1000, 'FM000000') || '/object-' || to_char(n % 1000, 'FM0000'),
  ((extract(epoch FROM now()) * 1000)::bigint << 20) + n, true, true, false, 0, 'd41d8cd98f00b204e9800998ecf8427e',
  'CRC64NVME', 'FULL_OBJECT', 'AAAAAAAAAAA=', 'binary/octet-stream', 'STANDARD', c.owner_id, now()
FROM containers c, generate_series($2::bigint, $3::bigint) n
WHERE c.id = $1
ON CONFLICT DO NOTHING`;

/**
 * Puts keys into a bucket of Vaultaire straight through its database, some 50,000 a second: the way to a large listing without
 * a large number of PUTs. The bucket exists and no other tenant has one of its name. Keys that are there already stay.
 */
export async function loadListingRows(databaseUrl: string, bucket: string, keyCount: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const found = await client.query<{ id: string }>('SELECT id FROM containers WHERE name = $1', [bucket]);
    const [container] = found.rows;
    if (container === undefined || found.rows.length > 1) {
      throw new Error(`${found.rows.length} tenants have a bucket named ${bucket}: it must be exactly one`);
    }
    for (let from = 0; from < keyCount; from += BATCH_KEYS) {
      await client.query(INSERT, [container.id, from, Math.min(from + BATCH_KEYS, keyCount) - 1]);
    }
    await client.query('VACUUM (ANALYZE) artifact_versions');
  } finally {
    await client.end();
  }
}
