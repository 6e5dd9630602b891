import { findOperation } from '../operations/operation-catalogue';
import { sessionPolicyRule } from '../auth/session-policy-rule';
import { parseSessionPolicy } from './policy-document';

const allow = (Action: unknown, Resource: unknown, more: object = {}): object => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const documentOf = (...Statement: readonly unknown[]): string => JSON.stringify({ Version: '2012-10-17', Statement });

interface Asked {
  readonly operation?: string;
  readonly action?: string;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly prefix?: string | undefined;
  readonly client?: string;
}

function allows(policy: string, asked: Asked): boolean {
  const operation = findOperation(asked.operation ?? 'GetObject');
  if (operation === undefined) throw new Error('S3 has no such operation');
  return sessionPolicyRule(parseSessionPolicy(policy)).allows(
    {
      operation,
      actions: [asked.action ?? operation.action],
      bucket: asked.bucket,
      key: asked.key,
      prefix: asked.prefix,
    },
    asked.client,
  );
}

describe('a session policy', () => {
  const objects = documentOf(allow(['s3:getobject', 's3:Put*'], 'arn:aws:s3:::b/in/*'));

  it.each<[string, string, Asked, boolean]>([
    ['what it names, whatever the case', objects, { bucket: 'b', key: 'in/a' }, true],
    ['what its pattern covers', objects, { operation: 'PutObject', bucket: 'b', key: 'in/a/b' }, true],
    ['no other key', objects, { bucket: 'b', key: 'out' }, false],
    ['no other bucket', objects, { bucket: 'c', key: 'in/a' }, false],
    ['no other action', objects, { operation: 'DeleteObject', bucket: 'b', key: 'in/a' }, false],
    [
      'no versions by the action for objects',
      objects,
      { action: 's3:GetObjectVersion', bucket: 'b', key: 'in/a' },
      false,
    ],
    [
      'not the bucket by its keys',
      documentOf(allow('s3:*', 'arn:aws:s3:::b/*')),
      { operation: 'ListObjects', bucket: 'b' },
      false,
    ],
    ['no keys by the bucket', documentOf(allow('s3:*', 'arn:aws:s3:::b')), { bucket: 'b', key: 'k' }, false],
    [
      'buckets and keys by a pattern over both',
      documentOf(allow('*', 'arn:aws:s3:::b*')),
      { bucket: 'bc', key: 'k' },
      true,
    ],
    ['all', documentOf(allow('*', '*')), { operation: 'ListBuckets' }, true],
    ['all of S3', documentOf(allow('s3:*', 'arn:aws:s3:::*')), { operation: 'ListBuckets' }, true],
    [
      'no list of buckets by a pattern',
      documentOf(allow('s3:*', 'arn:aws:s3:::?')),
      { operation: 'ListBuckets' },
      false,
    ],
    [
      'by one statement of several',
      documentOf(allow('s3:PutObject', '*'), allow('s3:GetObject', '*')),
      { bucket: 'b', key: 'k' },
      true,
    ],
    [
      'a single statement without a list',
      JSON.stringify({ Statement: allow('s3:GetObject', '*') }),
      { bucket: 'b', key: 'k' },
      true,
    ],
  ])('allows %s', (_what, policy, asked, expected) => {
    expect(allows(policy, asked)).toBe(expected);
  });

  it('holds listings to their prefix', () => {
    const policy = documentOf(
      allow('s3:ListBucket', 'arn:aws:s3:::b', { Condition: { StringLike: { 'S3:Prefix': ['', 'in/*'] } } }),
    );
    const list = (prefix?: string): boolean => allows(policy, { operation: 'ListObjectsV2', bucket: 'b', prefix });
    expect([list('in/'), list('in/a'), list(''), list(), list('in'), list('out/')]).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(allows(policy, { operation: 'HeadBucket', bucket: 'b' })).toBe(false);
  });

  it('holds clients to their networks', () => {
    const policy = documentOf(allow('*', '*', { Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }));
    const from = (client?: string): boolean =>
      allows(policy, { bucket: 'b', key: 'k', ...(client === undefined ? {} : { client }) });
    expect([from('192.0.2.7'), from('192.0.3.7'), from()]).toEqual([true, false, false]);
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['nothing', '{}'],
    ['no statement', documentOf()],
    ['another version', JSON.stringify({ Version: '2020-01-01', Statement: [allow('*', '*')] })],
    ['a part of its own', JSON.stringify({ Statement: [allow('*', '*')], Extra: 1 })],
    ['a denial', documentOf(allow('*', '*'), { Effect: 'Deny', Action: 's3:DeleteObject', Resource: '*' })],
    ['no effect', documentOf({ Action: '*', Resource: '*' })],
    ['no action', documentOf({ Effect: 'Allow', Resource: '*' })],
    ['no actions', documentOf(allow([], '*'))],
    ['no resource', documentOf({ Effect: 'Allow', Action: '*' })],
    ['NotAction', documentOf({ Effect: 'Allow', NotAction: 's3:DeleteObject', Resource: '*' })],
    ['NotResource', documentOf({ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::b' })],
    ['a principal', documentOf(allow('*', '*', { Principal: '*' }))],
    ['an action of another service', documentOf(allow('ec2:*', '*'))],
    ['a resource of another service', documentOf(allow('s3:*', 'arn:aws:sns:::topic'))],
    ['a bucket of an account', documentOf(allow('s3:*', 'arn:aws:s3::123456789012:b'))],
    ['a variable', documentOf(allow('s3:*', 'arn:aws:s3:::b/${aws:username}/*'))],
    ['a number', documentOf(allow('s3:*', 1))],
    ['another condition', documentOf(allow('*', '*', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }))],
    ['another operator', documentOf(allow('*', '*', { Condition: { StringNotLike: { 's3:prefix': 'a' } } }))],
    [
      'conditions on the same twice',
      documentOf(allow('*', '*', { Condition: { StringLike: { 's3:prefix': 'a', 'S3:prefix': 'b' } } })),
    ],
    ['a pattern taken as it is', documentOf(allow('*', '*', { Condition: { StringEquals: { 's3:prefix': 'a*' } } }))],
    ['what is no network', documentOf(allow('*', '*', { Condition: { IpAddress: { 'aws:SourceIp': 'here' } } }))],
    ['an empty condition', documentOf(allow('*', '*', { Condition: { StringLike: { 's3:prefix': [] } } }))],
    ['a condition that is a list', documentOf(allow('*', '*', { Condition: [] }))],
  ])('with %s is refused, never read as less than it says', (_what, text) => {
    expect(() => parseSessionPolicy(text)).toThrow(expect.objectContaining({ code: 'MalformedPolicyDocument' }));
  });
});
