import fc from 'fast-check';
import type { XmlElement } from '../http/s3-response';
import type { XmlNode } from './xml-parser';
import { parseXml } from './xml-parser';
import { S3_XML_NAMESPACE, writeXmlDocument } from './xml-writer';

const text = (children: string): XmlElement => ({ name: 'T', children });

function toElement(node: XmlNode): XmlElement {
  return { name: node.name, children: node.children.length > 0 ? node.children.map(toElement) : node.text };
}

describe('the XML writer', () => {
  it('gives the root the namespace of S3, but not an error document', () => {
    expect(writeXmlDocument({ name: 'R', children: [text('a'), undefined, text('')] })).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<R xmlns="${S3_XML_NAMESPACE}"><T>a</T><T/></R>`,
    );
    expect(writeXmlDocument({ name: 'Error', children: [] })).toBe('<?xml version="1.0" encoding="UTF-8"?>\n<Error/>');
  });

  it('escapes markup and writes characters that XML cannot carry as references', () => {
    expect(writeXmlDocument({ ...text('<&>"\u0001\r\n\tä\uffff€😀'), name: 'Error' })).toContain(
      '<Error>&lt;&amp;&gt;&quot;&#x1;&#xD;\n\tä&#xFFFF;€😀</Error>',
    );
    expect(writeXmlDocument({ name: 'R', attributes: { xmlns: 'n', a: '"<' }, children: '' })).toContain(
      '<R xmlns="n" a="&quot;&lt;"/>',
    );
  });

  it('writes what the parser reads back', () => {
    const leaf = fc.string({ unit: 'grapheme' }).map(text);
    const tree = fc.array(
      fc.record({ name: fc.constantFrom('A', 'b', 'C-1'), children: fc.array(leaf, { minLength: 1 }) }),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(tree, (children) => {
        const root: XmlElement = { name: 'Root', children };
        expect(toElement(parseXml(Buffer.from(writeXmlDocument(root))))).toEqual(root);
      }),
    );
  });
});

describe('the XML parser', () => {
  it('reads elements without regard to prefixes, keeps white space in keys and understands CDATA', () => {
    const root = parseXml(
      Buffer.from(
        '\ufeff<?xml version="1.0"?><s:Delete xmlns:s="x"><Object><Key> a&#10;</Key></Object><Object><Key><![CDATA[<b>]]></Key></Object><Quiet> true </Quiet></s:Delete>',
      ),
    );
    expect(root.name).toBe('Delete');
    expect(root.childrenOf('Object').map((object) => object.exactTextOf('Key'))).toEqual([' a\n', '<b>']);
    expect(root.textOf('Quiet')).toBe('true');
    expect(root.textOf('Missing')).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['white space', '  '],
    ['no XML', 'abc'],
    ['an open element', '<A>'],
    ['two roots', '<A/><B/>'],
    ['wrongly nested elements', '<A><B></A></B>'],
    ['a document type', '<!DOCTYPE a><a/>'],
    ['entities', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['an unknown entity', '<a>&x;</a>'],
    ['a control character', '<a>\u0001</a>'],
    ['deep nesting', '<a>'.repeat(20) + '</a>'.repeat(20)],
  ])('refuses %s as malformed', (_what, document) => {
    expect(() => parseXml(Buffer.from(document))).toThrow(expect.objectContaining({ code: 'MalformedXML' }));
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseXml(Buffer.from('<a>\xff</a>', 'latin1'))).toThrow(
      expect.objectContaining({ code: 'MalformedXML' }),
    );
  });

  it('never fails otherwise than with MalformedXML', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', '/', 'a', '&', ';', '!', '[', ']', '-', '?', '"', '=', ' ') }),
        (document) => {
          try {
            parseXml(Buffer.from(document));
          } catch (error) {
            expect(error).toMatchObject({ code: 'MalformedXML' });
          }
        },
      ),
    );
  });
});
