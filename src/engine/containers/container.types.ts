import type { ContainerQuota } from '../../context/policy/tenant-policy';
import type { ContainerId, ContainerName, TenantId, UserId } from '../../context/ids';

export type VersioningState = 'off' | 'enabled' | 'suspended';

export interface Container {
  readonly id: ContainerId;
  readonly tenantId: TenantId;
  readonly name: ContainerName;
  readonly ownerId: UserId;
  readonly region: string;
  readonly versioning: VersioningState;
  readonly quota: ContainerQuota;
  /** Name of the placement of what is written to it; undefined: that of the tenant. */
  readonly placement: string | undefined;
  readonly createdAt: Date;
}

export interface ContainerPage {
  readonly containers: readonly Container[];
  /** Name after which the next page begins; undefined on the last page. */
  readonly nextAfter: string | undefined;
}
