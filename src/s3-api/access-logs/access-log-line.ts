import type { OperationDefinition } from '../operations/operation.types';

/** What a line tells. Undefined fields become `-`. */
export interface AccessLogFields {
  readonly bucketOwner: string;
  readonly bucket: string;
  readonly startedAtMs: number;
  readonly remoteAddress: string | undefined;
  /** Canonical id. */
  readonly requester: string | undefined;
  readonly requestId: string;
  readonly operation: Pick<OperationDefinition, 'name' | 'method' | 'resource'>;
  readonly key: string | undefined;
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly target: string;
  readonly httpVersion: string;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly bytesSent: number;
  readonly objectBytes: number | undefined;
  readonly totalMs: number;
  /** To the first byte of the answer. */
  readonly turnAroundMs: number | undefined;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  readonly versionId: string | undefined;
  readonly hostId: string;
  readonly signature: 'header' | 'query' | undefined;
  readonly host: string | undefined;
  /** As Node names it, `TLSv1.3`. */
  readonly tlsVersion: string | undefined;
  readonly cipher: string | undefined;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const TWO_DIGITS = (value: number): string => String(value).padStart(2, '0');

/**
 * A line of a server access log, with all fields up to `aclRequired` and no line break. As AWS has no rule for quotes and control
 * characters inside of fields, they are percent-encoded, and so a line always splits at blanks outside of quotes and brackets.
 * Signatures and session tokens of presigned URLs are left out: who reads the log could use them.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 */
export function accessLogLine(fields: AccessLogFields): string {
  return [
    fields.bucketOwner,
    fields.bucket,
    timeOf(fields.startedAtMs),
    word(fields.remoteAddress),
    word(fields.requester),
    fields.requestId,
    operationOf(fields.operation),
    fields.key === undefined ? '-' : encodedKey(fields.key),
    quoted(`${fields.method} ${withoutSecrets(fields.target)} HTTP/${fields.httpVersion}`),
    fields.status === 0 ? '-' : String(fields.status),
    word(fields.errorCode),
    fields.bytesSent === 0 ? '-' : String(fields.bytesSent),
    fields.objectBytes === undefined ? '-' : String(fields.objectBytes),
    String(Math.round(fields.totalMs)),
    fields.turnAroundMs === undefined ? '-' : String(Math.round(fields.turnAroundMs)),
    quoted(fields.referer ?? '-'),
    quoted(fields.userAgent ?? '-'),
    word(fields.versionId),
    fields.hostId,
    fields.signature === undefined ? '-' : 'SigV4',
    word(fields.cipher),
    { header: 'AuthHeader', query: 'QueryString', none: '-' }[fields.signature ?? 'none'],
    word(fields.host),
    fields.tlsVersion === undefined ? '-' : fields.tlsVersion.toUpperCase(),
    '-',
    '-',
  ].join(' ');
}

/** `[06/Feb/2019:00:00:38 +0000]` */
function timeOf(timeMs: number): string {
  const time = new Date(timeMs);
  const date = `${TWO_DIGITS(time.getUTCDate())}/${MONTHS[time.getUTCMonth()] ?? ''}/${time.getUTCFullYear()}`;
  const clock = [time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()].map(TWO_DIGITS).join(':');
  return `[${date}:${clock} +0000]`;
}

/** The third part of AWS's names, where it is not that of the sub-resource. */
const RESOURCES: Readonly<Record<string, string>> = {
  GetBucketLogging: 'LOGGING_STATUS',
  PutBucketLogging: 'LOGGING_STATUS',
  ListObjectVersions: 'BUCKETVERSIONS',
  GetBucketPolicy: 'BUCKETPOLICY',
  PutBucketPolicy: 'BUCKETPOLICY',
  DeleteBucketPolicy: 'BUCKETPOLICY',
  DeleteObjects: 'MULTI_OBJECT_DELETE',
  GetObjectTagging: 'OBJECT_TAGGING',
  PutObjectTagging: 'OBJECT_TAGGING',
  DeleteObjectTagging: 'OBJECT_TAGGING',
  GetObjectAttributes: 'OBJECT_ATTRIBUTES',
  CreateMultipartUpload: 'UPLOADS',
  ListMultipartUploads: 'UPLOADS',
  CompleteMultipartUpload: 'UPLOAD',
  AbortMultipartUpload: 'UPLOAD',
  ListParts: 'UPLOAD',
  UploadPart: 'PART',
  UploadPartCopy: 'PART',
  GetBucketLifecycleConfiguration: 'LIFECYCLE',
  PutBucketLifecycleConfiguration: 'LIFECYCLE',
  GetBucketNotificationConfiguration: 'NOTIFICATION',
  PutBucketNotificationConfiguration: 'NOTIFICATION',
  GetPublicAccessBlock: 'PUBLIC_ACCESS_BLOCK',
  PutPublicAccessBlock: 'PUBLIC_ACCESS_BLOCK',
  DeletePublicAccessBlock: 'PUBLIC_ACCESS_BLOCK',
  GetObjectAcl: 'ACL',
  PutObjectAcl: 'ACL',
};
const COPIES = new Set(['CopyObject', 'UploadPartCopy']);

/** `REST.GET.OBJECT` */
function operationOf({ name, method, resource }: AccessLogFields['operation']): string {
  const verb = COPIES.has(name) ? 'COPY' : method;
  return `REST.${verb}.${RESOURCES[name] ?? subResourceOf(name) ?? resource.toUpperCase()}`;
}

/** `PutBucketOwnershipControls` is about `OWNERSHIP_CONTROLS`. */
function subResourceOf(name: string): string | undefined {
  const [, words] = /^(?:Get|Put|Delete)Bucket(\w+?)(?:Configuration)?$/.exec(name) ?? [];
  return words?.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

function encodedKey(key: string): string {
  return key.toWellFormed().split('/').map(encodeURIComponent).join('/');
}

const SECRET_PARAMETERS = /([?&](?:X-Amz-Signature|X-Amz-Security-Token|Signature)=)[^&]*/gi;

function withoutSecrets(target: string): string {
  return target.includes('?') ? target.replace(SECRET_PARAMETERS, '$1-') : target;
}

/** Blanks, quotes and what is no printable ASCII. Node gives header values as one character per byte. */
const UNSAFE_IN_QUOTES = /[^\x20-\x21\x23-\x7e]/g;
const UNSAFE_IN_WORD = /[^\x21\x23-\x7e]/g;

function quoted(text: string): string {
  return `"${text.replace(UNSAFE_IN_QUOTES, percentEncoded)}"`;
}

function word(text: string | undefined): string {
  return text === undefined || text === '' ? '-' : text.replace(UNSAFE_IN_WORD, percentEncoded);
}

function percentEncoded(character: string): string {
  const code = character.charCodeAt(0);
  if (code > 0xff) return encodeURIComponent(character.toWellFormed());
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
