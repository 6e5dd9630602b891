import { pipeline } from 'node:stream/promises';
import { Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import type { Response } from 'express';
import { AdminAction } from '../../admin-api/admin-action.decorator';
import { AdminCaller } from '../../admin-api/admin-caller.decorator';
import type { AdminCaller as Caller } from '../../admin-api/admin-caller.decorator';
import { AdminController } from '../../admin-api/admin-controller.decorator';
import { AdminProblem } from '../../admin-api/admin-problem';
import { decodeCursor } from '../../admin-api/cursor';
import { ApiPage, pageOf } from '../../admin-api/page';
import type { Page } from '../../admin-api/page';
import { AdminTenantFinder } from '../../admin-api/tokens/admin-tenant.finder';
import { Environment } from '../../config/environment';
import { KeyHasher } from '../export/key-hasher';
import { toParquet } from '../export/parquet-format';
import { toCsv, toNdjson } from '../export/text-formats';
import type { EventValues } from '../query/event-fields';
import { EVENT_FIELDS, EVENT_SCHEMA_VERSION } from '../query/event-fields';
import type { EventFilter } from '../query/event-query.service';
import { EventQueryService } from '../query/event-query.service';
import type { ExportFormat } from './event.dto';
import { EventExportQuery, EventListQuery, EventView } from './event.dto';

const DAY_MS = 86_400_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const FORMATS: Readonly<
  Record<
    ExportFormat,
    { readonly contentType: string; readonly write: (pages: AsyncIterable<EventValues[]>) => AsyncGenerator<Buffer> }
  >
> = {
  ndjson: { contentType: 'application/x-ndjson', write: toNdjson },
  csv: { contentType: 'text/csv; charset=utf-8; header=present', write: toCsv },
  parquet: { contentType: 'application/vnd.apache.parquet', write: toParquet },
};

/** `/events`: the event log. */
@AdminController('events', 'Events')
export class EventsController {
  constructor(
    private readonly query: EventQueryService,
    private readonly tenants: AdminTenantFinder,
    private readonly environment: Environment,
  ) {}

  @Get()
  @AdminAction({
    name: 'EventList',
    role: 'tenant-admin',
    isConfinedByHandler: true,
    summary: 'List requests, the newest first',
  })
  @ApiPage(EventView)
  async list(@AdminCaller() caller: Caller, @Query() query: EventListQuery): Promise<Page<Partial<EventView>>> {
    const { limit, cursor, from, to = new Date(), tenant, accessKey: accessKeyId, ...filters } = query;
    const filter: EventFilter = {
      ...filters,
      accessKeyId,
      tenantId: await this.tenantIdOf(caller, tenant),
      to,
      from: from ?? new Date(to.getTime() - DAY_MS),
    };
    const before = cursor === undefined ? undefined : decodeCursor(cursor, isId);
    const rows = await this.query.newest(filter, limit + 1, before);
    return pageOf(rows, limit, ([id]) => id, toView);
  }

  @Get('export')
  @AdminAction({
    name: 'EventExport',
    role: 'tenant-admin',
    isConfinedByHandler: true,
    summary: 'Stream all requests of a time, the oldest first',
    description: 'Ends early, without the end of the encoding, when it fails midway.',
  })
  @ApiOkResponse({
    description: 'The events; fields and versions are described in docs/event-log.md',
    content: Object.fromEntries(
      Object.values(FORMATS).map(({ contentType }) => [contentType, { schema: { type: 'string', format: 'binary' } }]),
    ),
  })
  async export(
    @AdminCaller() caller: Caller,
    @Query() { format, from, to = new Date(), tenant, hashKeys }: EventExportQuery,
    @Res() response: Response,
  ): Promise<void> {
    const tenantId = await this.tenantIdOf(caller, tenant);
    const pages = this.query.all({ from, to, tenantId });
    // What fails at once is still answered as a problem.
    const first = await pages.next();
    const all = withFirst(first, pages);
    const { contentType, write } = FORMATS[format];
    response.setHeader('Content-Type', contentType);
    response.setHeader('Content-Disposition', `attachment; filename="events.${format}"`);
    response.setHeader('X-Vaultaire-Events-Schema', String(EVENT_SCHEMA_VERSION));
    const hasher = new KeyHasher(this.environment.masterKey);
    // A client that leaves, or a source that breaks, destroys the response: nothing is left to be told.
    await pipeline(write(hashKeys ? mapped(all, (values) => hasher.hashed(values)) : all), response).catch(
      () => undefined,
    );
  }

  /** Of the events that the caller may see and asks for; undefined: all. */
  private async tenantIdOf(caller: Caller, named: string | undefined): Promise<string | undefined> {
    if (named === undefined) return caller.tenantId;
    const tenantId = await this.tenants.idOf(named);
    if (tenantId === undefined || (caller.tenantId !== undefined && caller.tenantId !== tenantId)) {
      throw AdminProblem.notFound(`tenant ${named}`);
    }
    return tenantId;
  }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** Names of the API: `request_id` is `requestId`. */
const VIEW_NAMES = EVENT_FIELDS.map(({ name }) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
);

function toView(values: EventValues): Partial<EventView> {
  return Object.fromEntries(
    values.flatMap((value, at) => (value === null ? [] : [[VIEW_NAMES[at] ?? '', value] as const])),
  );
}

async function* withFirst<T>(first: IteratorResult<T, void>, rest: AsyncIterable<T>): AsyncGenerator<T, void> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

async function* mapped<T>(pages: AsyncIterable<T[]>, change: (row: T) => T): AsyncGenerator<T[], void> {
  for await (const page of pages) yield page.map(change);
}
