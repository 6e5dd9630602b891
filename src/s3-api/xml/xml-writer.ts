import type { XmlElement } from '../http/s3-response';

/** Namespace of every document that S3 answers, but the error document. */
export const S3_XML_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
/** First line of every XML answer. */
export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const GREATER_THAN = 0x3e;
/** U+FFFE and U+FFFF are the last two code units and no characters of XML. */
const FIRST_NONCHARACTER = 0xfffe;

/** A whole document. The root gets S3's namespace unless it names one, or is `Error`, which has none. */
export function writeXmlDocument(root: XmlElement): string {
  return XML_DECLARATION + writeXmlRoot(root);
}

/** As {@link writeXmlDocument} without the declaration, for answers whose declaration was already sent. */
export function writeXmlRoot(root: XmlElement): string {
  const hasNamespace = root.name === 'Error' || root.attributes?.xmlns !== undefined;
  const attributes = hasNamespace ? root.attributes : { xmlns: S3_XML_NAMESPACE, ...root.attributes };
  return writeElement(root.name, attributes, root.children);
}

/**
 * Text for between tags or inside double quotes. Characters that XML 1.0 cannot carry become character references, as S3
 * does it; strict parsers refuse them, which is why listings offer `encoding-type=url`.
 */
export function escapeXml(text: string): string {
  let escaped = '';
  let copied = 0;
  for (let index = 0; index < text.length; index++) {
    const replacement = referenceFor(text.charCodeAt(index));
    if (replacement === undefined) continue;
    escaped += text.slice(copied, index) + replacement;
    copied = index + 1;
  }
  return copied === 0 ? text : escaped + text.slice(copied);
}

function writeElement(
  name: string,
  attributes: Readonly<Record<string, string>> | undefined,
  children: XmlElement['children'],
): string {
  let content = '';
  if (typeof children === 'string') content = escapeXml(children);
  else {
    for (const child of children) {
      if (child !== undefined) content += writeElement(child.name, child.attributes, child.children);
    }
  }
  const open = attributes === undefined ? name : name + writeAttributes(attributes);
  return content === '' ? `<${open}/>` : `<${open}>${content}</${name}>`;
}

function writeAttributes(attributes: Readonly<Record<string, string>>): string {
  let text = '';
  for (const name in attributes) text += ` ${name}="${escapeXml(attributes[name] ?? '')}"`;
  return text;
}

function referenceFor(code: number): string | undefined {
  if (code > GREATER_THAN) return code < FIRST_NONCHARACTER ? undefined : numericReference(code);
  switch (code) {
    case 0x26:
      return '&amp;';
    case 0x3c:
      return '&lt;';
    case GREATER_THAN:
      return '&gt;';
    case 0x22:
      return '&quot;';
    case 0x09:
    case 0x0a:
      return undefined;
    default:
      return code < 0x20 ? numericReference(code) : undefined;
  }
}

function numericReference(code: number): string {
  return `&#x${code.toString(16).toUpperCase()};`;
}
