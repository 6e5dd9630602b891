/** How the simulated backend differs from AWS, after what is known of real ones. */
export interface SimulatorQuirks {
  /** `both`: whichever the client uses. */
  readonly addressing: 'path' | 'host' | 'both';
  /** False: ListObjectsV2 answers with broken XML. */
  readonly hasListV2: boolean;
  readonly hasMultipart: boolean;
  readonly hasCopy: boolean;
  /** False: ETags are random. */
  readonly hasMd5ETag: boolean;
  /** A PUT without Content-Length is 411. */
  readonly needsContentLength: boolean;
  /** Only `UNSIGNED-PAYLOAD` is accepted, and no trailer. */
  readonly needsUnsignedPayload: boolean;
  /** False: `If-None-Match: *` is ignored. */
  readonly hasConditionalWrites: boolean;
  /** CRC32 is verified, kept and given back. */
  readonly hasChecksums: boolean;
  /** False: the whole object is sent whatever the range. */
  readonly hasRanges: boolean;
  /** Region that signatures must be for; undefined: any. */
  readonly region: string | undefined;
  /** What a signature for another region gets. */
  readonly wrongRegionStatus: 301 | 400 | 403;
  /** Every object is on tape. */
  readonly isArchived: boolean;
  /** Before each answer, in milliseconds. */
  readonly latencyMs: number;
  /** Of each body in either direction; 0: no limit. */
  readonly bytesPerSecond: number;
  /** Of the bodies of all answers together; 0: no limit. */
  readonly totalBytesPerSecond: number;
  readonly maxKeysPerPage: number;
  /** Of all parts but the last. */
  readonly minPartBytes: number;
}

export const AWS_LIKE: SimulatorQuirks = {
  addressing: 'both',
  hasListV2: true,
  hasMultipart: true,
  hasCopy: true,
  hasMd5ETag: true,
  needsContentLength: true,
  needsUnsignedPayload: false,
  hasConditionalWrites: true,
  hasChecksums: true,
  hasRanges: true,
  region: undefined,
  wrongRegionStatus: 301,
  isArchived: false,
  latencyMs: 0,
  bytesPerSecond: 0,
  totalBytesPerSecond: 0,
  maxKeysPerPage: 1000,
  minPartBytes: 5 * 1024 * 1024,
};

/** The backends of the profiles, as far as they differ from {@link AWS_LIKE}. */
export const SIMULATED_BACKENDS = {
  aws: {},
  lyve: { addressing: 'path', hasConditionalWrites: false, hasChecksums: false },
  quotaless: {
    addressing: 'path',
    hasListV2: false,
    hasMultipart: false,
    hasCopy: false,
    hasMd5ETag: false,
    needsUnsignedPayload: true,
    hasConditionalWrites: false,
    hasChecksums: false,
  },
  idrive: {
    addressing: 'path',
    region: 'us-east-1',
    wrongRegionStatus: 403,
    hasConditionalWrites: false,
    hasChecksums: false,
  },
  r2: { addressing: 'path' },
  wasabi: { addressing: 'path', hasConditionalWrites: false, hasChecksums: false },
  b2: { hasConditionalWrites: false, hasChecksums: false },
  minio: { addressing: 'path' },
  generic: { addressing: 'path', hasConditionalWrites: false, hasChecksums: false },
} as const satisfies Record<string, Partial<SimulatorQuirks>>;

export type SimulatedOperation =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'CopyObject'
  | 'RestoreObject'
  | 'HeadBucket'
  | 'ListObjects'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListMultipartUploads'
  | 'Unknown';

/**
 * What goes wrong with a request.
 *
 * - `answer`: the status and S3 error code, and nothing is done;
 * - `delay`: all is done so much later;
 * - `stall`: no answer ever; `stall-body`: none after so many bytes of the answer's body;
 * - `reset`: the connection breaks, when so many bytes of the request's body were received; nothing is done;
 * - `lose-answer`: all is done, and the connection breaks in place of the answer;
 * - `reset-body`: the connection breaks after so many bytes of the answer's body; `truncate-body`: it is closed in order there;
 * - `corrupt`: one byte of the body is another: of the answer's, or of what is kept of the request's.
 */
export type SimulatedFault =
  | { readonly do: 'answer'; readonly status: number; readonly code: string; readonly retryAfterSeconds?: number }
  | { readonly do: 'delay'; readonly ms: number }
  | { readonly do: 'stall' }
  | { readonly do: 'stall-body'; readonly afterBytes: number }
  | { readonly do: 'reset'; readonly afterBytes: number }
  | { readonly do: 'lose-answer' }
  | { readonly do: 'reset-body'; readonly afterBytes: number }
  | { readonly do: 'truncate-body'; readonly afterBytes: number }
  | { readonly do: 'corrupt' };

/** A request as the simulator saw it. */
export interface SeenRequest {
  readonly operation: SimulatedOperation;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}
