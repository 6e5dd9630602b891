/** `invalid`: it was asked wrongly; `missing`: what it is about is not there; `conflict`: something stands against it; `changed`: it was changed meanwhile. */
export type TenancyFailure = 'invalid' | 'missing' | 'conflict' | 'changed';

/** A refusal to create or change a tenant, user, key or plan, in words for an operator. */
export class TenancyError extends Error {
  override readonly name = 'TenancyError';
  readonly failure: TenancyFailure;
  /** What of that which was asked is wrong; undefined: no one part. */
  readonly field: string | undefined;

  constructor(
    message: string,
    options: ErrorOptions & { readonly failure?: TenancyFailure; readonly field?: string } = {},
  ) {
    super(message, options);
    this.failure = options.failure ?? 'invalid';
    this.field = options.field;
  }
}

/** {@link TenancyError} of a tenant that takes no change any more. */
export const isClosing = (tenantName: string): TenancyError =>
  new TenancyError(`The tenant ${tenantName} is closing`, { failure: 'conflict' });

/** {@link TenancyError} of something that was changed since its revision was read. */
export const changedMeanwhile = (): TenancyError =>
  new TenancyError('It was changed meanwhile: read it again and repeat the change', { failure: 'changed' });
