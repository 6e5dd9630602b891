/** A refusal to create or change a tenant, user or key, in words for an operator. */
export class TenancyError extends Error {
  override readonly name = 'TenancyError';
}
