import { createHash } from 'node:crypto';

const ACCOUNT_NUMBERS = 1_000_000_000_000n;

/**
 * The tenant as the twelve digits that tools of AWS expect of an account: made of its id, always the same. It opens nothing, and
 * is only ever compared with the caller's own.
 */
export function accountNumberOf(tenantId: string): string {
  const number =
    createHash('sha256').update(`vaultaire:account:${tenantId}`).digest().readBigUInt64BE() % ACCOUNT_NUMBERS;
  return number.toString().padStart(12, '0');
}
