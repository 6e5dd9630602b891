/** Classes of operations that are limited apart from each other. */
export type LimitClass = 'read' | 'write' | 'list' | 'admin';

/** What the throttle needs to know of a request. */
export interface ThrottledRequest {
  /** Undefined while nobody vouched for the request: such a one is refused elsewhere and takes no token. */
  readonly identity: { readonly tenantId: string } | undefined;
  readonly operation: { readonly operationClass: LimitClass };
}

/** Reads it off the HTTP request. The plane that throttles provides it, since tenants know nothing of protocols. */
export abstract class ThrottledRequests {
  abstract of(httpRequest: object): ThrottledRequest;
}
