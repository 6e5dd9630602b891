import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendAnswer } from '../s3-simulator/simulator-answers';
import type { SimulatedAnswer } from '../s3-simulator/simulator-answers';
import { DOCUMENTED } from './graph-quirks';
import type { GraphFault, GraphOperation, GraphQuirks, SeenGraphRequest } from './graph-quirks';
import { isGoodName, SimulatedDrive } from './simulated-drive';
import type { SimulatedItem, SimulatedSession } from './simulated-drive';

const FRAGMENT_UNIT_BYTES = 320 * 1024;

interface Call extends SeenGraphRequest {
  readonly path: string;
  readonly id: string;
  readonly query: URLSearchParams;
  readonly fault: GraphFault | undefined;
}

/**
 * Microsoft Graph with any number of drives in memory, as real HTTP: tokens by client credentials, files by path, upload sessions and
 * pre-authenticated download URLs (https://learn.microsoft.com/graph/api/resources/driveitem). Faults as a test wants them.
 */
export class GraphSimulator {
  readonly clientSecret = 'simulated-client-secret';
  readonly drives = new Map<string, SimulatedDrive>();
  readonly sessions = new Map<string, SimulatedSession>();
  readonly seen: SeenGraphRequest[] = [];
  quirks: GraphQuirks;
  faults: (request: SeenGraphRequest) => GraphFault | undefined = () => undefined;
  /** Requests whose answer is not sent whole yet. */
  inFlight = 0;
  private readonly tokens = new Map<string, number>();
  /** File by download token. */
  private readonly downloads = new Map<string, { readonly drive: string; readonly id: string }>();

  private constructor(
    private readonly server: Server,
    quirks: Partial<GraphQuirks>,
  ) {
    this.quirks = { ...DOCUMENTED, ...quirks };
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.inFlight += 1;
      response.once('close', () => (this.inFlight -= 1));
      this.serve(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : undefined);
      });
    });
  }

  static async start(quirks: Partial<GraphQuirks> = {}, drives: readonly string[] = ['one']): Promise<GraphSimulator> {
    const server = createServer({ requestTimeout: 0 }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const simulator = new GraphSimulator(server, quirks);
    for (const drive of drives) simulator.drives.set(drive, new SimulatedDrive());
    return simulator;
  }

  get origin(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}`;
  }

  /** All that is held: files as `<drive>:<path>`, and unfinished sessions as `<drive>:<path>?<session>`. */
  leftovers(): string[] {
    const files = [...this.drives].flatMap(([name, drive]) => drive.files().map((path) => `${name}:${path}`));
    return [...files, ...[...this.sessions.values()].map(({ id, drive, path }) => `${drive}:${path}?${id}`)];
  }

  operations(drive?: string): GraphOperation[] {
    return this.seen.filter((request) => drive === undefined || request.drive === drive).map((one) => one.operation);
  }

  /** Lets the next `times` requests of an operation fail, after `skip` of them. */
  failNext(operation: GraphOperation, fault: GraphFault, times = 1, skip = 0): void {
    let toSkip = skip;
    let left = times;
    const before = this.faults;
    this.faults = (request) => {
      if (request.operation !== operation || left === 0) return before(request);
      if (toSkip > 0) {
        toSkip -= 1;
        return before(request);
      }
      left -= 1;
      return fault;
    };
  }

  expireTokens(): void {
    this.tokens.clear();
  }

  expireDownloads(): void {
    this.downloads.clear();
  }

  expireSessions(): void {
    this.sessions.clear();
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = this.callOf(request);
    this.seen.push(call);
    const { fault } = call;
    if (fault?.do === 'stall') return;
    if (fault?.do === 'answer') {
      request.resume();
      const headers: Record<string, string> =
        fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
      await this.answer(response, call, { ...refusal(fault.status, fault.code), headers });
      return;
    }
    const body = await receive(request, fault);
    if (body === undefined) return;
    const answer = this.perform(call, body);
    if (fault?.do === 'lose-answer') request.socket.resetAndDestroy();
    else await this.answer(response, call, answer);
  }

  private async answer(response: ServerResponse, { operation, fault }: Call, answer: SimulatedAnswer): Promise<void> {
    const hitsBody = operation === 'Download' || operation === 'ListChildren' || operation === 'GetItem';
    const bodyFault = hitsBody && fault?.do !== 'take-part' ? fault : undefined;
    await sendAnswer(response, answer, { isHead: false, fault: bodyFault, bytesPerSecond: 0 });
  }

  private callOf(request: IncomingMessage): Call {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const method = request.method ?? '';
    const [, room = '', id = ''] = url.pathname.split('/');
    const byPath = /^\/v1\.0\/drives\/([^/]+)\/root(?::\/(.*?)(?::\/([A-Za-z]+))?|\/(children))$/.exec(url.pathname);
    const byId = /^\/v1\.0\/drives\/([^/]+)\/items\/([^/]+)\/permanentDelete$/.exec(url.pathname);
    const operation =
      byId !== null && method === 'POST'
        ? 'PermanentDelete'
        : byPath === null
          ? hostOperationOf(method, room)
          : itemOperationOf(method, byPath[3] ?? byPath[4] ?? '');
    const drive = decodeURIComponent(
      byPath?.[1] ?? byId?.[1] ?? this.sessions.get(id)?.drive ?? this.downloads.get(id)?.drive ?? '',
    );
    const path = decodeURIComponent(byPath?.[2] ?? '');
    const seen = { operation, drive, headers: request.headers, target: request.url ?? '' };
    return { ...seen, path, id: byId?.[2] ?? id, query: url.searchParams, fault: this.faults(seen) };
  }

  private perform(call: Call, body: Buffer): SimulatedAnswer {
    switch (call.operation) {
      case 'Token':
        return this.issueToken(new URLSearchParams(body.toString()));
      case 'PutFragment':
      case 'GetSession':
      case 'CancelSession':
        return this.session(call, body);
      case 'Download':
        return this.download(call);
      case 'Unknown':
        return refusal(400, 'invalidRequest');
      case 'GetItem':
      case 'DeleteItem':
      case 'PermanentDelete':
      case 'PutContent':
      case 'ListChildren':
      case 'CreateFolder':
      case 'CreateUploadSession':
        return this.api(call, body);
    }
  }

  private issueToken(form: URLSearchParams): SimulatedAnswer {
    const isKnown = form.get('client_secret') === this.clientSecret && form.get('client_id') !== null;
    if (
      !isKnown ||
      form.get('grant_type') !== 'client_credentials' ||
      form.get('scope')?.endsWith('/.default') !== true
    )
      return jsonAnswer(401, { error: 'invalid_client', error_description: 'AADSTS7000215: simulated' });
    const token = randomBytes(12).toString('base64url');
    this.tokens.set(token, Date.now() + this.quirks.tokenSeconds * 1000);
    return jsonAnswer(200, { token_type: 'Bearer', expires_in: this.quirks.tokenSeconds, access_token: token });
  }

  private api(call: Call, body: Buffer): SimulatedAnswer {
    const token = /^Bearer (.+)$/.exec(call.headers.authorization ?? '')?.[1] ?? '';
    if ((this.tokens.get(token) ?? 0) <= Date.now()) return refusal(401, 'InvalidAuthenticationToken');
    const drive = this.drives.get(call.drive);
    if (drive === undefined) return refusal(404, 'ResourceNotFound');
    const { path, query } = call;
    if (path !== '' && !path.split('/').every(isGoodName)) return refusal(400, 'invalidRequest');
    if (path.length > 400) return refusal(400, 'pathIsTooLong');
    const item = drive.get(path);
    switch (call.operation) {
      case 'GetItem':
        return item === undefined ? refusal(404, 'itemNotFound') : jsonAnswer(200, this.itemJson(call.drive, item));
      case 'DeleteItem':
        return drive.delete(path) ? { status: 204 } : refusal(404, 'itemNotFound');
      case 'PermanentDelete':
        return drive.deleteForGood(drive.pathOf(call.id) ?? '') ? { status: 204 } : refusal(404, 'itemNotFound');
      case 'PutContent':
        if (body.length > this.quirks.maxPutBytes) return refusal(413, 'requestEntityTooLarge');
        if (item !== undefined && query.get('@microsoft.graph.conflictBehavior') === 'fail')
          return refusal(409, 'nameAlreadyExists');
        return this.store(call.drive, path, body);
      case 'ListChildren':
        return this.list(call, drive, item);
      case 'CreateFolder': {
        const { name } = JSON.parse(body.toString());
        const folder = path === '' ? String(name) : `${path}/${String(name)}`;
        if (!drive.hasParents(folder)) return refusal(404, 'itemNotFound');
        if (drive.get(folder) !== undefined) return refusal(409, 'nameAlreadyExists');
        return jsonAnswer(201, this.itemJson(call.drive, drive.put(folder, undefined)));
      }
      default:
        return this.createSession(call, drive, item, body);
    }
  }

  private createSession(
    { drive: name, path }: Call,
    drive: SimulatedDrive,
    item: SimulatedItem | undefined,
    body: Buffer,
  ): SimulatedAnswer {
    const behaviour: unknown = JSON.parse(body.toString()).item['@microsoft.graph.conflictBehavior'];
    if (item !== undefined && behaviour === 'fail' && !this.quirks.checksNameLate)
      return refusal(409, 'nameAlreadyExists');
    if (!this.quirks.makesFolders && !drive.hasParents(path)) return refusal(404, 'itemNotFound');
    if (this.usedBytes(drive) >= this.quirks.driveBytes) return refusal(507, 'quotaLimitReached');
    const id = randomBytes(12).toString('base64url');
    this.sessions.set(id, { id, drive: name, path, totalBytes: undefined, received: [], receivedBytes: 0 });
    return jsonAnswer(200, {
      uploadUrl: `${this.origin}/upload/${id}?tempauth=simulated`,
      expirationDateTime: new Date(Date.now() + 900_000).toISOString(),
    });
  }

  private session(call: Call, body: Buffer): SimulatedAnswer {
    const { id, operation, headers, fault } = call;
    if (headers.authorization !== undefined) return refusal(401, 'unauthenticated');
    const session = this.sessions.get(id);
    if (session === undefined) return refusal(404, 'itemNotFound');
    if (operation === 'CancelSession') {
      this.sessions.delete(id);
      return { status: 204 };
    }
    if (operation === 'GetSession') return progress(200, session);
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '');
    if (range === null) return refusal(400, 'invalidRequest');
    const [start, end, total] = range.slice(1).map(Number) as [number, number, number];
    const isLast = end === total - 1;
    if (body.length !== end - start + 1 || (session.totalBytes ?? total) !== total)
      return refusal(400, 'invalidRequest');
    if (!isLast && body.length % FRAGMENT_UNIT_BYTES !== 0) return refusal(400, 'invalidRequest');
    if (body.length > this.quirks.maxFragmentBytes) return refusal(413, 'requestEntityTooLarge');
    if (start !== session.receivedBytes) return refusal(416, 'invalidRange');
    session.totalBytes = total;
    const taken = fault?.do === 'take-part' ? body.subarray(0, fault.bytes) : body;
    session.received.push(taken);
    session.receivedBytes += taken.length;
    if (session.receivedBytes < total) return progress(202, session);
    const drive = this.drives.get(session.drive);
    this.sessions.delete(id);
    if (drive?.get(session.path) !== undefined) return refusal(409, 'nameAlreadyExists');
    return this.store(session.drive, session.path, Buffer.concat(session.received));
  }

  private store(driveName: string, path: string, bytes: Buffer): SimulatedAnswer {
    const drive = this.drives.get(driveName);
    if (drive === undefined) return refusal(404, 'ResourceNotFound');
    if (this.usedBytes(drive) + bytes.length > this.quirks.driveBytes) return refusal(507, 'quotaLimitReached');
    if (this.quirks.makesFolders) drive.makeParents(path);
    else if (!drive.hasParents(path)) return refusal(404, 'itemNotFound');
    return jsonAnswer(201, this.itemJson(driveName, drive.put(path, bytes)));
  }

  private list(call: Call, drive: SimulatedDrive, item: SimulatedItem | undefined): SimulatedAnswer {
    if (call.path !== '' && item === undefined) return refusal(404, 'itemNotFound');
    const items = drive.children(call.path);
    // Entries that come and go shift nothing: the token is the id of the last one given out.
    const after = items.findIndex(({ id }) => id === call.query.get('$skiptoken'));
    const page = items.slice(after + 1, after + 1 + this.quirks.pageItems);
    const next = new URL(this.origin + call.target);
    next.searchParams.set('$skiptoken', page.at(-1)?.id ?? '');
    const isLast = after + 1 + page.length >= items.length;
    return jsonAnswer(200, {
      value: page.map((entry) => this.itemJson(call.drive, entry, false)),
      ...(!isLast && { '@odata.nextLink': next.href }),
    });
  }

  private download({ id, drive, headers }: Call): SimulatedAnswer {
    if (headers.authorization !== undefined) return refusal(401, 'unauthenticated');
    const known = this.downloads.get(id);
    if (known === undefined) return { status: 401, body: Buffer.from('{"error":{"code":"unauthenticated"}}') };
    const bytes = this.drives.get(drive)?.byId(known.id)?.bytes;
    if (bytes === undefined) return refusal(404, 'itemNotFound');
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
    if (range === null) return { status: 200, body: bytes };
    const [start, end] = [Number(range[1]), Math.min(Number(range[2]), bytes.length - 1)];
    if (start > end) return refusal(416, 'invalidRange');
    return {
      status: 206,
      headers: { 'content-range': `bytes ${String(start)}-${String(end)}/${String(bytes.length)}` },
      body: bytes.subarray(start, end + 1),
    };
  }

  private itemJson(drive: string, item: SimulatedItem, hasDownload = true): object {
    const { id, name, modifiedAt, bytes } = item;
    const common = { id, name, size: bytes?.length ?? 0, lastModifiedDateTime: modifiedAt.toISOString() };
    if (bytes === undefined) return { ...common, folder: { childCount: 0 } };
    if (!hasDownload) return { ...common, file: {} };
    const token = randomBytes(12).toString('base64url');
    this.downloads.set(token, { drive, id });
    return { ...common, file: {}, '@microsoft.graph.downloadUrl': `${this.origin}/download/${token}?tempauth=x` };
  }

  private usedBytes(drive: SimulatedDrive): number {
    if (this.quirks.driveBytes === Number.POSITIVE_INFINITY) return 0;
    return drive.files().reduce((sum, path) => sum + (drive.get(path)?.bytes?.length ?? 0), 0);
  }
}

function hostOperationOf(method: string, room: string): GraphOperation {
  if (room === 'download') return 'Download';
  if (room === 'login') return 'Token';
  if (room !== 'upload') return 'Unknown';
  return method === 'PUT' ? 'PutFragment' : method === 'GET' ? 'GetSession' : 'CancelSession';
}

function itemOperationOf(method: string, action: string): GraphOperation {
  const operations: Readonly<Record<string, GraphOperation>> = {
    'GET ': 'GetItem',
    'DELETE ': 'DeleteItem',
    'PUT content': 'PutContent',
    'GET children': 'ListChildren',
    'POST children': 'CreateFolder',
    'POST createUploadSession': 'CreateUploadSession',
  };
  return operations[`${method} ${action}`] ?? 'Unknown';
}

function progress(status: number, { receivedBytes }: SimulatedSession): SimulatedAnswer {
  return jsonAnswer(status, {
    expirationDateTime: new Date(Date.now() + 900_000).toISOString(),
    nextExpectedRanges: [`${String(receivedBytes)}-`],
  });
}

/** Undefined when the connection broke meanwhile. */
async function receive(request: IncomingMessage, fault: GraphFault | undefined): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let received = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      pieces.push(piece);
      received += piece.length;
      if (fault?.do === 'reset' && received >= fault.afterBytes) break;
    }
  } catch {
    return undefined;
  }
  if (fault?.do === 'reset') {
    request.socket.resetAndDestroy();
    return undefined;
  }
  return Buffer.concat(pieces);
}

function jsonAnswer(status: number, json: object): SimulatedAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(json)) };
}

function refusal(status: number, code: string): SimulatedAnswer {
  return jsonAnswer(status, { error: { code, message: 'simulated' } });
}
