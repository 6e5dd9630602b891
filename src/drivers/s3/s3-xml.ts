import { SaxesParser } from 'saxes';

/** A parsed element: its text, and its child elements by name in document order. */
export class XmlElement {
  text = '';
  private readonly elements = new Map<string, XmlElement[]>();

  constructor(readonly name: string) {}

  /** The children of a name. */
  all(name: string): readonly XmlElement[] {
    return this.elements.get(name) ?? [];
  }

  /** Text of the first child of a name; undefined where there is none. */
  textOf(name: string): string | undefined {
    return this.elements.get(name)?.[0]?.text;
  }

  add(child: XmlElement): void {
    const siblings = this.elements.get(child.name);
    if (siblings === undefined) this.elements.set(child.name, [child]);
    else siblings.push(child);
  }
}

/** The root element of an answer. Namespaces and attributes are ignored. Throws for what is not well-formed. */
export function parseXml(text: string): XmlElement {
  let root: XmlElement | undefined;
  const open: XmlElement[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name }) => {
    const element = new XmlElement(name.slice(name.indexOf(':') + 1));
    root ??= element;
    open.at(-1)?.add(element);
    open.push(element);
  });
  const onText = (piece: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += piece;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(text).close();
  if (root === undefined) throw new Error('the document has no root element');
  return root;
}

/** The body of a RestoreObject. */
export function restoreXml(days: number, tier: 'expedited' | 'standard' | 'bulk'): string {
  const name = { expedited: 'Expedited', standard: 'Standard', bulk: 'Bulk' }[tier];
  return (
    '<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Days>${String(days)}</Days><GlacierJobParameters><Tier>${name}</Tier></GlacierJobParameters></RestoreRequest>`
  );
}

/** The body of CompleteMultipartUpload. */
export function completeUploadXml(etags: readonly string[]): string {
  const parts = etags.map(
    (etag, index) => `<Part><PartNumber>${String(index + 1)}</PartNumber><ETag>${escapeText(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
