import { apiPath } from '../api/admin-client';
import type { Command } from '../command';
import type { CommandInput } from '../command-input';
import { bytesCell } from '../output/cell';
import type { Column } from '../output/table';
import { valueAt } from '../output/table';
import { BOUND_WORDS } from '../policy/bound';
import { applyChanges } from '../policy/policy-change';
import { CONTAINER_QUOTA_OPTIONS, containerQuotaChanges } from '../policy/quota-options';
import { outcomeOfJob, WAIT_OPTIONS } from './job.commands';
import {
  changesOf,
  details,
  done,
  LIST_OPTIONS,
  listing,
  listRange,
  presentOf,
  requireYes,
  TENANT,
  YES,
} from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'owner', path: 'owner' },
  { title: 'versioning', path: 'versioning' },
  { title: 'bytes', path: 'usage.bytes', format: bytesCell },
  { title: 'artifacts', path: 'usage.artifacts' },
  { title: 'created', path: 'createdAt' },
];

const VERSIONING = { value: 'STATE', summary: 'enabled or suspended', choices: ['enabled', 'suspended'] };

const SOURCE = { value: 'NAME', summary: 'a source of the configuration (attachable)', isRequired: true };
const DELETE_FOREIGN_DATA = 'delete-foreign-data';

const containersOf = (input: CommandInput): string => apiPath('tenants', input.required('tenant'), 'containers');
const containerOf = (input: CommandInput): string => `${containersOf(input)}${apiPath(input.positional('CONTAINER'))}`;

const list: Command = {
  name: 'container list',
  summary: 'Lists the containers (buckets) of a tenant.',
  positionals: [],
  options: { tenant: TENANT, prefix: { value: 'TEXT', summary: 'only those whose name begins so' }, ...LIST_OPTIONS },
  run: async (context) => {
    const query = { prefix: context.input.optional('prefix') };
    const containers = await context.api.list(containersOf(context.input), query, listRange(context));
    return listing(containers, COLUMNS, 'There are no containers.');
  },
};

const show: Command = {
  name: 'container show',
  summary: 'Shows a container.',
  positionals: ['CONTAINER'],
  options: { tenant: TENANT },
  run: async ({ api, input }) => details((await api.get(containerOf(input))).body),
};

const create: Command = {
  name: 'container create',
  summary: 'Creates a container.',
  positionals: ['NAME'],
  options: { tenant: TENANT, owner: { value: 'USER', summary: 'name or id of its owner', isRequired: true } },
  run: async ({ api, input }) => {
    const container = presentOf({ name: input.positional('NAME'), owner: input.required('owner') });
    return details((await api.post(containersOf(input), container)).body);
  },
};

const update: Command = {
  name: 'container update',
  summary: 'Changes the quota, the versioning or the placement of a container.',
  details: BOUND_WORDS,
  positionals: ['CONTAINER'],
  options: {
    tenant: TENANT,
    versioning: VERSIONING,
    placement: { value: 'PLACEMENT', summary: 'of what is written from now on; inherit: that of the tenant' },
    ...CONTAINER_QUOTA_OPTIONS,
  },
  run: async ({ api, input }) => {
    const bounds = containerQuotaChanges(input);
    const changes = changesOf({
      versioning: input.optional('versioning'),
      placement: input.optional('placement') === 'inherit' ? null : input.optional('placement'),
      quota: bounds.length === 0 ? undefined : bounds,
    });
    const answer = await api.update('PATCH', containerOf(input), (container) =>
      bounds.length === 0 ? changes : { ...changes, quota: applyChanges(valueAt(container, 'quota'), bounds) },
    );
    return details(answer.body);
  },
};

const remove: Command = {
  name: 'container delete',
  summary: 'Deletes an empty container.',
  positionals: ['CONTAINER'],
  options: { tenant: TENANT },
  run: async ({ api, input }) => {
    await api.delete(containerOf(input));
    const name = input.positional('CONTAINER');
    return done({ name, deleted: true }, `The container ${name} is deleted.`);
  },
};

const empty: Command = {
  name: 'container empty',
  summary: 'Deletes all versions and uploads in a container, as a job.',
  positionals: ['CONTAINER'],
  options: {
    tenant: TENANT,
    [DELETE_FOREIGN_DATA]: { value: undefined, summary: 'with the objects of attached sources' },
    yes: YES,
    ...WAIT_OPTIONS,
  },
  run: async (context) => {
    const { api, input } = context;
    requireYes(context, `Emptying the container ${input.positional('CONTAINER')}`);
    return outcomeOfJob(context, (await api.post(`${containerOf(input)}/empty`, deleteForeignData(input))).body);
  },
};

const attach: Command = {
  name: 'container attach',
  summary: 'Makes the objects of a configured source artifacts of a container without copying them, as a job.',
  positionals: ['CONTAINER'],
  options: {
    tenant: TENANT,
    source: SOURCE,
    [DELETE_FOREIGN_DATA]: { value: undefined, summary: 'objects go with the artifacts that are made of them' },
    ...WAIT_OPTIONS,
  },
  run: async (context) => {
    const { api, input } = context;
    const attachment = { source: input.required('source'), ...deleteForeignData(input) };
    return outcomeOfJob(context, (await api.post(`${containerOf(input)}/attach`, attachment)).body);
  },
};

const detach: Command = {
  name: 'container detach',
  summary: 'Takes the artifacts of an attached source out of a container again, as a job.',
  details: [
    '',
    'What clients wrote since stays, and so do copies. The objects stay at the source, unless you say otherwise.',
  ],
  positionals: ['CONTAINER'],
  options: {
    tenant: TENANT,
    source: SOURCE,
    [DELETE_FOREIGN_DATA]: { value: undefined, summary: 'delete the objects at the source too' },
    yes: YES,
    ...WAIT_OPTIONS,
  },
  run: async (context) => {
    const { api, input } = context;
    requireYes(context, `Detaching from the container ${input.positional('CONTAINER')}`);
    const path = `${containerOf(input)}${apiPath('attachments', input.required('source'))}`;
    const query = input.isSwitchedOn(DELETE_FOREIGN_DATA) ? { deleteForeignData: 'true' } : {};
    return outcomeOfJob(context, (await api.delete(path, query)).body);
  },
};

function deleteForeignData(input: CommandInput): object {
  return input.isSwitchedOn(DELETE_FOREIGN_DATA) ? { deleteForeignData: true } : {};
}

/** Namespaces of artifacts. */
export const CONTAINER_COMMANDS: readonly Command[] = [list, show, create, update, remove, empty, attach, detach];
