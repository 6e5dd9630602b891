/** What a request addresses: the service, a bucket, or an object. */
export type S3Resource = 'service' | 'bucket' | 'object';

/** What kind of body an operation takes. `stream`: bytes of an object; `form`: a browser's POST form. */
export type BodyKind = 'none' | 'xml' | 'stream' | 'form';

/** Class by which an operation is billed and rate limited. */
export type OperationClass = 'read' | 'write' | 'list' | 'admin';

/** One operation of the S3 API, implemented or not. Routing, policy actions, metric labels, event names and the docs come from it. */
export interface OperationDefinition {
  /** AWS spelling, for example `PutObjectTagging`. */
  readonly name: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD' | 'OPTIONS';
  readonly resource: S3Resource;
  /** Query keys that select this operation; a value of undefined accepts any. `{ uploads: undefined }`. */
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Headers (lower case) whose presence selects this operation, for example `x-amz-copy-source`. */
  readonly headers: readonly string[];
  /** Further sub-resource keys that this operation reads, so that they do not count as unclaimed (`versionId`, `partNumber`). */
  readonly parameters: readonly string[];
  /** IAM action, for example `s3:PutObject`. */
  readonly action: string;
  readonly body: BodyKind;
  readonly operationClass: OperationClass;
}
