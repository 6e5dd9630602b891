import type { S3ErrorCode } from './s3-error-catalogue';
import { S3_ERRORS } from './s3-error-catalogue';

export interface S3ErrorOptions {
  /** Replaces the catalogue's message. */
  readonly message?: string;
  /** Elements of the error document besides Code, Message, Resource, RequestId, HostId, for example `{ BucketName: 'b' }`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Headers of the answer, lower case, for example `content-range` or `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the catalogue's status. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** A refusal in S3's words. Only the S3 edge throws it; code, status and message come from the catalogue. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly code: S3ErrorCode,
    options: S3ErrorOptions = {},
  ) {
    super(
      options.message ?? S3_ERRORS[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.status = options.status ?? S3_ERRORS[code].status;
    this.fields = options.fields ?? {};
    this.headers = options.headers ?? {};
  }
}
