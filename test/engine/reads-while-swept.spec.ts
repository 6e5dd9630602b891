import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { useS3 } from '../e2e/s3-suite';
import { StoredState } from '../support/stored-state';
import { until } from '../support/until';
import { bodyOf } from './register-history';

const MIB = 1024 * 1024;
/** More than sockets and pipes between the two ends can hold. */
const LARGE = 24 * MIB;

describe('a download that is under way while its object goes', () => {
  const suite = useS3({ workers: 2, config: { engine: { doomedGraceSeconds: 1, sweepIntervalSeconds: 1 } } });
  let state: StoredState;

  beforeAll(async () => {
    state = await StoredState.of(suite.vaultaire);
  });

  afterAll(async () => {
    await state.close();
  });

  /** Answers a download of which the first bytes have come, and a function that reads the rest. */
  async function beginDownload(Bucket: string, Key: string): Promise<() => Promise<Buffer>> {
    const { Body } = await suite.s3.send(new GetObjectCommand({ Bucket, Key }));
    if (!(Body instanceof Readable)) throw new Error('there is no body');
    const first = await new Promise<Buffer>((resolve) => Body.once('data', resolve));
    Body.pause();
    return async () => {
      const chunks = [first];
      for await (const chunk of Body) chunks.push(chunk);
      return Buffer.concat(chunks);
    };
  }

  /** Resolves when the gateways have said that something is read since `since`, and swept thereafter. */
  async function untilSweptAround(since: Date): Promise<void> {
    await until('a gateway tells of its oldest read', async () => {
      const told = await state.query(
        `SELECT FROM gateway_instances WHERE oldest_read_at IS NOT NULL AND heartbeat_at > $1::timestamptz + interval '2 s'`,
        [since],
      );
      return told.length > 0;
    });
    await state.untilSweptOnce();
  }

  async function putInOne(Bucket: string, Key: string): Promise<Buffer> {
    const { bytes } = bodyOf(LARGE);
    await suite.s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes }));
    return bytes;
  }

  async function putInParts(Bucket: string, Key: string): Promise<Buffer> {
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const bodies = Array.from({ length: 3 }, () => bodyOf(LARGE / 3).bytes);
    const Parts = await Promise.all(
      bodies.map(async (Body, at) => {
        const PartNumber = at + 1;
        const { ETag } = await suite.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
        return { PartNumber, ETag };
      }),
    );
    await suite.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
    return Buffer.concat(bodies);
  }

  it.each([
    ['in one piece', putInOne],
    ['in parts', putInParts],
  ])(
    'gets all of it, %s',
    async (_how, write) => {
      const Bucket = await suite.newBucket();
      const overwritten = await write(Bucket, 'overwritten');
      const deleted = await write(Bucket, 'deleted');
      const downloads = await Promise.all([beginDownload(Bucket, 'overwritten'), beginDownload(Bucket, 'deleted')]);

      await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'overwritten', Body: 'newer' }));
      await suite.s3.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }));
      await untilSweptAround(new Date());

      const [first, second] = await Promise.all(downloads.map((download) => download()));
      expect(first?.equals(overwritten)).toBe(true);
      expect(second?.equals(deleted)).toBe(true);
      await state.untilSwept();
      expect(state.files()).toEqual([]);
      expect(await state.violations()).toEqual([]);
    },
    60_000,
  );
});
