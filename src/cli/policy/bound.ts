/** For the help of commands that set bounds. */
export const BOUND_WORDS: readonly string[] = [
  '',
  'Each also takes "none" (no bound) and "inherit" (what the layer below says: the plan for a tenant, the defaults for a plan).',
  'What is not given stays as it is. Sizes: 1048576, 10GB (powers of 1000), 5GiB (powers of 1024).',
];

/**
 * A bound as it stands in a policy: null for `none`, undefined for `inherit`, else what `parse` makes of it.
 *
 * @throws RangeError as `parse` does
 */
export function boundOf<T>(text: string, parse: (text: string) => T): { readonly value: T | null | undefined } {
  if (text === 'none') return { value: null };
  return { value: text === 'inherit' ? undefined : parse(text) };
}
