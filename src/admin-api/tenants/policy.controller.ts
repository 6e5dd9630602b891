import { Body, Get, Param, Put, Query } from '@nestjs/common';
import { ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { tenantId } from '../../context/ids';
import { effectivePolicy } from '../../context/policy/effective-policy';
import type { EffectivePolicy } from '../../context/policy/effective-policy';
import { TenantLimits, TenantQuota } from '../../context/policy/tenant-policy';
import type { TenantPolicy } from '../../context/policy/tenant-policy';
import { UsageService } from '../../engine/quota/usage.service';
import { TenantAdministrator } from '../../tenant/administration/tenant.administrator';
import type { Tenant } from '../../tenant/entities/tenant.entity';
import { AdminAction } from '../admin-action.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { decodeCursor } from '../cursor';
import { IfMatch } from '../etag';
import { ApiPage, pageOf } from '../page';
import type { Page } from '../page';
import { LimitsView, QuotaView, UsageHistoryQuery, UsagePeriodView, UsageView } from './policy.view';
import { tenancyProblems } from './tenancy-problems';
import { TENANT_PARAMETER } from './tenants.controller';

const DEFAULT_HISTORY_MS = 30 * 86_400_000;

/** `/tenants/:tenant/quota`, `/limits` and `/usage`: how much and how fast a tenant may, and how much it does. */
@AdminController('tenants/:tenant', 'Quotas, limits and usage')
export class PolicyController {
  constructor(
    private readonly tenants: TenantAdministrator,
    private readonly usage: UsageService,
    private readonly config: VaultaireConfig,
  ) {}

  @Get('quota')
  @AdminAction({ name: 'QuotaGet', role: 'tenant-admin', summary: 'Show how much a tenant may hold' })
  @ApiParam(TENANT_PARAMETER)
  @ApiOkResponse({ type: QuotaView })
  async quota(@Param('tenant') nameOrId: string): Promise<QuotaView> {
    return this.quotaOf(await tenancyProblems(this.tenants.get(nameOrId)));
  }

  @Put('quota')
  @AdminAction({
    name: 'QuotaSet',
    role: 'operator',
    summary: 'Set how much a tenant may hold, apart from its plan',
    description: 'Takes the place of all overrides. What is absent comes from the plan; null lifts a bound.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiOkResponse({ type: QuotaView })
  async setQuota(
    @Param('tenant') nameOrId: string,
    @IfMatch() revision: string,
    @Body() quota: TenantQuota,
  ): Promise<QuotaView> {
    const tenant = await tenancyProblems(this.tenants.get(nameOrId));
    const policy: TenantPolicy = Object.assign({}, tenant.policy, { quota });
    return this.quotaOf(await tenancyProblems(this.tenants.update(tenant, revision, { policy })));
  }

  @Get('limits')
  @AdminAction({ name: 'LimitsGet', role: 'tenant-admin', summary: 'Show how fast a tenant may ask' })
  @ApiParam(TENANT_PARAMETER)
  @ApiOkResponse({ type: LimitsView })
  async limits(@Param('tenant') nameOrId: string): Promise<LimitsView> {
    return this.limitsOf(await tenancyProblems(this.tenants.get(nameOrId)));
  }

  @Put('limits')
  @AdminAction({
    name: 'LimitsSet',
    role: 'operator',
    summary: 'Set how fast a tenant may ask, apart from its plan',
    description: 'Takes the place of all overrides. What is absent comes from the plan; null lifts a bound.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiOkResponse({ type: LimitsView })
  async setLimits(
    @Param('tenant') nameOrId: string,
    @IfMatch() revision: string,
    @Body() limits: TenantLimits,
  ): Promise<LimitsView> {
    const tenant = await tenancyProblems(this.tenants.get(nameOrId));
    const policy: TenantPolicy = Object.assign({}, tenant.policy, { limits });
    return this.limitsOf(await tenancyProblems(this.tenants.update(tenant, revision, { policy })));
  }

  @Get('usage')
  @AdminAction({ name: 'UsageGet', role: 'tenant-admin', summary: 'Show what a tenant holds now' })
  @ApiParam(TENANT_PARAMETER)
  @ApiOkResponse({ type: UsageView })
  async usageNow(@Param('tenant') nameOrId: string): Promise<UsageView> {
    const { id } = await tenancyProblems(this.tenants.get(nameOrId));
    return this.usage.now(tenantId(id));
  }

  @Get('usage/history')
  @AdminAction({
    name: 'UsageHistory',
    role: 'tenant-admin',
    summary: 'Show what a tenant held and did over time, oldest first',
    description: 'Periods in which nothing was sampled and nothing transferred are left out.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiPage(UsagePeriodView)
  async history(
    @Param('tenant') nameOrId: string,
    @Query() { from, to, step, limit, cursor }: UsageHistoryQuery,
  ): Promise<Page<UsagePeriodView>> {
    const { id } = await tenancyProblems(this.tenants.get(nameOrId));
    const end = to === undefined ? new Date() : new Date(to);
    const begin = from === undefined ? new Date(end.getTime() - DEFAULT_HISTORY_MS) : new Date(from);
    if (begin >= end) throw AdminProblem.badFields([{ field: 'from', message: 'from must be before to' }]);
    const after = cursor === undefined ? undefined : new Date(decodeCursor(cursor, isTime));
    const periods = await this.usage.history(tenantId(id), begin, end, step);
    const rest = after === undefined ? periods : periods.filter(({ start }) => start > after);
    return pageOf(
      rest.slice(0, limit + 1),
      limit,
      ({ start }) => start.toISOString(),
      ({ start, bytes, artifacts, bytesIn, bytesOut, requests }) => ({
        time: start,
        ...(bytes === undefined ? {} : { bytes }),
        ...(artifacts === undefined ? {} : { artifacts }),
        ingressBytes: bytesIn,
        egressBytes: bytesOut,
        requests,
      }),
    );
  }

  private async quotaOf(tenant: Tenant): Promise<QuotaView> {
    const { effective, plan } = await this.policiesOf(tenant);
    return {
      effective: effective.quota,
      plan: plan?.quota ?? {},
      overrides: tenant.policy.quota ?? {},
      revision: tenant.revision,
    };
  }

  private async limitsOf(tenant: Tenant): Promise<LimitsView> {
    const { effective, plan } = await this.policiesOf(tenant);
    return {
      effective: effective.limits,
      plan: plan?.limits ?? {},
      overrides: tenant.policy.limits ?? {},
      revision: tenant.revision,
    };
  }

  private async policiesOf(tenant: Tenant): Promise<{ effective: EffectivePolicy; plan: TenantPolicy | undefined }> {
    const plan = await this.tenants.planPolicyOf(tenant);
    return { effective: effectivePolicy({ limits: this.config.defaultLimits() }, plan, tenant.policy), plan };
  }
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
