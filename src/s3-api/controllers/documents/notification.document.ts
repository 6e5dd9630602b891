import { randomUUID } from 'node:crypto';
import type { NotificationRule, RuleElement } from '../../../events/notifications/notification-rules';
import { doOverlap, isNotificationEvent, RULE_ELEMENTS } from '../../../events/notifications/notification-rules';
import { S3Error } from '../../errors/s3-error';
import type { XmlNode } from '../../xml/xml-parser';

const MAX_RULES = 100;
const MAX_ID_CHARS = 255;
const MAX_FILTER_BYTES = 1_024;

/** `NotificationConfiguration`. Without a rule in it nothing is told any more. */
export class NotificationDocument {
  static readonly maxBytes = 256 * 1024;

  private constructor(readonly rules: readonly NotificationRule[]) {}

  /**
   * Throws `MalformedXML`; `InvalidArgument` for events that are not told, filters that S3 has not, ids that are not unique, rules that
   * overlap; `NotImplemented` for EventBridge.
   */
  static fromXml(root: XmlNode): NotificationDocument {
    if (root.name !== 'NotificationConfiguration') throw new S3Error('MalformedXML');
    if (root.children.length > MAX_RULES) throw invalid('A configuration has no more than 100 rules');
    const rules = root.children.map(toRule);
    if (new Set(rules.map(({ id }) => id)).size < rules.length) {
      throw invalid('Same ID used for multiple configurations. IDs must be unique');
    }
    for (const [at, rule] of rules.entries()) {
      if (rules.slice(0, at).some((other) => doOverlap(rule, other))) {
        throw invalid(
          'Configurations overlap. Configurations on the same bucket cannot share a common event type.',
          'NotificationConfiguration',
        );
      }
    }
    return new NotificationDocument(rules);
  }
}

function toRule(node: XmlNode): NotificationRule {
  if (node.name === 'EventBridgeConfiguration') {
    throw new S3Error('NotImplemented', { message: 'There is no EventBridge to send notifications to.' });
  }
  if (!isRuleElement(node.name)) throw new S3Error('MalformedXML');
  const arn = node.textOf(RULE_ELEMENTS[node.name].arn);
  const events = node.childrenOf('Event').map(({ text }) => text.trim());
  if (!arn || events.length === 0) throw new S3Error('MalformedXML');
  const id = node.textOf('Id') || randomUUID();
  if (id.length > MAX_ID_CHARS) throw invalid(`An Id has no more than ${MAX_ID_CHARS} characters`, id);
  return { id, element: node.name, arn, events: [...new Set(events.map(toEvent))], ...filterOf(node) };
}

function isRuleElement(name: string): name is RuleElement {
  return Object.hasOwn(RULE_ELEMENTS, name);
}

function toEvent(name: string): NotificationRule['events'][number] {
  const event = name.startsWith('s3:') ? name.slice(3) : '';
  if (!isNotificationEvent(event)) throw invalid('The event is not supported for notifications', name);
  return event;
}

function filterOf(node: XmlNode): Pick<NotificationRule, 'prefix' | 'suffix'> {
  const filter = { prefix: undefined as string | undefined, suffix: undefined as string | undefined };
  for (const rule of node.child('Filter')?.child('S3Key')?.childrenOf('FilterRule') ?? []) {
    const name = rule.textOf('Name')?.toLowerCase();
    const value = rule.exactTextOf('Value');
    if (value === undefined) throw new S3Error('MalformedXML');
    if (name !== 'prefix' && name !== 'suffix') throw invalid('filter rule name must be either prefix or suffix');
    if (filter[name] !== undefined) throw invalid(`Cannot specify more than one ${name} rule in a filter.`);
    if (Buffer.byteLength(value) > MAX_FILTER_BYTES)
      throw invalid('Size of filter rule value cannot exceed 1024 bytes in UTF-8');
    filter[name] = value;
  }
  return filter;
}

function invalid(message: string, value?: string): S3Error {
  return new S3Error('InvalidArgument', {
    message,
    ...(value !== undefined && { fields: { ArgumentName: value, ArgumentValue: value } }),
  });
}
