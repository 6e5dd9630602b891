import type { StoredState } from '../support/stored-state';

/** Written by the mere passing of time, or of requests, which refusals to the tenant's own users are too. */
const NOT_OF_THE_TENANT = /^(events|event_journal|usage_history|tenant_egress|artifact_access)/;

/** Rows that hang on others, without a column for tenant or container. */
const HANGING = `
  SELECT p::text AS row FROM multipart_parts p JOIN multipart_uploads u ON u.id = p.upload_id
    JOIN containers c ON c.id = u.container_id WHERE c.tenant_id = $1
  UNION ALL SELECT p::text FROM manifest_parts p JOIN manifests m ON m.id = p.manifest_id
    JOIN artifact_versions v ON v.manifest_id = m.id JOIN containers c ON c.id = v.container_id WHERE c.tenant_id = $1
  UNION ALL SELECT k.id || k.state FROM access_keys k JOIN users u ON u.id = k.user_id WHERE u.tenant_id = $1
  ORDER BY 1`;

/**
 * Every row in every table that belongs to a tenant, as text: two of these are equal when nothing of the tenant's changed. Finds
 * the tables by their columns, so that one that is added later is compared too.
 */
export async function rowsOfTenant(stored: StoredState, tenantId: string): Promise<Record<string, string[]>> {
  const columns = await stored.query<{ table_name: string; column_name: string }>(
    `SELECT c.table_name, c.column_name FROM information_schema.columns c
       JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name IN ('tenant_id', 'container_id')
     ORDER BY 1, 2 DESC`,
  );
  const rows: Record<string, string[]> = {};
  for (const { table_name: table, column_name: column } of columns) {
    if (NOT_OF_THE_TENANT.test(table) || table in rows) continue;
    const owned = column === 'tenant_id' ? '$1' : '(SELECT id FROM containers WHERE tenant_id = $1)';
    const sql = `SELECT t::text AS row FROM "${table}" t WHERE "${column}" ${column === 'tenant_id' ? '=' : 'IN'} ${owned}`;
    rows[table] = (await stored.query<{ row: string }>(`${sql} ORDER BY 1`, [tenantId])).map(({ row }) => row);
  }
  rows.hanging = (await stored.query<{ row: string }>(HANGING, [tenantId])).map(({ row }) => row);
  return rows;
}
