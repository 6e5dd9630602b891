import { Injectable } from '@nestjs/common';
import type { SessionPolicy } from '../../context/policy/session-policy';
import type { SessionRole } from '../../tenant/session-token';
import type { SessionCredentials } from '../../tenant/session-tokens';
import { SessionTokens } from '../../tenant/session-tokens';
import type { S3Identity } from '../http/s3-request';
import { StsError } from './sts-error';

/** Longest session of a role that temporary credentials assumed, as at AWS. */
const MAX_CHAINED_SECONDS = 3_600;
/** All policies of a chain of roles together, as they are written into the token. */
const MAX_PACKED_BYTES = 4_096;

export interface SessionRequest {
  readonly durationSeconds: number;
  readonly role: SessionRole | undefined;
  readonly policy: SessionPolicy | undefined;
}

export interface IssuedSession {
  readonly credentials: SessionCredentials;
  /** How much of the room for policies is taken. */
  readonly packedPolicyPercent: number;
}

/**
 * Makes temporary credentials of a caller's: for the same user, never with more rights, and never for longer than what they
 * are made from.
 */
@Injectable()
export class SessionIssuer {
  constructor(private readonly tokens: SessionTokens) {}

  /** Throws `ValidationError` for a role of a role for more than an hour, `PackedPolicyTooLarge`. */
  issue(caller: S3Identity, { durationSeconds, role, policy }: SessionRequest): IssuedSession {
    const { session } = caller;
    if (session !== undefined && durationSeconds > MAX_CHAINED_SECONDS) {
      throw new StsError(
        'ValidationError',
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
      );
    }
    const policies = [...(session?.policies ?? []), ...(policy === undefined ? [] : [policy])];
    const packedBytes = policies.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(policies));
    if (packedBytes > MAX_PACKED_BYTES) {
      throw new StsError('PackedPolicyTooLarge', 'The session policies of all roles together are too large.');
    }
    const issuedAtMs = Date.now();
    const expiresAtMs = Math.min(
      issuedAtMs + durationSeconds * 1_000,
      session?.expiresAtMs ?? Infinity,
      caller.expiresAtMs ?? Infinity,
    );
    const credentials = this.tokens.issue({
      parentKeyId: caller.principal.accessKeyId,
      issuedAtMs,
      expiresAtMs,
      policies,
      role,
    });
    return { credentials, packedPolicyPercent: Math.ceil((100 * packedBytes) / MAX_PACKED_BYTES) };
  }
}
