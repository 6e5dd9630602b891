import type { Network } from '../../context/policy/key-scope';
import { isInNetwork, parseNetwork } from '../../context/policy/key-scope';
import type { SessionPolicy, SessionPolicyStatement } from '../../context/policy/session-policy';
import type { Access, AccessScope } from './access-scope';
import { matchesGlob } from '../../context/glob';

/** IAM's way of saying all buckets, which is the resource of what names none. */
const ALL_RESOURCES = '*';

/** A session policy: each action that an access needs must be allowed by a statement. */
export function sessionPolicyRule(policy: SessionPolicy): AccessScope {
  const statements = policy.map((statement) => new StatementRule(statement));
  return {
    allows: (access, client) =>
      access.actions.every((action) => statements.some((statement) => statement.allows(action, access, client))),
    allowsClient: () => true,
    shows: () => true,
  };
}

class StatementRule {
  private readonly networks: readonly (Network | undefined)[] | undefined;

  constructor(private readonly statement: SessionPolicyStatement) {
    this.networks = statement.networks?.map(parseNetwork);
  }

  allows(action: string, access: Access, client: string | undefined): boolean {
    const { actions, resources, listPrefixes } = this.statement;
    const wanted = action.toLowerCase();
    if (!actions.some((pattern) => matchesGlob(pattern, wanted))) return false;
    const resource = resourceOf(access);
    const isNamed =
      resource === undefined
        ? resources.includes(ALL_RESOURCES)
        : resources.some((pattern) => matchesGlob(pattern, resource));
    if (!isNamed) return false;
    if (listPrefixes !== undefined) {
      const { prefix } = access;
      if (prefix === undefined || !listPrefixes.some((pattern) => matchesGlob(pattern, prefix))) return false;
    }
    if (this.networks === undefined) return true;
    return (
      client !== undefined && this.networks.some((network) => network !== undefined && isInNetwork(client, network))
    );
  }
}

function resourceOf({ bucket, key }: Access): string | undefined {
  if (bucket === undefined) return undefined;
  return key === undefined ? bucket : `${bucket}/${key}`;
}
