import { createHash } from 'node:crypto';

/**
 * The accounts in the order in which they are asked for a key: rendezvous hashing over their names (Thaler and Ravishankar, 1998). The
 * first is where a new blob goes.
 *
 * No record is needed, and accounts may be added: of n + 1 accounts a new one comes first for one key in n + 1 only, and a
 * blob that was written before is found behind it, for the order of the others stays as it is.
 */
export function rankAccounts<T extends { readonly name: string }>(accounts: readonly T[], key: string): readonly T[] {
  if (accounts.length < 2) return accounts;
  return accounts
    .map((account) => ({ account, weight: weightOf(account.name, key) }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ account }) => account);
}

function weightOf(name: string, key: string): number {
  return createHash('sha256').update(`${name}\0${key}`).digest().readUIntBE(0, 6);
}
