import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ArtifactKey, ContainerName, TenantId } from '../../context/ids';
import type { OperationContext, Principal } from '../../context/operation-context';
import type { EffectivePolicy } from '../../context/policy/effective-policy';
import type { RequestRecord } from '../../context/request-record';
import type { Pacing } from '../../tenant/throttling/byte-pacer';
import type { SessionStatement } from '../../tenant/session-token';
import type { AccessScope } from '../auth/access-scope';
import type { OperationDefinition } from '../operations/operation.types';

/** How the client vouches for its payload (`x-amz-content-sha256`). */
export type PayloadMode =
  | { readonly kind: 'hash'; readonly sha256Hex: string }
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'streaming-signed'; readonly hasTrailer: boolean }
  | { readonly kind: 'streaming-unsigned-trailer' };

/** What the verification of chunk and trailer signatures needs from the verified seed signature. */
export interface ChunkSigning {
  readonly signingKey: Buffer;
  /** `<date>/<region>/<service>/aws4_request` */
  readonly scope: string;
  /** `YYYYMMDDTHHMMSSZ` */
  readonly timestamp: string;
  readonly seedSignatureHex: string;
}

/** Set by `SigV4Guard`. */
export interface S3Identity {
  readonly tenantId: TenantId;
  /** Its access key is the user's own also where temporary credentials signed, so that limits hold for all of a key's sessions. */
  readonly principal: Extract<Principal, { kind: 'user' }>;
  readonly tenantName: string;
  readonly userName: string;
  /** Undefined: all that the user may. */
  readonly scope: AccessScope | undefined;
  /** When the access key ends, in epoch milliseconds, and with it what is made from it; undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** The temporary credentials that signed; undefined for an access key. */
  readonly session: SessionStatement | undefined;
  /** Plan of the tenant; undefined: none. */
  readonly planName?: string | undefined;
  /** Quotas and limits of the tenant. */
  readonly policy: EffectivePolicy;
  readonly payload: PayloadMode;
  /** Only for the streaming-signed modes. */
  readonly chunkSigning: ChunkSigning | undefined;
}

/** Decoded query parameters in the order they came; names are case-sensitive, `+` is not a space. */
export interface QueryParameters {
  get(name: string): string | undefined;
  has(name: string): boolean;
  entries(): readonly (readonly [name: string, value: string])[];
}

/**
 * One S3 request as the dispatcher resolved it, before anything was decided. Guards fill in `identity`; `ctx` is usable from then on.
 * Handlers get it by `@S3Req()`.
 */
export interface S3Request {
  readonly id: string;
  readonly record: RequestRecord;
  readonly operation: OperationDefinition;
  readonly bucket: ContainerName | undefined;
  readonly key: ArtifactKey | undefined;
  /** Whose the bucket is, where the address says so (`tenant:bucket`). */
  readonly bucketTenant?: string | undefined;
  readonly query: QueryParameters;
  /** Path as the client sent it, still percent-encoded, without the query; signatures are made over it. */
  readonly rawPath: string;
  /** Query as the client sent it, without `?`. */
  readonly rawQuery: string;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** The virtual host's bucket came from the host name. */
  readonly isVirtualHosted: boolean;
  identity: S3Identity | undefined;
  /** Set by `TenantThrottlerGuard` where the bytes of the request or its answer are shaped. */
  pacing?: Pacing | undefined;
  /** Throws before `identity` is set. */
  readonly ctx: OperationContext;
}
