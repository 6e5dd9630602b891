import { S3Error } from '../errors/s3-error';

interface EntityTag {
  readonly tag: string;
  readonly isWeak: boolean;
}

/**
 * ETags of an `If-None-Match`, without quotes; `'*'` stands for any. The comparison is weak (RFC 9110 section 13.1.2),
 * so weak tags count. Tags without quotes are taken too, since many clients send them.
 */
export function parseEntityTagsWeakly(text: string): readonly string[] {
  return parseEntityTags(text).map(({ tag }) => tag);
}

/** ETags of an `If-Match`, without quotes. The comparison is strong (RFC 9110 section 13.1.1): weak tags never match. */
export function parseEntityTagsStrongly(text: string): readonly string[] {
  return parseEntityTags(text)
    .filter(({ isWeak }) => !isWeak)
    .map(({ tag }) => tag);
}

/** The one ETag, or `'*'`, of a conditional write. Throws `NotImplemented` for a list, as AWS does. */
export function parseSingleEntityTag(text: string, headerName: string): string {
  const tags = parseEntityTags(text);
  const [first] = tags;
  if (first === undefined || tags.length > 1) {
    throw new S3Error('NotImplemented', { fields: { Header: headerName } });
  }
  return first.isWeak && headerName.toLowerCase() === 'if-match' ? `W/"${first.tag}"` : first.tag;
}

/** Without the quotes that may surround it. */
export function unquoteEntityTag(text: string): string {
  const trimmed = text.trim();
  return trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1) : trimmed;
}

/** Commas inside of quotes belong to the tag. */
function parseEntityTags(text: string): EntityTag[] {
  const tags: EntityTag[] = [];
  let position = 0;
  while (position < text.length) {
    const char = text[position];
    if (char === ',' || char === ' ' || char === '\t') {
      position++;
      continue;
    }
    const isWeak = text.startsWith('W/"', position);
    const start = isWeak ? position + 2 : position;
    if (text[start] === '"') {
      const close = text.indexOf('"', start + 1);
      const end = close < 0 ? text.length : close;
      tags.push({ tag: text.slice(start + 1, end), isWeak });
      position = end + 1;
    } else {
      const comma = text.indexOf(',', start);
      const end = comma < 0 ? text.length : comma;
      tags.push({ tag: text.slice(start, end).trim(), isWeak: false });
      position = end;
    }
  }
  return tags;
}
