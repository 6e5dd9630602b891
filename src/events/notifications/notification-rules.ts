/** Kinds of changes that are told, as S3 names them, without the `s3:` before each. */
export const NOTIFICATION_EVENTS = [
  'ObjectCreated:*',
  'ObjectCreated:Put',
  'ObjectCreated:Post',
  'ObjectCreated:Copy',
  'ObjectCreated:CompleteMultipartUpload',
  'ObjectRemoved:*',
  'ObjectRemoved:Delete',
  'ObjectRemoved:DeleteMarkerCreated',
  'ObjectTagging:*',
  'ObjectTagging:Put',
  'ObjectTagging:Delete',
] as const;
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number];

/** Elements of the configuration, by the service that S3 sends to. Here each names a target of any kind. */
export const RULE_ELEMENTS = {
  QueueConfiguration: { arn: 'Queue', service: 'sqs' },
  TopicConfiguration: { arn: 'Topic', service: 'sns' },
  CloudFunctionConfiguration: { arn: 'CloudFunction', service: 'lambda' },
} as const;
export type RuleElement = keyof typeof RULE_ELEMENTS;

/** What of a container is told to whom. */
export interface NotificationRule {
  /** Unique in the container. */
  readonly id: string;
  readonly element: RuleElement;
  /** Of the target, as the client wrote it. */
  readonly arn: string;
  /** At least one. */
  readonly events: readonly NotificationEvent[];
  /** Of keys; undefined: any. */
  readonly prefix: string | undefined;
  readonly suffix: string | undefined;
}

export function isNotificationEvent(name: string): name is NotificationEvent {
  return (NOTIFICATION_EVENTS as readonly string[]).includes(name);
}

/** Whether some key and some event would go by both: S3 refuses such a pair, whatever their targets. */
export function doOverlap(a: NotificationRule, b: NotificationRule): boolean {
  return (
    a.events.some((event) => b.events.some((other) => doEventsOverlap(event, other))) &&
    areNested(a.prefix ?? '', b.prefix ?? '', (text, start) => text.startsWith(start)) &&
    areNested(a.suffix ?? '', b.suffix ?? '', (text, end) => text.endsWith(end))
  );
}

function doEventsOverlap(a: NotificationEvent, b: NotificationEvent): boolean {
  if (a === b) return true;
  const [[kind, type], [otherKind, otherType]] = [a.split(':'), b.split(':')];
  return kind === otherKind && (type === '*' || otherType === '*');
}

function areNested(a: string, b: string, holds: (text: string, part: string) => boolean): boolean {
  return holds(a, b) || holds(b, a);
}
