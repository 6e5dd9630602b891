import type { EffectivePolicy } from '../../context/policy/effective-policy';
import type { RequestRecord } from '../../context/request-record';
import type { Pacing } from './byte-pacer';

/** Classes of operations that are limited apart from each other. */
export type LimitClass = 'read' | 'write' | 'list' | 'admin';

/** What the throttle needs to know of a request, and what it tells. */
export interface ThrottledRequest {
  /** Undefined while nobody vouched for the request: such a one is refused elsewhere and takes no token. */
  readonly identity:
    | {
        readonly tenantId: string;
        readonly principal: { readonly accessKeyId: string };
        readonly policy: Pick<EffectivePolicy, 'limits'>;
      }
    | undefined;
  readonly operation: { readonly operationClass: LimitClass };
  readonly record: Pick<RequestRecord, 'onSettled'>;
  /** Set where the bytes of the request or its answer are shaped. */
  pacing?: Pacing | undefined;
}

/** Reads it off the HTTP request. The plane that throttles provides it, since tenants know nothing of protocols. */
export abstract class ThrottledRequests {
  abstract of(httpRequest: object): ThrottledRequest;
}
