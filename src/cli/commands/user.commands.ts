import { apiPath } from '../api/admin-client';
import type { Command } from '../command';
import type { CommandInput } from '../command-input';
import type { Column } from '../output/table';
import { changesOf, details, done, LIST_OPTIONS, listing, listRange, presentOf, TENANT } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'display name', path: 'displayName' },
  { title: 'e-mail', path: 'email' },
  { title: 'created', path: 'createdAt' },
  { title: 'canonical id', path: 'canonicalId' },
];

const PROFILE = {
  'display-name': { value: 'TEXT', summary: 'name that S3 answers show; default: the name' },
  email: { value: 'ADDRESS', summary: 'e-mail address' },
};

const usersOf = (input: CommandInput): string => apiPath('tenants', input.required('tenant'), 'users');
const userOf = (input: CommandInput): string => `${usersOf(input)}${apiPath(input.positional('USER'))}`;
const profileOf = (input: CommandInput) => ({
  displayName: input.optional('display-name'),
  email: input.optional('email'),
});

const list: Command = {
  name: 'user list',
  summary: 'Lists the users of a tenant.',
  positionals: [],
  options: { tenant: TENANT, ...LIST_OPTIONS },
  run: async (context) => {
    const users = await context.api.list(usersOf(context.input), {}, listRange(context));
    return listing(users, COLUMNS, 'There are no users.');
  },
};

const show: Command = {
  name: 'user show',
  summary: 'Shows a user.',
  positionals: ['USER'],
  options: { tenant: TENANT },
  run: async ({ api, input }) => details((await api.get(userOf(input))).body),
};

const create: Command = {
  name: 'user create',
  summary: 'Creates a user of a tenant.',
  positionals: ['NAME'],
  options: { tenant: TENANT, ...PROFILE },
  run: async ({ api, input }) => {
    const user = presentOf({ name: input.positional('NAME'), ...profileOf(input) });
    return details((await api.post(usersOf(input), user)).body);
  },
};

const update: Command = {
  name: 'user update',
  summary: 'Changes the display name or the e-mail address of a user.',
  positionals: ['USER'],
  options: { tenant: TENANT, ...PROFILE },
  run: async ({ api, input }) => {
    const changes = changesOf(profileOf(input));
    return details((await api.update('PATCH', userOf(input), () => changes)).body);
  },
};

const remove: Command = {
  name: 'user delete',
  summary: 'Deletes a user who owns nothing any more, with the access keys.',
  positionals: ['USER'],
  options: { tenant: TENANT },
  run: async ({ api, input }) => {
    await api.delete(userOf(input));
    const name = input.positional('USER');
    return done({ name, deleted: true }, `The user ${name} is deleted.`);
  },
};

/** Persons and programs of a tenant. */
export const USER_COMMANDS: readonly Command[] = [list, show, create, update, remove];
