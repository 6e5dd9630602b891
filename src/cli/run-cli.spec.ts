import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TenancyError } from '../tenant/tenancy.error';
import type { Command } from './command';
import { CommandFailed } from './command';
import { COMMANDS } from './commands';
import { FakeAdminApi } from './fake-admin-api.fixture';
import type { CliRun } from './fake-admin-api.fixture';

const greet: Command = {
  name: 'greet person',
  summary: 'Greets somebody.',
  positionals: ['NAME'],
  options: {
    language: { value: 'CODE', summary: 'language of the greeting', isRequired: true, choices: ['en', 'de'] },
    word: { value: 'WORDS', summary: 'more words', isList: true },
    loud: { value: undefined, summary: 'in capitals' },
  },
  run: async ({ input }) => {
    const name = input.positional('NAME');
    const json = {
      name,
      language: input.required('language'),
      isLoud: input.isSwitchedOn('loud'),
      words: input.list('word'),
    };
    const result = { kind: 'data', json, human: `Hello ${name}` } as const;
    if (name === 'nobody') throw new TenancyError('There is nobody');
    if (name === 'missing') throw new CommandFailed('They are not here', result);
    return result;
  },
};

const whoami: Command = {
  name: 'whoami',
  summary: 'Asks the server.',
  positionals: [],
  options: {},
  run: async ({ api }) => ({ kind: 'data', json: (await api.get('/whoami')).body, human: 'somebody' }),
};

describe('runCli', () => {
  let api: FakeAdminApi;
  beforeAll(async () => {
    api = await FakeAdminApi.start();
  });
  afterAll(async () => {
    await api.stop();
  });

  const run = (...args: string[]): Promise<CliRun> => api.run([greet, whoami], args);

  it('prints JSON for programs and a table for people, or what is asked for', async () => {
    const json = { name: 'Ada', language: 'en', isLoud: true, words: ['a', 'b', 'c'] };
    const args = ['greet', 'person', 'Ada', '--language', 'en', '--loud', '--word', 'a,b', '--word', 'c'];
    const piped = await api.run([greet], args);
    expect(piped).toMatchObject({ exitCode: 0, err: '' });
    expect(JSON.parse(piped.out)).toEqual(json);
    expect((await api.run([greet], args, true)).out).toBe('Hello Ada\n');
    expect((await api.run([greet], [...args, '--output', 'table'])).out).toBe('Hello Ada\n');
    expect(JSON.parse((await api.run([greet], [...args, '--output=json'], true)).out)).toEqual(json);
  });

  it('says in one line what an operator asked wrongly, and exits with 1', async () => {
    expect(await run('greet', 'person', 'nobody', '--language', 'en')).toEqual({
      exitCode: 1,
      out: '',
      err: 'There is nobody\n',
    });
  });

  it('prints the result of a command that failed too', async () => {
    const { exitCode, out, err } = await run('greet', 'person', 'missing', '--language', 'en');
    expect([exitCode, err]).toEqual([1, 'They are not here\n']);
    expect(JSON.parse(out)).toMatchObject({ name: 'missing' });
  });

  it.each([
    [['greet', 'person', '--language', 'en'], 'NAME is missing'],
    [['greet', 'person', 'Ada'], '--language is missing'],
    [['greet', 'person', 'Ada', '--language', ''], '--language is missing'],
    [['greet', 'person', 'Ada', '--language', 'xx'], '--language wants one of en, de'],
    [['greet', 'person', 'Ada', 'Bob', '--language', 'en'], 'Too many arguments: Bob'],
    [['greet', 'person', 'Ada', '--langauge', 'en'], '--langauge'],
    [['greet', 'person', 'Ada', '--language', 'en', '--output', 'xml'], '--output wants one of table, json'],
    [['greet', 'dog'], 'There is no command greet dog'],
    [['leave'], 'There is no command leave'],
    [['whoami', '--url', 'somewhere'], 'must be a URL'],
    [['whoami', '--url', 'http://user:password@127.0.0.1'], 'takes a token'],
    [['whoami', '--token', 'a', '--token-file', 'b'], 'exclude each other'],
    [['whoami', '--token', 'two words'], 'printable ASCII'],
    [['whoami', '--token-file', '/nowhere'], "/nowhere can't be read (ENOENT)"],
  ])('exits with 2 and shows the usage for %j', async (args, message) => {
    api.answers(() => ({ body: {} }));
    const { exitCode, out, err } = await run(...args);
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).toContain('Usage: vaultaire');
    expect(api.requests).toEqual([]);
  });

  it('helps', async () => {
    const all = await run('--help');
    expect(all.exitCode).toBe(0);
    expect(all.out).toContain('greet person  Greets somebody.');
    expect((await run('greet', '--help')).out).not.toContain('whoami');
    const one = await run('greet', 'person', '--help');
    expect(one.exitCode).toBe(0);
    expect(one.out).toContain('Usage: vaultaire greet person NAME --language CODE [--word WORDS] [--loud]');
    expect((await run()).exitCode).toBe(2);
    expect((await run('greet')).exitCode).toBe(2);
  });

  it('sends the token of the options, of a file, or of the environment', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vaultaire-cli-'));
    writeFileSync(join(folder, 'token'), 'from-the-file\n');
    api.answers(() => ({ body: {} }));
    await run('whoami');
    await run('whoami', '--token', 'from-the-option');
    await run('whoami', '--token-file', join(folder, 'token'), '--url', `${api.url}/behind/a/proxy/`);
    rmSync(folder, { recursive: true });
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-of-the-test',
      'Bearer from-the-option',
      'Bearer from-the-file',
    ]);
    expect(api.requests.map(({ target }) => target)).toEqual([
      '/api/v1/whoami',
      '/api/v1/whoami',
      '/behind/a/proxy/api/v1/whoami',
    ]);
  });

  it.each([
    [401, 4],
    [403, 4],
    [404, 1],
    [409, 1],
    [500, 1],
  ])('turns a refusal with %i into the exit code %i and its detail', async (status, exitCode) => {
    const headers = { 'content-type': 'application/problem+json', 'x-request-id': 'r-1' };
    const errors = [{ field: 'name', message: 'must be short' }];
    api.answers(() => ({
      status,
      headers,
      body: { type: 'about:blank', title: 'No', status, detail: 'Not so', errors },
    }));
    const failed = await run('whoami');
    expect(failed).toMatchObject({ exitCode, out: '' });
    expect(failed.err).toMatch(/^Not so\n {2}name: must be short\n/);
    expect(failed.err.includes('r-1')).toBe(status === 500);
  });

  it('exits with 3 when nobody answers, or somebody else', async () => {
    const closed = await FakeAdminApi.start();
    await closed.stop();
    const { exitCode, err } = await run('whoami', '--url', 'http://127.0.0.1:1');
    expect([exitCode, err]).toEqual([3, expect.stringContaining("http://127.0.0.1:1 can't be reached (")]);
    api.answers(() => ({ body: '<html>' }));
    expect((await run('whoami')).exitCode).toBe(3);
    api.answers(() => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' } }));
    expect((await run('whoami')).exitCode).toBe(3);
  });
});

describe('every command', () => {
  it.each(COMMANDS.map((command) => [command.name, command] as const))('%s has help', async (name, command) => {
    const api = await FakeAdminApi.start();
    const { exitCode, out } = await api.run(COMMANDS, [...name.split(' '), '--help']);
    await api.stop();
    expect(exitCode).toBe(0);
    expect(out).toContain(`Usage: vaultaire ${[name, ...command.positionals].join(' ')}`);
    for (const option of Object.keys(command.options)) expect(out).toContain(`--${option}`);
  });

  it('has a name of its own', () => {
    const names = COMMANDS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
