/**
 * One `Allow` of a session policy, in IAM's own terms; every part that is given must hold.
 *
 * Patterns: `*` stands for any characters, `?` for any one.
 */
export interface SessionPolicyStatement {
  /** Patterns of IAM actions in lower case, for example `s3:getobject` or `s3:list*`. */
  readonly actions: readonly string[];
  /** Patterns of `bucket` or `bucket/key`, without `arn:aws:s3:::`. */
  readonly resources: readonly string[];
  /** Patterns of the `prefix` parameter of a listing; given, nothing but a listing with such a parameter is allowed. */
  readonly listPrefixes?: readonly string[];
  /** Addresses or ranges of clients. */
  readonly networks?: readonly string[];
}

/** What temporary credentials are restricted to besides their parent's own scope: at least one statement must allow a request. */
export type SessionPolicy = readonly SessionPolicyStatement[];
