import { AccessKey } from '../tenant/entities/access-key.entity';
import { Plan } from '../tenant/entities/plan.entity';
import { Tenant } from '../tenant/entities/tenant.entity';
import { User } from '../tenant/entities/user.entity';

/** Every TypeORM entity of the gateway, by name: no globs, so that a missing one fails at compile time. */
export const ENTITIES: readonly (new () => object)[] = [Plan, Tenant, User, AccessKey];
