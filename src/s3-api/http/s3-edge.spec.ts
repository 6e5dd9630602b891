import type { INestApplication } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import express from 'express';
import type { Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { Environment } from '../../config/environment';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { REQUEST_OBSERVERS } from '../../context/request-observer';
import type { RequestRecord } from '../../context/request-record';
import { AccessLogRecorder } from '../access-logs/access-log-recorder';
import { S3GuardStack } from '../auth/s3-guard-stack';
import { S3Error } from '../errors/s3-error';
import { OperationRegistry } from '../operations/operation-registry';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { UnhandledOperationController } from '../operations/unhandled-operation.controller';
import { continueBody } from './continue';
import { S3Dispatcher } from './s3-dispatcher';
import { S3InterceptorStack } from './s3-interceptor-stack';
import { S3ResponseInterceptor } from './s3-response.interceptor';
import { S3Req } from './s3-req.decorator';
import type { S3Request } from './s3-request';
import type { S3Response } from './s3-response';
import { createS3Server } from './s3-server';

/** What a handler did with the last request, told by the tests. */
const script: { answer: (request: S3Request) => S3Response | Promise<S3Response> } = { answer: () => ({}) };

@S3Controller()
class ScriptedController {
  @S3Operation('GetObject')
  get(@S3Req() request: S3Request): S3Response | Promise<S3Response> {
    return script.answer(request);
  }

  @S3Operation('HeadObject')
  head(@S3Req() request: S3Request): S3Response | Promise<S3Response> {
    return script.answer(request);
  }

  @S3Operation('PutObject')
  put(@S3Req() request: S3Request): S3Response | Promise<S3Response> {
    return script.answer(request);
  }

  @S3Operation('CompleteMultipartUpload')
  complete(@S3Req() request: S3Request): S3Response | Promise<S3Response> {
    return script.answer(request);
  }
}

class RefusingGuard {
  canActivate(context: { switchToHttp(): { getRequest(): { headers: Record<string, string> } } }): boolean {
    if (context.switchToHttp().getRequest().headers['x-refuse'] !== undefined) throw new S3Error('AccessDenied');
    return true;
  }
}

describe('the S3 edge', () => {
  const settled: RequestRecord[] = [];
  let waiting: ((record: RequestRecord) => void) | undefined;
  let application: INestApplication;
  let server: Server;

  beforeAll(async () => {
    const testing = await Test.createTestingModule({
      imports: [DiscoveryModule],
      controllers: [ScriptedController, UnhandledOperationController],
      providers: [
        OperationRegistry,
        S3Dispatcher,
        { provide: AccessLogRecorder, useValue: { entryOf: () => undefined } },
        { provide: Environment, useValue: { s3Domains: ['s3.test'] } },
        { provide: VaultaireConfig, useValue: { trustedProxies: ['127.0.0.1'] } },
        {
          provide: REQUEST_OBSERVERS,
          useValue: [
            {
              requestSettled: (record: RequestRecord) => {
                settled.push(record);
                waiting?.(record);
              },
            },
          ],
        },
      ],
    })
      .overrideGuard(S3GuardStack)
      .useClass(RefusingGuard)
      .overrideInterceptor(S3InterceptorStack)
      .useClass(S3ResponseInterceptor)
      .compile();
    const instance = express();
    instance.disable('x-powered-by');
    application = testing.createNestApplication(new ExpressAdapter(instance), {
      bodyParser: false,
      logger: false as const,
    });
    const dispatcher = application.get(S3Dispatcher);
    application.use(dispatcher.handle);
    await application.init();
    server = createS3Server(instance, { bodyIdleTimeoutMs: 100, onMalformed: dispatcher.malformed.bind(dispatcher) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await application.close();
  });

  beforeEach(() => {
    settled.length = 0;
    waiting = undefined;
    script.answer = () => ({});
  });

  function nextRecord(): Promise<RequestRecord> {
    return new Promise((resolve) => {
      waiting = resolve;
    });
  }

  /** Sends `request` on a connection of its own and gives back all that came until the server closed it. */
  async function exchange(
    request: string,
    whenAnswered?: (socket: ReturnType<typeof connect>) => void,
  ): Promise<string> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.setEncoding('latin1');
    let answer = '';
    socket.on('data', (chunk: string) => {
      answer += chunk;
      whenAnswered?.(socket);
    });
    socket.on('error', () => undefined);
    socket.write(request);
    await once(socket, 'close');
    return answer;
  }

  const get = (path: string, headers = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${headers}\r\n`;

  it('writes bytes, headers and ids once, and nothing of the framework', async () => {
    script.answer = () => ({
      headers: { etag: '"e"', 'x-absent': undefined },
      body: { kind: 'bytes', bytes: Buffer.from('hello') },
    });
    const answer = await exchange(get('/b/k'));
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\nx-amz-request-id: [0-9A-F]{16}\r\n/);
    expect(answer).toContain('\r\nserver: Vaultaire\r\n');
    expect(answer).toContain('\r\ncontent-length: 5\r\n');
    expect(answer).not.toMatch(/powered|absent|transfer-encoding/i);
    expect(answer.endsWith('\r\n\r\nhello')).toBe(true);
    expect(settled).toMatchObject([
      { operation: 'GetObject', container: 'b', artifactKey: 'k', status: 200, bytesOut: 5, outcome: 'completed' },
    ]);
  });

  it('answers without a body with length 0, and 204 with none', async () => {
    expect(await exchange(get('/b/k'))).toMatch(/content-length: 0\r\n[^]*\r\n\r\n$/);
    script.answer = () => ({ status: 204 });
    expect(await exchange(get('/b/k'))).not.toContain('content-length');
  });

  it('keeps the length of a HEAD and sends no body', async () => {
    script.answer = () => ({ headers: { 'content-length': 1234 } });
    const answer = await exchange('HEAD /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(answer).toContain('content-length: 1234\r\n');
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  it('streams a body', async () => {
    script.answer = () => ({
      headers: { 'content-length': 6 },
      body: { kind: 'stream', stream: Readable.from([Buffer.from('abc'), Buffer.from('def')]) },
    });
    expect(await exchange(get('/b/k'))).toMatch(/\r\n\r\nabcdef$/);
    expect(settled).toMatchObject([{ bytesOut: 6, outcome: 'completed' }]);
  });

  it.each([
    ['breaks midway', new Error('disk')],
    ['ends early', undefined],
  ])('breaks the connection when the source of a body %s', async (_how, failure) => {
    const source = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('abc');
      await new Promise(setImmediate);
      if (failure !== undefined) throw failure;
    };
    script.answer = () => ({
      headers: { 'content-length': 6 },
      body: { kind: 'stream', stream: Readable.from(source()) },
    });
    const record = nextRecord();
    const answer = await exchange(`GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect(answer.endsWith('abc') || answer === '').toBe(true);
    expect(await record).toMatchObject({ outcome: 'aborted', errorCode: 'InternalError' });
  });

  it('puts the failure of a kept-alive answer in its document', async () => {
    script.answer = () => ({ body: { kind: 'keep-alive-xml', result: Promise.reject(new S3Error('InvalidPart')) } });
    const answer = await exchange(
      'POST /b/k?uploadId=u HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
    expect(answer).toContain('<Error><Code>InvalidPart</Code>');
    expect(answer.match(/<\?xml/g)).toHaveLength(1);
    expect(settled).toMatchObject([{ status: 200, errorCode: 'InvalidPart', outcome: 'completed' }]);
  });

  it('answers failures with a document whose id is the one in the header, and tells the observers', async () => {
    const answer = await exchange(get('/b/k%20x', 'x-refuse: 1\r\n'));
    const id = /x-amz-request-id: (\w+)/.exec(answer)?.[1] ?? '';
    expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/);
    expect(answer).toContain('<Code>AccessDenied</Code>');
    expect(answer).toContain(`<Resource>/b/k%20x</Resource><RequestId>${id}</RequestId>`);
    expect(settled).toMatchObject([{ requestId: id, operation: 'GetObject', status: 403, errorCode: 'AccessDenied' }]);
  });

  it('answers a failed HEAD and a 304 without a body', async () => {
    const head = await exchange('HEAD /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nx-refuse: 1\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 403 [^]*\r\n\r\n$/);
    script.answer = () => {
      throw new S3Error('NotModified', { headers: { etag: '"e"' } });
    };
    const unchanged = await exchange(get('/b/k'));
    expect(unchanged).toMatch(/^HTTP\/1.1 304 [^]*etag: "e"[^]*\r\n\r\n$/);
    expect(unchanged).not.toContain('content-type');
    expect(settled.at(-1)).toMatchObject({ status: 304, errorCode: undefined });
  });

  it('answers an operation without a handler with NotImplemented, to those who are let in', async () => {
    expect(await exchange(get('/b?lifecycle'))).toMatch(/^HTTP\/1.1 501 [^]*<Code>NotImplemented<\/Code>/);
    expect(await exchange(get('/b?lifecycle', 'x-refuse: 1\r\n'))).toMatch(/^HTTP\/1.1 403 /);
    expect(settled.map(({ operation }) => operation)).toEqual([
      'GetBucketLifecycleConfiguration',
      'GetBucketLifecycleConfiguration',
    ]);
  });

  it.each([
    ['/_s3/GetObject', 501],
    ['/_s3/-', 200],
    ['/b/%', 400],
    ['//k', 400],
    ['/b/k?acl&tagging', 400],
  ])('takes %s for an address like any other', async (path, status) => {
    const answer = await exchange(path === '/_s3/GetObject' ? get(`${path}?torrent`) : get(path));
    expect(answer).toContain(`HTTP/1.1 ${status} `);
  });

  it('answers a preflight without asking who it is', async () => {
    const answer = await exchange(
      'OPTIONS /b/k HTTP/1.1\r\nHost: h\r\nOrigin: o\r\nConnection: close\r\nx-refuse: 1\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 403 [^]*<Code>AccessForbidden<\/Code>/);
  });

  it('believes forwarded addresses of a trusted proxy only', async () => {
    await exchange(get('/b/k', 'X-Forwarded-For: 192.0.2.9, 192.0.2.1\r\n'));
    expect(settled).toMatchObject([{ remoteAddress: '192.0.2.1' }]);
  });

  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 'BadRequest'],
    ['a bad header', 'GET / HTTP/1.1\r\nHost: h\r\nbad header: x\r\n\r\n', 'BadRequest'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: h\r\nx: ${'a'.repeat(40_000)}`, 'RequestHeaderSectionTooLarge'],
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 'MissingSecurityHeader'],
    ['an unknown method', 'GETT / HTTP/1.1\r\nHost: h\r\n\r\n', 'BadRequest'],
  ])('answers %s with XML, closes, and tells the observers', async (_what, request, code) => {
    const answer = await exchange(request);
    expect(answer).toContain(`<Code>${code}</Code>`);
    expect(settled).toMatchObject([{ operation: expect.stringMatching(/Unknown|ListBuckets/), errorCode: code }]);
  });

  it('sends 100 Continue only when the body is asked for', async () => {
    script.answer = (request) => {
      continueBody(request.message, request.response);
      request.message.resume();
      return once(request.message, 'end').then(() => ({ body: { kind: 'bytes', bytes: Buffer.from('done') } }));
    };
    let isSent = false;
    const answer = await exchange(
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n',
      (socket) => {
        if (!isSent) socket.write('abc');
        isSent = true;
      },
    );
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK[^]*done$/);
    expect(settled).toMatchObject([{ bytesIn: 3 }]);
  });

  it('refuses a waiting client without 100 Continue and closes', async () => {
    const answer = await exchange(
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nx-refuse: 1\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 403 [^]*connection: close/);
  });

  it('lets a client that still sends read the refusal before the connection closes', async () => {
    const answer = await exchange(
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\nx-refuse: 1\r\n\r\nabc',
      (socket) => socket.write('x'.repeat(499_997)),
    );
    expect(answer).toMatch(/^HTTP\/1.1 403 [^]*connection: close[^]*<\/Error>$/);
  });

  it('answers pipelined requests in order', async () => {
    script.answer = async (request) => {
      if (request.key === 'slow') await new Promise((resolve) => setImmediate(resolve));
      return { body: { kind: 'bytes', bytes: Buffer.from(`<${request.key ?? ''}>`) } };
    };
    const answer = await exchange(`GET /b/slow HTTP/1.1\r\nHost: h\r\n\r\n${get('/b/fast')}`);
    expect(answer.match(/<\w+>/g)).toEqual(['<slow>', '<fast>']);
  });

  it('refuses a body that stalls, while its reader waits', async () => {
    script.answer = (request) => {
      request.message.resume();
      return once(request.message, 'end').then(() => ({}));
    };
    const answer = await exchange('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc');
    expect(answer).toMatch(/^HTTP\/1.1 400 [^]*<Code>RequestTimeout<\/Code>/);
    expect(settled).toMatchObject([{ errorCode: 'RequestTimeout' }]);
  });

  it('notes clients that went away, and lets the work know', async () => {
    const aborted = new Promise<unknown>((resolve) => {
      script.answer = (request) => {
        request.identity = {
          tenantId: '00000000-0000-0000-0000-000000000000',
          principal: { kind: 'user' },
          policy: { quota: {}, limits: {} },
        } as unknown as S3Request['identity'];
        const { signal } = request.ctx;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            resolve(signal.reason);
            reject(new Error('aborted'));
          });
          socket.destroy();
        });
      };
    });
    const record = nextRecord();
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(await aborted).toMatchObject({ name: 'ClientDisconnectedError' });
    expect(await record).toMatchObject({ outcome: 'aborted', status: 499 });
  });

  it('does not boot when two handlers claim an operation', async () => {
    @S3Controller()
    class Twin {
      @S3Operation('GetObject')
      get(): S3Response {
        return {};
      }
    }
    @Module({ imports: [DiscoveryModule], controllers: [ScriptedController, Twin], providers: [OperationRegistry] })
    class Twins {}
    const testing = Test.createTestingModule({ imports: [Twins] });
    testing.overrideGuard(S3GuardStack).useClass(RefusingGuard);
    testing.overrideInterceptor(S3InterceptorStack).useClass(S3ResponseInterceptor);
    const module = await testing.compile();
    await expect(module.init()).rejects.toThrow(
      'ScriptedController.get and Twin.get both handle the S3 operation GetObject',
    );
  });

  it('does not accept a handler of an operation that S3 does not have', () => {
    const name = 'MakeCoffee' as 'GetObject';
    expect(() => S3Operation(name)).toThrow(/no such operation/);
  });
});
