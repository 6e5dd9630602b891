import type { TenantId, UserId } from './ids';
import type { TenantQuota } from './policy/tenant-policy';

/** Who acts: a user through an access key, or the system itself (sweeper, reconcile, command line). */
export type Principal =
  | {
      readonly kind: 'user';
      readonly userId: UserId;
      readonly accessKeyId: string;
      /** 64 hex digits, the `ID` of `Owner` and `Initiator` in S3 answers. */
      readonly canonicalId: string;
      readonly displayName: string;
    }
  | { readonly kind: 'system'; readonly job: string };

/**
 * First parameter of every engine and driver method.
 *
 * `signal` aborts when the client goes away or the server stops; work past the point of no return runs on a context
 * made by {@link detach}, so that a disconnect can't leave half a commit.
 */
export interface OperationContext {
  readonly requestId: string;
  /** Epoch milliseconds when the request began; undefined: a background job, which has no row in the event log. */
  readonly startedAtMs?: number | undefined;
  /** Name from the operation catalogue, or of a background job. */
  readonly operation: string;
  readonly tenantId: TenantId;
  readonly principal: Principal;
  /** What bounds the writes of the operation in the tenant; undefined: nothing, as for background jobs. */
  readonly quota: TenantQuota | undefined;
  /** Plan of the tenant, which may choose placements; undefined: none, or a background job. */
  readonly planName?: string | undefined;
  /** Address of the client; undefined: not known, or a background job. */
  readonly remoteAddress?: string | undefined;
  /** Name of the placement that the tenant or its plan says; undefined: none, or a background job. */
  readonly placement?: string | undefined;
  readonly signal: AbortSignal;
  /** Epoch milliseconds after which the work is to be given up; undefined: none. */
  readonly deadlineMs: number | undefined;
  /** Told of each driver call, for the event log and the metrics. Undefined for background jobs. */
  readonly observer: DriverCallObserver | undefined;
}

export interface DriverCallObserver {
  driverCalled(driver: string, latencyMs: number): void;
  /** Bytes are written to the drivers of this placement. */
  placed?(placement: string): void;
}

/** The same request without the client's abort signal, with a deadline of its own in `timeoutMs`. */
export function detach(ctx: OperationContext, timeoutMs: number): OperationContext {
  return { ...withSignal(ctx, AbortSignal.timeout(timeoutMs)), deadlineMs: Date.now() + timeoutMs };
}

/** The same request with another signal, for a part of its work that may be given up alone. */
export function withSignal(ctx: OperationContext, signal: AbortSignal): OperationContext {
  return {
    requestId: ctx.requestId,
    startedAtMs: ctx.startedAtMs,
    operation: ctx.operation,
    tenantId: ctx.tenantId,
    principal: ctx.principal,
    quota: ctx.quota,
    planName: ctx.planName,
    remoteAddress: ctx.remoteAddress,
    placement: ctx.placement,
    observer: ctx.observer,
    signal,
    deadlineMs: ctx.deadlineMs,
  };
}

/** A context for work that no request asked for. `signal` is the process's stop signal. */
export function systemContext(job: string, tenant: TenantId, signal: AbortSignal): OperationContext {
  return {
    requestId: `${job}-${Date.now().toString(36)}`,
    operation: job,
    tenantId: tenant,
    principal: { kind: 'system', job },
    quota: undefined,
    signal,
    deadlineMs: undefined,
    observer: undefined,
  };
}
