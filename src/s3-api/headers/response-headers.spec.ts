import { artifactKey } from '../../context/ids';
import type { ArtifactRead, ArtifactStat } from '../../engine/artifacts/artifact.types';
import type { QueryParameters } from '../http/s3-request';
import { applyOverrides, readHeaders } from './response-headers';

const STAT: ArtifactStat = {
  key: artifactKey('k'),
  versionId: undefined,
  sizeBytes: 10,
  etag: 'abc',
  lastModified: new Date('2024-01-02T03:04:05.678Z'),
  attributes: { headers: {}, metadata: { name: 'é' }, storageClass: 'STANDARD', tags: { a: '1', b: '2' } },
  checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' },
  partCount: undefined,
  ownerId: 'u',
};

function whole(stat: Partial<ArtifactStat> = {}): ArtifactRead {
  return { stat: { ...STAT, ...stat }, range: undefined, partChecksum: undefined, lengthBytes: 10, body: undefined };
}

function query(values: Record<string, string>): QueryParameters {
  return { get: (name) => values[name], has: (name) => name in values, entries: () => Object.entries(values) };
}

describe('readHeaders', () => {
  it('describes a whole object', () => {
    expect(readHeaders(whole(), { hasChecksums: false, isPart: false })).toEqual({
      'content-type': 'binary/octet-stream',
      'content-length': 10,
      etag: '"abc"',
      'last-modified': 'Tue, 02 Jan 2024 03:04:05 GMT',
      'accept-ranges': 'bytes',
      'x-amz-meta-name': '=?UTF-8?B?w6k=?=',
      'x-amz-tagging-count': 2,
    });
  });

  it('tells a storage class only when it is another than STANDARD', () => {
    const attributes = { ...STAT.attributes, storageClass: 'GLACIER' };
    expect(readHeaders(whole({ attributes }), { hasChecksums: false, isPart: false })).toHaveProperty(
      'x-amz-storage-class',
      'GLACIER',
    );
  });

  it('tells checksums of whole objects and of parts, and not of ranges', () => {
    const options = { hasChecksums: true, isPart: false };
    expect(readHeaders(whole(), options)).toHaveProperty('x-amz-checksum-crc32', 'AAAAAA==');
    const ranged = readHeaders({ ...whole(), range: { start: 2, end: 4 }, lengthBytes: 3 }, options);
    expect(ranged).not.toHaveProperty('x-amz-checksum-crc32');
    expect(ranged).toHaveProperty('content-range', 'bytes 2-4/10');
    const part: ArtifactRead = {
      ...whole({ partCount: 2 }),
      range: { start: 0, end: 4 },
      partChecksum: { algorithm: 'CRC32', type: 'COMPOSITE', value: 'BBBBBB==' },
    };
    expect(readHeaders(part, { hasChecksums: true, isPart: true })).toMatchObject({
      'x-amz-checksum-crc32': 'BBBBBB==',
      'x-amz-mp-parts-count': 2,
    });
  });

  it('gives the range of an object that is its own only part', () => {
    expect(readHeaders(whole(), { hasChecksums: false, isPart: true })).toHaveProperty('content-range', 'bytes 0-9/10');
  });
});

describe('applyOverrides', () => {
  it('replaces headers and refuses to add lines', () => {
    const headers = readHeaders(whole(), { hasChecksums: false, isPart: false });
    applyOverrides(headers, 'response-content-type=x', query({ 'response-content-type': 'text/html' }));
    expect(headers['content-type']).toBe('text/html');
    expect(() => {
      applyOverrides(headers, 'response-expires=x', query({ 'response-expires': 'now\r\nset-cookie: a=b' }));
    }).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });
});
