import { Body, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { isString } from 'class-validator';
import { Placements } from '../../engine/placement/placements';
import { PlanAdministrator } from '../../tenant/administration/plan.administrator';
import { AdminAction } from '../admin-action.decorator';
import { AdminController } from '../admin-controller.decorator';
import { decodeCursor } from '../cursor';
import { IfMatch } from '../etag';
import { ApiPage, pageOf, PageQuery } from '../page';
import type { Page } from '../page';
import { requirePlacement } from '../placements/require-placement';
import { tenancyProblems } from './tenancy-problems';
import { CreatePlan, PlanView, planView, UpdatePlan } from './tenant.view';

const PLAN_PARAMETER = { name: 'plan', description: 'Name of the plan', example: 'gold' };

/** `/plans`: named sets of quotas and limits, with a placement. */
@AdminController('plans')
export class PlansController {
  constructor(
    private readonly plans: PlanAdministrator,
    private readonly placements: Placements,
  ) {}

  @Get()
  @AdminAction({ name: 'PlanList', role: 'viewer', summary: 'List plans by name' })
  @ApiPage(PlanView)
  async list(@Query() { limit, cursor }: PageQuery): Promise<Page<PlanView>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isString);
    return pageOf(await this.plans.list(after, limit + 1), limit, ({ name }) => name, planView);
  }

  @Post()
  @AdminAction({ name: 'PlanCreate', role: 'operator', summary: 'Create a plan' })
  @ApiCreatedResponse({ type: PlanView })
  async create(@Body() { name, description, policy }: CreatePlan): Promise<PlanView> {
    requirePlacement(this.placements, policy.placement, 'policy.placement');
    return planView(await tenancyProblems(this.plans.create(name, description ?? null, policy)));
  }

  @Get(':plan')
  @AdminAction({ name: 'PlanGet', role: 'viewer', summary: 'Show a plan' })
  @ApiParam(PLAN_PARAMETER)
  @ApiOkResponse({ type: PlanView })
  async get(@Param('plan') name: string): Promise<PlanView> {
    return planView(await tenancyProblems(this.plans.get(name)));
  }

  @Patch(':plan')
  @AdminAction({
    name: 'PlanUpdate',
    role: 'operator',
    summary: 'Change a plan',
    description: 'Holds for its tenants everywhere within a second. A plan of the configuration file stays (409).',
  })
  @ApiParam(PLAN_PARAMETER)
  @ApiOkResponse({ type: PlanView })
  async update(
    @Param('plan') name: string,
    @IfMatch() revision: string,
    @Body() { description, policy }: UpdatePlan,
  ): Promise<PlanView> {
    requirePlacement(this.placements, policy?.placement, 'policy.placement');
    const plan = await tenancyProblems(this.plans.get(name));
    return planView(await tenancyProblems(this.plans.update(plan, revision, { description, policy })));
  }

  @Delete(':plan')
  @HttpCode(204)
  @AdminAction({ name: 'PlanDelete', role: 'operator', summary: 'Delete a plan that no tenant has' })
  @ApiParam(PLAN_PARAMETER)
  @ApiNoContentResponse({ description: 'The plan is gone' })
  async delete(@Param('plan') name: string): Promise<void> {
    await tenancyProblems(this.plans.delete(await tenancyProblems(this.plans.get(name))));
  }
}
