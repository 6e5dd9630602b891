import type { ChecksumAlgorithm } from '@aws-sdk/client-s3';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { refusalOf, sendRaw } from './raw-answer';
import { useS3 } from './s3-suite';

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

describe('checksums', () => {
  const suite = useS3();
  const Body = Buffer.alloc(1024, 'A');

  it.each([
    ['CRC32', 'ChecksumCRC32'],
    ['CRC32C', 'ChecksumCRC32C'],
    ['CRC64NVME', 'ChecksumCRC64NVME'],
    ['SHA1', 'ChecksumSHA1'],
    ['SHA256', 'ChecksumSHA256'],
  ] as const)('are stored and told on request: %s', async (algorithm, field) => {
    const Bucket = await suite.newBucket();
    // The SDK has no CRC64NVME of its own without a native package; the value is known.
    const own = algorithm === 'CRC64NVME' ? { ChecksumCRC64NVME: 'Qeh8oXvGiSo=' } : { ChecksumAlgorithm: algorithm };
    const put = await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, ...own }));
    expect(put[field]).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(put.ChecksumType).toBe('FULL_OBJECT');
    const quiet = await sendRaw(suite.s3, new HeadObjectCommand({ Bucket, Key: 'k' }));
    expect(Object.keys(quiet.headers).filter((name) => name.startsWith('x-amz-checksum'))).toEqual([]);
    const head = await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({ [field]: put[field], ChecksumType: 'FULL_OBJECT' });
    const attributes = await suite.s3.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'k', ObjectAttributes: ['Checksum'] }),
    );
    expect(attributes.Checksum).toMatchObject({ [field]: put[field], ChecksumType: 'FULL_OBJECT' });
  });

  it('are CRC64NVME where the client brought none', async () => {
    const Bucket = await suite.newBucket();
    const put = await sendRaw(suite.s3, new PutObjectCommand({ Bucket, Key: 'k', Body, ContentMD5: md5Of(Body) }));
    expect(put.status).toBe(200);
    const head = await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }));
    expect(head.ChecksumType).toBe('FULL_OBJECT');
  });

  it('are left out of answers with a part of the object', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, ChecksumAlgorithm: 'SHA256' }));
    const get = await suite.s3.send(
      new GetObjectCommand({ Bucket, Key: 'k', Range: 'bytes=0-1', ChecksumMode: 'ENABLED' }),
    );
    expect(get.ChecksumSHA256).toBeUndefined();
    expect(await get.Body?.transformToString()).toBe('AA');
  });

  it('refuse a body that does not have them, and keep what was there', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'old' }));
    const wrong = sha256(Buffer.from('other')).toString('base64');
    const put = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, ChecksumSHA256: wrong }));
    expect(await refusalOf(put)).toEqual({ code: 'BadDigest', status: 400 });
    const md5 = suite.s3.send(
      new PutObjectCommand({ Bucket, Key: 'k', Body, ContentMD5: md5Of(Buffer.from('other')) }),
    );
    expect(await refusalOf(md5)).toEqual({ code: 'BadDigest', status: 400 });
    const short = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body, ContentMD5: 'YWJyYWNhZGFicmE=' }));
    expect(await refusalOf(short)).toEqual({ code: 'InvalidDigest', status: 400 });
    expect((await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).ContentLength).toBe(3);
  });

  describe('of multipart uploads', () => {
    const bodies = [Buffer.alloc(5 * 1024 * 1024, 'A'), Buffer.from('the end')];

    async function upload(algorithm: ChecksumAlgorithm, type: 'COMPOSITE' | 'FULL_OBJECT') {
      const Bucket = await suite.newBucket();
      const created = await suite.s3.send(
        new CreateMultipartUploadCommand({ Bucket, Key: 'k', ChecksumAlgorithm: algorithm, ChecksumType: type }),
      );
      expect(created).toMatchObject({ ChecksumAlgorithm: algorithm, ChecksumType: type });
      const { UploadId } = created;
      const Parts = [];
      for (const [index, part] of bodies.entries()) {
        const PartNumber = index + 1;
        const sent = await suite.s3.send(
          new UploadPartCommand({ Bucket, Key: 'k', UploadId, PartNumber, Body: part, ChecksumAlgorithm: algorithm }),
        );
        const { ETag, ChecksumSHA256, ChecksumCRC32 } = sent;
        Parts.push({ PartNumber, ETag, ChecksumSHA256, ChecksumCRC32 });
      }
      return { Bucket, Key: 'k', UploadId, MultipartUpload: { Parts } };
    }

    it('are composed of those of the parts', async () => {
      const complete = await upload('SHA256', 'COMPOSITE');
      const expected = `${sha256(Buffer.concat(bodies.map(sha256))).toString('base64')}-2`;
      const wrong = suite.s3.send(new CompleteMultipartUploadCommand({ ...complete, ChecksumSHA256: 'bad' }));
      expect(await refusalOf(wrong)).toEqual({ code: 'BadDigest', status: 400 });
      const done = await suite.s3.send(new CompleteMultipartUploadCommand({ ...complete, ChecksumSHA256: expected }));
      expect(done).toMatchObject({ ChecksumSHA256: expected, ChecksumType: 'COMPOSITE' });
      const { Bucket, Key } = complete;
      const part = await suite.s3.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 2, ChecksumMode: 'ENABLED' }));
      expect(part.ChecksumSHA256).toBe(sha256(Buffer.from('the end')).toString('base64'));
    }, 30_000);

    it('cover the whole object where the algorithm allows it', async () => {
      const complete = await upload('CRC32', 'FULL_OBJECT');
      const done = await suite.s3.send(new CompleteMultipartUploadCommand(complete));
      expect(done.ChecksumType).toBe('FULL_OBJECT');
      const whole = await suite.s3.send(
        new PutObjectCommand({
          Bucket: complete.Bucket,
          Key: 'whole',
          Body: Buffer.concat(bodies),
          ChecksumAlgorithm: 'CRC32',
        }),
      );
      expect(done.ChecksumCRC32).toBe(whole.ChecksumCRC32);
    }, 30_000);

    it('refuse a type that the algorithm does not have', async () => {
      const Bucket = await suite.newBucket();
      const create = suite.s3.send(
        new CreateMultipartUploadCommand({
          Bucket,
          Key: 'k',
          ChecksumAlgorithm: 'SHA256',
          ChecksumType: 'FULL_OBJECT',
        }),
      );
      expect(await refusalOf(create)).toEqual({ code: 'InvalidRequest', status: 400 });
    });

    it('refuse a part whose checksum is another in the list', async () => {
      const complete = await upload('SHA256', 'COMPOSITE');
      const [first, second] = complete.MultipartUpload.Parts;
      const Parts = [{ ...first, ChecksumSHA256: second?.ChecksumSHA256 }, { ...second }];
      const done = suite.s3.send(new CompleteMultipartUploadCommand({ ...complete, MultipartUpload: { Parts } }));
      expect((await refusalOf(done)).code).toBe('InvalidPart');
    }, 30_000);
  });
});

function md5Of(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('base64');
}
