import { apiPath } from '../api/admin-client';
import type { Command, CommandOptions } from '../command';
import type { CommandInput } from '../command-input';
import type { Column } from '../output/table';
import { textOfFile } from '../values/text-of-file';
import { changesOf, details, done, LIST_OPTIONS, listing, listRange, presentOf } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'tenant', path: 'tenant' },
  { title: 'kind', path: 'kind' },
  { title: 'url', path: 'url' },
  { title: 'health', path: 'health' },
  { title: 'waiting', path: 'waiting' },
  { title: 'dead', path: 'deadLetters' },
  { title: 'id', path: 'id' },
];
const LETTER_COLUMNS: readonly Column[] = [
  { title: 'time', path: 'occurredAt' },
  { title: 'event', path: 'event' },
  { title: 'bucket', path: 'bucket' },
  { title: 'key', path: 'key' },
  { title: 'error', path: 'lastError' },
];

const OPTIONS: CommandOptions = {
  to: {
    value: 'URL',
    summary: 'where it is: http(s):// of a webhook, redis(s):// with the database as its path, nats:// or tls://',
  },
  'secret-file': { value: 'PATH', summary: 'of the key of signatures, or the password; - reads standard input' },
  stream: { value: 'KEY', summary: 'redis: the stream that events are added to' },
  'max-entries': { value: 'COUNT', summary: 'redis: about how many the stream keeps; default: all' },
  subject: { value: 'SUBJECT', summary: 'nats: what a stream of JetStream takes' },
};

const targetOf = (input: CommandInput): string => apiPath('notification-targets', input.positional('ID'));

async function fieldsOf(input: CommandInput): Promise<Record<string, unknown>> {
  const file = input.optional('secret-file');
  return presentOf({
    url: input.optional('to'),
    secret: file === undefined ? undefined : await textOfFile('secret file', file),
    stream: input.optional('stream'),
    maxEntries: input.count('max-entries'),
    subject: input.optional('subject'),
  });
}

const list: Command = {
  name: 'notification list',
  summary: 'Lists targets of notifications, and how they are.',
  positionals: [],
  options: { ...LIST_OPTIONS, tenant: { value: 'TENANT', summary: 'those of this tenant' } },
  run: async (context) => {
    const query = { tenant: context.input.optional('tenant') };
    const targets = await context.api.list('/notification-targets', query, listRange(context));
    return listing(targets, COLUMNS, 'There are no targets.');
  },
};

const show: Command = {
  name: 'notification show',
  summary: 'Shows a target of notifications: its settings, health and lag.',
  positionals: ['ID'],
  options: {},
  run: async ({ api, input }) => details((await api.get(targetOf(input))).body),
};

const create: Command = {
  name: 'notification create',
  summary: 'Creates a target, and shows the ARN that configurations of buckets name.',
  positionals: ['NAME'],
  options: {
    ...OPTIONS,
    to: { value: 'URL', summary: OPTIONS.to?.summary ?? '', isRequired: true },
    kind: { value: 'KIND', summary: 'webhook, redis or nats', isRequired: true, choices: ['webhook', 'redis', 'nats'] },
    tenant: { value: 'TENANT', summary: 'whose buckets may name it; default: all' },
  },
  run: async ({ api, input }) => {
    const target = presentOf({
      name: input.positional('NAME'),
      kind: input.required('kind'),
      tenant: input.optional('tenant'),
      ...(await fieldsOf(input)),
    });
    return details((await api.post('/notification-targets', target)).body);
  },
};

const update: Command = {
  name: 'notification update',
  summary: 'Changes a target. What waits goes to it as it is then.',
  positionals: ['ID'],
  options: OPTIONS,
  run: async ({ api, input }) => {
    const changes = changesOf(await fieldsOf(input));
    return details((await api.update('PATCH', targetOf(input), () => changes)).body);
  },
};

const remove: Command = {
  name: 'notification delete',
  summary: 'Deletes a target that no bucket names, with all that waits for it.',
  positionals: ['ID'],
  options: {},
  run: async ({ api, input }) => {
    await api.delete(targetOf(input));
    const id = input.positional('ID');
    return done({ id, state: 'deleted' }, `The target ${id} is deleted.`);
  },
};

const deadLetters: Command = {
  name: 'notification dead-letters',
  summary: 'Lists events that a target did not take.',
  positionals: ['ID'],
  options: LIST_OPTIONS,
  run: async (context) => {
    const path = `${targetOf(context.input)}/dead-letters`;
    return listing(await context.api.list(path, {}, listRange(context)), LETTER_COLUMNS, 'There are none.');
  },
};

const replay: Command = {
  name: 'notification replay',
  summary: 'Sends the events of a target again, from a time on.',
  positionals: ['ID'],
  options: {
    from: { value: 'WHEN', summary: 'a time, or a duration ago as 12h', isRequired: true },
    'dead-letters': { value: undefined, summary: 'only those that were never taken' },
  },
  run: async ({ api, input }) => {
    const deadLettersOnly = input.isSwitchedOn('dead-letters') || undefined;
    const body = presentOf({ from: input.pastTime('from'), deadLettersOnly });
    return details((await api.post(`${targetOf(input)}/replay`, body)).body);
  },
};

/** Where notifications of buckets go. */
export const NOTIFICATION_COMMANDS: readonly Command[] = [list, show, create, update, remove, deadLetters, replay];
