import type { OperationContext, Principal } from '../context/operation-context';

/** The user who acts, and so owns what the operation creates. Background jobs create nothing. */
export function ownerOf(ctx: OperationContext): Extract<Principal, { kind: 'user' }> {
  if (ctx.principal.kind !== 'user') throw new Error(`${ctx.principal.job} has no user to own what it creates`);
  return ctx.principal;
}
