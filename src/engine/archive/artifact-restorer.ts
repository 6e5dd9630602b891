import { Injectable } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { blobId, blobKey, tenantId } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { DriverRegistry } from '../../drivers/driver.registry';
import { ArtifactService } from '../artifacts/artifact.service';
import type { ArtifactAddress } from '../artifacts/artifact.types';
import { EngineError } from '../engine.errors';
import { BLOBS_OF_VERSION, RESTORE } from './restore.statements';

export type RestoreTier = 'expedited' | 'standard' | 'bulk';

export interface RestoreArtifact extends ArtifactAddress {
  /** How long the bytes are to be readable. */
  readonly days: number;
  readonly tier: RestoreTier;
}

/** A blob that is on a driver. */
export interface BlobOnDriverRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly driver: string;
}

/** Makes the bytes of archived artifacts readable for a while. */
@Injectable()
export class ArtifactRestorer {
  private readonly daySeconds: number;

  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly artifacts: ArtifactService,
    private readonly config: VaultaireConfig,
    environment: Environment,
  ) {
    this.daySeconds = environment.lifecycleDaySeconds;
  }

  /**
   * True: they will be, in the time of the tier. False: they are already, and stay so for `days` from now on.
   *
   * @throws EngineError `NotArchived`, `RestoreInProgress`, and as `ArtifactService.find`
   */
  async restore(ctx: OperationContext, request: RestoreArtifact): Promise<boolean> {
    const { container, row, stat } = await this.artifacts.find(ctx, request);
    const storageClass = row.storage_class;
    const archiveClass = this.config.archiveClasses.get(storageClass);
    if (archiveClass === undefined) throw new EngineError({ kind: 'NotArchived', storageClass });
    if (stat.archive?.restore?.isOngoing === true) throw new EngineError({ kind: 'RestoreInProgress' });
    if (archiveClass.onDriver) await this.askDrivers(ctx, row.blob_id, row.manifest_id, request);
    const [answer] = await this.database.query<{ outcome: string }>(RESTORE, [
      container.id,
      request.key,
      row.id,
      request.days,
      this.daySeconds,
      archiveClass.onDriver ? null : archiveClass.restoreSeconds[request.tier],
    ]);
    switch (answer?.outcome) {
      case 'requested':
        return true;
      case 'extended':
        return false;
      case 'ongoing':
        throw new EngineError({ kind: 'RestoreInProgress' });
      default:
        // Deleted or overwritten a moment ago.
        throw new EngineError({ kind: 'NoSuchArtifact', key: request.key, deleteMarkerVersionId: undefined });
    }
  }

  private async askDrivers(
    ctx: OperationContext,
    blob: string | null,
    manifest: string | null,
    { days, tier }: RestoreArtifact,
  ): Promise<void> {
    const blobs = await this.database.query<BlobOnDriverRow & Readonly<Record<string, unknown>>>(BLOBS_OF_VERSION, [
      blob,
      manifest,
    ]);
    for (const { id, tenant_id, driver } of blobs) {
      await this.drivers.get(driver).restore(ctx, blobKey(tenantId(tenant_id), blobId(id)), { days, tier });
    }
  }
}
