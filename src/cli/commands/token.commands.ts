import { apiPath } from '../api/admin-client';
import type { Command, CommandOptions } from '../command';
import { UsageError } from '../command';
import type { Column } from '../output/table';
import { details, done, LIST_OPTIONS, listing, listRange, presentOf } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'role', path: 'role' },
  { title: 'state', path: 'state' },
  { title: 'tenant', path: 'tenant' },
  { title: 'expires', path: 'expiresAt' },
  { title: 'last used', path: 'lastUsedAt' },
  { title: 'id', path: 'id' },
];

const NEW_TOKEN_OPTIONS: CommandOptions = {
  role: {
    value: 'ROLE',
    summary: 'operator (may do all), viewer (may read all) or tenant-admin (one tenant)',
    isRequired: true,
    choices: ['operator', 'viewer', 'tenant-admin'],
  },
  tenant: { value: 'TENANT', summary: 'the tenant of a tenant-admin' },
  expires: { value: 'WHEN', summary: 'when it ends: a duration as 30d, or a time; default: never' },
};

const list: Command = {
  name: 'token list',
  summary: 'Lists the tokens of the admin API.',
  positionals: [],
  options: LIST_OPTIONS,
  run: async (context) =>
    listing(await context.api.list('/tokens', {}, listRange(context)), COLUMNS, 'There are no tokens.'),
};

const show: Command = {
  name: 'token show',
  summary: 'Shows a token, without its secret.',
  positionals: ['TOKEN'],
  options: {},
  run: async ({ api, input }) => details((await api.get(apiPath('tokens', input.positional('TOKEN')))).body),
};

const create: Command = {
  name: 'token create',
  summary: 'Creates a token of the admin API. It is shown this once.',
  details: [
    '',
    'With --offline it is written straight into the database, with the environment variables of the server (DATABASE_URL or',
    'VAULTAIRE_DATA_DIR): for operators who have lost their token. Gateways may run meanwhile.',
  ],
  positionals: ['NAME'],
  options: {
    ...NEW_TOKEN_OPTIONS,
    offline: { value: undefined, summary: 'without the admin API' },
  },
  run: async ({ api, input, note }) => {
    const token = {
      name: input.positional('NAME'),
      role: input.required('role'),
      tenant: input.optional('tenant'),
      expiresAt: input.futureTime('expires'),
    };
    if ((token.role === 'tenant-admin') !== (token.tenant !== undefined)) {
      throw new UsageError('--tenant goes with --role tenant-admin, and the other way round');
    }
    const created = input.isSwitchedOn('offline')
      ? await (await import('../maintenance/offline-token.js')).createTokenOffline(token)
      : (await api.post('/tokens', presentOf(token))).body;
    note('The token is shown this once: keep it.');
    return details(created);
  },
};

const revoke: Command = {
  name: 'token revoke',
  summary: 'Revokes a token, on every running gateway at once.',
  positionals: ['TOKEN'],
  options: {},
  run: async ({ api, input }) => {
    const id = input.positional('TOKEN');
    await api.delete(apiPath('tokens', id));
    return done({ id, state: 'revoked' }, `The token ${id} is revoked.`);
  },
};

/** Who may use the admin API. */
export const TOKEN_COMMANDS: readonly Command[] = [list, show, create, revoke];
