import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database';
import type { EventValues } from './event-fields';
import { EVENT_FIELDS } from './event-fields';

/** Which events are meant. What is absent does not matter. */
export interface EventFilter {
  /** First moment, inclusive. */
  readonly from: Date;
  /** First moment that is too late. */
  readonly to: Date;
  readonly tenantId?: string | undefined;
  readonly operation?: string | undefined;
  /** First digit of the status. */
  readonly statusClass?: number | undefined;
  readonly container?: string | undefined;
  readonly keyPrefix?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly requestId?: string | undefined;
}

const PAGE_ROWS = 2_000;
const DAY_MS = 86_400_000;

/** bigint and real arrive as text or with digits that they don't have; both are exact as numbers here. */
const COLUMNS = EVENT_FIELDS.map(({ name, type }) => {
  if (type === 'integer') return `${name}::double precision AS ${name}`;
  if (type === 'number') return `round(${name}::numeric, 3)::double precision AS ${name}`;
  return name;
}).join(', ');

/** Reads the event log by the order of ids, which is that of time: always by index, never more than a page in memory. */
@Injectable()
export class EventQueryService {
  constructor(private readonly database: Database) {}

  /** The newest events first, `limit` at the most, older than that with the id `before`. */
  newest(filter: EventFilter, limit: number, before: string | undefined): Promise<EventValues[]> {
    const { conditions, values } = where(filter);
    if (before !== undefined) conditions.push(`id < $${String(values.push(before))}`);
    return this.select(conditions, values, 'DESC', limit);
  }

  /**
   * All events, oldest first, page by page. No transaction stays open between pages, so a reader may take its time; rows that
   * come meanwhile are met when they are younger than the page at hand.
   */
  async *all(filter: EventFilter): AsyncGenerator<EventValues[], void, undefined> {
    // Day by day, so that each statement reads one partition.
    for (let fromMs = filter.from.getTime(); fromMs < filter.to.getTime(); fromMs = nextDay(fromMs)) {
      const to = new Date(Math.min(nextDay(fromMs), filter.to.getTime()));
      yield* this.allOfDay({ ...filter, from: new Date(fromMs), to });
    }
  }

  private async *allOfDay(filter: EventFilter): AsyncGenerator<EventValues[], void, undefined> {
    let after: string | undefined;
    for (;;) {
      const { conditions, values } = where(filter);
      if (after !== undefined) conditions.push(`id > $${String(values.push(after))}`);
      const page = await this.select(conditions, values, 'ASC', PAGE_ROWS);
      if (page.length > 0) yield page;
      if (page.length < PAGE_ROWS) return;
      after = String(page.at(-1)?.[0]);
    }
  }

  private async select(
    conditions: readonly string[],
    values: readonly unknown[],
    order: 'ASC' | 'DESC',
    limit: number,
  ): Promise<EventValues[]> {
    const text = `SELECT ${COLUMNS} FROM events WHERE ${conditions.join(' AND ')} ORDER BY id ${order} LIMIT ${String(limit)}`;
    // Without a name, so that PostgreSQL plans for these values: which filters there are decides on the index.
    const rows = await this.database.query<Record<string, EventValues[number]>>({ name: '', text }, values);
    return rows.map((row) => Object.values(row));
  }
}

function where(filter: EventFilter): { conditions: string[]; values: unknown[] } {
  const values: unknown[] = [filter.from, filter.to];
  const conditions = [
    // The time chooses partitions, the id the part of the index.
    'time >= $1 AND time < $2 AND id >= vaultaire_event_id_at($1) AND id < vaultaire_event_id_at($2)',
  ];
  const add = (condition: string, value: unknown): void => {
    if (value !== undefined) conditions.push(condition.replace('?', `$${String(values.push(value))}`));
  };
  add('tenant_id = ?', filter.tenantId);
  add('operation = ?', filter.operation);
  add('status / 100 = ?', filter.statusClass);
  add('container = ?', filter.container);
  add('artifact_key ^@ ?', filter.keyPrefix);
  add('access_key_id = ?', filter.accessKeyId);
  add('request_id = ?', filter.requestId);
  return { conditions, values };
}

function nextDay(timeMs: number): number {
  return (Math.floor(timeMs / DAY_MS) + 1) * DAY_MS;
}
