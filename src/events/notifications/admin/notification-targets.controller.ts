import { Body, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { isUUID } from 'class-validator';
import { AdminAction } from '../../../admin-api/admin-action.decorator';
import { AdminCaller } from '../../../admin-api/admin-caller.decorator';
import type { AdminCaller as Caller } from '../../../admin-api/admin-caller.decorator';
import { AdminController } from '../../../admin-api/admin-controller.decorator';
import { AdminProblem } from '../../../admin-api/admin-problem';
import { decodeCursor } from '../../../admin-api/cursor';
import { IfMatch } from '../../../admin-api/etag';
import { ApiPage, pageOf, PageQuery } from '../../../admin-api/page';
import type { Page } from '../../../admin-api/page';
import { AdminTenantFinder } from '../../../admin-api/tokens/admin-tenant.finder';
import { NotificationTargets } from '../targets/notification-targets';
import type { DeadLetter, NotificationTarget } from '../targets/notification-targets';
import {
  CreateTarget,
  DeadLetterView,
  ReplayRequest,
  ReplayView,
  TargetQuery,
  targetView,
  TargetView,
  UpdateTarget,
} from './target.dto';
import { targetSettings } from './target-settings';

const TARGET_PARAMETER = { name: 'target', description: 'Id of the target', format: 'uuid' };
const CONFINED = { role: 'tenant-admin', isConfinedByHandler: true } as const;

/** `/notification-targets`: where notifications of buckets can go. A tenant-admin sees and makes those of its own tenant alone. */
@AdminController('notification-targets', 'Notifications')
export class NotificationTargetsController {
  constructor(
    private readonly targets: NotificationTargets,
    private readonly tenants: AdminTenantFinder,
  ) {}

  @Get()
  @AdminAction({
    ...CONFINED,
    name: 'NotificationTargetList',
    summary: 'List targets of notifications, and how they are',
  })
  @ApiPage(TargetView)
  async list(
    @Query() { tenant, limit, cursor }: TargetQuery,
    @AdminCaller() caller: Caller,
  ): Promise<Page<TargetView>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isId);
    const targets = await this.targets.list(await this.tenantOf(tenant, caller), after, limit + 1);
    return pageOf(targets, limit, ({ id }) => id, targetView);
  }

  @Post()
  @AdminAction({ ...CONFINED, name: 'NotificationTargetCreate', summary: 'Create a target of notifications' })
  @ApiCreatedResponse({ type: TargetView })
  async create(@Body() body: CreateTarget, @AdminCaller() caller: Caller): Promise<TargetView> {
    const { name, kind, url, stream, maxEntries, subject, tenant, secret } = body;
    const tenantId = await this.tenantOf(tenant, caller);
    const settings = targetSettings({ kind, url, stream, maxEntries, subject, hasSecret: secret !== undefined });
    const target = await this.targets.create({ tenantId, name, settings, secret, createdBy: caller.actor });
    if (target === undefined) throw AdminProblem.conflict(`There is a target ${name} already`);
    return targetView(target);
  }

  @Get(':target')
  @AdminAction({ ...CONFINED, name: 'NotificationTargetGet', summary: 'Show a target: its settings, health and lag' })
  @ApiParam(TARGET_PARAMETER)
  @ApiOkResponse({ type: TargetView })
  async get(@Param('target') id: string, @AdminCaller() caller: Caller): Promise<TargetView> {
    return targetView(await this.find(id, caller));
  }

  @Patch(':target')
  @AdminAction({
    ...CONFINED,
    name: 'NotificationTargetUpdate',
    summary: 'Change a target',
    description: 'What waits goes to it as it is then, at once also where it was down.',
  })
  @ApiParam(TARGET_PARAMETER)
  @ApiOkResponse({ type: TargetView })
  async update(
    @Param('target') id: string,
    @IfMatch() revision: string,
    @Body() { url, secret, stream, maxEntries, subject }: UpdateTarget,
    @AdminCaller() caller: Caller,
  ): Promise<TargetView> {
    const { settings, hasSecret } = await this.find(id, caller);
    const changed = targetSettings({
      ...settings,
      ...(url !== undefined && { url }),
      ...(stream !== undefined && { stream }),
      ...(maxEntries !== undefined && { maxEntries }),
      ...(subject !== undefined && { subject }),
      hasSecret: hasSecret || secret !== undefined,
    });
    if (!(await this.targets.update(id, revision, changed, secret))) throw AdminProblem.preconditionFailed();
    return targetView(await this.find(id, caller));
  }

  @Delete(':target')
  @HttpCode(204)
  @AdminAction({
    ...CONFINED,
    name: 'NotificationTargetDelete',
    summary: 'Delete a target, with all that waits for it',
    description: '409 while buckets send notifications to it.',
  })
  @ApiParam(TARGET_PARAMETER)
  @ApiNoContentResponse({ description: 'The target is gone' })
  async delete(@Param('target') id: string, @AdminCaller() caller: Caller): Promise<void> {
    const { name } = await this.find(id, caller);
    if (!(await this.targets.delete(id))) throw AdminProblem.conflict(`Buckets send notifications to ${name}`);
  }

  @Get(':target/dead-letters')
  @AdminAction({ ...CONFINED, name: 'NotificationDeadLetterList', summary: 'List events that a target did not take' })
  @ApiParam(TARGET_PARAMETER)
  @ApiPage(DeadLetterView)
  async deadLetters(
    @Param('target') id: string,
    @Query() { limit, cursor }: PageQuery,
    @AdminCaller() caller: Caller,
  ): Promise<Page<DeadLetterView>> {
    await this.find(id, caller);
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isNumber);
    const letters = await this.targets.deadLetters(id, after, limit + 1);
    return pageOf(letters, limit, (letter) => letter.id, deadLetterView);
  }

  @Post(':target/replay')
  @HttpCode(200)
  @AdminAction({
    ...CONFINED,
    name: 'NotificationReplay',
    summary: 'Send again the events of a target from a time on',
    description: 'As far as they are kept (`notifications.retentionDays`), in order, dead letters among them.',
  })
  @ApiParam(TARGET_PARAMETER)
  @ApiOkResponse({ type: ReplayView })
  async replay(
    @Param('target') id: string,
    @Body() { from, deadLettersOnly }: ReplayRequest,
    @AdminCaller() caller: Caller,
  ): Promise<ReplayView> {
    await this.find(id, caller);
    return { events: await this.targets.replay(id, from, deadLettersOnly) };
  }

  private async find(id: string, caller: Caller): Promise<NotificationTarget> {
    const target = isUUID(id) ? await this.targets.find(caller.tenantId, id) : undefined;
    if (target === undefined) throw AdminProblem.notFound(`notification target ${id}`);
    return target;
  }

  /** Of the tenant that the caller names, or is bound to; undefined: of all. */
  private async tenantOf(named: string | undefined, caller: Caller): Promise<string | undefined> {
    if (named === undefined) return caller.tenantId;
    const id = await this.tenants.idOf(named);
    if (id === undefined || (caller.tenantId !== undefined && caller.tenantId !== id)) {
      throw AdminProblem.notFound(`tenant ${named}`);
    }
    return id;
  }
}

function isId(value: unknown): value is string {
  return isUUID(value);
}

function isNumber(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,18}$/.test(value);
}

function deadLetterView(letter: DeadLetter): DeadLetterView {
  const { id, event, container, key, version_id, occurred_at, attempts, last_error } = letter;
  return {
    id,
    event,
    bucket: container,
    key,
    occurredAt: occurred_at,
    attempts,
    ...(version_id !== null && { versionId: version_id }),
    ...(last_error !== null && { lastError: last_error }),
  };
}
