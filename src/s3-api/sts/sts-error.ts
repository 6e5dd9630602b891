import type { S3Error } from '../errors/s3-error';
import type { S3ErrorCode } from '../errors/s3-error-catalogue';
import type { Refusal } from '../http/failure-writer';
import { writeXmlDocument } from '../xml/xml-writer';

export const STS_XML_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

/**
 * Error codes of STS with their status.
 *
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and the errors of each action
 */
const STS_ERRORS = {
  AccessDenied: 403,
  ExpiredToken: 403,
  IncompleteSignature: 400,
  InternalFailure: 500,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  MalformedPolicyDocument: 400,
  MissingAction: 400,
  MissingAuthenticationToken: 403,
  PackedPolicyTooLarge: 400,
  RequestEntityTooLarge: 413,
  RequestExpired: 400,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  Throttling: 400,
  ValidationError: 400,
} as const;

export type StsErrorCode = keyof typeof STS_ERRORS;

/** A refusal in the words of STS. */
export class StsError extends Error implements Refusal {
  override readonly name = 'StsError';
  readonly status: number;

  constructor(
    readonly code: StsErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = STS_ERRORS[code];
  }
}

/** The guards speak S3's language; SDKs tell expired from wrong credentials by STS's codes. */
const OF_S3: Partial<Readonly<Record<S3ErrorCode, readonly [code: StsErrorCode, message?: string]>>> = {
  AccessDenied: ['AccessDenied'],
  AuthorizationHeaderMalformed: ['IncompleteSignature'],
  BadDigest: ['SignatureDoesNotMatch'],
  ExpiredToken: ['ExpiredToken', 'The security token included in the request is expired'],
  InvalidAccessKeyId: ['InvalidClientTokenId', 'The security token included in the request is invalid.'],
  InvalidToken: ['InvalidClientTokenId', 'The security token included in the request is invalid.'],
  MaxMessageLengthExceeded: ['RequestEntityTooLarge'],
  RequestTimeTooSkewed: ['RequestExpired'],
  ServiceUnavailable: ['ServiceUnavailable'],
  SignatureDoesNotMatch: ['SignatureDoesNotMatch'],
  SlowDown: ['Throttling', 'Rate exceeded'],
};

/** What STS answers for a failure of the S3 plane: anything that is the client's and has no code there is `ValidationError`. */
export function toStsError(error: S3Error): StsError {
  const [code, message] = OF_S3[error.code] ?? [error.status < 500 ? 'ValidationError' : 'InternalFailure'];
  return new StsError(code, message ?? error.message, error.headers);
}

/** The error document of AWS's query protocol. */
export function stsErrorDocument(error: StsError, requestId: string): string {
  return writeXmlDocument({
    name: 'ErrorResponse',
    attributes: { xmlns: STS_XML_NAMESPACE },
    children: [
      {
        name: 'Error',
        children: [
          { name: 'Type', children: error.status < 500 ? 'Sender' : 'Receiver' },
          { name: 'Code', children: error.code },
          { name: 'Message', children: error.message },
        ],
      },
      { name: 'RequestId', children: requestId },
    ],
  });
}
