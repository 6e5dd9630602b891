interface ErrorDefinition {
  readonly status: number;
  readonly message: string;
}

/** S3 error codes with the status and message that AWS answers (API reference, "Error responses"). */
export const S3_ERRORS = {
  AccessDenied: { status: 403, message: 'Access Denied' },
  BadDigest: { status: 400, message: 'The Content-MD5 or checksum value that you specified did not match what the server received.' },
  NotImplemented: { status: 501, message: 'A header or query you provided implies functionality that is not implemented.' },
} as const satisfies Record<string, ErrorDefinition>;

export type S3ErrorCode = keyof typeof S3_ERRORS;
