import { Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { VaultaireConfig } from '../config/vaultaire-config';
import { ArtifactRestorer } from './archive/artifact-restorer';
import { DriverRestores } from './archive/driver-restores';
import { ArtifactRemover } from './artifacts/artifact-remover';
import { ArtifactWriter } from './artifacts/artifact-writer';
import { ArtifactService } from './artifacts/artifact.service';
import { Attachments } from './attach/attachments';
import { Detacher } from './attach/detacher';
import { ActiveReads } from './blobs/active-reads';
import { BlobPump } from './blobs/blob-pump';
import { BlobReader } from './blobs/blob-reader';
import { BlobReconciler } from './blobs/blob-reconciler';
import { BlobStore } from './blobs/blob-store';
import { BlobSweeper } from './blobs/blob-sweeper';
import { initDigests } from './blobs/digests';
import { ContainerService } from './containers/container.service';
import { GatewayInstance } from './gateway-instance';
import { ListingService } from './listing/listing.service';
import { MultipartService } from './multipart/multipart.service';
import { UploadCompleter } from './multipart/upload-completer';
import { UploadFinder } from './multipart/upload-finder';
import { UploadLister } from './multipart/upload-lister';
import { OwnerDirectory } from './owner-directory';
import { DriverDrainer } from './placement/driver-drainer';
import { DriverVerifier } from './placement/driver-verifier';
import { Idleness } from './placement/idleness';
import { PlacementStore } from './placement/placement-store';
import { Placements } from './placement/placements';
import { ReplicaCopier } from './placement/replica-copier';
import { ReplicaMover } from './placement/replica-mover';
import { ReplicaReader } from './placement/replica-reader';
import { ReplicaRepairer } from './placement/replica-repairer';
import { ReplicaWriter } from './placement/replica-writer';
import { Tiering } from './placement/tiering';
import { QuotaModule } from './quota/quota.module';

/** What things mean: containers, artifacts, blobs, and the transactions that change them. */
@Module({
  imports: [QuotaModule],
  providers: [
    ActiveReads,
    ArtifactRemover,
    ArtifactRestorer,
    ArtifactService,
    ArtifactWriter,
    Attachments,
    {
      provide: BlobPump,
      inject: [VaultaireConfig],
      useFactory: async (config: VaultaireConfig): Promise<BlobPump> => {
        await initDigests();
        return new BlobPump({ bufferBytes: config.engine.uploadBufferBytes });
      },
    },
    BlobReader,
    BlobReconciler,
    BlobStore,
    BlobSweeper,
    ContainerService,
    Detacher,
    GatewayInstance,
    Idleness,
    ListingService,
    MultipartService,
    OwnerDirectory,
    PlacementStore,
    Placements,
    DriverDrainer,
    DriverRestores,
    DriverVerifier,
    ReplicaCopier,
    ReplicaMover,
    ReplicaReader,
    ReplicaRepairer,
    ReplicaWriter,
    Tiering,
    UploadCompleter,
    UploadFinder,
    UploadLister,
  ],
  exports: [
    ArtifactRemover,
    ArtifactRestorer,
    ArtifactService,
    ArtifactWriter,
    Attachments,
    BlobReconciler,
    ContainerService,
    Detacher,
    GatewayInstance,
    ListingService,
    MultipartService,
    OwnerDirectory,
    DriverDrainer,
    DriverVerifier,
    PlacementStore,
    Placements,
    QuotaModule,
    UploadCompleter,
    UploadLister,
  ],
})
export class EngineModule implements OnApplicationShutdown {
  constructor(private readonly pump: BlobPump) {}

  async onApplicationShutdown(): Promise<void> {
    await this.pump.close();
  }
}
