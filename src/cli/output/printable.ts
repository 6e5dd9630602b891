/** What a command prints. */
export type Printable =
  | {
      readonly kind: 'data';
      /** As the API answered it. */
      readonly json: unknown;
      /** The same for people. */
      readonly human: string;
    }
  /** Text that is the same in every format, for example a configuration file. */
  | { readonly kind: 'text'; readonly text: string };

export type OutputFormat = 'table' | 'json';

/** The characters that go out, without a line break at the end. */
export function printed(result: Printable, format: OutputFormat): string {
  if (result.kind === 'text') return result.text;
  return format === 'json' ? JSON.stringify(result.json, undefined, 2) : result.human;
}
