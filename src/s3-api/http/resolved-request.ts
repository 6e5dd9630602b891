import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ArtifactKey, ContainerName, TenantId } from '../../context/ids';
import type { DriverCallObserver, OperationContext, Principal } from '../../context/operation-context';
import type { TenantQuota } from '../../context/policy/tenant-policy';
import type { RequestRecord } from '../../context/request-record';
import type { Pacing } from '../../tenant/throttling/byte-pacer';
import type { OperationDefinition } from '../operations/operation.types';
import type { S3Address } from './address';
import type { QueryParameters, S3Identity, S3Request } from './s3-request';

/** The request that the dispatcher makes. The abort signal comes into being when somebody first asks for it. */
export class ResolvedS3Request implements S3Request {
  identity: S3Identity | undefined = undefined;
  pacing: Pacing | undefined = undefined;
  readonly id: string;
  readonly bucket: ContainerName | undefined;
  readonly key: ArtifactKey | undefined;
  readonly bucketTenant: string | undefined;
  readonly isVirtualHosted: boolean;
  private context: OperationContext | undefined = undefined;
  private abortController: AbortController | undefined = undefined;
  private abortReason: Error | undefined = undefined;

  constructor(
    readonly message: IncomingMessage,
    readonly response: ServerResponse,
    readonly record: RequestRecord,
    readonly operation: OperationDefinition,
    readonly rawPath: string,
    readonly rawQuery: string,
    readonly query: QueryParameters,
    address: S3Address,
  ) {
    this.id = record.requestId;
    this.bucket = address.bucket;
    this.key = address.key;
    this.bucketTenant = address.tenant;
    this.isVirtualHosted = address.isVirtualHosted;
  }

  get ctx(): OperationContext {
    if (this.context !== undefined) return this.context;
    if (this.identity === undefined) throw new Error('The request has no identity yet');
    this.context = new RequestContext(this, this.identity);
    return this.context;
  }

  /** Aborts when the client goes away, or stalls; the reason is what the request failed with. */
  get signal(): AbortSignal {
    if (this.abortController === undefined) {
      this.abortController = new AbortController();
      if (this.abortReason !== undefined) this.abortController.abort(this.abortReason);
    }
    return this.abortController.signal;
  }

  /** Why the request was given up; undefined while it is not. */
  get abortedBy(): Error | undefined {
    return this.abortReason;
  }

  abort(reason: Error): void {
    if (this.abortReason !== undefined) return;
    this.abortReason = reason;
    this.abortController?.abort(reason);
  }
}

class RequestContext implements OperationContext {
  readonly requestId: string;
  readonly operation: string;
  readonly tenantId: TenantId;
  readonly principal: Principal;
  readonly quota: TenantQuota;
  readonly planName: string | undefined;
  readonly placement: string | undefined;
  readonly deadlineMs: number | undefined = undefined;
  readonly observer: DriverCallObserver;

  constructor(
    private readonly request: ResolvedS3Request,
    identity: S3Identity,
  ) {
    this.requestId = request.id;
    this.operation = request.operation.name;
    this.tenantId = identity.tenantId;
    this.principal = identity.principal;
    this.quota = identity.policy.quota;
    this.planName = identity.planName;
    this.placement = identity.policy.placement;
    this.observer = request.record;
  }

  get startedAtMs(): number {
    return this.request.record.startedAtMs;
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  get remoteAddress(): string | undefined {
    return this.request.record.remoteAddress;
  }
}
