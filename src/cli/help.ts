import type { CommandDefinition, CommandOption, CommandOptions } from './command';

/** Options that every command takes. */
export const COMMON_OPTIONS: CommandOptions = {
  output: {
    value: 'FORMAT',
    summary: 'table (default on a terminal) or json (default elsewhere)',
    choices: ['table', 'json'],
  },
  help: { value: undefined, summary: 'this text' },
};

/** Options that every command takes that talks to the admin API. */
export const API_OPTIONS: CommandOptions = {
  url: { value: 'URL', summary: 'admin API; default: VAULTAIRE_ADMIN_URL, else http://127.0.0.1:8081' },
  token: {
    value: 'TOKEN',
    summary: 'admin token; default: VAULTAIRE_ADMIN_TOKEN. Others see it in the list of processes',
  },
  'token-file': { value: 'PATH', summary: 'file that holds the admin token; - is standard input' },
};

const EXIT_CODES = [
  'Exit codes: 0 done, 1 refused or failed, 2 called wrongly, 3 the server cannot be reached, 4 not authorised.',
];

/** All commands, or those of one group, one line each. */
export function overview(commands: readonly CommandDefinition[], group?: string): string {
  const shown = commands.filter(({ name }) => group === undefined || name.split(' ')[0] === group);
  const width = Math.max(...shown.map(({ name }) => name.length));
  return [
    `Usage: vaultaire ${group ?? '<command>'} ${group === undefined ? '' : '<command> '}[options]`,
    '',
    ...shown.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'vaultaire <command> --help tells more.',
    ...EXIT_CODES,
  ].join('\n');
}

/** How one command is called. */
export function commandHelp(command: CommandDefinition): string {
  const own = Object.entries(command.options).map(described);
  const common = Object.entries({ ...(command.isOffline === true ? {} : API_OPTIONS), ...COMMON_OPTIONS }).map(
    described,
  );
  const usage = own.map(({ text, isRequired }) => (isRequired === true ? text : `[${text}]`));
  const width = Math.max(...[...own, ...common].map(({ text }) => text.length));
  const lineOf = ({ text, summary }: { text: string; summary: string }): string =>
    `  ${text.padEnd(width)}  ${summary}`;
  return [
    `Usage: vaultaire ${[command.name, ...command.positionals, ...usage].join(' ')}`,
    '',
    command.summary,
    ...(command.details ?? []),
    ...(own.length > 0 ? ['', ...own.map(lineOf)] : []),
    '',
    ...common.map(lineOf),
  ].join('\n');
}

function described([name, option]: [string, CommandOption]): CommandOption & { text: string } {
  return { ...option, text: option.value === undefined ? `--${name}` : `--${name} ${option.value}` };
}
