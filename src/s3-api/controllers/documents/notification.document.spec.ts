import { parseXml } from '../../xml/xml-parser';
import { NotificationDocument } from './notification.document';

const QUEUE = '<Queue>arn:vaultaire:sqs:us-east-1::hook</Queue>';
const PUT = '<Event>s3:ObjectCreated:Put</Event>';

function parse(rules: string): NotificationDocument {
  return NotificationDocument.fromXml(
    parseXml(Buffer.from(`<NotificationConfiguration>${rules}</NotificationConfiguration>`)),
  );
}
const queue = (inner: string): string => `<QueueConfiguration>${QUEUE}${inner}</QueueConfiguration>`;
const filter = (...rules: string[]): string => `<Filter><S3Key>${rules.join('')}</S3Key></Filter>`;
const by = (name: string, value: string): string =>
  `<FilterRule><Name>${name}</Name><Value>${value}</Value></FilterRule>`;

describe('NotificationDocument', () => {
  it('has rules of all three kinds', () => {
    const { rules } = parse(
      queue(`<Id>one</Id>${PUT}${PUT}${filter(by('Prefix', ' a/'), by('suffix', ''))}`) +
        '<TopicConfiguration><Topic>t</Topic><Event>s3:ObjectRemoved:*</Event></TopicConfiguration>' +
        '<CloudFunctionConfiguration><CloudFunction>f</CloudFunction><Event>s3:ObjectTagging:*</Event></CloudFunctionConfiguration>',
    );
    expect(rules).toEqual([
      {
        id: 'one',
        element: 'QueueConfiguration',
        arn: 'arn:vaultaire:sqs:us-east-1::hook',
        events: ['ObjectCreated:Put'],
        prefix: ' a/',
        suffix: '',
      },
      expect.objectContaining({ element: 'TopicConfiguration', arn: 't', events: ['ObjectRemoved:*'] }),
      expect.objectContaining({ element: 'CloudFunctionConfiguration', arn: 'f', prefix: undefined }),
    ]);
    expect(rules[1]?.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('may be empty', () => {
    expect(parse('').rules).toEqual([]);
  });

  it.each([
    ['an event that never comes', queue('<Event>s3:ObjectRestore:Post</Event>'), 'InvalidArgument'],
    ['an event without its service', queue('<Event>ObjectCreated:Put</Event>'), 'InvalidArgument'],
    [
      'two of one id',
      queue(`<Id>a</Id>${PUT}`) + queue('<Id>a</Id><Event>s3:ObjectRemoved:*</Event>'),
      'InvalidArgument',
    ],
    ['two that overlap', queue(PUT) + queue('<Event>s3:ObjectCreated:*</Event>'), 'InvalidArgument'],
    ['an id that is too long', queue(`<Id>${'x'.repeat(256)}</Id>${PUT}`), 'InvalidArgument'],
    ['another filter', queue(PUT + filter(by('regex', '.*'))), 'InvalidArgument'],
    ['two prefixes', queue(PUT + filter(by('prefix', 'a'), by('prefix', 'b'))), 'InvalidArgument'],
    ['a filter that is too long', queue(PUT + filter(by('prefix', 'x'.repeat(1025)))), 'InvalidArgument'],
    ['more than a hundred', queue(PUT).repeat(101), 'InvalidArgument'],
    ['no event', queue(''), 'MalformedXML'],
    ['no target', `<QueueConfiguration>${PUT}</QueueConfiguration>`, 'MalformedXML'],
    ['an unknown element', '<PigeonConfiguration/>', 'MalformedXML'],
    ['EventBridge', '<EventBridgeConfiguration/>', 'NotImplemented'],
  ])('refuses %s', (_what, rules, code) => {
    expect(() => parse(rules)).toThrow(expect.objectContaining({ code }));
  });
});
