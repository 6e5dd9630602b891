import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { OPERATION_CATALOGUE } from '../../src/s3-api/operations/operation-catalogue';
import type { OperationDefinition } from '../../src/s3-api/operations/operation.types';
import { SessionTokens } from '../../src/tenant/session-tokens';
import type { SessionStatement } from '../../src/tenant/session-token';
import type { AccessKeyCredentials } from '../../src/tenant/tenancy.service';
import { useS3 } from '../e2e/s3-suite';
import type { Signer, WireAnswer, WireRequest } from '../support/signed-request';
import { sendSigned } from '../support/signed-request';
import { StoredState } from '../support/stored-state';
import { TestTenancy } from '../support/tenancy';
import { until } from '../support/until';
import type { Target } from './catalogue-request';
import { catalogueRequest, encodeKey, namesDataElsewhere } from './catalogue-request';
import { rowsOfTenant } from './tenant-rows';
import type { Victim } from './victim';
import { makeVictim, SECRET, TAG, VICTIM_BUCKET, VICTIM_KEY } from './victim';

const MASTER_KEY = randomBytes(32);
const CONCURRENCY = 12;
const FAR_AWAY = '198.51.100.0/24';

/** Everything by which somebody could pretend to be somebody else, or elsewhere. The peer here is no trusted proxy. */
const FORGED_HEADERS = {
  'x-forwarded-for': '198.51.100.7',
  'x-forwarded-host': 'elsewhere.example',
  'x-real-ip': '198.51.100.7',
  'x-client-ip': '198.51.100.7',
  'true-client-ip': '198.51.100.7',
  forwarded: 'for=198.51.100.7;host=elsewhere.example;proto=https',
  'x-forwarded-user': 'victim',
  'x-original-url': `/${VICTIM_BUCKET}`,
  'x-rewrite-url': `/${VICTIM_BUCKET}`,
  'x-http-method-override': 'GET',
};

/** Operations that address nothing of anybody's by name: their answers hold what is the caller's. */
const addressed = OPERATION_CATALOGUE.filter(({ resource, method }) => resource !== 'service' && method !== 'OPTIONS');
/** Under a name of their own tenant, others may well create a bucket. */
const onExisting = addressed.filter(({ name }) => name !== 'CreateBucket');
const listings = OPERATION_CATALOGUE.filter(({ operationClass }) => operationClass === 'list');
/** Those that tell a key which is restricted to prefixes nothing but that the bucket is there. */
const KNOWS_NO_KEYS = new Set(['HeadBucket', 'GetBucketLocation']);
/** Deleting what is not there succeeds, and deletes nothing. */
const SUCCEEDS_WITHOUT_IT = new Set(['DeleteObject', 'DeleteObjects']);

interface Intruder {
  readonly signer: Signer | undefined;
  readonly code: string;
}

describe('what belongs to somebody else', () => {
  const suite = useS3({
    env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') },
    // All intruders have one address, and many of them fail by their signature.
    config: { limits: { failedAuthentication: { perSecond: 100_000, burst: 100_000 } } },
  });
  const sessions = new SessionTokens(MASTER_KEY);
  const intruders = new Map<string, Intruder>();
  let stored: StoredState;
  let tenancy: TestTenancy;
  let victim: Victim;
  let stranger: AccessKeyCredentials;
  let neighbour: AccessKeyCredentials;

  beforeAll(async () => {
    stored = await StoredState.of(suite.vaultaire);
    tenancy = await TestTenancy.of(suite.vaultaire, MASTER_KEY);
    victim = await makeVictim(suite.vaultaire, tenancy);
    neighbour = await tenancy.key(await tenancy.user(victim.tenant, 'neighbour'));
    const abroad = await tenancy.user(await tenancy.tenant('abroad'), 'stranger');
    stranger = await tenancy.key(abroad);
    const closed = await tenancy.tenant('suspended-company');
    const suspended = await tenancy.key(await tenancy.user(closed));
    await tenancy.setState(closed, 'suspended');

    const scoped = (scope: object): Promise<AccessKeyCredentials> => tenancy.key(victim.user, { scope });
    const revoked = await tenancy.key(victim.user);
    const expired = await tenancy.key(victim.user, { expiresAt: new Date(Date.now() - 60_000) });
    const ofRevoked = sessionOf(revoked);
    await tenancy.revoke(revoked);
    const ofVictim = sessionOf(victim.key);
    const elsewhere = [{ actions: ['s3:*'], resources: ['elsewhere', 'elsewhere/*'] }];
    const all: [string, Intruder][] = [
      ['another user of the tenant', { signer: neighbour, code: 'AccessDenied' }],
      ['a session of another user of the tenant', { signer: sessionOf(neighbour), code: 'AccessDenied' }],
      ['a user of another tenant', { signer: stranger, code: 'NoSuchBucket' }],
      ['a session of a user of another tenant', { signer: sessionOf(stranger), code: 'NoSuchBucket' }],
      ['a user of a suspended tenant', { signer: suspended, code: 'AccessDenied' }],
      ['a session of a suspended tenant', { signer: sessionOf(suspended), code: 'AccessDenied' }],
      ['nobody', { signer: undefined, code: 'AccessDenied' }],
      ['a wrong secret', { signer: { ...victim.key, secretKey: 'not-the-secret' }, code: 'SignatureDoesNotMatch' }],
      ['a revoked key', { signer: revoked, code: 'InvalidAccessKeyId' }],
      ['an expired key', { signer: expired, code: 'InvalidAccessKeyId' }],
      ['a session of a revoked key', { signer: ofRevoked, code: 'InvalidAccessKeyId' }],
      ['a session of an expired key', { signer: sessionOf(expired), code: 'InvalidAccessKeyId' }],
      [
        'a session that ended',
        { signer: sessionOf(victim.key, { expiresAtMs: Date.now() - 1 }), code: 'ExpiredToken' },
      ],
      ['a session without its token', { signer: { ...ofVictim, sessionToken: undefined }, code: 'InvalidToken' }],
      ['a session with the token of another', { signer: { ...ofVictim, ...tokenOf(neighbour) }, code: 'InvalidToken' }],
      [
        'a session of other buckets',
        { signer: sessionOf(victim.key, { policies: [elsewhere] }), code: 'AccessDenied' },
      ],
      ['a session that may nothing', { signer: sessionOf(victim.key, { policies: [[]] }), code: 'AccessDenied' }],
      ['a key of other buckets', { signer: await scoped({ containers: ['elsewhere*'] }), code: 'AccessDenied' }],
      ['a key of other operations', { signer: await scoped({ operations: ['ListBuckets'] }), code: 'AccessDenied' }],
      ['a key of other networks', { signer: await scoped({ networks: [FAR_AWAY] }), code: 'AccessDenied' }],
      ['a key of other keys', { signer: await scoped({ prefixes: ['elsewhere/'] }), code: 'AccessDenied' }],
    ];
    for (const [name, intruder] of all) intruders.set(name, intruder);

    for (const signer of [stranger, neighbour]) {
      for (const bucket of [ownBucketOf(signer), emptyBucketOf(signer)]) {
        expect((await send(signer, { method: 'PUT', path: `/${bucket}` })).status).toBe(200);
      }
    }
  }, 60_000);

  afterAll(async () => {
    await tenancy.close();
    await stored.close();
  });

  const ownBucketOf = ({ accessKeyId }: Signer): string => `own-${accessKeyId.toLowerCase()}`;
  const emptyBucketOf = ({ accessKeyId }: Signer): string => `empty-${accessKeyId.toLowerCase()}`;

  function sessionOf(parent: AccessKeyCredentials, changes: Partial<SessionStatement> = {}): Signer {
    return sessions.issue({
      parentKeyId: parent.accessKeyId,
      issuedAtMs: Date.now(),
      expiresAtMs: Date.now() + 900_000,
      policies: [],
      role: undefined,
      ...changes,
    });
  }

  function tokenOf(parent: AccessKeyCredentials): Pick<Signer, 'sessionToken'> {
    return { sessionToken: sessionOf(parent).sessionToken };
  }

  function targetOf(changes: Partial<Target> = {}): Target {
    return {
      bucket: VICTIM_BUCKET,
      key: VICTIM_KEY,
      uploadId: victim.uploadId,
      versionId: victim.versionId,
      copySource: `/${VICTIM_BUCKET}/${encodeKey(VICTIM_KEY)}`,
      ...changes,
    };
  }

  /** Who is told to slow down does, like a client. */
  async function send(signer: Signer | undefined, request: WireRequest): Promise<WireAnswer> {
    for (;;) {
      const answer = await sendSigned(suite.vaultaire, signer, { ...request, addedHeaders: FORGED_HEADERS });
      if (answer.code !== 'SlowDown' && answer.status !== 503) return answer;
      await setTimeout(200);
    }
  }

  /** Tries operations, and holds every answer to what it must not hold. */
  async function attempt(
    operations: readonly OperationDefinition[],
    signer: Signer | undefined,
    requestOf: (operation: OperationDefinition) => WireRequest,
    judge: (operation: OperationDefinition, answer: WireAnswer) => void,
  ): Promise<void> {
    const before = await rowsOfTenant(stored, victim.tenant.id);
    for (let at = 0; at < operations.length; at += CONCURRENCY) {
      const some = operations.slice(at, at + CONCURRENCY);
      const answers = await Promise.all(some.map(async (operation) => send(signer, requestOf(operation))));
      for (const [index, answer] of answers.entries()) {
        const operation = some[index];
        if (operation === undefined) continue;
        expect(answer.text).not.toContain(SECRET);
        expect(answer.text).not.toContain(TAG);
        judge(operation, answer);
      }
    }
    expect(await rowsOfTenant(stored, victim.tenant.id)).toEqual(before);
  }

  const refusedWith =
    (code: string) =>
    (operation: OperationDefinition, answer: WireAnswer): void => {
      if (operation.method === 'HEAD') {
        const status = { NoSuchBucket: 404, InvalidToken: 400, ExpiredToken: 400 }[code] ?? 403;
        expect([operation.name, answer.status]).toEqual([operation.name, status]);
      } else expect([operation.name, answer.code]).toEqual([operation.name, code]);
    };

  const NAMES = [
    'another user of the tenant',
    'a session of another user of the tenant',
    'a user of another tenant',
    'a session of a user of another tenant',
    'a user of a suspended tenant',
    'a session of a suspended tenant',
    'nobody',
    'a wrong secret',
    'a revoked key',
    'an expired key',
    'a session of a revoked key',
    'a session of an expired key',
    'a session that ended',
    'a session without its token',
    'a session with the token of another',
    'a session of other buckets',
    'a session that may nothing',
    'a key of other buckets',
    'a key of other operations',
    'a key of other networks',
    'a key of other keys',
  ];

  function intruderOf(name: string): Intruder {
    const intruder = intruders.get(name);
    if (intruder === undefined) throw new Error(`there is no ${name}`);
    return intruder;
  }

  it('tries every intruder there is', () => {
    expect(NAMES).toEqual([...intruders.keys()]);
  });

  it.each(NAMES)(
    'is closed by name to %s, for every operation of the catalogue',
    async (name) => {
      const { signer, code } = intruderOf(name);
      const isOfKeys = name === 'a key of other keys';
      const operations = isOfKeys ? onExisting.filter((operation) => !KNOWS_NO_KEYS.has(operation.name)) : onExisting;
      await attempt(
        operations,
        signer,
        (operation) => catalogueRequest(operation, targetOf()),
        (operation, answer) => {
          if (operation.name === 'DeleteObjects' && deniesEachKey(name)) expectDenialOfEachKey(answer);
          else refusedWith(code)(operation, answer);
        },
      );
    },
    120_000,
  );

  it.each(NAMES)(
    'is closed as `tenant:bucket` to %s, for every operation of the catalogue',
    async (name) => {
      const { signer, code } = intruderOf(name);
      const bucket = `${victim.tenant.name}:${VICTIM_BUCKET}`;
      const copySource = `${bucket}/${encodeKey(VICTIM_KEY)}`;
      const isOfKeys = name === 'a key of other keys';
      const operations = isOfKeys ? onExisting.filter((operation) => !KNOWS_NO_KEYS.has(operation.name)) : addressed;
      const isOwner = !['nobody', 'a user of another tenant', 'a session of a user of another tenant'].includes(name);
      await attempt(
        isOwner ? operations.filter((operation) => operation.name !== 'CreateBucket') : operations,
        signer,
        (operation) => catalogueRequest(operation, targetOf({ bucket, copySource })),
        (operation, answer) => {
          if (operation.name === 'DeleteObjects' && deniesEachKey(name)) expectDenialOfEachKey(answer);
          else refusedWith(code === 'NoSuchBucket' ? 'AccessDenied' : code)(operation, answer);
        },
      );
    },
    120_000,
  );

  /** These may ask to delete keys of the bucket, and are told for each that they may not. */
  const deniesEachKey = (name: string): boolean =>
    ['a session of other buckets', 'a session that may nothing', 'a key of other keys'].includes(name);

  function expectDenialOfEachKey(answer: WireAnswer): void {
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('<Deleted>');
    expect(answer.text.match(/<Code>AccessDenied<\/Code>/g)).toHaveLength(2);
  }

  it.each<[string, () => AccessKeyCredentials]>([
    ['another user of the tenant', () => neighbour],
    ['a user of another tenant', () => stranger],
  ])(
    'is not reached by %s from a bucket of their own: by copy source, upload id or version id',
    async (_name, intruder) => {
      const signer = intruder();
      const copySources = [VICTIM_BUCKET, `${victim.tenant.name}:${VICTIM_BUCKET}`].flatMap((bucket) => [
        `${bucket}/${encodeKey(VICTIM_KEY)}`,
        `/${bucket}/${encodeKey(VICTIM_KEY)}?versionId=${victim.versionId}`,
      ]);
      for (const copySource of copySources) {
        for (const bucket of [ownBucketOf(signer), VICTIM_BUCKET]) {
          const target = targetOf({ bucket, copySource });
          await attempt(
            addressed.filter(namesDataElsewhere),
            signer,
            (operation) => catalogueRequest(operation, target),
            (operation, answer) => {
              const isHarmless = SUCCEEDS_WITHOUT_IT.has(operation.name) && answer.status < 300;
              expect([operation.name, isHarmless || answer.status >= 400]).toEqual([operation.name, true]);
            },
          );
        }
      }
    },
    120_000,
  );

  it.each<[string, () => AccessKeyCredentials]>([
    ['another user of the tenant', () => neighbour],
    ['a user of another tenant', () => stranger],
  ])(
    'shows in no listing of %s',
    async (_name, intruder) => {
      const signer = intruder();
      const bucket = emptyBucketOf(signer);
      const markers: Record<string, string>[] = [
        {},
        { prefix: VICTIM_KEY.slice(0, 2), 'max-keys': '1000', 'max-uploads': '1000', 'max-buckets': '1000' },
        { 'key-marker': 'a/secret', 'version-id-marker': victim.versionId, 'upload-id-marker': victim.uploadId },
        { marker: 'a/', 'start-after': 'a/', delimiter: '/' },
        { 'continuation-token': Buffer.from('a').toString('base64url'), 'part-number-marker': '0' },
      ];
      for (const marker of markers) {
        await attempt(
          listings,
          signer,
          (operation) => {
            const request = catalogueRequest(operation, targetOf({ bucket }));
            return { ...request, query: { ...request.query, ...marker } };
          },
          (operation, { text }) => {
            const found = /<(Contents|Version|DeleteMarker|Upload|Part|CommonPrefixes)>/.exec(text)?.[1];
            expect([operation.name, found]).toEqual([operation.name, undefined]);
            for (const name of [VICTIM_BUCKET, victim.user.canonicalId]) expect(text).not.toContain(name);
          },
        );
      }
    },
    60_000,
  );

  it('is refused to its own owner while the tenant is suspended, and is as it was afterwards', async () => {
    await tenancy.setState(victim.tenant, 'suspended');
    const list = { method: 'GET', path: '/' };
    await until('the suspension holds', async () => (await send(victim.key, list)).status !== 200);
    try {
      for (const signer of [victim.key, sessionOf(victim.key)]) {
        await attempt(
          OPERATION_CATALOGUE.filter(({ method }) => method !== 'OPTIONS'),
          signer,
          (operation) => catalogueRequest(operation, targetOf()),
          refusedWith('AccessDenied'),
        );
      }
    } finally {
      await tenancy.setState(victim.tenant, 'active');
    }
    await until('the suspension is over', async () => (await send(victim.key, list)).status === 200);
    const get = { method: 'GET', path: `/${VICTIM_BUCKET}/${encodeKey(VICTIM_KEY)}` };
    expect((await send(victim.key, get)).text).toBe(SECRET);
  }, 60_000);

  it('can’t be taken over by its name', async () => {
    const create = { method: 'PUT', path: `/${VICTIM_BUCKET}` };
    const before = await rowsOfTenant(stored, victim.tenant.id);
    expect((await send(neighbour, create)).code).toBe('BucketAlreadyExists');
    // Names are unique within a tenant: elsewhere it is another bucket, and an empty one.
    expect((await send(stranger, create)).status).toBe(200);
    const answers = await Promise.all(
      onExisting
        .filter(({ method }) => method === 'GET')
        .map((operation) => send(stranger, catalogueRequest(operation, targetOf()))),
    );
    for (const { text } of answers) expect([text.includes(SECRET), text.includes(TAG)]).toEqual([false, false]);
    expect((await send(stranger, { method: 'DELETE', path: `/${VICTIM_BUCKET}` })).status).toBe(204);
    expect(await rowsOfTenant(stored, victim.tenant.id)).toEqual(before);
  }, 60_000);
});

describe('clients behind a trusted proxy', () => {
  const suite = useS3({
    env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') },
    config: { trustedProxies: ['127.0.0.1', '192.0.2.1'] },
  });
  let tenancy: TestTenancy;

  beforeAll(async () => {
    tenancy = await TestTenancy.of(suite.vaultaire, MASTER_KEY);
  });

  afterAll(async () => {
    await tenancy.close();
  });

  it.each<[string, number]>([
    ['198.51.100.7', 200],
    ['203.0.113.9, 198.51.100.7', 200],
    ['198.51.100.7, 192.0.2.1', 200],
    ['198.51.100.7, 203.0.113.9', 403],
    ['198.51.100.7, unknown', 403],
    ['203.0.113.9', 403],
    ['', 403],
  ])('are where the proxy says, not where they say: %p', async (forwardedFor, status) => {
    const user = await tenancy.user(await tenancy.tenant('behind-proxy'));
    const key = await tenancy.key(user, { scope: { networks: [FAR_AWAY] } });
    const addedHeaders = { 'x-forwarded-for': forwardedFor };
    const answer = await sendSigned(suite.vaultaire, key, { method: 'GET', path: '/', addedHeaders });
    expect(answer.status).toBe(status);
  });
});
