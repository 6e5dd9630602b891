import { Body, Delete, Get, HttpCode, Param, ParseBoolPipe, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiParam, ApiQuery } from '@nestjs/swagger';
import { Attachments } from '../../engine/attach/attachments';
import type { Attachment } from '../../engine/attach/attachments';
import { JobView, jobView } from '../../jobs/admin/job.view';
import { JobService } from '../../jobs/job.service';
import { TenantAdministrator } from '../../tenant/administration/tenant.administrator';
import { AdminAction } from '../admin-action.decorator';
import { AdminCaller } from '../admin-caller.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { ApiPage } from '../page';
import type { Page } from '../page';
import { tenancyProblems } from '../tenants/tenancy-problems';
import { TENANT_PARAMETER } from '../tenants/tenants.controller';
import { AttachContainer, AttachmentView } from './attachment.view';
import { CONTAINER_ATTACH, CONTAINER_DETACH } from './container-attacher';
import { ContainerDirectory } from './container.directory';
import { CONTAINER_PARAMETER } from './containers.controller';

const SOURCE_PARAMETER = { name: 'source', description: 'Name of the source', example: 'old-bucket' };

/** Sources of containers: what others stored, as artifacts. */
@AdminController('tenants/:tenant/containers/:container', 'Attachments')
export class AttachmentsController {
  constructor(
    private readonly tenants: TenantAdministrator,
    private readonly containers: ContainerDirectory,
    private readonly jobs: JobService,
    private readonly attachments: Attachments,
  ) {}

  @Get('attachments')
  @AdminAction({ name: 'AttachmentList', role: 'tenant-admin', summary: 'List the sources of a container' })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(CONTAINER_PARAMETER)
  @ApiPage(AttachmentView)
  async list(@Param('tenant') tenant: string, @Param('container') name: string): Promise<Page<AttachmentView>> {
    const { id } = await this.find(tenant, name);
    return { items: await this.attachments.of(id) };
  }

  @Post('attach')
  @HttpCode(202)
  @AdminAction({
    name: 'ContainerAttach',
    role: 'operator',
    summary: 'Make the objects of a source artifacts of a container, as a job',
    description:
      'No bytes are copied: reads go to the source, which is never written to. Nothing is deleted there unless ' +
      '`deleteForeignData` says so. Keys that the container has stay as they are, and keys that were attached before do not come ' +
      'back. A job that failed or was cancelled goes on where it was when this is asked for again.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(CONTAINER_PARAMETER)
  @ApiAcceptedResponse({ type: JobView })
  async attach(
    @Param('tenant') tenant: string,
    @Param('container') name: string,
    @Body() { source, deleteForeignData }: AttachContainer,
    @AdminCaller() caller: AdminCaller,
  ): Promise<JobView> {
    if (!this.attachments.names().includes(source)) {
      throw AdminProblem.badFields([{ field: 'source', message: 'source must be one of those that can be attached' }]);
    }
    const { id, tenantId } = await this.find(tenant, name);
    const before = await this.findAttachment(id, source);
    if (before?.state === 'detaching') {
      throw AdminProblem.conflict(
        `The source ${source} is being detached from ${name}: let that come to its end first`,
      );
    }
    if (before !== undefined && before.deletesForeignData !== deleteForeignData) {
      const not = before.deletesForeignData ? '' : 'out';
      throw AdminProblem.conflict(`The source ${source} was attached with${not} deleteForeignData: detach it first`);
    }
    const parameters = { containerId: id, container: name, source, deleteForeignData };
    return jobView(await this.jobs.enqueue(CONTAINER_ATTACH, parameters, { tenantId, createdBy: caller.actor }));
  }

  @Delete('attachments/:source')
  @HttpCode(202)
  @AdminAction({
    name: 'ContainerDetach',
    role: 'operator',
    summary: 'Take the artifacts of a source out of a container, as a job',
    description:
      'What clients wrote since stays, and so do copies. The objects stay at the source unless `deleteForeignData=true`, and always ' +
      'while a copy, or another container, is made of them, or when they were changed there.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(CONTAINER_PARAMETER)
  @ApiParam(SOURCE_PARAMETER)
  @ApiQuery({
    name: 'deleteForeignData',
    required: false,
    type: Boolean,
    description: 'Delete the objects at the source',
  })
  @ApiAcceptedResponse({ type: JobView })
  async detach(
    @Param('tenant') tenant: string,
    @Param('container') name: string,
    @Param('source') source: string,
    @AdminCaller() caller: AdminCaller,
    @Query('deleteForeignData', new ParseBoolPipe({ optional: true })) deleteForeignData = false,
  ): Promise<JobView> {
    const { id, tenantId } = await this.find(tenant, name);
    if ((await this.findAttachment(id, source)) === undefined) {
      throw AdminProblem.notFound(`source ${source} of the container ${name}`);
    }
    const parameters = { containerId: id, container: name, source, deleteForeignData };
    return jobView(await this.jobs.enqueue(CONTAINER_DETACH, parameters, { tenantId, createdBy: caller.actor }));
  }

  private async find(tenantName: string, name: string): Promise<{ readonly id: string; readonly tenantId: string }> {
    const tenant = await tenancyProblems(this.tenants.get(tenantName));
    const { id } = await this.containers.get(tenant, name);
    return { id, tenantId: tenant.id };
  }

  private async findAttachment(containerId: string, source: string): Promise<Attachment | undefined> {
    return (await this.attachments.of(containerId)).find((attachment) => attachment.source === source);
  }
}
