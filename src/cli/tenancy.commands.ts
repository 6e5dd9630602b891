import { SecretCipher } from '../tenant/secret-cipher';
import { TenancyService } from '../tenant/tenancy.service';
import type { Command, CommandInput } from './command';
import { UsageError } from './command';
import { withDatabase } from './with-database';

const TENANT = { value: 'TENANT', summary: 'name of the tenant', isRequired: true };

/** Runs `work` in one transaction. */
function withTenancy<T>({ environment }: CommandInput, work: (tenancy: TenancyService) => Promise<T>): Promise<T> {
  const cipher = new SecretCipher(environment.masterKey);
  return withDatabase(environment, (dataSource) =>
    dataSource.transaction((manager) => work(new TenancyService(manager, cipher))),
  );
}

const tenantCreate: Command = {
  name: 'tenant create',
  summary: 'Creates a tenant.',
  positionals: ['NAME'],
  options: {},
  run: (input) =>
    withTenancy(input, async (tenancy) => {
      const { id, name } = await tenancy.createTenant(input.positional('NAME'));
      return { id, name };
    }),
};

const userCreate: Command = {
  name: 'user create',
  summary: 'Creates a user of a tenant.',
  positionals: [],
  options: {
    tenant: TENANT,
    name: { value: 'NAME', summary: 'name of the user', isRequired: true },
    'display-name': { value: 'TEXT', summary: 'name that S3 answers show; default: the name' },
    email: { value: 'ADDRESS', summary: 'e-mail address' },
  },
  run: (input) =>
    withTenancy(input, async (tenancy) => {
      const tenant = await tenancy.findTenant(input.required('tenant'));
      const user = await tenancy.createUser(tenant, {
        name: input.required('name'),
        displayName: input.optional('display-name'),
        email: input.optional('email'),
      });
      const { id, name, canonicalId, displayName, email } = user;
      return { id, tenant: tenant.name, name, canonicalId, displayName, email };
    }),
};

const keyCreate: Command = {
  name: 'key create',
  summary: 'Creates an access key of a user. The secret is shown this once.',
  positionals: [],
  options: {
    tenant: TENANT,
    user: { value: 'USER', summary: 'name of the user', isRequired: true },
    'access-key': { value: 'ID', summary: 'id of the key; default: generated' },
    'secret-key': { value: 'SECRET', summary: 'secret of the key, together with --access-key; default: generated' },
  },
  run: (input) =>
    withTenancy(input, async (tenancy) => {
      const given = givenCredentials(input);
      const tenant = await tenancy.findTenant(input.required('tenant'));
      const user = await tenancy.findUser(tenant, input.required('user'));
      return { tenant: tenant.name, user: user.name, ...(await tenancy.createAccessKey(user, given)) };
    }),
};

const keyRevoke: Command = {
  name: 'key revoke',
  summary: 'Revokes an access key, on every running gateway at once.',
  positionals: ['ID'],
  options: {},
  run: (input) =>
    withTenancy(input, async (tenancy) => {
      const accessKeyId = input.positional('ID');
      await tenancy.revokeAccessKey(accessKeyId);
      return { accessKeyId, state: 'revoked' };
    }),
};

function givenCredentials(input: CommandInput): { accessKeyId: string; secretKey: string } | undefined {
  const accessKeyId = input.optional('access-key');
  const secretKey = input.optional('secret-key');
  if (accessKeyId === undefined && secretKey === undefined) return undefined;
  if (accessKeyId === undefined || secretKey === undefined) {
    throw new UsageError('--access-key and --secret-key go together');
  }
  return { accessKeyId, secretKey };
}

/** Tenants, users and access keys by hand. */
export const TENANCY_COMMANDS: readonly Command[] = [tenantCreate, userCreate, keyCreate, keyRevoke];
