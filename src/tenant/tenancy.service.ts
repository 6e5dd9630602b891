import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { QueryFailedError } from 'typeorm';
import type { KeyScope } from '../context/policy/key-scope';
import type { TenantPolicy } from '../context/policy/tenant-policy';
import { isAccessKeyId } from './access-key-id';
import { AccessKey } from './entities/access-key.entity';
import { Tenant } from './entities/tenant.entity';
import { User } from './entities/user.entity';
import type { SecretCipher } from './secret-cipher';
import { TenancyError } from './tenancy.error';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MIN_SECRET_LENGTH = 8;
const MAX_SECRET_LENGTH = 128;
const UNIQUE_VIOLATION = '23505';

export interface NewTenantDetails {
  readonly displayName?: string | null | undefined;
  /** Must exist. */
  readonly planName?: string | null | undefined;
  /** What differs from the plan. */
  readonly policy?: TenantPolicy | undefined;
}

export interface NewUser {
  readonly name: string;
  /** Default: the name. */
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
}

/** Generated unless given. */
export interface AccessKeyCredentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

export interface AccessKeyDetails {
  readonly description?: string | null | undefined;
  /** Null: it does not end by itself. */
  readonly expiresAt?: Date | null | undefined;
  /** Null: all that the user may. */
  readonly scope?: KeyScope | null | undefined;
}

/**
 * Creates and revokes what signs requests. Every method throws {@link TenancyError} for what an operator asked wrongly.
 * `manager` decides the transaction: caches everywhere hear of a change when it commits.
 */
export class TenancyService {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: SecretCipher,
  ) {}

  async createTenant(name: string, details: NewTenantDetails = {}): Promise<Tenant> {
    requireName('tenant', name);
    const { displayName = null, planName = null, policy = {} } = details;
    const tenant = this.manager.create(Tenant, { id: randomUUID(), name, displayName, planName, policy });
    await refusing(this.manager.insert(Tenant, tenant), `There is a tenant ${name} already`);
    return tenant;
  }

  async findTenant(name: string): Promise<Tenant> {
    const tenant = await this.manager.findOneBy(Tenant, { name });
    if (tenant === null) throw new TenancyError(`There is no tenant ${name}`, { failure: 'missing' });
    return tenant;
  }

  async createUser(tenant: Tenant, user: NewUser): Promise<User> {
    requireName('user', user.name);
    const created = this.manager.create(User, {
      id: randomUUID(),
      tenantId: tenant.id,
      name: user.name,
      canonicalId: randomBytes(32).toString('hex'),
      displayName: user.displayName ?? user.name,
      email: user.email ?? null,
    });
    await refusing(this.manager.insert(User, created), `There is a user ${user.name} of tenant ${tenant.name} already`);
    return created;
  }

  async findUser(tenant: Tenant, name: string): Promise<User> {
    const user = await this.manager.findOneBy(User, { tenantId: tenant.id, name });
    if (user === null)
      throw new TenancyError(`There is no user ${name} of tenant ${tenant.name}`, { failure: 'missing' });
    return user;
  }

  /** The secret is in the answer and, but for its ciphertext, nowhere else. */
  async createAccessKey(
    user: Pick<User, 'id'>,
    given?: AccessKeyCredentials,
    { description = null, expiresAt = null, scope = null }: AccessKeyDetails = {},
  ): Promise<AccessKeyCredentials> {
    const credentials = given ?? generateCredentials();
    requireCredentials(credentials);
    const key = this.manager.create(AccessKey, {
      id: credentials.accessKeyId,
      userId: user.id,
      secretCiphertext: this.cipher.seal(credentials.accessKeyId, credentials.secretKey),
      description,
      expiresAt,
      scope,
    });
    await refusing(this.manager.insert(AccessKey, key), `There is an access key ${credentials.accessKeyId} already`);
    return credentials;
  }

  /** Gives an existing key another secret and makes it active again. */
  async replaceSecret(credentials: AccessKeyCredentials): Promise<void> {
    requireCredentials(credentials);
    await this.manager.update(AccessKey, credentials.accessKeyId, {
      secretCiphertext: this.cipher.seal(credentials.accessKeyId, credentials.secretKey),
      state: 'active',
      expiresAt: null,
    });
  }

  /** A key that was revoked before stays so. */
  async revokeAccessKey(accessKeyId: string): Promise<void> {
    const { affected } = await this.manager.update(AccessKey, accessKeyId, { state: 'revoked' });
    if (affected === 0) throw new TenancyError(`There is no access key ${accessKeyId}`, { failure: 'missing' });
  }
}

/** Tells a row that is there already in `conflictMessage`'s words. */
async function refusing(insert: Promise<unknown>, conflictMessage: string): Promise<void> {
  try {
    await insert;
  } catch (cause) {
    if (!isUniqueViolation(cause)) throw cause;
    throw new TenancyError(conflictMessage, { cause, failure: 'conflict' });
  }
}

function generateCredentials(): AccessKeyCredentials {
  const suffix = Array.from({ length: 16 }, () => KEY_ALPHABET.charAt(randomInt(KEY_ALPHABET.length))).join('');
  return { accessKeyId: `AKIA${suffix}`, secretKey: randomBytes(30).toString('base64url') };
}

/** An id in the place of a name leads to what has that id. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function requireName(what: string, name: string): void {
  if (UUID.test(name)) throw new TenancyError(`${name} can be no ${what} name: it looks like an id`, { field: 'name' });
  if (!NAME.test(name)) {
    throw new TenancyError(
      `${JSON.stringify(name)} can be no ${what} name: 1 to 63 of A-Z a-z 0-9 . _ -, a letter or digit first`,
    );
  }
}

function requireCredentials({ accessKeyId, secretKey }: AccessKeyCredentials): void {
  if (!isAccessKeyId(accessKeyId)) {
    throw new TenancyError('An access key id has 3 to 128 of A-Z a-z 0-9 . _ -');
  }
  if (secretKey.length < MIN_SECRET_LENGTH || secretKey.length > MAX_SECRET_LENGTH) {
    throw new TenancyError(`A secret key has ${String(MIN_SECRET_LENGTH)} to ${String(MAX_SECRET_LENGTH)} characters`);
  }
}

function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const cause: unknown = error.driverError;
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === UNIQUE_VIOLATION;
}
