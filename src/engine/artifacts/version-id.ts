/** What a client's version id selects among the versions of a key. */
export type VersionSelector =
  | { readonly kind: 'latest' }
  | { readonly kind: 'null' }
  | { readonly kind: 'id'; readonly id: string }
  /** Well-formed for nobody: no version has it. */
  | { readonly kind: 'none' };

const VERSION_ID = /^[0-9a-f]{16}$/;
const MAX_ROW_ID = 2n ** 63n - 1n;

/** The version id that clients see: `null`, or the row's id as 16 hexadecimal digits. */
export function encodeVersionId(rowId: string, isNullVersion: boolean): string {
  return isNullVersion ? 'null' : BigInt(rowId).toString(16).padStart(16, '0');
}

export function selectVersion(versionId: string | undefined): VersionSelector {
  if (versionId === undefined) return { kind: 'latest' };
  if (versionId === 'null') return { kind: 'null' };
  if (!VERSION_ID.test(versionId)) return { kind: 'none' };
  const id = BigInt(`0x${versionId}`);
  return id > MAX_ROW_ID ? { kind: 'none' } : { kind: 'id', id: id.toString() };
}
