import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32Of, md5, SimulatedStore } from './simulated-store';
import { corrupted, errorAnswer, escapeXml, sendAnswer, SharedPace, sleepUntil, xmlAnswer } from './simulator-answers';
import type { SimulatedAnswer } from './simulator-answers';
import { listObjects, listUploads } from './simulator-lists';
import { AWS_LIKE } from './simulator-quirks';
import type { SeenRequest, SimulatedFault, SimulatedOperation, SimulatorQuirks } from './simulator-quirks';

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}$/;

/** Says for each request whether something goes wrong with it. Called once per request. */
export type SimulatedFaultPlan = (request: SeenRequest) => SimulatedFault | undefined;

interface Call extends SeenRequest {
  readonly key: string;
  readonly query: URLSearchParams;
  readonly fault: SimulatedFault | undefined;
}

const RESTORE_HEADERS = {
  ongoing: 'ongoing-request="true"',
  done: 'ongoing-request="false", expiry-date="Fri, 21 Dec 2412 00:00:00 GMT"',
} as const;

/**
 * An S3 backend of one bucket in memory, as real HTTP, with quirks and faults as a test wants them. Signatures must have the right shape
 * and region; they are not verified.
 */
export class S3Simulator {
  readonly bucket = 'blobs';
  readonly store = new SimulatedStore();
  readonly seen: SeenRequest[] = [];
  quirks: SimulatorQuirks;
  /** Objects that somebody asked to restore. */
  readonly restores = new Map<string, 'ongoing' | 'done'>();
  faults: SimulatedFaultPlan = () => undefined;
  /** Requests whose answer is not sent whole yet. */
  inFlight = 0;
  /** The most that was ever in flight at once. */
  maxInFlight = 0;

  private readonly pace = new SharedPace();

  private constructor(
    private readonly server: Server,
    quirks: Partial<SimulatorQuirks>,
  ) {
    this.quirks = { ...AWS_LIKE, ...quirks };
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.inFlight += 1;
      this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
      response.once('close', () => (this.inFlight -= 1));
      this.serve(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : undefined);
      });
    });
  }

  static async start(quirks: Partial<SimulatorQuirks> = {}): Promise<S3Simulator> {
    const server = createServer({ requestTimeout: 0 }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new S3Simulator(server, quirks);
  }

  get endpoint(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}`;
  }

  /** All that is held: keys, and unfinished uploads as `<key>?<upload id>`. */
  leftovers(): string[] {
    return [...this.store.objects.keys(), ...[...this.store.uploads.values()].map(({ id, key }) => `${key}?${id}`)];
  }

  operations(): SimulatedOperation[] {
    return this.seen.map(({ operation }) => operation);
  }

  /** Lets the next `times` requests of an operation fail. */
  failNext(operation: SimulatedOperation, fault: SimulatedFault, times = 1): void {
    let left = times;
    const before = this.faults;
    this.faults = (request) => {
      if (request.operation !== operation || left === 0) return before(request);
      left -= 1;
      return fault;
    };
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  /** Tape has been read: what was asked for is there. */
  finishRestores(): void {
    for (const key of this.restores.keys()) this.restores.set(key, 'done');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const { bucket, key } = this.address(request, url.pathname);
    const operation = operationOf(request.method ?? '', key, url.searchParams, request.headers);
    const seen: SeenRequest = {
      operation,
      method: request.method ?? '',
      target: request.url ?? '',
      headers: request.headers,
    };
    this.seen.push(seen);
    const fault = this.faults(seen);
    const call: Call = { ...seen, key, query: url.searchParams, fault };
    if (fault?.do === 'stall') return;
    if (fault?.do === 'answer') {
      request.resume();
      const retryAfter: Record<string, string> =
        fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
      const answer = errorAnswer(fault.status, fault.code);
      await this.answer(response, call, { ...answer, headers: { ...answer.headers, ...retryAfter } });
      return;
    }
    const body = await this.receive(request, fault);
    if (body === undefined) return;
    const delayMs = fault?.do === 'delay' ? fault.ms : this.quirks.latencyMs;
    if (delayMs > 0) await sleepUntil(performance.now() + delayMs);
    const answer =
      bucket === this.bucket ? (this.refusal(call) ?? this.perform(call, body)) : errorAnswer(404, 'NoSuchBucket');
    if (fault?.do === 'lose-answer') {
      request.socket.resetAndDestroy();
      return;
    }
    await this.answer(response, call, answer);
  }

  private restoreObject(key: string): SimulatedAnswer {
    if (!this.store.objects.has(key)) return errorAnswer(404, 'NoSuchKey');
    if (!this.quirks.isArchived) return errorAnswer(403, 'InvalidObjectState');
    if (this.restores.get(key) === 'ongoing') return errorAnswer(409, 'RestoreAlreadyInProgress');
    const isThere = this.restores.has(key);
    if (!isThere) this.restores.set(key, 'ongoing');
    return { status: isThere ? 200 : 202 };
  }

  private async answer(response: ServerResponse, call: Call, answer: SimulatedAnswer): Promise<void> {
    const hasBody = call.operation === 'GetObject' || call.operation.startsWith('List');
    await sendAnswer(response, answer, {
      isHead: call.method === 'HEAD',
      fault: hasBody ? call.fault : undefined,
      bytesPerSecond: this.quirks.bytesPerSecond,
      total: { pace: this.pace, bytesPerSecond: this.quirks.totalBytesPerSecond },
    });
  }

  private address(request: IncomingMessage, pathname: string): { bucket: string; key: string } {
    const host = /^([a-z0-9-]+)\.(?:s3\.)?localhost(:\d+)?$/.exec(request.headers.host ?? '')?.[1];
    if (host !== undefined && this.quirks.addressing !== 'path') {
      return { bucket: host, key: decodeURIComponent(pathname.slice(1)) };
    }
    if (this.quirks.addressing === 'host') return { bucket: '', key: '' };
    const [, bucket = '', ...rest] = pathname.split('/');
    return { bucket, key: decodeURIComponent(rest.join('/')) };
  }

  /** Undefined when the connection broke meanwhile. */
  private async receive(request: IncomingMessage, fault: SimulatedFault | undefined): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    let received = 0;
    const startedAtMs = performance.now();
    try {
      if (fault?.do === 'reset' && fault.afterBytes === 0) {
        request.socket.resetAndDestroy();
        return undefined;
      }
      for await (const piece of request as AsyncIterable<Buffer>) {
        pieces.push(piece);
        received += piece.length;
        if (fault?.do === 'reset' && received >= fault.afterBytes) {
          request.socket.resetAndDestroy();
          return undefined;
        }
        if (this.quirks.bytesPerSecond > 0) {
          await sleepUntil(startedAtMs + (received / this.quirks.bytesPerSecond) * 1000);
        }
      }
    } catch {
      return undefined;
    }
    const body = Buffer.concat(pieces);
    return fault?.do === 'corrupt' ? corrupted(body) : body;
  }

  private refusal({ headers, operation, method }: Call): SimulatedAnswer | undefined {
    const signature = SIGNATURE.exec(headers.authorization?.toString() ?? '');
    const payload = headers['x-amz-content-sha256']?.toString();
    if (signature === null || payload === undefined || headers['x-amz-date'] === undefined)
      return errorAnswer(403, 'AccessDenied');
    const signed = new Set(signature[2]?.split(';'));
    const mustSign = Object.keys(headers).filter((name) => name.startsWith('x-amz-') || name === 'host');
    if (mustSign.some((name) => !signed.has(name))) return errorAnswer(403, 'SignatureDoesNotMatch');
    const { region, wrongRegionStatus } = this.quirks;
    if (region !== undefined && signature[1] !== region) {
      if (wrongRegionStatus === 403) return errorAnswer(403, 'AccessDenied');
      if (wrongRegionStatus === 301)
        return errorAnswer(301, 'PermanentRedirect', `<Endpoint>s3.${region}.example</Endpoint>`);
      return errorAnswer(400, 'AuthorizationHeaderMalformed', `<Region>${region}</Region>`);
    }
    if (this.quirks.needsUnsignedPayload && method === 'PUT' && payload !== 'UNSIGNED-PAYLOAD')
      return errorAnswer(400, 'XAmzContentSHA256Mismatch');
    const isUpload = operation === 'PutObject' || operation === 'UploadPart';
    if (isUpload && this.quirks.needsContentLength && headers['content-length'] === undefined)
      return errorAnswer(411, 'MissingContentLength');
    return undefined;
  }

  private perform(call: Call, body: Buffer): SimulatedAnswer {
    const { key, query } = call;
    switch (call.operation) {
      case 'HeadBucket':
        return { status: 200 };
      case 'PutObject':
        return this.putObject(call, body);
      case 'GetObject':
      case 'HeadObject':
        return this.getObject(call);
      case 'DeleteObject':
        this.store.objects.delete(key);
        return { status: 204 };
      case 'CopyObject':
        return this.copyObject(call);
      case 'RestoreObject':
        return this.restoreObject(key);
      case 'ListObjects':
        return listObjects(this.store, query, this.quirks.maxKeysPerPage);
      case 'ListObjectsV2':
        if (!this.quirks.hasListV2) return xmlAnswer(200, '<ListBucketResult><Contents><Key>a</Contents>');
        return listObjects(this.store, query, this.quirks.maxKeysPerPage);
      case 'CreateMultipartUpload':
      case 'UploadPart':
      case 'CompleteMultipartUpload':
      case 'AbortMultipartUpload':
      case 'ListMultipartUploads':
        return this.quirks.hasMultipart ? this.multipart(call, body) : errorAnswer(501, 'NotImplemented');
      case 'Unknown':
        return errorAnswer(501, 'NotImplemented');
    }
  }

  private putObject({ key, headers }: Call, body: Buffer): SimulatedAnswer {
    const wrong = this.wrongDigest(headers, body);
    if (wrong !== undefined) return wrong;
    if (this.isTaken(key, headers)) return errorAnswer(412, 'PreconditionFailed');
    const { etag } = this.store.put(key, body, metadataOf(headers), this.quirks);
    return { status: 200, headers: { etag: `"${etag}"` } };
  }

  private copyObject({ key, headers }: Call): SimulatedAnswer {
    if (!this.quirks.hasCopy) return errorAnswer(501, 'NotImplemented');
    const source = decodeURIComponent(headers['x-amz-copy-source']?.toString() ?? '').replace(/^\/?[^/]+\//, '');
    const object = this.store.objects.get(source);
    if (object === undefined) return errorAnswer(404, 'NoSuchKey');
    const { etag } = this.store.put(key, object.bytes, object.headers, this.quirks);
    return xmlAnswer(200, `<CopyObjectResult><ETag>&quot;${etag}&quot;</ETag></CopyObjectResult>`);
  }

  private getObject({ key, headers, operation }: Call): SimulatedAnswer {
    const object = this.store.objects.get(key);
    if (object === undefined) return errorAnswer(404, 'NoSuchKey');
    const restore = this.restores.get(key);
    if (this.quirks.isArchived && operation === 'GetObject' && restore !== 'done')
      return errorAnswer(403, 'InvalidObjectState');
    const common: Record<string, string> = {
      ...object.headers,
      etag: `"${object.etag}"`,
      'last-modified': object.modifiedAt.toUTCString(),
      ...(restore !== undefined && { 'x-amz-restore': RESTORE_HEADERS[restore] }),
    };
    const size = object.bytes.length;
    const range = this.quirks.hasRanges ? /^bytes=(\d+)-(\d*)$/.exec(headers.range?.toString() ?? '') : null;
    if (range === null) {
      const wantsChecksum = headers['x-amz-checksum-mode'] === 'ENABLED' && object.crc32 !== undefined;
      const checksum: Record<string, string> = wantsChecksum ? { 'x-amz-checksum-crc32': object.crc32 } : {};
      if (operation === 'HeadObject')
        return { status: 200, headers: { ...common, ...checksum, 'content-length': String(size) } };
      return { status: 200, headers: { ...common, ...checksum }, body: object.bytes };
    }
    const start = Number(range[1]);
    const end = Math.min(range[2] === '' ? size - 1 : Number(range[2]), size - 1);
    if (start >= size || end < start) return errorAnswer(416, 'InvalidRange');
    return {
      status: 206,
      headers: { ...common, 'content-range': `bytes ${String(start)}-${String(end)}/${String(size)}` },
      body: object.bytes.subarray(start, end + 1),
    };
  }

  private multipart(call: Call, body: Buffer): SimulatedAnswer {
    const { key, query, headers, operation } = call;
    if (operation === 'ListMultipartUploads') return listUploads(this.store, query, this.quirks.maxKeysPerPage);
    if (operation === 'CreateMultipartUpload') {
      const { id } = this.store.begin(key, metadataOf(headers));
      return xmlAnswer(
        200,
        `<InitiateMultipartUploadResult><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    const upload = this.store.uploads.get(query.get('uploadId') ?? '');
    if (upload?.key !== key) return errorAnswer(404, 'NoSuchUpload');
    if (operation === 'AbortMultipartUpload') {
      this.store.uploads.delete(upload.id);
      return { status: 204 };
    }
    if (operation === 'UploadPart') {
      const wrong = this.wrongDigest(headers, body);
      if (wrong !== undefined) return wrong;
      const etag = md5(body);
      upload.parts.set(Number(query.get('partNumber')), { bytes: body, etag });
      return { status: 200, headers: { etag: `"${etag}"` } };
    }
    if (this.isTaken(key, headers)) return errorAnswer(412, 'PreconditionFailed');
    const parts = [...body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>(?:&quot;|")?([^<&"]+)/.exec(part)?.[1] ?? '',
    }));
    if (
      parts.slice(0, -1).some(({ number }) => (upload.parts.get(number)?.bytes.length ?? 0) < this.quirks.minPartBytes)
    )
      return errorAnswer(400, 'EntityTooSmall');
    const object = this.store.complete(upload, parts, this.quirks);
    if (object === undefined) return errorAnswer(400, 'InvalidPart');
    // As AWS: the status is sent before it is known how it ends.
    return xmlAnswer(
      200,
      `<CompleteMultipartUploadResult><ETag>&quot;${object.etag}&quot;</ETag></CompleteMultipartUploadResult>`,
    );
  }

  private isTaken(key: string, headers: Call['headers']): boolean {
    return this.quirks.hasConditionalWrites && headers['if-none-match'] === '*' && this.store.objects.has(key);
  }

  private wrongDigest(headers: Call['headers'], body: Buffer): SimulatedAnswer | undefined {
    const contentMd5 = headers['content-md5'];
    if (contentMd5 !== undefined && contentMd5 !== Buffer.from(md5(body), 'hex').toString('base64'))
      return errorAnswer(400, 'BadDigest');
    const checksum = headers['x-amz-checksum-crc32'];
    if (this.quirks.hasChecksums && checksum !== undefined && checksum !== crc32Of(body))
      return errorAnswer(400, 'BadDigest');
    return undefined;
  }
}

function metadataOf(headers: Call['headers']): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-') || name === 'content-type');
  return Object.fromEntries(kept.map(([name, value]) => [name, value?.toString() ?? '']));
}

function operationOf(
  method: string,
  key: string,
  query: URLSearchParams,
  headers: IncomingMessage['headers'],
): SimulatedOperation {
  if (key === '') {
    if (method === 'HEAD') return 'HeadBucket';
    if (method !== 'GET') return 'Unknown';
    if (query.has('uploads')) return 'ListMultipartUploads';
    return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
  }
  switch (method) {
    case 'PUT':
      if (query.has('partNumber')) return 'UploadPart';
      return headers['x-amz-copy-source'] === undefined ? 'PutObject' : 'CopyObject';
    case 'POST':
      if (query.has('uploads')) return 'CreateMultipartUpload';
      if (query.has('restore')) return 'RestoreObject';
      return query.has('uploadId') ? 'CompleteMultipartUpload' : 'Unknown';
    case 'DELETE':
      return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'GET':
      return 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    default:
      return 'Unknown';
  }
}
