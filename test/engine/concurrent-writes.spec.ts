import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { codeOf, refusalOf } from '../e2e/raw-answer';
import { useS3 } from '../e2e/s3-suite';
import { StoredState } from '../support/stored-state';
import type { Body } from './register-history';
import { bodyOf, etagOf, RegisterHistory } from './register-history';

/** Below and above what is kept inline. */
const SMALL = 2_000;
const LARGE = 600_000;

describe('concurrent writers on two processes', () => {
  const suite = useS3({ workers: 2, config: { engine: { doomedGraceSeconds: 1, sweepIntervalSeconds: 1 } } });
  let state: StoredState;

  beforeAll(async () => {
    state = await StoredState.of(suite.vaultaire);
  });

  afterEach(async () => {
    expect(await state.violations()).toEqual([]);
  });

  afterAll(async () => {
    await state.close();
  });

  const put = (Bucket: string, Key: string, body: Body, conditions: { IfMatch?: string; IfNoneMatch?: string } = {}) =>
    suite.s3.send(new PutObjectCommand({ Bucket, Key, Body: body.bytes, ...conditions }));

  /** Undefined when there is none. Fails when bytes and ETag are not of one write. */
  async function get(Bucket: string, Key: string): Promise<Body | undefined> {
    try {
      const answer = await suite.s3.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
      expect(etagOf(bytes)).toBe(answer.ETag);
      return { bytes, etag: answer.ETag ?? '' };
    } catch (error) {
      if (codeOf(error) === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  it.each([
    ['small', SMALL],
    ['large', LARGE],
  ])(
    'lets exactly one of many creators with If-None-Match through, %s bodies',
    async (_size, sizeBytes) => {
      const Bucket = await suite.newBucket();
      for (let round = 0; round < 5; round += 1) {
        const Key = `round-${String(round)}`;
        const bodies = Array.from({ length: 12 }, () => bodyOf(sizeBytes));
        const outcomes = await Promise.all(
          bodies.map((body) => put(Bucket, Key, body, { IfNoneMatch: '*' }).then(() => body, codeOf)),
        );
        const winners = outcomes.filter((outcome) => typeof outcome !== 'string');
        expect(winners).toHaveLength(1);
        expect(new Set(outcomes.filter((outcome) => typeof outcome === 'string'))).toEqual(
          new Set(['PreconditionFailed']),
        );
        expect((await get(Bucket, Key))?.etag).toBe(winners[0]?.etag);
      }
    },
    60_000,
  );

  it('loses no update of a counter that is kept by If-Match', async () => {
    const Bucket = await suite.newBucket();
    const counter = { Bucket, Key: 'counter' };
    await suite.s3.send(new PutObjectCommand({ ...counter, Body: '0' }));
    const increment = async (): Promise<void> => {
      for (let attempt = 0; attempt < 500; attempt += 1) {
        const answer = await suite.s3.send(new GetObjectCommand(counter));
        const next = String(Number(await answer.Body?.transformToString()) + 1);
        try {
          await suite.s3.send(new PutObjectCommand({ ...counter, Body: next, IfMatch: answer.ETag }));
          return;
        } catch (error) {
          if (codeOf(error) !== 'PreconditionFailed') throw error;
        }
      }
      throw new Error('never came to its turn');
    };
    const worker = async (): Promise<void> => {
      for (let turn = 0; turn < 8; turn += 1) await increment();
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    expect((await get(Bucket, 'counter'))?.bytes.toString()).toBe('48');
  }, 60_000);

  it.each([
    ['writes', false],
    ['writes and deletes', true],
  ])(
    'shows readers one whole body at a time, and never an older one than before, under %s',
    async (_what, isDeleting) => {
      const Bucket = await suite.newBucket();
      const Key = 'contended';
      const history = new RegisterHistory();
      let writers = 3;
      const write = async (writer: number): Promise<void> => {
        for (let turn = 0; turn < 25; turn += 1) {
          if (isDeleting && (turn + writer) % 3 === 0) {
            await history.change(undefined, () => suite.s3.send(new DeleteObjectCommand({ Bucket, Key })));
          }
          const body = bodyOf([SMALL, LARGE, 70_000][(turn + writer) % 3] ?? SMALL);
          await history.change(body.etag, () => put(Bucket, Key, body));
        }
        writers -= 1;
      };
      const violations: string[] = [];
      const read = async (): Promise<void> => {
        while (writers > 0) {
          const violation = await history.read(async () => (await get(Bucket, Key))?.etag);
          if (violation !== undefined) violations.push(violation);
        }
      };
      await Promise.all([write(0), write(1), write(2), read(), read(), read()]);
      expect(violations).toEqual([]);
      expect(await history.read(async () => (await get(Bucket, Key))?.etag)).toBeUndefined();
    },
    120_000,
  );

  it('deletes a bucket or keeps its objects, but never takes an object with it', async () => {
    for (let round = 0; round < 20; round += 1) {
      const Bucket = `race-${randomBytes(6).toString('hex')}`;
      await suite.s3.send(new CreateBucketCommand({ Bucket }));
      // Writes that are ahead of the deletion; with none, the deletion is through before the first write comes.
      const before = round % 5;
      const putOne = async (Key: string): Promise<string | undefined> => {
        const body = bodyOf(round % 2 === 0 ? SMALL : LARGE);
        const outcome = await put(Bucket, Key, body).then(() => undefined, codeOf);
        if (outcome === undefined) return Key;
        expect(outcome).toBe('NoSuchBucket');
        return undefined;
      };
      const first = Array.from({ length: before }, (_, at) => putOne(`before-${String(at)}`));
      const deleting = suite.s3.send(new DeleteBucketCommand({ Bucket })).then(() => 'deleted', codeOf);
      if (before === 0) expect(await deleting).toBe('deleted');
      const acknowledged = (
        await Promise.all([...first, ...Array.from({ length: 4 }, (_, at) => putOne(`after-${String(at)}`))])
      ).filter((key) => key !== undefined);
      const outcome = await deleting;
      if (outcome === 'deleted') {
        expect(acknowledged).toEqual([]);
        expect((await refusalOf(suite.s3.send(new HeadBucketCommand({ Bucket })))).status).toBe(404);
        continue;
      }
      expect(outcome).toBe('BucketNotEmpty');
      for (const Key of acknowledged) await suite.s3.send(new HeadObjectCommand({ Bucket, Key }));
    }
  }, 60_000);

  it.each([
    ['small', SMALL],
    ['large', LARGE],
  ])(
    'copies crosswise between two keys, %s bodies',
    async (_size, sizeBytes) => {
      const Bucket = await suite.newBucket();
      const bodies = [bodyOf(sizeBytes), bodyOf(sizeBytes)] as const;
      await Promise.all([put(Bucket, 'a', bodies[0]), put(Bucket, 'b', bodies[1])]);
      const copy = async (from: string, to: string): Promise<void> => {
        for (let turn = 0; turn < 20; turn += 1) {
          await suite.s3.send(new CopyObjectCommand({ Bucket, Key: to, CopySource: `${Bucket}/${from}` }));
        }
      };
      await Promise.all([copy('a', 'b'), copy('b', 'a'), copy('a', 'c'), copy('b', 'c')]);
      for (const key of ['a', 'b', 'c']) {
        const read = await get(Bucket, key);
        expect(bodies.map(({ etag }) => etag)).toContain(read?.etag);
      }
    },
    60_000,
  );
});
