import { OPERATION_CATALOGUE } from '../operations/operation-catalogue';
import { accessLogLine } from './access-log-line';
import type { AccessLogFields } from './access-log-line';

const OWNER = '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be';
const GET: AccessLogFields = {
  bucketOwner: OWNER,
  bucket: 'photos',
  startedAtMs: Date.UTC(2019, 1, 6, 0, 0, 38, 999),
  remoteAddress: '192.0.2.3',
  requester: OWNER,
  requestId: '3E57427F3EXAMPLE',
  operation: { name: 'GetObject', method: 'GET', resource: 'object' },
  key: 'a b/ü',
  method: 'GET',
  target: '/photos/a%20b/%C3%BC?versionId=7',
  httpVersion: '1.1',
  status: 206,
  errorCode: undefined,
  bytesSent: 113,
  objectBytes: 4_096,
  totalMs: 7.4,
  turnAroundMs: 2.6,
  referer: 'https://example.com/',
  userAgent: 'S3Console/0.4',
  versionId: '7',
  hostId: 'aG9zdA==',
  signature: 'header',
  host: 'photos.s3.example.com',
  tlsVersion: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
};

/** As readers of S3's logs take lines apart. */
function fieldsOf(line: string): readonly string[] {
  return line.match(/\[[^\]]*\]|"[^"]*"|\S+/g) ?? [];
}

const withFields = (fields: Partial<AccessLogFields>): readonly string[] =>
  fieldsOf(accessLogLine({ ...GET, ...fields }));

describe('a line of an access log', () => {
  it('has the fields of AWS in their order', () => {
    expect(accessLogLine(GET)).toBe(
      `${OWNER} photos [06/Feb/2019:00:00:38 +0000] 192.0.2.3 ${OWNER} 3E57427F3EXAMPLE REST.GET.OBJECT a%20b/%C3%BC ` +
        '"GET /photos/a%20b/%C3%BC?versionId=7 HTTP/1.1" 206 - 113 4096 7 3 "https://example.com/" "S3Console/0.4" 7 ' +
        'aG9zdA== SigV4 TLS_AES_128_GCM_SHA256 AuthHeader photos.s3.example.com TLSV1.3 - -',
    );
  });

  it('has a dash for what there is not', () => {
    const nothing = {
      remoteAddress: undefined,
      requester: undefined,
      key: undefined,
      errorCode: 'AccessDenied',
      bytesSent: 0,
      objectBytes: undefined,
      turnAroundMs: undefined,
      referer: undefined,
      userAgent: undefined,
      versionId: undefined,
      signature: undefined,
      host: undefined,
      tlsVersion: undefined,
      cipher: undefined,
    };
    expect(accessLogLine({ ...GET, ...nothing })).toBe(
      `${OWNER} photos [06/Feb/2019:00:00:38 +0000] - - 3E57427F3EXAMPLE REST.GET.OBJECT - ` +
        '"GET /photos/a%20b/%C3%BC?versionId=7 HTTP/1.1" 206 AccessDenied - - 7 - "-" "-" - aG9zdA== - - - - - - -',
    );
  });

  it('can be taken apart whatever the client sent', () => {
    const evil = '" 200 - "\r\n\tx \u00ff\u2028\ud800';
    const fields = withFields({ referer: evil, userAgent: evil, key: evil, host: evil, versionId: evil, target: evil });
    expect(fields).toHaveLength(26);
    expect(fields[16]).toBe('"%22 200 - %22%0D%0A%09x %FF%E2%80%A8%EF%BF%BD"');
    expect(fields.join(' ')).toMatch(/^[\x20-\x7e]*$/);
  });

  it('leaves out what would let its reader use a presigned URL', () => {
    const target = '/b/k?X-Amz-Signature=abc&X-Amz-Security-Token=def&x=1';
    const [uri] = withFields({ target, signature: 'query' }).slice(8, 9);
    expect(uri).toBe('"GET /b/k?X-Amz-Signature=-&X-Amz-Security-Token=-&x=1 HTTP/1.1"');
    expect(withFields({ signature: 'query' })[21]).toBe('QueryString');
  });

  it.each([
    ['ListObjectsV2', 'REST.GET.BUCKET'],
    ['ListObjectVersions', 'REST.GET.BUCKETVERSIONS'],
    ['HeadObject', 'REST.HEAD.OBJECT'],
    ['CopyObject', 'REST.COPY.OBJECT'],
    ['UploadPartCopy', 'REST.COPY.PART'],
    ['CreateMultipartUpload', 'REST.POST.UPLOADS'],
    ['DeleteObjects', 'REST.POST.MULTI_OBJECT_DELETE'],
    ['GetBucketLogging', 'REST.GET.LOGGING_STATUS'],
    ['GetBucketVersioning', 'REST.GET.VERSIONING'],
    ['GetBucketLifecycleConfiguration', 'REST.GET.LIFECYCLE'],
    ['PutBucketOwnershipControls', 'REST.PUT.OWNERSHIP_CONTROLS'],
    ['PutObjectTagging', 'REST.PUT.OBJECT_TAGGING'],
    ['DeleteBucket', 'REST.DELETE.BUCKET'],
  ])('calls %s %s', (name, expected) => {
    const operation = OPERATION_CATALOGUE.find((candidate) => candidate.name === name);
    expect(operation && withFields({ operation })[6]).toBe(expected);
  });
});
