import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { oneDriveBackend, oneDriveBackendConfig } from '../support/onedrive-backend';
import { GraphSimulator } from '../support/graph-simulator/graph-simulator';
import { until } from '../support/until';
import { describeOn, useS3 } from './s3-suite';

jest.setTimeout(60_000);

describeOn('blobs on a fleet of OneDrive drives', oneDriveBackend, ['objects']);

describe('a gateway on OneDrive', () => {
  let simulator: GraphSimulator;
  const options = { config: {} as object };
  beforeAll(async () => {
    simulator = await GraphSimulator.start({}, ['one', 'two']);
    options.config = {
      ...oneDriveBackendConfig(simulator),
      engine: { inlineMaxBytes: 0, doomedGraceSeconds: 1, sweepIntervalSeconds: 1 },
    };
  });
  const suite = useS3(options);
  afterAll(async () => {
    await simulator.close();
  });

  it('keeps large objects through lost answers and broken downloads, and frees the drives again', async () => {
    const { s3 } = suite;
    const Bucket = await suite.newBucket();
    const body = randomBytes(6 * 1024 * 1024);
    simulator.failNext('PutFragment', { do: 'lose-answer' }, 1, 2);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: body }));
    expect(simulator.leftovers()).toHaveLength(1);

    simulator.failNext('Download', { do: 'reset-body', afterBytes: 1_000_000 });
    const whole = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }));
    expect(Buffer.from((await whole.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    const part = await s3.send(new GetObjectCommand({ Bucket, Key: 'large', Range: 'bytes=5000000-5000099' }));
    expect(Buffer.from((await part.Body?.transformToByteArray()) ?? []).equals(body.subarray(5e6, 5e6 + 100))).toBe(
      true,
    );

    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'large' }));
    await until('the drives are empty', () => simulator.leftovers().length === 0);
  });

  it('tells clients to slow down while the drives are throttled', async () => {
    const Bucket = await suite.newBucket();
    simulator.faults = ({ operation }) =>
      operation === 'PutContent'
        ? { do: 'answer', status: 429, code: 'activityLimitReached', retryAfterSeconds: 60 }
        : undefined;
    const refused = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'small', Body: 'text' }));
    await expect(refused).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
  });
});
