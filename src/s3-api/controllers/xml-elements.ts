import type { Checksum } from '../../engine/artifacts/artifact.types';
import type { ListedOwner } from '../../engine/listing/listing.types';
import { CHECKSUM_ELEMENTS } from '../headers/checksum-headers';
import type { S3Response, XmlElement } from '../http/s3-response';

/** Element with text; undefined, and so left out, for undefined. */
export function textElement(name: string, value: string | number | boolean | undefined): XmlElement | undefined {
  return value === undefined ? undefined : { name, children: String(value) };
}

/** Element with child elements. */
export function element(name: string, children: readonly (XmlElement | undefined)[]): XmlElement {
  return { name, children };
}

/** `ChecksumSHA256` and its kin, and `ChecksumType`; nothing without a checksum. */
export function checksumElements(checksum: Checksum | undefined): readonly (XmlElement | undefined)[] {
  if (checksum === undefined) return [];
  return [
    textElement(CHECKSUM_ELEMENTS[checksum.algorithm], checksum.value),
    textElement('ChecksumType', checksum.type),
  ];
}

/** `Owner` or `Initiator`. */
export function ownerElement(name: string, owner: ListedOwner): XmlElement {
  return element(name, [textElement('ID', owner.canonicalId), textElement('DisplayName', owner.displayName)]);
}

/** An answer with a document. */
export function xmlResponse(root: XmlElement, headers?: S3Response['headers']): S3Response {
  return { body: { kind: 'xml', root }, ...(headers === undefined ? {} : { headers }) };
}
