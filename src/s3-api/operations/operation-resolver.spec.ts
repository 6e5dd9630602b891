import fc from 'fast-check';
import { RawQuery } from '../http/raw-query';
import { OPERATION_CATALOGUE } from './operation-catalogue';
import { OperationResolver } from './operation-resolver';
import type { OperationDefinition, S3Resource } from './operation.types';

const resolver = new OperationResolver(OPERATION_CATALOGUE);

function resolve(method: string, resource: S3Resource, rawQuery = '', headers: Record<string, string> = {}): string {
  return resolver.resolve(method, resource, RawQuery.parse(rawQuery), headers).name;
}

function codeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

function rawQueryOf(operation: OperationDefinition): string[] {
  return Object.entries(operation.query).map(([key, value]) => `${key}=${value ?? 'x'}`);
}

const COPY = { 'x-amz-copy-source': '/b/k' };

describe('OperationResolver', () => {
  it.each<[string, S3Resource, string, Record<string, string>, string]>([
    ['GET', 'service', '', {}, 'ListBuckets'],
    ['GET', 'service', 'x-id=ListBuckets', {}, 'ListBuckets'],
    ['GET', 'service', 'x-id=ListDirectoryBuckets', {}, 'ListDirectoryBuckets'],
    ['GET', 'bucket', '', {}, 'ListObjects'],
    ['GET', 'bucket', 'prefix=a&marker=b&foo', {}, 'ListObjects'],
    ['GET', 'bucket', 'prefix=a&list-type=2', {}, 'ListObjectsV2'],
    ['GET', 'bucket', 'versions&prefix=x', {}, 'ListObjectVersions'],
    ['GET', 'bucket', 'analytics', {}, 'ListBucketAnalyticsConfigurations'],
    ['GET', 'bucket', 'id=1&analytics', {}, 'GetBucketAnalyticsConfiguration'],
    ['GET', 'bucket', 'id=1', {}, 'ListObjects'],
    ['PUT', 'bucket', '', {}, 'CreateBucket'],
    ['PUT', 'bucket', 'lifecycle', {}, 'PutBucketLifecycleConfiguration'],
    ['DELETE', 'bucket', 'policy', {}, 'DeleteBucketPolicy'],
    ['POST', 'bucket', 'delete=', {}, 'DeleteObjects'],
    ['POST', 'bucket', '', {}, 'PostObject'],
    ['GET', 'object', '', {}, 'GetObject'],
    ['GET', 'object', 'x-id=GetObject', {}, 'GetObject'],
    ['GET', 'object', 'partNumber=1&versionId=v&response-content-type=a', {}, 'GetObject'],
    ['GET', 'object', 'uploadId=u&max-parts=3', {}, 'ListParts'],
    ['GET', 'object', 'ACL', {}, 'GetObject'],
    ['PUT', 'object', '', {}, 'PutObject'],
    ['PUT', 'object', '', COPY, 'CopyObject'],
    ['PUT', 'object', 'partNumber=1&uploadId=u', {}, 'UploadPart'],
    ['PUT', 'object', 'uploadId=u&partNumber=1', COPY, 'UploadPartCopy'],
    ['PUT', 'object', 'tagging', COPY, 'PutObjectTagging'],
    ['POST', 'object', 'uploads', {}, 'CreateMultipartUpload'],
    ['POST', 'object', 'select&select-type=2', {}, 'SelectObjectContent'],
    ['DELETE', 'object', 'versionId=v', {}, 'DeleteObject'],
    ['DELETE', 'object', 'uploadId=u', {}, 'AbortMultipartUpload'],
  ])('resolves %s of a %s with query "%s" and headers %j as %s', (method, resource, query, headers, name) => {
    expect(resolve(method, resource, query, headers)).toBe(name);
  });

  it.each<[string, S3Resource, string, string]>([
    ['PUT', 'object', 'policy', 'NotImplemented'],
    ['PUT', 'object', 'uploads', 'NotImplemented'],
    ['PUT', 'object', 'uploadId=u', 'NotImplemented'],
    ['PUT', 'object', 'partNumber=1', 'NotImplemented'],
    ['PUT', 'bucket', 'versions', 'NotImplemented'],
    ['PUT', 'bucket', 'delete', 'NotImplemented'],
    ['DELETE', 'bucket', 'acl', 'NotImplemented'],
    ['DELETE', 'object', 'acl', 'NotImplemented'],
    ['HEAD', 'object', 'acl', 'NotImplemented'],
    ['HEAD', 'bucket', 'location', 'NotImplemented'],
    ['GET', 'object', 'versions', 'NotImplemented'],
    ['GET', 'bucket', 'list-type=3', 'NotImplemented'],
    ['POST', 'object', 'select&select-type=1', 'InvalidArgument'],
    ['GET', 'bucket', 'acl&policy', 'InvalidArgument'],
    ['PUT', 'object', 'tagging&acl', 'InvalidArgument'],
    ['DELETE', 'bucket', 'lifecycle&policy', 'InvalidArgument'],
    ['PUT', 'object', 'versionId=v', 'InvalidArgument'],
    ['POST', 'object', '', 'MethodNotAllowed'],
    ['POST', 'service', '', 'MethodNotAllowed'],
    ['PATCH', 'object', '', 'MethodNotAllowed'],
    ['PROPFIND', 'bucket', 'acl', 'MethodNotAllowed'],
  ])('refuses %s of a %s with query "%s" with %s', (method, resource, query, code) => {
    expect(codeOf(() => resolve(method, resource, query))).toBe(code);
  });

  it('resolves every operation of the catalogue as itself, in any order of its parameters and among unknown ones', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...OPERATION_CATALOGUE).chain((operation) =>
          fc.record({
            operation: fc.constant<OperationDefinition>(operation),
            query: fc
              .tuple(
                fc.subarray(['foo=1', 'prefix=a', 'X-Amz-Date=d', 'response-expires=e']),
                fc.subarray(operation.parameters.map((key) => `${key}=1`)),
              )
              .chain(([unknown, parameters]) => {
                const all = [...rawQueryOf(operation), ...unknown, ...parameters];
                return fc.shuffledSubarray(all, { minLength: all.length });
              }),
          }),
        ),
        ({ operation, query }) => {
          const headers = Object.fromEntries(operation.headers.map((header) => [header, 'x']));
          expect(resolve(operation.method, operation.resource, query.join('&'), headers)).toBe(operation.name);
        },
      ),
    );
  });

  it('never lets a sub-resource that an operation does not claim fall through to it', () => {
    const subResources = [...new Set(OPERATION_CATALOGUE.flatMap((operation) => Object.keys(operation.query)))].filter(
      (key) => key !== 'id' && key !== 'x-id',
    );
    fc.assert(
      fc.property(fc.constantFrom(...OPERATION_CATALOGUE), fc.constantFrom(...subResources), (operation, key) => {
        const definition: OperationDefinition = operation;
        const query = RawQuery.parse([...rawQueryOf(definition), key].join('&'));
        const headers = Object.fromEntries(definition.headers.map((header) => [header, 'x']));
        const winner = codeOf(() => resolver.resolve(definition.method, definition.resource, query, headers));
        if (typeof winner === 'string') return;
        expect(
          Object.keys((winner as OperationDefinition).query).concat((winner as OperationDefinition).parameters),
        ).toContain(key);
      }),
    );
  });

  it('does not depend on the order of the catalogue', () => {
    const reversed = new OperationResolver([...OPERATION_CATALOGUE].reverse());
    for (const operation of OPERATION_CATALOGUE) {
      const query = RawQuery.parse(rawQueryOf(operation).join('&'));
      const headers = Object.fromEntries(operation.headers.map((header) => [header, 'x']));
      expect(reversed.resolve(operation.method, operation.resource, query, headers).name).toBe(operation.name);
    }
  });

  it('refuses a catalogue in which a request would select two operations', () => {
    const [operation] = OPERATION_CATALOGUE;
    expect(() => new OperationResolver([operation, { ...operation, name: 'Twin' }])).toThrow(/GetObject and Twin/);
  });
});
