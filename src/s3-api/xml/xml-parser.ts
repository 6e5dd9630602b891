import { SaxesParser } from 'saxes';
import { S3Error } from '../errors/s3-error';

/** No document of the S3 API nests deeper than this. */
const MAX_DEPTH = 16;

/** An element of a request document: its local name, the text directly inside it, and its child elements in order. */
export class XmlNode {
  readonly children: XmlNode[] = [];
  text = '';

  constructor(
    readonly name: string,
    readonly attributes: Readonly<Record<string, string>>,
  ) {}

  /** The first child of the name. */
  child(name: string): XmlNode | undefined {
    return this.children.find((child) => child.name === name);
  }

  childrenOf(name: string): readonly XmlNode[] {
    return this.children.filter((child) => child.name === name);
  }

  /** Text of the first child of the name, without white space around it. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text.trim();
  }

  /** As {@link textOf}, with the white space: for keys, in which it counts. */
  exactTextOf(name: string): string | undefined {
    return this.child(name)?.text;
  }
}

/**
 * Parses a request document. Throws `MalformedXML` for everything that isn't one well-formed UTF-8 document with one root:
 * a document type, nesting deeper than 16, an unknown entity. The caller has bounded the size.
 */
export function parseXml(bytes: Buffer): XmlNode {
  const builder = new TreeBuilder();
  try {
    builder.parser.write(new TextDecoder('utf-8', { fatal: true }).decode(bytes)).close();
  } catch (cause) {
    throw cause instanceof S3Error ? cause : new S3Error('MalformedXML', { cause });
  }
  if (builder.root === undefined) throw new S3Error('MalformedXML');
  return builder.root;
}

class TreeBuilder {
  root: XmlNode | undefined;
  readonly parser = new SaxesParser();
  private readonly open: XmlNode[] = [];

  constructor() {
    this.parser.on('error', (cause) => {
      throw new S3Error('MalformedXML', { cause });
    });
    this.parser.on('doctype', () => {
      throw new S3Error('MalformedXML');
    });
    this.parser.on('opentag', (tag) => {
      if (this.open.length === MAX_DEPTH) throw new S3Error('MalformedXML');
      const node = new XmlNode(localName(tag.name), tag.attributes);
      this.open.at(-1)?.children.push(node);
      this.root ??= node;
      this.open.push(node);
    });
    this.parser.on('closetag', () => {
      this.open.pop();
    });
    this.parser.on('text', (text) => {
      this.append(text);
    });
    this.parser.on('cdata', (text) => {
      this.append(text);
    });
  }

  private append(text: string): void {
    const node = this.open.at(-1);
    if (node !== undefined) node.text += text;
  }
}

function localName(name: string): string {
  const colon = name.indexOf(':');
  return colon === -1 ? name : name.slice(colon + 1);
}
