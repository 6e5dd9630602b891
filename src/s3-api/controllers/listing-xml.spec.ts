import fc from 'fast-check';
import { containerName } from '../../context/ids';
import type { ArtifactPage, ListedArtifact, ListedVersion } from '../../engine/listing/listing.types';
import { parseXml } from '../xml/xml-parser';
import type { ListingEcho } from './listing-xml';
import { encodeForUrl, writeListObjects, writeListObjectsV2, writeListVersions } from './listing-xml';

const ECHO: ListingEcho = {
  container: containerName('bucket'),
  prefix: 'p&',
  delimiter: '/',
  maxKeys: 2,
  isUrlEncoded: false,
  hasRestores: false,
};

function artifact(key: string): ListedArtifact {
  return {
    key,
    sizeBytes: 5,
    etag: 'abc',
    lastModified: new Date(0),
    storageClass: 'STANDARD',
    checksumAlgorithm: 'CRC32',
    checksumType: 'FULL_OBJECT',
    owner: { canonicalId: 'id', displayName: 'A & B' },
    restore: undefined,
  };
}

function page(overrides: Partial<ArtifactPage> = {}): ArtifactPage {
  return { artifacts: [artifact('a<b')], commonPrefixes: ['x/'], isTruncated: true, nextAfter: 'x/', ...overrides };
}

const parse = (xml: string): ReturnType<typeof parseXml> => parseXml(Buffer.from(xml));

describe('pages of ListObjects', () => {
  it('are well-formed and complete', () => {
    const root = parse(writeListObjects(page(), ECHO, 'm'));
    expect(root.name).toBe('ListBucketResult');
    expect(root.textOf('Prefix')).toBe('p&');
    expect(root.textOf('Marker')).toBe('m');
    expect(root.textOf('NextMarker')).toBe('x/');
    expect(root.textOf('IsTruncated')).toBe('true');
    const [contents] = root.childrenOf('Contents');
    expect(contents?.textOf('Key')).toBe('a<b');
    expect(contents?.textOf('ETag')).toBe('"abc"');
    expect(contents?.child('Owner')?.textOf('DisplayName')).toBe('A & B');
    expect(root.child('CommonPrefixes')?.textOf('Prefix')).toBe('x/');
  });

  it('tell the next marker only with a delimiter', () => {
    expect(parse(writeListObjects(page(), { ...ECHO, delimiter: '' }, '')).child('NextMarker')).toBeUndefined();
  });

  it('carry any printable key, encoded or not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.boolean(), (key, isUrlEncoded) => {
        fc.pre(key.isWellFormed() && !/[\p{Cc}\ufffe\uffff]/u.test(key));
        const xml = writeListObjects(page({ artifacts: [artifact(key)] }), { ...ECHO, isUrlEncoded }, '');
        const text = parse(xml).child('Contents')?.exactTextOf('Key') ?? '';
        expect(isUrlEncoded ? decodeURIComponent(text) : text).toBe(key);
      }),
    );
  });

  it('carry keys that XML cannot, when they are URL-encoded', () => {
    const xml = writeListObjects(page({ artifacts: [artifact('\x01\n')] }), { ...ECHO, isUrlEncoded: true }, '');
    expect(parse(xml).child('Contents')?.textOf('Key')).toBe('%01%0A');
  });
});

describe('pages of ListObjectsV2', () => {
  it('count keys and prefixes, and hide owners unless asked for', () => {
    const request = { continuationToken: '', startAfter: 's', hasOwner: false };
    const root = parse(writeListObjectsV2(page(), ECHO, request));
    expect(root.textOf('KeyCount')).toBe('2');
    expect(root.textOf('ContinuationToken')).toBe('');
    expect(root.textOf('StartAfter')).toBe('s');
    expect(root.textOf('NextContinuationToken')).toBe(Buffer.from('x/').toString('base64url'));
    expect(root.child('Contents')?.child('Owner')).toBeUndefined();
  });
});

describe('pages of ListObjectVersions', () => {
  it('mix versions and delete markers in their order', () => {
    const version: ListedVersion = { ...artifact('k'), versionId: 'v1', isLatest: false, isDeleteMarker: false };
    const marker: ListedVersion = { ...version, versionId: 'v2', isLatest: true, isDeleteMarker: true };
    const root = parse(
      writeListVersions(
        {
          versions: [marker, version],
          commonPrefixes: [],
          isTruncated: true,
          nextKeyMarker: 'k',
          nextVersionIdMarker: 'v1',
        },
        ECHO,
        { keyMarker: '', versionIdMarker: undefined },
      ),
    );
    const names = root.children
      .map((child) => child.name)
      .filter((name) => name === 'Version' || name === 'DeleteMarker');
    expect(names).toEqual(['DeleteMarker', 'Version']);
    expect(root.child('DeleteMarker')?.child('ETag')).toBeUndefined();
    expect(root.child('Version')?.textOf('VersionId')).toBe('v1');
    expect(root.textOf('NextVersionIdMarker')).toBe('v1');
  });
});

describe('encodeForUrl', () => {
  it('keeps slashes, and encodes plus and space', () => {
    expect(encodeForUrl('foo+1/bar baz')).toBe('foo%2B1/bar%20baz');
  });
});
