import type { ExecutionContext } from '@nestjs/common';
import { SignatureV4 } from '@smithy/signature-v4';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Environment } from '../../config/environment';
import type { VaultaireConfig } from '../../config/vaultaire-config';
import { tenantId, userId } from '../../context/ids';
import { RequestRecord } from '../../context/request-record';
import type { AccessKeyRecord, AccessKeyService } from '../../tenant/access-key.service';
import { SessionTokens } from '../../tenant/session-tokens';
import type { FailedAuthenticationLimiter } from '../../tenant/throttling/failed-authentication.limiter';
import { TenantThrottledException } from '../../tenant/throttling/tenant-throttled.exception';
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
  tenantName: 'acme',
  userId: userId('user'),
  userName: 'somebody',
  canonicalId: 'c'.repeat(64),
  displayName: 'somebody',
  tenantState: 'active',
  expiresAtMs: undefined,
  scope: undefined,
  policy: { quota: {}, limits: {} },
};

const SESSIONS = new SessionTokens(randomBytes(32));

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

/** Attempts of one address that failed, or are being looked up. */
class Attempts implements Pick<FailedAuthenticationLimiter, 'attempt' | 'forgive'> {
  taken = 0;

  constructor(private readonly limit = Infinity) {}

  async attempt(): Promise<void> {
    if (this.taken >= this.limit) throw new TenantThrottledException(1);
    this.taken += 1;
  }

  forgive(): void {
    this.taken -= 1;
  }
}

function guardOver(
  cached: AccessKeyRecord | undefined,
  stored = cached,
  attempts = new Attempts(),
  find = async (): Promise<AccessKeyRecord | undefined> => stored,
): SigV4Guard {
  const accessKeys: Pick<AccessKeyService, 'find' | 'findCached' | 'needsLoad'> = {
    findCached: () => cached,
    needsLoad: () => cached === undefined,
    find,
  };
  return new SigV4Guard(
    partly<AccessKeyService>(accessKeys),
    SESSIONS,
    partly<FailedAuthenticationLimiter>(attempts),
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

describe('temporary credentials', () => {
  const session = { parentKeyId: KEY.accessKeyId, issuedAtMs: 0, policies: [], role: undefined };
  const live = SESSIONS.issue({ ...session, expiresAtMs: Date.now() + 900_000 });

  const signerOf = ({ accessKeyId, secretKey }: { accessKeyId: string; secretKey: string }): SignatureV4 =>
    new SignatureV4({
      credentials: { accessKeyId, secretAccessKey: secretKey },
      region: 'us-east-1',
      service: 's3',
      sha256: Sha256,
      uriEscapePath: false,
    });

  async function withToken(credentials: typeof live, token: string | undefined): Promise<Prepared> {
    const headers = { host: 'h', ...(token === undefined ? {} : { 'x-amz-security-token': token }) };
    const signed = await signerOf(credentials).sign({ ...unsigned, headers });
    return prepare('', signed.headers);
  }

  const outcome = async (prepared: Prepared, key: AccessKeyRecord | 'none' = KEY): Promise<unknown> => {
    try {
      return await guardOver(key === 'none' ? undefined : key).canActivate(prepared.context);
    } catch (error) {
      return error instanceof S3Error ? error.code : error;
    }
  };

  it('act for their user, without a promise when the parent is in memory', async () => {
    const { request, context } = await withToken(live, live.sessionToken);
    expect(guardOver(KEY).canActivate(context)).toBe(true);
    expect(request.identity).toMatchObject({
      principal: { userId: 'user', accessKeyId: KEY.accessKeyId },
      session: { accessKeyId: live.accessKeyId },
      scope: undefined,
    });
    expect(request.record.accessKeyId).toBe(live.accessKeyId);
  });

  it('are held to the scope of their parent as it is now, and to their own policies', async () => {
    const policies = [[{ actions: ['s3:get*'], resources: ['*'] }]];
    const narrow = SESSIONS.issue({ ...session, policies, expiresAtMs: Date.now() + 900_000 });
    const { request, context } = await withToken(narrow, narrow.sessionToken);
    expect(guardOver({ ...KEY, scope: { containers: ['b'] } }).canActivate(context)).toBe(true);
    const operation = findOperation('GetObject');
    const put = findOperation('PutObject');
    if (operation === undefined || put === undefined) throw new Error('the catalogue lacks them');
    const scope = request.identity?.scope;
    const ask = (bucket: string, asked = operation): boolean | undefined =>
      scope?.allows({ operation: asked, actions: [asked.action], bucket, key: 'k', prefix: undefined }, undefined);
    expect([ask('b'), ask('c'), ask('b', put)]).toEqual([true, false, false]);
  });

  it('are refused without their token, and with any other', async () => {
    const other = SESSIONS.issue({ ...session, expiresAtMs: Date.now() + 900_000 });
    expect(await outcome(await withToken(live, undefined), 'none')).toBe('InvalidToken');
    expect(await outcome(await withToken(live, other.sessionToken))).toBe('InvalidToken');
    expect(await outcome(await withToken(live, `${live.sessionToken}A`))).toBe('InvalidToken');
    expect(await outcome(await withToken({ ...live, accessKeyId: KEY.accessKeyId }, live.sessionToken))).toBe(
      'InvalidToken',
    );
    expect(await outcome(await withToken({ ...live, secretKey: KEY.secretKey }, live.sessionToken))).toBe(
      'SignatureDoesNotMatch',
    );
  });

  it('must have their token signed', async () => {
    const { request, context } = await withToken(live, undefined);
    request.message.headers['x-amz-security-token'] = live.sessionToken;
    expect(() => guardOver(KEY).canActivate(context)).toThrow(
      expect.objectContaining({ code: 'AccessDenied', fields: { HeadersNotSigned: 'x-amz-security-token' } }),
    );
  });

  it('end with their time, and with their parent', async () => {
    const ended = SESSIONS.issue({ ...session, expiresAtMs: Date.now() - 1 });
    expect(await outcome(await withToken(ended, ended.sessionToken))).toBe('ExpiredToken');
    const request = (): Promise<Prepared> => withToken(live, live.sessionToken);
    expect(await outcome(await request(), { ...KEY, expiresAtMs: Date.now() - 1 })).toBe('InvalidAccessKeyId');
    expect(await outcome(await request(), { ...KEY, tenantState: 'suspended' })).toBe('AccessDenied');
    expect(await outcome(await request(), 'none')).toBe('InvalidAccessKeyId');
  });
});

describe('failed attempts of an address', () => {
  const canActivate = async (guard: SigV4Guard): Promise<boolean> => {
    const { context } = await byHeader();
    return guard.canActivate(context);
  };

  it.each<[string, AccessKeyRecord | undefined, AccessKeyRecord | undefined, string]>([
    ['a key that nobody has', undefined, undefined, 'InvalidAccessKeyId'],
    ['a wrong signature', { ...KEY, secretKey: 'other' }, undefined, 'SignatureDoesNotMatch'],
    [
      'a wrong signature with a key that was not in memory',
      undefined,
      { ...KEY, secretKey: 'other' },
      'SignatureDoesNotMatch',
    ],
  ])('count %s once', async (_, cached, stored, code) => {
    const attempts = new Attempts();
    await expect(canActivate(guardOver(cached, stored, attempts))).rejects.toMatchObject({ code });
    expect(attempts.taken).toBe(1);
  });

  it('count once what many requests ask for at the same time, and nothing when they are valid', async () => {
    const attempts = new Attempts(1);
    const guard = guardOver(undefined, KEY, attempts);
    const answers = await Promise.all(Array.from({ length: 50 }, () => canActivate(guard)));
    expect(answers).toEqual(Array.from({ length: 50 }, () => true));
    expect(attempts.taken).toBe(0);
  });

  it('do not count what is valid, nor what nobody could look up', async () => {
    const attempts = new Attempts();
    expect(await canActivate(guardOver(KEY, KEY, attempts))).toBe(true);
    expect(await canActivate(guardOver(undefined, KEY, attempts))).toBe(true);
    const unavailable = guardOver(undefined, undefined, attempts, () => Promise.reject(new Error('away')));
    await expect(canActivate(unavailable)).rejects.toThrow('away');
    expect(attempts.taken).toBe(0);
  });

  it('keep the address from the database, and let in who is known and signs right', async () => {
    const attempts = new Attempts(0);
    const find = jest.fn(async () => KEY);
    await expect(canActivate(guardOver(undefined, undefined, attempts, find))).rejects.toBeInstanceOf(
      TenantThrottledException,
    );
    expect(find).not.toHaveBeenCalled();
    const impostor = guardOver({ ...KEY, secretKey: 'other' }, undefined, attempts);
    await expect(canActivate(impostor)).rejects.toBeInstanceOf(TenantThrottledException);
    expect(await canActivate(guardOver(KEY, KEY, attempts))).toBe(true);
  });
});
