import type { KeyScope } from '../../context/policy/key-scope';
import { OPERATION_CATALOGUE } from '../operations/operation-catalogue';
import type { OperationDefinition } from '../operations/operation.types';
import type { Access } from './access-scope';
import { allOf } from './access-scope';
import { keyScopeRule } from './key-scope-rule';

function accessOf(operation: OperationDefinition, changes: Partial<Access> = {}): Access {
  return {
    operation,
    actions: [operation.action],
    bucket: operation.resource === 'service' ? undefined : 'photos',
    key: operation.resource === 'object' ? 'in/a' : undefined,
    prefix: operation.operationClass === 'list' ? 'in/' : undefined,
    ...changes,
  };
}

/** Names of all operations that a scope lets through, asked for as `accessOf` says. */
function allowedBy(scope: KeyScope, changes: Partial<Access> = {}): string[] {
  const rule = keyScopeRule(scope);
  const isAllowed = (operation: OperationDefinition): boolean => rule.allows(accessOf(operation, changes), '192.0.2.7');
  return OPERATION_CATALOGUE.filter(isAllowed).map(({ name }) => name);
}

const namesOf = (isMeant: (operation: OperationDefinition) => boolean): string[] =>
  OPERATION_CATALOGUE.filter(isMeant).map(({ name }) => name);

describe('the rule of a scope, over the whole catalogue', () => {
  it('lets everything through that the scope does not mention', () => {
    expect(allowedBy({})).toEqual(namesOf(() => true));
    expect(allowedBy({ networks: ['192.0.2.0/24'] })).toEqual(namesOf(() => true));
  });

  it('lets nothing through for an empty list', () => {
    for (const scope of [{ operations: [] }, { containers: [] }, { networks: [] }]) {
      expect(allowedBy(scope).filter((name) => name !== 'ListBuckets')).toEqual([]);
    }
    expect(allowedBy({ prefixes: [] })).toEqual(
      ['ListBuckets', 'HeadBucket', 'GetBucketLocation', 'DeleteObjects'].sort(
        (a, b) => namesOf(() => true).indexOf(a) - namesOf(() => true).indexOf(b),
      ),
    );
  });

  it('tells classes and names apart', () => {
    expect(allowedBy({ operations: ['list'] })).toEqual(namesOf(({ operationClass }) => operationClass === 'list'));
    expect(allowedBy({ operations: ['PutObject', 'read'] })).toEqual(
      namesOf(({ name, operationClass }) => name === 'PutObject' || operationClass === 'read'),
    );
  });

  it('lets no operation out of its containers, and of those that name none only the filtered list', () => {
    expect(allowedBy({ containers: ['phot?s'] })).toEqual(
      namesOf(({ name, resource }) => resource !== 'service' || name === 'ListBuckets'),
    );
    expect(allowedBy({ containers: ['music'] })).toEqual(['ListBuckets']);
    const rule = keyScopeRule({ containers: ['phot?s'] });
    expect([rule.shows('photos'), rule.shows('music')]).toEqual([true, false]);
  });

  it('lets nothing reach beyond its prefixes', () => {
    const inside = allowedBy({ prefixes: ['in/'] });
    const outside = allowedBy({ prefixes: ['in/'] }, { key: 'out/a', prefix: 'out/' });
    expect(inside).toEqual(
      namesOf(
        ({ name, resource, operationClass }) =>
          (resource === 'object' && name !== 'RenameObject') ||
          (resource === 'bucket' && operationClass === 'list') ||
          ['ListBuckets', 'HeadBucket', 'GetBucketLocation', 'DeleteObjects'].includes(name),
      ),
    );
    expect(outside.sort()).toEqual(['GetBucketLocation', 'HeadBucket', 'ListBuckets']);
  });

  it('lets nobody through from elsewhere, or from nowhere', () => {
    const rule = keyScopeRule({ networks: ['198.51.100.0/24'] });
    for (const client of ['192.0.2.7', undefined, 'unknown']) {
      expect(OPERATION_CATALOGUE.some((operation) => rule.allows(accessOf(operation), client))).toBe(false);
      expect(rule.allowsClient(client)).toBe(false);
    }
  });

  it('lets nothing through when the scope says what is not known here', () => {
    expect(allowedBy({ hours: ['9-17'] } as KeyScope)).toEqual([]);
  });

  it('is made once for a scope', () => {
    const scope = { operations: ['read'] };
    expect(keyScopeRule(scope)).toBe(keyScopeRule(scope));
  });

  it('holds with every other', () => {
    const both = allOf([keyScopeRule({ operations: ['read'] }), keyScopeRule({ containers: ['photos'] })]);
    const isAllowed = (operation: OperationDefinition): boolean =>
      both?.allows(accessOf(operation), undefined) === true;
    expect(OPERATION_CATALOGUE.filter(isAllowed).map(({ name }) => name)).toEqual(
      namesOf(({ resource, operationClass }) => operationClass === 'read' && resource !== 'service'),
    );
    expect([both?.shows('photos'), both?.shows('music')]).toEqual([true, false]);
    expect(allOf([])).toBeUndefined();
  });
});
