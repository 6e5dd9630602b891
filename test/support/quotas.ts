import type { S3Client } from '@aws-sdk/client-s3';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { Client } from 'pg';
import { tenantId } from '../../src/context/ids';
import type { TenantId } from '../../src/context/ids';
import type { ContainerQuota, TenantQuota } from '../../src/context/policy/tenant-policy';
import { codeOf } from '../e2e/raw-answer';
import type { RunningVaultaire } from './start-vaultaire';
import { until } from './until';

export interface Held {
  readonly bytes: number;
  readonly artifacts: number;
}

/** The quotas and the usage of the default tenant of a gateway, seen from its database. */
export class Quotas {
  private constructor(
    private readonly client: Client,
    private readonly vaultaire: RunningVaultaire,
    readonly tenant: TenantId,
  ) {}

  static async of(vaultaire: RunningVaultaire): Promise<Quotas> {
    const client = new Client(vaultaire.databaseUrl);
    // The database may go before the connection.
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ id: string }>('SELECT id FROM tenants');
    return new Quotas(client, vaultaire, tenantId(rows[0]?.id ?? ''));
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>(sql, [...values])).rows;
  }

  /** Sets the quotas of the tenant; every process knows of them when this resolves. */
  async ofTenant(quota: TenantQuota): Promise<void> {
    await this.query('UPDATE tenants SET policy = $1 WHERE id = $2', [JSON.stringify({ quota }), this.tenant]);
    await this.untilNoticed();
  }

  async ofBucket(bucket: string, quota: ContainerQuota): Promise<void> {
    await this.query('UPDATE containers SET quota = $1 WHERE name = $2', [JSON.stringify(quota), bucket]);
    await this.untilNoticed();
  }

  /** What the counters say of the tenant, or of a bucket. */
  async held(bucket?: string): Promise<Held> {
    const [row] = await this.query<{ bytes: string; artifacts: string }>(
      `SELECT coalesce(sum(u.bytes), 0) AS bytes, coalesce(sum(u.artifacts), 0) AS artifacts FROM usage_counters u
       WHERE ($1::text IS NULL AND u.scope = 1)
         OR (u.scope = 2 AND u.container_id = (SELECT id FROM containers WHERE name = $1))`,
      [bucket ?? null],
    );
    return { bytes: Number(row?.bytes), artifacts: Number(row?.artifacts) };
  }

  /** Scopes whose counters are wrong. */
  async drift(): Promise<object[]> {
    return this.query('SELECT * FROM vaultaire_reconcile_usage(false)');
  }

  /**
   * Notifications reach a process in the order of their commits: when all processes have noticed that a key of the tenant is gone,
   * they have noticed what was changed before.
   */
  private async untilNoticed(): Promise<void> {
    await this.query(`UPDATE access_keys SET state = 'revoked' WHERE id = $1`, [this.vaultaire.accessKeyId]);
    await this.untilAllAnswer((code) => code === 403);
    await this.query(`UPDATE access_keys SET state = 'active' WHERE id = $1`, [this.vaultaire.accessKeyId]);
    await this.untilAllAnswer((code) => code === 404);
  }

  /** A connection of its own for each question, so that processes take turns in answering. */
  private async untilAllAnswer(isExpected: (status: number | undefined) => boolean): Promise<void> {
    let inARow = 0;
    await until('every process has noticed', async () => {
      const s3 = this.vaultaire.s3Client();
      const status = await statusOf(s3);
      s3.destroy();
      inARow = isExpected(status) ? inARow + 1 : 0;
      return inARow > 8;
    });
  }
}

async function statusOf(s3: S3Client): Promise<number | undefined> {
  try {
    const { $metadata } = await s3.send(new HeadBucketCommand({ Bucket: 'no-bucket-of-this-name' }));
    return $metadata.httpStatusCode;
  } catch (error) {
    const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
    return (metadata as { httpStatusCode?: number } | undefined)?.httpStatusCode ?? Number(codeOf(error));
  }
}
