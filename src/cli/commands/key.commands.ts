import { apiPath } from '../api/admin-client';
import { CLIENT_CONFIG_OPTIONS, clientConfigOf } from '../client-config/client-config-options';
import type { Command, CommandContext, CommandOptions } from '../command';
import { UsageError } from '../command';
import type { CommandInput } from '../command-input';
import type { Printable } from '../output/printable';
import type { Column } from '../output/table';
import { changesOf, details, done, LIST_OPTIONS, listing, listRange, presentOf, TENANT } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'access key', path: 'accessKeyId' },
  { title: 'user', path: 'user' },
  { title: 'state', path: 'state' },
  { title: 'expires', path: 'expiresAt' },
  { title: 'last used', path: 'lastUsedAt' },
  { title: 'description', path: 'description' },
];

const SECRET_IS_SHOWN_ONCE = 'The secret is shown this once: keep it.';

const SCOPE_OPTIONS: CommandOptions = {
  operations: {
    value: 'NAMES',
    summary: 'only these operations (GetObject) or classes (read, write, list, admin), with commas',
    isList: true,
  },
  containers: { value: 'NAMES', summary: 'only these containers; * and ? stand for other characters', isList: true },
  prefix: { value: 'PREFIX', summary: 'only keys that begin so; may be given several times', isList: true },
  networks: { value: 'NETWORKS', summary: 'only from these client addresses, for example 10.0.0.0/8', isList: true },
};

const EXPIRY_OPTIONS: CommandOptions = {
  expires: { value: 'WHEN', summary: 'when it ends: a duration as 30d, or a time as 2030-01-31T12:00:00Z' },
};

const userKeysOf = (input: CommandInput): string =>
  apiPath('tenants', input.required('tenant'), 'users', input.required('user'), 'keys');
const keyOf = (input: CommandInput): string =>
  apiPath('tenants', input.required('tenant'), 'keys', input.positional('KEY'));

const list: Command = {
  name: 'key list',
  summary: 'Lists the access keys of a user.',
  positionals: [],
  options: {
    tenant: TENANT,
    user: { value: 'USER', summary: 'name or id of the user', isRequired: true },
    ...LIST_OPTIONS,
  },
  run: async (context) => {
    const keys = await context.api.list(userKeysOf(context.input), {}, listRange(context));
    return listing(keys, COLUMNS, 'There are no access keys.');
  },
};

const show: Command = {
  name: 'key show',
  summary: 'Shows an access key, without its secret.',
  positionals: ['KEY'],
  options: { tenant: TENANT },
  run: async ({ api, input }) => details((await api.get(keyOf(input))).body),
};

const create: Command = {
  name: 'key create',
  summary: 'Creates an access key of a user. The secret is shown this once.',
  positionals: [],
  options: {
    tenant: TENANT,
    user: { value: 'USER', summary: 'name or id of the user', isRequired: true },
    description: { value: 'TEXT', summary: 'what it is for' },
    ...EXPIRY_OPTIONS,
    ...SCOPE_OPTIONS,
    'access-key': { value: 'ID', summary: 'take over this id from elsewhere; default: generated' },
    'secret-key': { value: 'SECRET', summary: 'and this secret' },
    ...CLIENT_CONFIG_OPTIONS,
  },
  run: async (context) => {
    const { api, input } = context;
    const key = presentOf({
      description: input.optional('description'),
      expiresAt: input.futureTime('expires'),
      scope: scopeOf(input),
      accessKeyId: input.optional('access-key'),
      secretKey: input.optional('secret-key'),
    });
    if ((key.accessKeyId === undefined) !== (key.secretKey === undefined)) {
      throw new UsageError('--access-key and --secret-key go together');
    }
    const clientConfig = await clientConfigOf(context);
    return withSecret(context, (await api.post(userKeysOf(input), key)).body, clientConfig);
  },
};

const update: Command = {
  name: 'key update',
  summary: 'Changes the description, the end or the scope of an access key.',
  details: ['', 'A new scope takes the place of the whole old one.'],
  positionals: ['KEY'],
  options: {
    tenant: TENANT,
    description: { value: 'TEXT', summary: 'what it is for' },
    ...EXPIRY_OPTIONS,
    'never-expires': { value: undefined, summary: 'it does not end by itself' },
    ...SCOPE_OPTIONS,
    'no-scope': { value: undefined, summary: 'it may all that its user may' },
  },
  run: async ({ api, input }) => {
    const changes = changesOf({
      description: input.optional('description'),
      expiresAt: input.isSwitchedOn('never-expires') ? null : input.futureTime('expires'),
      scope: input.isSwitchedOn('no-scope') ? null : scopeOf(input),
    });
    return details((await api.update('PATCH', keyOf(input), () => changes)).body);
  },
};

const rotate: Command = {
  name: 'key rotate',
  summary: 'Creates a key that takes the place of another, which ends after a while. The secret is shown this once.',
  positionals: ['KEY'],
  options: {
    tenant: TENANT,
    overlap: {
      value: 'DURATION',
      summary: 'how long the old key still works, for example 24h; default: as the server says',
    },
    ...CLIENT_CONFIG_OPTIONS,
  },
  run: async (context) => {
    const { api, input } = context;
    const overlapMs = input.durationMs('overlap');
    const rotation = presentOf({ overlapSeconds: overlapMs === undefined ? undefined : overlapMs / 1000 });
    const clientConfig = await clientConfigOf(context);
    return withSecret(context, (await api.post(`${keyOf(input)}/rotate`, rotation)).body, clientConfig);
  },
};

const revoke: Command = {
  name: 'key revoke',
  summary: 'Revokes an access key, on every running gateway at once.',
  positionals: ['KEY'],
  options: { tenant: TENANT },
  run: async ({ api, input }) => {
    const accessKeyId = input.positional('KEY');
    await api.delete(keyOf(input));
    return done({ accessKeyId, state: 'revoked' }, `The access key ${accessKeyId} is revoked.`);
  },
};

function scopeOf(input: CommandInput): Record<string, unknown> | undefined {
  const scope = presentOf({
    operations: input.list('operations'),
    containers: input.list('containers'),
    // A key may have commas.
    prefixes: input.all('prefix'),
    networks: input.list('networks'),
  });
  return Object.keys(scope).length === 0 ? undefined : scope;
}

function withSecret(
  { note }: CommandContext,
  key: unknown,
  clientConfig: ((key: unknown) => Printable) | undefined,
): Printable {
  note(SECRET_IS_SHOWN_ONCE);
  return clientConfig === undefined ? details(key) : clientConfig(key);
}

/** What users sign requests with. */
export const KEY_COMMANDS: readonly Command[] = [list, show, create, update, rotate, revoke];
