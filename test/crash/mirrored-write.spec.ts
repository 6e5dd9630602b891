import type { S3Client } from '@aws-sdk/client-s3';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import type { MirroredVaultaire } from '../support/mirrored-vaultaire';
import { blobsOn, OUTAGE, startMirrored } from '../support/mirrored-vaultaire';
import { until } from '../support/until';
import { SlowUpload } from './slow-upload';

jest.setTimeout(60_000);

const Bucket = 'mirrored';
const WRITERS = 4;

describe('kill -9 while bodies go to several backends', () => {
  let mirrored: MirroredVaultaire;
  let s3: S3Client;
  /** What was acknowledged, and what was on its way after it: either may be there. */
  const acknowledged = new Map<string, Buffer>();
  const attempted = new Map<string, Buffer>();

  beforeAll(async () => {
    mirrored = await startMirrored({
      placements: { default: { drivers: ['one', 'two'], quorum: 1, backup: ['three'] } },
    });
    s3 = mirrored.vaultaire.s3Client();
    await s3.send(new CreateBucketCommand({ Bucket }));
  }, 60_000);
  afterAll(async () => {
    await mirrored.stop();
  }, 60_000);

  const get = async (Key: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  /** Writes one key again and again until the gateway is gone. */
  const writeOn = async (Key: string): Promise<void> => {
    for (;;) {
      const Body = randomBytes(100_000);
      attempted.set(Key, Body);
      try {
        await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
      } catch {
        return;
      }
      acknowledged.set(Key, Body);
    }
  };

  it('keeps every byte that was acknowledged, also with one backend away, and leaves nothing else', async () => {
    const { vaultaire, one, two, three } = mirrored;
    const keys = Array.from({ length: WRITERS }, (_, index) => `key ${index}`);
    const half = await SlowUpload.begin(s3, { Bucket, Key: 'never whole' }, randomBytes(1_000_000));
    await half.sendHalf();
    const writing = keys.map((Key) => writeOn(Key));
    await until('all have written twice', () => keys.every((key) => acknowledged.has(key)));
    // What follows has its quorum with one backend only.
    two.faults = OUTAGE;
    const seen = one.operations().length;
    await until('more is on its way', () => one.operations().length > seen + 20);
    await vaultaire.kill9();
    await Promise.all(writing);
    two.faults = () => undefined;
    await vaultaire.start();
    s3 = vaultaire.s3Client();
    const found = new Map<string, Buffer>();
    for (const [key, body] of acknowledged) {
      const now = await get(key);
      const isKnown = now.equals(body) || now.equals(attempted.get(key) ?? body);
      expect({ key, isKnown }).toEqual({ key, isKnown: true });
      found.set(key, now);
    }
    await expect(get('never whole')).rejects.toMatchObject({ name: 'NoSuchKey' });
    await until('every backend holds the live blobs, and nothing else', () =>
      [one, two, three].every((simulator) => blobsOn(simulator).length === found.size),
    );
    for (const away of [one, two]) {
      away.faults = OUTAGE;
      for (const [key, body] of found) expect((await get(key)).equals(body)).toBe(true);
      away.faults = () => undefined;
    }
  });
});
