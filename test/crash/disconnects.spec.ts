import { CreateMultipartUploadCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { until } from '../support/until';
import { CrashSuite, LARGE_BYTES, SMALL_BYTES } from './crash-suite';
import { SlowUpload } from './slow-upload';

describe('a client that goes away in the middle of its body', () => {
  let suite: CrashSuite;

  beforeAll(async () => {
    suite = await CrashSuite.start({ workers: 2 });
  }, 60_000);

  afterEach(async () => {
    await suite.untilClean();
  }, 60_000);

  afterAll(async () => {
    await suite.stop();
  }, 60_000);

  /** Resolves when the gateway has written down that the upload did not end well. */
  async function untilAborted(key: string): Promise<void> {
    await until('the event is logged', async () => {
      const events = await suite.state.query(
        `SELECT FROM events WHERE artifact_key = $1 AND operation IN ('PutObject', 'UploadPart') AND outcome <> 'completed'`,
        [key],
      );
      return events.length > 0;
    });
  }

  it.each([
    ['small', SMALL_BYTES],
    ['large', LARGE_BYTES],
  ])(
    'leaves no object, row or file, %s',
    async (size, sizeBytes) => {
      const upload = await SlowUpload.begin(suite.s3, { Bucket: suite.bucket, Key: size }, randomBytes(sizeBytes));
      await upload.sendHalf();
      if (sizeBytes === LARGE_BYTES) await until('bytes arrive', () => suite.state.files().length > 0);
      upload.disconnect();
      await untilAborted(size);
      expect(await suite.get(size)).toBeUndefined();
      await until('the file is gone', () => suite.state.files().length === 0);
      await until('the row is gone', async () => (await suite.state.query('SELECT FROM blobs')).length === 0);
    },
    60_000,
  );

  it('leaves the object that it wanted to overwrite', async () => {
    const before = randomBytes(LARGE_BYTES);
    await suite.put('kept', before);
    const target = { Bucket: suite.bucket, Key: 'kept' };
    const upload = await SlowUpload.begin(suite.s3, target, randomBytes(LARGE_BYTES));
    await upload.sendHalf();
    await until('bytes arrive', () => suite.state.files().length > 1);
    upload.disconnect();
    await untilAborted('kept');
    expect((await suite.get('kept'))?.equals(before)).toBe(true);
  }, 60_000);

  it('leaves no part', async () => {
    const target = { Bucket: suite.bucket, Key: 'parts' };
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
    const part = { ...target, UploadId, PartNumber: 1 };
    const upload = await SlowUpload.begin(suite.s3, part, randomBytes(LARGE_BYTES));
    await upload.sendHalf();
    await until('the part is written', async () => (await suite.state.blobs('writing')).length > 0);
    upload.disconnect();
    await untilAborted('parts');
    const { Parts } = await suite.s3.send(new ListPartsCommand({ ...target, UploadId }));
    expect(Parts ?? []).toEqual([]);
  }, 60_000);
});
