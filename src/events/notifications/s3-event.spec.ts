import * as fc from 'fast-check';
import { encodeEventKey, s3EventMessage, sequencerOf } from './s3-event';
import type { OutboxEvent } from './s3-event';

const EVENT: OutboxEvent = {
  id: '255',
  container_id: '1',
  container: 'photos',
  owner_canonical_id: 'abc',
  rule_id: 'all',
  event: 'ObjectCreated:Put',
  key: 'red flower.jpg',
  size_bytes: '1024',
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
  version_id: '0000000000000001',
  origin: 'PutObject REQ1 192.0.2.1 0190a000-0000-7000-8000-000000000001',
  occurred_at: new Date('2030-01-02T03:04:05.678Z'),
};

describe('S3 event messages', () => {
  it('have the structure that S3 describes', () => {
    expect(JSON.parse(s3EventMessage(EVENT, 'us-east-1'))).toEqual({
      Records: [
        {
          eventVersion: '2.1',
          eventSource: 'aws:s3',
          awsRegion: 'us-east-1',
          eventTime: '2030-01-02T03:04:05.678Z',
          eventName: 'ObjectCreated:Put',
          userIdentity: { principalId: 'AWS:0190a000-0000-7000-8000-000000000001' },
          requestParameters: { sourceIPAddress: '192.0.2.1' },
          responseElements: { 'x-amz-request-id': 'REQ1', 'x-amz-id-2': 'REQ1' },
          s3: {
            s3SchemaVersion: '1.0',
            configurationId: 'all',
            bucket: { name: 'photos', ownerIdentity: { principalId: 'abc' }, arn: 'arn:aws:s3:::photos' },
            object: {
              key: 'red+flower.jpg',
              size: 1024,
              eTag: 'd41d8cd98f00b204e9800998ecf8427e',
              versionId: '0000000000000001',
              sequencer: '00000000000000FF',
            },
          },
        },
      ],
    });
  });

  it('leave out what a removed object has not', () => {
    const removed = { ...EVENT, event: 'ObjectRemoved:Delete', size_bytes: null, etag: null, version_id: null };
    const [record] = JSON.parse(s3EventMessage(removed, 'us-east-1')).Records;
    expect(record.s3.object).toEqual({ key: 'red+flower.jpg', sequencer: '00000000000000FF' });
  });

  it('say of tagging that it is of a later version', () => {
    const tagged = { ...EVENT, event: 'ObjectTagging:Put' };
    expect(JSON.parse(s3EventMessage(tagged, 'us-east-1')).Records[0].eventVersion).toBe('2.3');
  });

  it('are shorter for a test', () => {
    expect(JSON.parse(s3EventMessage({ ...EVENT, event: 'TestEvent', key: '' }, 'us-east-1'))).toEqual({
      Service: 'Amazon S3',
      Event: 's3:TestEvent',
      Time: '2030-01-02T03:04:05.678Z',
      Bucket: 'photos',
      RequestId: 'REQ1',
      HostId: 'REQ1',
    });
  });

  it('know of changes of which nobody knows who made them', () => {
    const [record] = JSON.parse(s3EventMessage({ ...EVENT, origin: null }, 'us-east-1')).Records;
    expect(record).toMatchObject({
      userIdentity: { principalId: 'Vaultaire' },
      requestParameters: { sourceIPAddress: '-' },
    });
  });

  it('have sequencers that sort as text as their events came', () => {
    const id = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(id, id, (a, b) => {
        const [first, second] = [sequencerOf(String(a)), sequencerOf(String(b))];
        return first.length === 16 && first < second === a < b;
      }),
    );
  });

  it('have keys that a form decoder gives back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (key) => {
        const encoded = encodeEventKey(key);
        expect(encoded).toMatch(/^[A-Za-z0-9%+/*._-]*$/);
        expect(new URLSearchParams(`key=${encoded}`).get('key')).toBe(key);
      }),
    );
  });
});
