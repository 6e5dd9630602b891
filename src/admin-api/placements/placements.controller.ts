import { Body, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { Placements } from '../../engine/placement/placements';
import { AdminAction } from '../admin-action.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { IfMatch } from '../etag';
import { ApiPage } from '../page';
import type { Page } from '../page';
import { PlacementDirectory } from './placement.directory';
import { CreatePlacement, PlacementView, placementView, ReplacePlacement } from './placement.view';

const PLACEMENT_PARAMETER = { name: 'placement', description: 'Name of the placement', example: 'mirrored' };

/** `/placements`: which drivers hold blobs, and how; those of the configuration, and those that are defined here. */
@AdminController('placements')
export class PlacementsController {
  constructor(
    private readonly placements: Placements,
    private readonly directory: PlacementDirectory,
  ) {}

  @Get()
  @AdminAction({ name: 'PlacementList', role: 'viewer', summary: 'List placements by name' })
  @ApiPage(PlacementView)
  async list(): Promise<Page<PlacementView>> {
    const defined = await this.directory.defined();
    const sorted = [...this.placements.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return { items: sorted.map((placement) => placementView(placement, this.rowOf(placement.name, defined))) };
  }

  @Post()
  @AdminAction({
    name: 'PlacementCreate',
    role: 'operator',
    summary: 'Define a placement',
    description: 'Beside those of the configuration file. Holds everywhere within a second.',
  })
  @ApiCreatedResponse({ type: PlacementView })
  async create(@Body() { name, ...document }: CreatePlacement): Promise<PlacementView> {
    await this.directory.create(name, document);
    return this.get(name);
  }

  @Get(':placement')
  @AdminAction({ name: 'PlacementGet', role: 'viewer', summary: 'Show a placement' })
  @ApiParam(PLACEMENT_PARAMETER)
  @ApiOkResponse({ type: PlacementView })
  async get(@Param('placement') name: string): Promise<PlacementView> {
    const placement = this.placements.byName.get(name);
    if (placement === undefined) throw AdminProblem.notFound(`placement ${name}`);
    return placementView(placement, this.rowOf(name, await this.directory.defined()));
  }

  @Put(':placement')
  @AdminAction({
    name: 'PlacementReplace',
    role: 'operator',
    summary: 'Define a placement anew',
    description:
      'Holds for what is written from then on; what was written before stays where it is. A placement of the configuration file ' +
      'stays (409).',
  })
  @ApiParam(PLACEMENT_PARAMETER)
  @ApiOkResponse({ type: PlacementView })
  async replace(
    @Param('placement') name: string,
    @IfMatch() revision: string,
    @Body() document: ReplacePlacement,
  ): Promise<PlacementView> {
    await this.directory.replace(name, revision, document);
    return this.get(name);
  }

  @Delete(':placement')
  @HttpCode(204)
  @AdminAction({
    name: 'PlacementDelete',
    role: 'operator',
    summary: 'Delete a placement that nothing names',
    description:
      'Refused (409) while a container, a tenant, a plan or another placement names it. Its blobs stay where they are.',
  })
  @ApiParam(PLACEMENT_PARAMETER)
  @ApiNoContentResponse({ description: 'The placement is gone' })
  async delete(@Param('placement') name: string): Promise<void> {
    await this.directory.delete(name);
  }

  private rowOf<Row>(name: string, defined: ReadonlyMap<string, Row>): Row | undefined {
    return this.placements.isConfigured(name) ? undefined : defined.get(name);
  }
}
