import { Body, Get, Put } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { AdminAction } from '../admin-action.decorator';
import { AdminController } from '../admin-controller.decorator';
import { IfMatch } from '../etag';
import { PlacementDirectory } from './placement.directory';
import { PlacementPolicy, PlacementPolicyView } from './placement.view';

/** `/placement-policy`: storage classes and rules that choose placements. */
@AdminController('placement-policy', 'Placements')
export class PlacementPolicyController {
  constructor(
    private readonly directory: PlacementDirectory,
    private readonly config: VaultaireConfig,
  ) {}

  @Get()
  @AdminAction({
    name: 'PlacementPolicyGet',
    role: 'viewer',
    summary: 'Show what placements are chosen by: storage classes and rules',
  })
  @ApiOkResponse({ type: PlacementPolicyView })
  async get(): Promise<PlacementPolicyView> {
    const { storageClasses, placementRules: rules } = this.config;
    return { ...(await this.directory.policy()), file: { storageClasses, rules } };
  }

  @Put()
  @AdminAction({
    name: 'PlacementPolicySet',
    role: 'operator',
    summary: 'Set storage classes and rules, beside those of the configuration',
    description:
      'Takes the place of all that was set here before. Holds everywhere within a second for what is written then.',
  })
  @ApiOkResponse({ type: PlacementPolicyView })
  async set(
    @IfMatch() revision: string,
    @Body() { storageClasses, rules }: PlacementPolicy,
  ): Promise<PlacementPolicyView> {
    await this.directory.setPolicy(revision, storageClasses, rules);
    return this.get();
  }
}
