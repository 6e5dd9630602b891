import { S3Error } from '../../errors/s3-error';
import type { XmlNode } from '../../xml/xml-parser';

interface Grant {
  /** Canonical id; undefined for a group or an e-mail address. */
  readonly granteeId: string | undefined;
  readonly permission: string;
}

const PERMISSIONS: ReadonlySet<string> = new Set(['FULL_CONTROL', 'READ', 'READ_ACP', 'WRITE', 'WRITE_ACP']);

/** `AccessControlPolicy`; an empty body is none (the ACL is in the headers then). */
export class AccessControlDocument {
  private constructor(
    readonly ownerId: string | undefined,
    readonly grants: readonly Grant[],
    readonly isPresent: boolean,
  ) {}

  /** Throws `MalformedACLError`. */
  static fromXml(root: XmlNode): AccessControlDocument {
    const list = root.child('AccessControlList');
    const ownerId = root.child('Owner')?.textOf('ID');
    if (root.name !== 'AccessControlPolicy' || list === undefined || ownerId === undefined) {
      throw new S3Error('MalformedACLError');
    }
    return new AccessControlDocument(ownerId, list.childrenOf('Grant').map(toGrant), true);
  }

  static whenEmpty(): AccessControlDocument {
    return new AccessControlDocument(undefined, [], false);
  }

  /** Whether it says no more than that the owner has full control. */
  isPrivateTo(ownerCanonicalId: string): boolean {
    return (
      this.ownerId === ownerCanonicalId &&
      this.grants.length > 0 &&
      this.grants.every((grant) => grant.granteeId === ownerCanonicalId && grant.permission === 'FULL_CONTROL')
    );
  }
}

function toGrant(node: XmlNode): Grant {
  const permission = node.textOf('Permission') ?? '';
  if (!PERMISSIONS.has(permission)) throw new S3Error('MalformedACLError');
  return { granteeId: node.child('Grantee')?.textOf('ID'), permission };
}
