import type { IncomingMessage } from 'node:http';
import type { OperationDefinition, S3Resource } from '../operations/operation.types';

/** Version of the one API that STS ever had. */
export const STS_VERSION = '2011-06-15';

/** Actions of STS that are served; the form of the request names one. */
export const STS_ACTIONS = ['AssumeRole', 'GetCallerIdentity', 'GetSessionToken'] as const;

export type StsAction = (typeof STS_ACTIONS)[number];

/** Where the dispatcher sends requests to STS: the prefix is that of S3's operations, the rest can be no operation's name. */
export const STS_ROUTE = '/_s3/-sts';

/**
 * What a request to STS counts as until its form was read, and for its limits. It is no operation of S3 and so is not in the
 * catalogue.
 */
export const STS_OPERATION: OperationDefinition = {
  name: 'SecurityTokenService',
  method: 'POST',
  resource: 'service',
  query: {},
  headers: [],
  parameters: [],
  action: 'sts:AssumeRole',
  body: 'form',
  operationClass: 'admin',
};

/** STS's clients post a form to the root, which S3 has no operation for. */
export function isStsRequest(message: IncomingMessage, resource: S3Resource): boolean {
  return (
    resource === 'service' &&
    message.method === 'POST' &&
    message.headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') === true
  );
}
