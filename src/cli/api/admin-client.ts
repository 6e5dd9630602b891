import { UsageError } from '../command';
import { valueAt } from '../output/table';
import { problemOf, ServerUnreachable } from './problem';

const ANSWER_TIMEOUT_MS = 120_000;
/** As many as the API gives at once. */
const PAGE_SIZE = 1000;
/** Others changed the same thing meanwhile: so often it is read and changed again. */
const MAX_UPDATE_ATTEMPTS = 5;
const PRECONDITION_FAILED = 412;

export type Query = Readonly<Record<string, string | number | undefined>>;

/** A good answer. */
export interface ApiAnswer {
  /** Parsed JSON; undefined where there was none. */
  readonly body: unknown;
  /** As it came, with its quotation marks; undefined where there was none. */
  readonly etag: string | undefined;
}

/** Where the admin API is, and who asks. */
export interface ApiAddress {
  readonly url: string;
  readonly token: string | undefined;
}

/** How much of a list to get. */
export interface ListRange {
  /** One page of at most so many; undefined: all. */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

/**
 * A path below `/api/v1`, from parts that may hold any characters.
 *
 * @throws UsageError for dots alone, which would lead to another path, however they are encoded
 */
export function apiPath(...parts: readonly string[]): string {
  const dots = parts.find((part) => part === '.' || part === '..');
  if (dots !== undefined) throw new UsageError(`${dots} is no name`);
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('');
}

/**
 * Talks to the admin API. Every method rejects with `ApiProblem` when it is refused or fails, and with `ServerUnreachable`
 * when there is no answer.
 */
export class AdminClient {
  constructor(private readonly address: () => Promise<ApiAddress>) {}

  /** Where the admin API is. */
  async url(): Promise<string> {
    return (await this.address()).url;
  }

  async get(path: string, query: Query = {}): Promise<ApiAnswer> {
    return this.send('GET', path, { query });
  }

  async post(path: string, body: object = {}): Promise<ApiAnswer> {
    return this.send('POST', path, { body });
  }

  async delete(path: string, query: Query = {}): Promise<ApiAnswer> {
    return this.send('DELETE', path, { query });
  }

  /** All of a list, or the page that `range` asks for; in the form of one answer. */
  async list(path: string, query: Query = {}, range: ListRange = {}): Promise<{ readonly items: readonly unknown[] }> {
    if (range.limit !== undefined || range.cursor !== undefined) {
      const { body } = await this.get(path, { ...query, limit: range.limit, cursor: range.cursor });
      return Object.assign({ items: itemsOf(body) }, body);
    }
    const items: unknown[] = [];
    let cursor: string | undefined;
    do {
      const { body } = await this.get(path, { ...query, limit: PAGE_SIZE, cursor });
      items.push(...itemsOf(body));
      const next = valueAt(body, 'nextCursor');
      cursor = typeof next === 'string' ? next : undefined;
    } while (cursor !== undefined);
    return { items };
  }

  /**
   * Reads what is there, and sends the change that `changeOf` makes of it on the condition that nobody else changed it
   * meanwhile; else once more.
   */
  async update(method: 'PATCH' | 'PUT', path: string, changeOf: (current: unknown) => object): Promise<ApiAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const current = await this.get(path);
      try {
        return await this.send(method, path, { body: changeOf(current.body), ifMatch: current.etag });
      } catch (error) {
        const isOutdated = valueAt(error, 'status') === PRECONDITION_FAILED;
        if (!isOutdated || attempt === MAX_UPDATE_ATTEMPTS) throw error;
      }
    }
  }

  private async send(
    method: string,
    path: string,
    { query = {}, body, ifMatch }: { query?: Query; body?: object; ifMatch?: string | undefined },
  ): Promise<ApiAnswer> {
    const { url, token } = await this.address();
    const headers: Record<string, string> = { accept: 'application/json, application/problem+json' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (ifMatch !== undefined) headers['if-match'] = ifMatch;
    const target = `${url}/api/v1${path}${queryOf(query)}`;
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      const json = body === undefined ? null : JSON.stringify(body);
      response = await fetch(target, { method, headers, body: json, signal, redirect: 'error' });
      text = await response.text();
    } catch (cause) {
      throw new ServerUnreachable(`The admin API at ${url} can't be reached (${reasonOf(cause)})`, { cause });
    }
    const answer = parsed(text);
    if (!response.ok) throw problemOf(response.status, answer, response.headers.get('x-request-id'));
    if (text !== '' && answer === undefined) {
      throw new ServerUnreachable(`What answers at ${url} is no admin API of Vaultaire`);
    }
    return { body: answer, etag: response.headers.get('etag') ?? undefined };
  }
}

function queryOf(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

function itemsOf(body: unknown): readonly unknown[] {
  const items: unknown = valueAt(body, 'items');
  return Array.isArray(items) ? items : [];
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch` says only that it failed; why stands in the cause, or in the causes of that. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${String(ANSWER_TIMEOUT_MS / 1000)} seconds`;
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
