import type { Environment } from '../config/environment';
import { TenancyError } from '../tenant/tenancy.error';
import type { Command } from './command';
import { runCli } from './run-cli';

const environment = {} as unknown as Environment;

const greet: Command = {
  name: 'greet person',
  summary: 'Greets somebody.',
  positionals: ['NAME'],
  options: {
    language: { value: 'CODE', summary: 'language of the greeting', isRequired: true },
    loud: { value: undefined, summary: 'in capitals' },
  },
  run: async (input) => {
    if (input.positional('NAME') === 'nobody') throw new TenancyError('There is nobody');
    return {
      name: input.positional('NAME'),
      language: input.required('language'),
      isLoud: input.isSwitchedOn('loud'),
    };
  },
};

describe('runCli', () => {
  let out: string;
  let err: string;

  function run(...args: string[]): Promise<number> {
    out = '';
    err = '';
    return runCli(args, [greet], () => environment, {
      out: (text) => (out += text),
      err: (text) => (err += text),
    });
  }

  it('prints the result of a command as JSON', async () => {
    expect(await run('greet', 'person', 'Ada', '--language', 'en', '--loud')).toBe(0);
    expect(JSON.parse(out)).toEqual({ name: 'Ada', language: 'en', isLoud: true });
    expect(err).toBe('');
  });

  it('says in one line what an operator asked wrongly, and exits with 1', async () => {
    expect(await run('greet', 'person', 'nobody', '--language', 'en')).toBe(1);
    expect(err).toBe('There is nobody');
    expect(out).toBe('');
  });

  it.each([
    [['greet', 'person', '--language', 'en'], 'NAME is missing'],
    [['greet', 'person', 'Ada'], '--language is missing'],
    [['greet', 'person', 'Ada', 'Bob', '--language', 'en'], 'Too many arguments: Bob'],
    [['greet', 'person', 'Ada', '--langauge', 'en'], '--langauge'],
    [['greet', 'dog'], 'There is no command greet dog'],
  ])('exits with 2 and shows the usage for %j', async (args, message) => {
    expect(await run(...args)).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain('Usage: npm run cli --');
  });

  it('helps', async () => {
    expect(await run('--help')).toBe(0);
    expect(out).toContain('greet person  Greets somebody.');
    expect(await run('greet', 'person', '--help')).toBe(0);
    expect(out).toContain('Usage: npm run cli -- greet person NAME --language CODE [--loud]');
    expect(await run()).toBe(2);
  });
});
