import type { ExecutionContext } from '@nestjs/common';
import { SignatureV4 } from '@smithy/signature-v4';
import { createHash, createHmac } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Environment } from '../../config/environment';
import type { VaultaireConfig } from '../../config/vaultaire-config';
import { tenantId, userId } from '../../context/ids';
import { RequestRecord } from '../../context/request-record';
import type { AccessKeyRecord, AccessKeyService } from '../../tenant/access-key.service';
import { S3Error } from '../errors/s3-error';
import { attachS3Request } from '../http/attached-request';
import { RawQuery } from '../http/raw-query';
import type { S3Request } from '../http/s3-request';
import { findOperation } from '../operations/operation-catalogue';
import { SigV4Guard } from './sigv4.guard';

type Input = string | ArrayBuffer | ArrayBufferView;

class Sha256 {
  private readonly hash;
  constructor(secret?: Input) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', toBytes(secret));
  }
  update(data: Input): void {
    this.hash.update(toBytes(data));
  }
  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
  reset(): void {
    throw new Error('not used');
  }
}

function toBytes(data: Input): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

const KEY: AccessKeyRecord = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretKey: 'secret',
  tenantId: tenantId('tenant'),
  userId: userId('user'),
  canonicalId: 'c'.repeat(64),
  displayName: 'somebody',
  tenantState: 'active',
  expiresAtMs: undefined,
  scope: undefined,
  policy: { quota: {}, limits: {} },
};

const SIGNER = new SignatureV4({
  credentials: { accessKeyId: KEY.accessKeyId, secretAccessKey: KEY.secretKey },
  region: 'us-east-1',
  service: 's3',
  sha256: Sha256,
  uriEscapePath: false,
  applyChecksum: true,
});

/** Stands for a collaborator of which the guard uses but these members. */
function partly<T>(members: Partial<T>): T {
  return members as T;
}

function guardOver(cached: AccessKeyRecord | undefined, stored = cached): SigV4Guard {
  const accessKeys: Pick<AccessKeyService, 'find' | 'findCached'> = {
    findCached: () => cached,
    find: async () => stored,
  };
  return new SigV4Guard(
    partly<AccessKeyService>(accessKeys),
    partly<Environment>({ region: 'us-east-1' }),
    partly<VaultaireConfig>({ publicHosts: [] }),
  );
}

interface Prepared {
  readonly request: S3Request;
  readonly context: ExecutionContext;
}

function prepare(rawQuery: string, headers: Record<string, string>, operationName = 'PutObject'): Prepared {
  const message = new IncomingMessage(new Socket());
  message.method = 'PUT';
  Object.assign(message.headers, headers);
  const operation = findOperation(operationName);
  if (operation === undefined) throw new Error(operationName);
  const request: S3Request = {
    id: 'id',
    record: new RequestRecord('id', operationName),
    operation,
    bucket: undefined,
    key: undefined,
    query: RawQuery.parse(rawQuery),
    rawPath: '/b/k',
    rawQuery,
    message,
    response: new ServerResponse(message),
    isVirtualHosted: false,
    identity: undefined,
    get ctx(): never {
      throw new Error('no identity');
    },
  };
  attachS3Request(message, request);
  const context = { switchToHttp: () => ({ getRequest: () => message }) };
  return { request, context: context as unknown as ExecutionContext };
}

const unsigned = { method: 'PUT', protocol: 'http:', hostname: 'h', path: '/b/k' };

async function byHeader(): Promise<Prepared> {
  const signed = await SIGNER.sign({ ...unsigned, query: {}, headers: { host: 'h' } });
  return prepare('', signed.headers);
}

async function byUrl(headers: Record<string, string>, operationName?: string): Promise<Prepared> {
  const signed = await SIGNER.presign(
    { ...unsigned, query: {}, headers: { host: 'h', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers } },
    { expiresIn: 60, hoistableHeaders: new Set(Object.keys(headers)) },
  );
  const query = Object.entries(signed.query ?? {}).map(
    ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
  );
  return prepare(query.join('&'), signed.headers, operationName);
}

it('admits a cached key without a promise and says who is asking', async () => {
  const { request, context } = await byHeader();
  expect(guardOver(KEY).canActivate(context)).toBe(true);
  expect(request.identity).toMatchObject({
    tenantId: 'tenant',
    principal: { kind: 'user', userId: 'user', accessKeyId: KEY.accessKeyId, displayName: 'somebody' },
    payload: { kind: 'hash' },
  });
  expect(request.record).toMatchObject({ tenantId: 'tenant', userId: 'user', accessKeyId: KEY.accessKeyId });
});

it('loads a key that is not cached', async () => {
  const { request, context } = await byHeader();
  const admitted = guardOver(undefined, KEY).canActivate(context);
  expect(admitted).toBeInstanceOf(Promise);
  expect(await admitted).toBe(true);
  expect(request.identity?.tenantId).toBe('tenant');
});

it.each<[string, AccessKeyRecord | undefined, string]>([
  ['a key that nobody has', undefined, 'InvalidAccessKeyId'],
  ['an expired key', { ...KEY, expiresAtMs: Date.now() - 1 }, 'InvalidAccessKeyId'],
  ['a key with another secret', { ...KEY, secretKey: 'other' }, 'SignatureDoesNotMatch'],
  ['a key of a suspended tenant', { ...KEY, tenantState: 'suspended' }, 'AccessDenied'],
])('refuses %s and leaves the request without identity', async (_, key, code) => {
  const { request, context } = await byHeader();
  const attempt = Promise.resolve().then(() => guardOver(key).canActivate(context));
  await expect(attempt).rejects.toMatchObject({ name: 'S3Error', code });
  expect(request.identity).toBeUndefined();
});

it('refuses anonymous requests', () => {
  const { context } = prepare('', { host: 'h' });
  expect(() => guardOver(KEY).canActivate(context)).toThrow(S3Error);
});

describe('headers that a presigner moved into the URL', () => {
  it('count as if they had been sent', async () => {
    const { request, context } = await byUrl({ 'x-amz-meta-color': 'blaü', 'x-amz-storage-class': 'STANDARD_IA' });
    expect(request.message.headers['x-amz-meta-color']).toBeUndefined();
    expect(guardOver(KEY).canActivate(context)).toBe(true);
    expect(request.message.headers['x-amz-meta-color']).toBe(Buffer.from('blaü').toString('latin1'));
    expect(request.message.headers['x-amz-storage-class']).toBe('STANDARD_IA');
  });

  it('leave out checksums, which SDKs make of a body they do not have', async () => {
    const { request, context } = await byUrl({
      'x-amz-checksum-crc32': 'AAAAAA==',
      'x-amz-sdk-checksum-algorithm': 'CRC32',
    });
    expect(guardOver(KEY).canActivate(context)).toBe(true);
    expect(Object.keys(request.message.headers)).toEqual(['host']);
  });

  it('are refused where they would have chosen another operation', async () => {
    const { context } = await byUrl({ 'x-amz-copy-source': '/b/other' });
    expect(() => guardOver(KEY).canActivate(context)).toThrow(
      expect.objectContaining({ code: 'NotImplemented', fields: { Header: 'x-amz-copy-source' } }),
    );
    const copy = await byUrl({ 'x-amz-copy-source': '/b/other' }, 'CopyObject');
    expect(guardOver(KEY).canActivate(copy.context)).toBe(true);
  });
});
