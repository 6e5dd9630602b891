import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import * as net from 'node:net';
import { tenantId, userId } from '../../context/ids';
import { RequestRecord } from '../../context/request-record';
import type { IncomingBody } from '../../engine/artifacts/artifact.types';
import { digestOf, initDigests } from '../../engine/blobs/digests';
import { deriveSigningKey } from '../auth/signing-key';
import { expectContinue } from '../http/continue';
import { RawQuery } from '../http/raw-query';
import type { ChunkSigning, PayloadMode, S3Request } from '../http/s3-request';
import { findOperation } from '../operations/operation-catalogue';

export const SIGNING: ChunkSigning = {
  signingKey: deriveSigningKey('secret', { date: '20130524', region: 'us-east-1' }),
  scope: '20130524/us-east-1/s3/aws4_request',
  timestamp: '20130524T000000Z',
  seedSignatureHex: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
};
export const UNSIGNED: PayloadMode = { kind: 'unsigned' };

export interface Sent {
  readonly request: S3Request;
  readonly socket: Socket;
  readonly stop: AbortController;
}

/** A real HTTP server that hands authenticated requests to a test instead of answering them. */
export class PayloadServer {
  private readonly sockets = new Set<Socket>();
  private handle: (message: http.IncomingMessage, response: http.ServerResponse) => void = () => undefined;
  private readonly server = http.createServer((message, response) => {
    this.handle(message, response);
  });

  async start(): Promise<void> {
    await initDigests();
    this.server.on('checkContinue', (message, response) => {
      expectContinue(message);
      this.handle(message, response);
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  disconnectAll(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  stop(): void {
    this.disconnectAll();
    this.server.closeAllConnections();
    this.server.close();
  }

  /** The target of the next request that arrives. */
  nextTarget(): Promise<string> {
    return new Promise((resolve) => {
      this.handle = (message) => {
        resolve(message.url ?? '');
      };
    });
  }

  /** Sends a PUT with these headers and as much of its body as is given, and answers what the server made of it. */
  async send(
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    payload: PayloadMode,
    operationName = 'PutObject',
  ): Promise<Sent> {
    const received = new Promise<[http.IncomingMessage, http.ServerResponse]>((resolve) => {
      this.handle = (message, response) => {
        resolve([message, response]);
      };
    });
    const socket = this.connect();
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(Buffer.concat([Buffer.from(`PUT /b/k HTTP/1.1\r\nHost: h\r\n${lines.join('')}\r\n`), body]));
    const [message, response] = await received;
    const operation = findOperation(operationName);
    if (operation === undefined) throw new Error(operationName);
    const stop = new AbortController();
    const principal = {
      kind: 'user',
      userId: userId('u'),
      accessKeyId: 'a',
      canonicalId: 'c',
      displayName: 'd',
    } as const;
    const tenant = tenantId('t');
    const request: S3Request = {
      id: 'id',
      record: new RequestRecord('id', operationName),
      operation,
      bucket: undefined,
      key: undefined,
      query: RawQuery.EMPTY,
      rawPath: '/b/k',
      rawQuery: '',
      message,
      response,
      isVirtualHosted: false,
      identity: {
        tenantId: tenant,
        tenantName: 't',
        principal,
        userName: 'u',
        scope: undefined,
        expiresAtMs: undefined,
        session: undefined,
        policy: { quota: {}, limits: {} },
        payload,
        chunkSigning: payload.kind === 'streaming-signed' ? SIGNING : undefined,
      },
      ctx: {
        requestId: 'id',
        operation: operationName,
        tenantId: tenant,
        principal,
        signal: stop.signal,
        quota: undefined,
        deadlineMs: undefined,
        observer: undefined,
      },
    };
    return { request, socket, stop };
  }

  private connect(): Socket {
    const socket = net.connect((this.server.address() as AddressInfo).port, '127.0.0.1');
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    return socket;
  }
}

/** Takes a body in as the engine does, and verifies what was promised of it. */
export async function store(body: IncomingBody): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.source) chunks.push(Buffer.from(chunk));
  const whole = Buffer.concat(chunks);
  for (const expectation of body.expectations) expectation.verify(digestOf(expectation.algorithm, whole));
  return whole.toString();
}
