import type { OperationDefinition } from '../operations/operation.types';

/** One thing that a request asks for. A copy asks for two, a DeleteObjects for as many as it names keys. */
export interface Access {
  /** What the request does here: the source of a copy is read by `GetObject`. */
  readonly operation: OperationDefinition;
  /** IAM actions that are all needed for it; none where every key asks for itself later. */
  readonly actions: readonly string[];
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  /** Value of the `prefix` parameter of a listing; undefined: absent. */
  readonly prefix: string | undefined;
}

/** Restricts what an identity may do, before anything is looked up. Undefined in its place means unrestricted. */
export interface AccessScope {
  /** `client`: address of the client; undefined when it is not known, which no restriction to networks allows. */
  allows(access: Access, client: string | undefined): boolean;
  /** Whether requests may come from there at all. */
  allowsClient(client: string | undefined): boolean;
  /** Whether a listing of buckets shows this one. */
  shows(bucket: string): boolean;
}

/** What all of `scopes` allow; undefined when there are none. */
export function allOf(scopes: readonly AccessScope[]): AccessScope | undefined {
  if (scopes.length <= 1) return scopes[0];
  return {
    allows: (access, client) => scopes.every((scope) => scope.allows(access, client)),
    allowsClient: (client) => scopes.every((scope) => scope.allowsClient(client)),
    shows: (bucket) => scopes.every((scope) => scope.shows(bucket)),
  };
}
