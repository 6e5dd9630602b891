import { percentDecode } from '../http/percent-decoding';
import type { SignatureClaim, SignedRequest } from './signature-claim';

/**
 * How path and query enter the canonical request. `sent`: byte for byte as they came. `encoded`: decoded and encoded anew by
 * AWS's rules, for clients and proxies that send characters bare which the signer had encoded.
 */
export type CanonicalForm = 'sent' | 'encoded';

const FOLDED_SPACE = /[ \t]+/g;
const NOT_ESCAPED_BY_ECMASCRIPT = /[!'()*]/g;

/**
 * The canonical request of signature v4, one character per byte. `host` stands in for the `Host` header, which a proxy may
 * have replaced.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function canonicalRequest(
  request: SignedRequest,
  claim: SignatureClaim,
  host: string,
  form: CanonicalForm,
): string {
  let headerLines = '';
  for (const name of claim.signedHeaders) {
    headerLines += `${name}:${name === 'host' ? host : headerValue(request, name)}\n`;
  }
  const excluded = claim.source === 'query' ? 'X-Amz-Signature' : undefined;
  const query = request.rawQuery === '' ? '' : canonicalQuery(request.rawQuery, excluded, form);
  return `${request.method}\n${canonicalPath(request.rawPath, form)}\n${query}\n${headerLines}\n${claim.signedHeaders.join(';')}\n${claim.payloadHash}`;
}

function canonicalPath(rawPath: string, form: CanonicalForm): string {
  if (rawPath === '') return '/';
  if (form === 'sent') return rawPath;
  return encodeUri(percentDecode(rawPath)).replaceAll('%2F', '/');
}

function headerValue(request: SignedRequest, signedName: string): string {
  const name = signedName.toLowerCase();
  const joined = request.headers[name];
  if (joined === undefined) return '';
  // Node joins repeated headers with comma and space, AWS with a comma alone.
  if (typeof joined !== 'string') return joined.map(foldSpaces).join(',');
  return joined.includes(', ') ? request.valuesOf(name).map(foldSpaces).join(',') : foldSpaces(joined);
}

function foldSpaces(value: string): string {
  return value.includes('  ') || value.includes('\t') ? value.replace(FOLDED_SPACE, ' ').trim() : value.trim();
}

interface QueryPart {
  readonly name: string;
  readonly value: string;
}

function canonicalQuery(rawQuery: string, excludedName: string | undefined, form: CanonicalForm): string {
  const parts: QueryPart[] = [];
  for (const text of rawQuery.split('&')) {
    if (text === '') continue;
    const equals = text.indexOf('=');
    const name = equals === -1 ? text : text.slice(0, equals);
    if (name === excludedName) continue;
    const value = equals === -1 ? '' : text.slice(equals + 1);
    parts.push(form === 'sent' ? { name, value } : { name: reencode(name), value: reencode(value) });
  }
  if (parts.length > 1) parts.sort(byNameThenValue);
  let query = '';
  for (const { name, value } of parts) query += `${query === '' ? '' : '&'}${name}=${value}`;
  return query;
}

/** Characters are bytes here, so that code unit order is byte order. */
function byNameThenValue(a: QueryPart, b: QueryPart): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.value === b.value) return 0;
  return a.value < b.value ? -1 : 1;
}

function reencode(text: string): string {
  return encodeUri(percentDecode(text));
}

/** AWS's `UriEncode`: everything but `A-Z a-z 0-9 - . _ ~`. */
function encodeUri(text: string): string {
  return encodeURIComponent(text).replace(
    NOT_ESCAPED_BY_ECMASCRIPT,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
