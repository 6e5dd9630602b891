import { Injectable } from '@nestjs/common';
import { containerName } from '../../context/ids';
import type { ContainerName } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import { ContainerService } from '../../engine/containers/container.service';
import { EngineError } from '../../engine/engine.errors';

/** How log objects are named; see `logObjectKey`. */
export type LogKeyFormat = 'simple' | 'by-event-time' | 'by-delivery-time';

/** Where the access log of a bucket goes. */
export interface AccessLogSettings {
  /** A bucket of the same owner. */
  readonly targetBucket: string;
  readonly targetPrefix: string;
  /** Undefined: none was named, which means `simple`. */
  readonly keyFormat: LogKeyFormat | undefined;
}

/** As it is stored. Settings that were switched off stay, since lines that wait are still delivered by them. */
export interface StoredAccessLogSettings extends AccessLogSettings {
  readonly isEnabled: boolean;
}

const GET: Statement = {
  name: 'access-log-settings-get',
  text: `SELECT document FROM container_settings WHERE container_id = $1 AND sub_resource = 'logging'`,
};
const PUT: Statement = {
  name: 'access-log-settings-put',
  text: `INSERT INTO container_settings (container_id, sub_resource, document)
    SELECT id, 'logging', $2 FROM containers WHERE id = $1
    ON CONFLICT (container_id, sub_resource) DO UPDATE SET document = EXCLUDED.document RETURNING container_id`,
};
const SWITCH_OFF: Statement = {
  name: 'access-log-settings-off',
  text: `UPDATE container_settings SET document = document || '{"isEnabled": false}'
    WHERE container_id = $1 AND sub_resource = 'logging'`,
};

/** Which buckets have an access log. A change is known to all processes within moments; requests until then may go unlogged. */
@Injectable()
export class AccessLogSettingsStore {
  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
  ) {}

  /** Undefined: the bucket is not logged. Throws `NoSuchContainer`. */
  async get(ctx: OperationContext, bucket: ContainerName): Promise<AccessLogSettings | undefined> {
    const { id } = await this.containers.getFresh(ctx, bucket);
    const [row] = await this.database.query<{ document: StoredAccessLogSettings }>(GET, [id]);
    return row?.document.isEnabled === true ? row.document : undefined;
  }

  /**
   * False, and nothing is changed, when there is no target bucket, or not of the same owner. Throws `NoSuchContainer` for the
   * bucket itself.
   */
  async set(ctx: OperationContext, bucket: ContainerName, settings: AccessLogSettings): Promise<boolean> {
    const { id, ownerId } = await this.containers.getFresh(ctx, bucket);
    if ((await this.ownerOf(ctx, containerName(settings.targetBucket))) !== ownerId) return false;
    const document: StoredAccessLogSettings = { ...settings, isEnabled: true };
    const rows = await this.database.query(PUT, [id, JSON.stringify(document)]);
    if (rows.length === 0) throw new EngineError({ kind: 'NoSuchContainer', container: bucket });
    return true;
  }

  /** Throws `NoSuchContainer`. */
  async switchOff(ctx: OperationContext, bucket: ContainerName): Promise<void> {
    const { id } = await this.containers.getFresh(ctx, bucket);
    await this.database.query(SWITCH_OFF, [id]);
  }

  private async ownerOf(ctx: OperationContext, bucket: ContainerName): Promise<string | undefined> {
    try {
      return (await this.containers.getFresh(ctx, bucket)).ownerId;
    } catch (error) {
      if (error instanceof EngineError && error.failure.kind === 'NoSuchContainer') return undefined;
      throw error;
    }
  }
}
