import { createHash } from 'node:crypto';
import { accountNumberOf } from '../../context/account-number';
import type { S3Identity } from '../http/s3-request';
import { StsError } from './sts-error';

const ROLE_ARN = /^arn:aws[a-z-]*:iam::([A-Za-z0-9._-]+):role\/((?:[\x21-\x7e]{1,511}\/)?([\w+=,.@-]{1,64}))$/;
const MAX_ROLE_ARN_LENGTH = 2_048;
const ROLE_ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Who asks, as far as names go. */
type Caller = Pick<S3Identity, 'tenantId' | 'tenantName'>;

/** A role of the caller's own tenant; there is nothing more to it than its name. */
export interface Role {
  /** Without its path. */
  readonly name: string;
  /** `AROA` and 17 of `A-Z 2-7`, the same for the same role of the same tenant. */
  readonly id: string;
}

/**
 * Roles need not be made: whoever is asked for one of the own tenant, by account number, name or id, exists and has the rights of
 * the caller. Throws `ValidationError` for what is no ARN of a role, and `AccessDenied` for another account.
 */
export function assumableRole(arn: string, caller: Caller): Role {
  const match = arn.length <= MAX_ROLE_ARN_LENGTH ? ROLE_ARN.exec(arn) : null;
  const [, account, path, name] = match ?? [];
  if (account === undefined || path === undefined || name === undefined) {
    throw new StsError('ValidationError', `${arn.slice(0, 200)} is invalid`);
  }
  const own = [accountNumberOf(caller.tenantId), caller.tenantName, caller.tenantId];
  if (!own.includes(account)) {
    throw new StsError('AccessDenied', `Not authorized to perform: sts:AssumeRole on resource: ${arn}`);
  }
  return { name, id: roleId(caller.tenantId, path) };
}

function roleId(tenantId: string, path: string): string {
  const digest = createHash('sha256').update(`vaultaire:role:${tenantId}:${path}`).digest();
  return `AROA${Array.from(digest.subarray(0, 17), (byte) => ROLE_ID_ALPHABET.charAt(byte % 32)).join('')}`;
}
