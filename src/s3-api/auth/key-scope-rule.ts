import type { KeyScope, Network } from '../../context/policy/key-scope';
import { isInNetwork, parseNetwork } from '../../context/policy/key-scope';
import type { Access, AccessScope } from './access-scope';
import { matchesGlob } from '../../context/glob';

const KNOWN: ReadonlySet<string> = new Set(['operations', 'containers', 'prefixes', 'networks']);

/** What a key that is restricted to prefixes may do with a bucket as a whole: it tells nothing of what is in it. */
const KNOWS_NO_KEYS: ReadonlySet<string> = new Set(['HeadBucket', 'GetBucketLocation', 'ListBuckets']);
/** Names a second key where the request's address is not. */
const NAMES_KEYS_ELSEWHERE: ReadonlySet<string> = new Set(['RenameObject']);

const rules = new WeakMap<KeyScope, AccessScope>();

/** The scope of an access key, made ready once for as long as the key is in memory. */
export function keyScopeRule(scope: KeyScope): AccessScope {
  const known = rules.get(scope);
  if (known !== undefined) return known;
  const rule = new KeyScopeRule(scope);
  rules.set(scope, rule);
  return rule;
}

class KeyScopeRule implements AccessScope {
  /** A restriction that this version does not know can't be held to. */
  private readonly isUnknown: boolean;
  private readonly operations: ReadonlySet<string> | undefined;
  private readonly networks: readonly (Network | undefined)[] | undefined;

  constructor(private readonly scope: KeyScope) {
    this.isUnknown = Object.keys(scope).some((name) => !KNOWN.has(name));
    this.operations = scope.operations === undefined ? undefined : new Set(scope.operations);
    this.networks = scope.networks?.map(parseNetwork);
  }

  allows(access: Access, client: string | undefined): boolean {
    return (
      this.allowsClient(client) &&
      this.allowsOperation(access) &&
      this.allowsContainer(access) &&
      this.allowsKeys(access)
    );
  }

  allowsClient(client: string | undefined): boolean {
    if (this.isUnknown) return false;
    if (this.networks === undefined) return true;
    if (client === undefined) return false;
    return this.networks.some((network) => network !== undefined && isInNetwork(client, network));
  }

  shows(bucket: string): boolean {
    const { containers } = this.scope;
    return containers === undefined || containers.some((pattern) => matchesGlob(pattern, bucket));
  }

  private allowsOperation({ operation }: Access): boolean {
    const { operations } = this;
    return operations === undefined || operations.has(operation.name) || operations.has(operation.operationClass);
  }

  private allowsContainer({ operation, bucket }: Access): boolean {
    if (this.scope.containers === undefined) return true;
    return bucket === undefined ? operation.name === 'ListBuckets' : this.shows(bucket);
  }

  private allowsKeys({ operation, key, prefix }: Access): boolean {
    const { prefixes } = this.scope;
    if (prefixes === undefined) return true;
    const isInside = (text: string | undefined): boolean =>
      text !== undefined && prefixes.some((allowed) => text.startsWith(allowed));
    if (operation.name === 'DeleteObjects') return key === undefined || isInside(key);
    if (operation.resource === 'object') return isInside(key) && !NAMES_KEYS_ELSEWHERE.has(operation.name);
    if (KNOWS_NO_KEYS.has(operation.name)) return true;
    return operation.resource === 'bucket' && operation.operationClass === 'list' && isInside(prefix);
  }
}
