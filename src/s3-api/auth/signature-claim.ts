import type { IncomingHttpHeaders } from 'node:http';
import type { QueryParameters } from '../http/s3-request';

/** The parts of a request that signature v4 covers, as the client sent them. */
export interface SignedRequest {
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly rawPath: string;
  /** Still percent-encoded, without `?`. */
  readonly rawQuery: string;
  readonly query: QueryParameters;
  /** As Node joins them; a character stands for a byte. */
  readonly headers: IncomingHttpHeaders;
  /** Every value of a header by itself, in order; asked only where Node may have joined several. */
  valuesOf(name: string): readonly string[];
}

/** Service that a signature is made for. */
export type SignedService = 's3' | 'sts';

/** `<access key id>/<date>/<region>/<service>/aws4_request` */
export interface Credential {
  readonly accessKeyId: string;
  /** `YYYYMMDD` */
  readonly date: string;
  readonly region: string;
  readonly service: SignedService;
  /** The credential without the access key id. */
  readonly scope: string;
}

/** What a request says of its own signature, well-formed but not yet verified. */
export interface SignatureClaim {
  readonly source: 'header' | 'query';
  readonly credential: Credential;
  /** In the order sent. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ` */
  readonly timestamp: string;
  readonly signedAtMs: number;
  /** How long a presigned URL is valid; undefined for a signature in the header. */
  readonly expiresSeconds: number | undefined;
  /** Value of `x-amz-content-sha256`, last line of the canonical request. */
  readonly payloadHash: string;
}
