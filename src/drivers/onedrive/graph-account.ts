import { sleep } from '../backoff';
import type { ByteSpan } from '../byte-range';
import { DriverError } from '../driver.errors';
import type { BodyExpectation, S3Body } from '../s3/s3-body';
import type { SendOptions, StreamedBody } from '../s3/s3-client';
import type { S3Answer } from '../s3/s3-exchange';
import { encodePath } from '../s3/sigv4-signer';
import { AccessTokenSource } from './access-token';
import { itemOf, nextPositionOf, parsedJson, textAt, valueAt } from './graph-json';
import type { GraphItem } from './graph-json';
import type { GraphTransport, TransportRequest } from './graph-transport';
import { graphError, isThrottling, retryAfterOf } from './onedrive-errors';
import type { OneDriveAccountSettings, OneDriveSettings } from './onedrive-settings';

const PAGE_ITEMS = 1000;
/** Pauses of an account that does not say how long. */
const MIN_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** Calls wait so long for an account that pauses; uploads, whose bytes are underway, as long as their backoff allows. */
const MAX_WAIT_MS = 5_000;

export interface UploadProgress {
  /** Undefined once the file is complete. */
  readonly nextPosition: number | undefined;
  /** Length of the complete file. */
  readonly sizeBytes: number | undefined;
}

/**
 * One drive, by the operations that the driver consists of. All reject with a `DriverError`. A throttled account pauses as a whole,
 * which no other account notices.
 */
export class GraphAccount {
  readonly name: string;
  private readonly tokens: AccessTokenSource;
  private readonly driveUrl: string;
  private pausedUntilMs = 0;
  private lastPauseMs = MIN_PAUSE_MS;

  constructor(
    private readonly transport: GraphTransport,
    private readonly settings: Pick<OneDriveSettings, 'graphUrl' | 'loginUrl' | 'backoff' | 'deletesForGood'>,
    account: OneDriveAccountSettings,
  ) {
    this.name = account.name;
    this.driveUrl = settings.graphUrl + account.drivePath;
    this.tokens = new AccessTokenSource(transport, settings.loginUrl, settings.graphUrl, account);
  }

  /** Rejects with `NotFound`. */
  async item(path: string, signal: AbortSignal): Promise<GraphItem> {
    return itemOf(parsedJson((await this.call({ method: 'GET', url: this.urlOf(path) }, { signal })).body));
  }

  /** A missing file is success. */
  async delete(path: string, signal: AbortSignal): Promise<void> {
    try {
      if (this.settings.deletesForGood) {
        const { id } = await this.item(path, signal);
        const url = new URL(`${this.driveUrl}/items/${encodeURIComponent(id)}/permanentDelete`);
        await this.call({ method: 'POST', url }, { signal });
      } else {
        await this.call({ method: 'DELETE', url: this.urlOf(path) }, { signal });
      }
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
  }

  /** What a folder holds; a missing folder holds nothing. */
  async *children(path: string, signal: AbortSignal): AsyncGenerator<GraphItem> {
    let url: URL | undefined = this.urlOf(path, 'children');
    url.searchParams.set('$top', String(PAGE_ITEMS));
    url.searchParams.set('$select', 'name,size,lastModifiedDateTime,folder');
    while (url !== undefined) {
      let page: unknown;
      try {
        page = parsedJson((await this.call({ method: 'GET', url }, { signal })).body);
      } catch (error) {
        if (isKind(error, 'NotFound')) return;
        throw error;
      }
      const items = valueAt(page, 'value');
      if (!Array.isArray(items)) throw new DriverError('Unexpected', 'the backend gave no page of a listing');
      for (const item of items) yield itemOf(item);
      const next = textAt(page, '@odata.nextLink');
      url = next === undefined ? undefined : this.ownUrl(next);
    }
  }

  /** Writes a new file whole. Rejects with `AlreadyExists`. Resolves to its length. */
  async put(path: string, bytes: Uint8Array, options: SendOptions): Promise<number> {
    const url = this.urlOf(path, 'content');
    url.searchParams.set('@microsoft.graph.conflictBehavior', 'fail');
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await this.withFolders(path, options, () =>
      this.call({ method: 'PUT', url, headers, body: bytes }, options, this.settings.backoff.maxDelayMs),
    );
    return itemOf(parsedJson(answer.body)).sizeBytes;
  }

  /** Begins an upload of a new file and resolves to its URL. Rejects with `AlreadyExists`, or the last fragment does. */
  async beginUpload(path: string, options: SendOptions): Promise<URL> {
    const item = { '@microsoft.graph.conflictBehavior': 'fail' };
    const answer = await this.withFolders(path, options, () =>
      this.call(
        { method: 'POST', url: this.urlOf(path, 'createUploadSession'), ...jsonBody({ item }) },
        options,
        this.settings.backoff.maxDelayMs,
      ),
    );
    return this.handedUrl(textAt(parsedJson(answer.body), 'uploadUrl'));
  }

  /**
   * Sends bytes of an upload from `position` on. Rejects with `NotFound` when the session is gone, and `RangeNotSatisfiable` when it
   * expects other bytes.
   */
  async putFragment(
    uploadUrl: URL,
    body: Uint8Array | StreamedBody,
    position: number,
    sizeBytes: number,
    options: SendOptions,
  ): Promise<UploadProgress> {
    const end = position + (body instanceof Uint8Array ? body.length : body.sizeBytes) - 1;
    const headers = { 'content-range': `bytes ${String(position)}-${String(end)}/${String(sizeBytes)}` };
    // With a token these URLs refuse.
    return progressOf(await this.sendToSession({ method: 'PUT', url: uploadUrl, headers, body }, options));
  }

  /** Rejects with `NotFound` when the session is gone: it has expired, or its file is complete. */
  async uploadPosition(uploadUrl: URL, signal: AbortSignal): Promise<number> {
    return nextPositionOf(parsedJson((await this.sendToSession({ method: 'GET', url: uploadUrl }, { signal })).body));
  }

  /** Tries it once, while the account pauses too: nobody comes back for it. */
  async cancelUpload(uploadUrl: URL, signal: AbortSignal): Promise<void> {
    await this.transport.send({ method: 'DELETE', url: uploadUrl }, { signal });
  }

  /** Opens bytes of a file. Resolves to undefined when the download URL of `item` is no longer good. */
  async download(item: GraphItem, span: ByteSpan, signal: AbortSignal): Promise<S3Body | undefined> {
    await this.admit(signal, MAX_WAIT_MS);
    const range = `bytes=${String(span.start)}-${String(span.endExclusive - 1)}`;
    const answer = await this.transport.open(
      { method: 'GET', url: this.handedUrl(item.downloadUrl), headers: { range } },
      signal,
      (status, headers) => expectationOf(status, headers, span, item.sizeBytes),
    );
    const { status, headers, body } = answer;
    if (!Buffer.isBuffer(body)) return body;
    if ([401, 403, 404, 410].includes(status)) return undefined;
    throw this.refusal({ status, headers, body });
  }

  /** A call of the API, with the token, renewed once when it is refused. */
  private async call(request: TransportRequest, options: SendOptions, maxWaitMs = MAX_WAIT_MS): Promise<S3Answer> {
    for (let isRenewed = false; ; isRenewed = true) {
      await this.admit(options.signal, maxWaitMs);
      const token = await this.tokens.get(options.signal);
      const headers = { accept: 'application/json', ...request.headers, authorization: `Bearer ${token}` };
      const answer = await this.transport.send({ ...request, headers }, options);
      if (answer.status < 300) return answer;
      if (answer.status !== 401 || isRenewed) throw this.refusal(answer);
      this.tokens.forget(token);
    }
  }

  private async sendToSession(request: TransportRequest, options: SendOptions): Promise<S3Answer> {
    await this.admit(options.signal, this.settings.backoff.maxDelayMs);
    const answer = await this.transport.send(request, options);
    if (answer.status < 300) return answer;
    if (answer.status === 404 || answer.status === 410)
      throw new DriverError('NotFound', 'the upload session is gone', { cause: graphError(answer) });
    throw this.refusal(answer);
  }

  /** Graph mostly makes missing folders by itself. Where it does not, they are made here. */
  private async withFolders<T>(path: string, options: SendOptions, attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
      const names = path.split('/').slice(0, -1);
      for (let depth = 0; depth < names.length; depth += 1)
        await this.createFolder(names.slice(0, depth).join('/'), names[depth] ?? '', options.signal);
      return attempt().catch((cause: unknown) => {
        // A miss is about blobs; this is a drive that is not there.
        throw isKind(cause, 'NotFound')
          ? new DriverError('Unavailable', 'the folders of the drive can not be made', { cause })
          : cause;
      });
    }
  }

  private async createFolder(parent: string, name: string, signal: AbortSignal): Promise<void> {
    const body = jsonBody({ name, folder: {}, '@microsoft.graph.conflictBehavior': 'fail' });
    try {
      await this.call({ method: 'POST', url: this.urlOf(parent, 'children'), ...body }, { signal });
    } catch (error) {
      if (!isKind(error, 'AlreadyExists')) throw error;
    }
  }

  /** Waits until the account may be asked again; rejects with `RateLimited` when that takes too long. */
  private async admit(signal: AbortSignal, maxWaitMs: number): Promise<void> {
    const leftMs = this.pausedUntilMs - Date.now();
    if (leftMs <= 0) return;
    if (leftMs > maxWaitMs) {
      throw new DriverError('RateLimited', `the account ${this.name} is throttled`, {
        retryAfterSeconds: Math.ceil(leftMs / 1000),
      });
    }
    await sleep(leftMs, signal);
  }

  /** The error of an answer; an account that throttles us pauses. */
  private refusal(answer: S3Answer): DriverError {
    if (isThrottling(answer)) {
      const seconds = retryAfterOf(answer);
      // Decorrelated jitter, as many callers may be told at once.
      const jitterMs = MIN_PAUSE_MS + Math.random() * (3 * this.lastPauseMs - MIN_PAUSE_MS);
      this.lastPauseMs = seconds === undefined ? Math.min(MAX_PAUSE_MS, jitterMs) : MIN_PAUSE_MS;
      const pauseMs = seconds === undefined ? this.lastPauseMs : seconds * 1000;
      this.pausedUntilMs = Math.max(this.pausedUntilMs, Date.now() + pauseMs);
    }
    return graphError(answer);
  }

  private urlOf(path: string, action?: string): URL {
    const root = path === '' ? 'root' : `root:/${encodePath(path)}`;
    const separator = path === '' ? '/' : ':/';
    return new URL(`${this.driveUrl}/${root}${action === undefined ? '' : separator + action}`);
  }

  /** A link that gets our token: only within the API. */
  private ownUrl(link: string): URL {
    const url = this.handedUrl(link);
    if (url.origin !== new URL(this.settings.graphUrl).origin)
      throw new DriverError('Unexpected', 'the backend links to another host');
    return url;
  }

  /** A URL that the API handed out. It never goes from https to http. */
  private handedUrl(text: string | undefined): URL {
    const url = text === undefined ? null : URL.parse(text);
    if (url?.protocol !== new URL(this.settings.graphUrl).protocol)
      throw new DriverError('Unexpected', 'the backend gave no URL to go on with');
    return url;
  }
}

export function isKind(error: unknown, kind: DriverError['kind']): error is DriverError {
  return error instanceof DriverError && error.kind === kind;
}

function jsonBody(json: object): Pick<TransportRequest, 'headers' | 'body'> {
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(json)) };
}

function progressOf({ status, body }: S3Answer): UploadProgress {
  const json = parsedJson(body);
  if (status === 202) return { nextPosition: nextPositionOf(json), sizeBytes: undefined };
  return { nextPosition: undefined, sizeBytes: itemOf(json).sizeBytes };
}

function expectationOf(
  status: number,
  headers: S3Answer['headers'],
  { start, endExclusive }: ByteSpan,
  totalBytes: number,
): BodyExpectation {
  const sizeBytes = Number(headers['content-length']);
  const isWhole = start === 0 && endExclusive === totalBytes;
  if (status !== 206 && !isWhole) throw new DriverError('Unsupported', 'the backend ignores ranges');
  if (sizeBytes !== endExclusive - start)
    throw new DriverError('Unexpected', 'the backend answered with another range than the one asked for');
  return { sizeBytes, crc32: undefined };
}
