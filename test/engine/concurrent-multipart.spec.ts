import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { codeOf } from '../e2e/raw-answer';
import { useS3 } from '../e2e/s3-suite';
import { StoredState } from '../support/stored-state';
import type { Body } from './register-history';
import { bodyOf, etagOf } from './register-history';

const MIN_PART = 5 * 1024 * 1024;
const ROUNDS = 8;

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

describe('concurrent requests on one upload', () => {
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

  async function begin(Key: string): Promise<Upload> {
    const Bucket = await suite.newBucket();
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    return { Bucket, Key, UploadId };
  }

  const putPart = (upload: Upload, PartNumber: number, body: Body) =>
    suite.s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: body.bytes }));

  const complete = (upload: Upload, parts: readonly Body[]) =>
    suite.s3.send(
      new CompleteMultipartUploadCommand({
        ...upload,
        MultipartUpload: { Parts: parts.map(({ etag }, at) => ({ PartNumber: at + 1, ETag: etag })) },
      }),
    );

  /** The object's bytes; undefined when there is none. */
  async function get({ Bucket, Key }: Upload): Promise<Buffer | undefined> {
    try {
      const answer = await suite.s3.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    } catch (error) {
      if (codeOf(error) === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  it.each([
    ['small', 3_000],
    ['large', 400_000],
  ])(
    'keep one of many bodies of a part whole, %s parts',
    async (_size, sizeBytes) => {
      const upload = await begin('parts');
      const bodies = Array.from({ length: 12 }, () => bodyOf(sizeBytes));
      const answers = await Promise.all(bodies.map((body) => putPart(upload, 1, body)));
      expect(answers.map(({ ETag }) => ETag)).toEqual(bodies.map(({ etag }) => etag));
      const { Parts } = await suite.s3.send(new ListPartsCommand(upload));
      expect(Parts).toHaveLength(1);
      const kept = bodies.find(({ etag }) => etag === Parts?.[0]?.ETag);
      await complete(upload, kept === undefined ? [] : [kept]);
      expect(etagOf((await get(upload)) ?? Buffer.alloc(0))).toBe(kept?.etag);
    },
    60_000,
  );

  it('answer every one of many completions alike', async () => {
    const parts = [bodyOf(MIN_PART), bodyOf(1000)];
    const upload = await begin('completed');
    await Promise.all(parts.map((body, at) => putPart(upload, at + 1, body)));
    const answers = await Promise.all(Array.from({ length: 6 }, () => complete(upload, parts)));
    const later = await complete(upload, parts);
    expect(new Set([...answers, later].map(({ ETag }) => ETag)).size).toBe(1);
    expect((await get(upload))?.equals(Buffer.concat(parts.map(({ bytes }) => bytes)))).toBe(true);
  }, 60_000);

  it('complete with the part that was named, or not at all, while it is written again', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const upload = await begin('replaced');
      const [first, second] = [bodyOf(2_000), bodyOf(2_000)];
      await putPart(upload, 1, first);
      const [completion, replacement] = await Promise.all([
        complete(upload, [first]).then(() => 'ok', codeOf),
        putPart(upload, 1, second).then(() => 'ok', codeOf),
      ]);
      if (completion === 'ok') {
        expect(etagOf((await get(upload)) ?? Buffer.alloc(0))).toBe(first.etag);
        expect(['ok', 'NoSuchUpload']).toContain(replacement);
      } else {
        expect([completion, replacement]).toEqual(['InvalidPart', 'ok']);
        expect(await get(upload)).toBeUndefined();
        await complete(upload, [second]);
        expect(etagOf((await get(upload)) ?? Buffer.alloc(0))).toBe(second.etag);
      }
    }
  }, 60_000);

  it('either complete or abort an upload', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const upload = await begin('aborted');
      const body = bodyOf(round % 2 === 0 ? 2_000 : 400_000);
      await putPart(upload, 1, body);
      const abort = (): Promise<string> =>
        suite.s3.send(new AbortMultipartUploadCommand(upload)).then(() => 'ok', codeOf);
      const end = (): Promise<string> => complete(upload, [body]).then(() => 'ok', codeOf);
      const racers = round % 3 === 0 ? [end(), abort(), end(), abort()] : [abort(), end(), abort(), end()];
      const outcomes = await Promise.all(racers);
      expect(new Set(outcomes)).toEqual(new Set(['ok', 'NoSuchUpload']));
      const completions = round % 3 === 0 ? [outcomes[0], outcomes[2]] : [outcomes[1], outcomes[3]];
      const aborts = round % 3 === 0 ? [outcomes[1], outcomes[3]] : [outcomes[0], outcomes[2]];
      const isCompleted = completions.includes('ok');
      expect(aborts.includes('ok')).toBe(!isCompleted);
      expect((await get(upload))?.equals(body.bytes)).toBe(isCompleted ? true : undefined);
    }
  }, 60_000);

  it('refuse or free parts that come while the upload is aborted', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const upload = await begin('aborted');
      const parts = Array.from({ length: 4 }, (_, at) =>
        putPart(upload, at + 1, bodyOf(400_000)).then(() => 'ok', codeOf),
      );
      await suite.s3.send(new AbortMultipartUploadCommand(upload));
      for (const outcome of await Promise.all(parts)) expect(['ok', 'NoSuchUpload']).toContain(outcome);
      const { Uploads } = await suite.s3.send(new ListMultipartUploadsCommand({ Bucket: upload.Bucket }));
      expect(Uploads ?? []).toEqual([]);
    }
  }, 60_000);

  it('leave nothing behind', async () => {
    await state.untilSwept();
  }, 60_000);
});
