/** What kind of value a field has; `text` is what a client or an operator chose. */
export type EventFieldType = 'uuid' | 'time' | 'text' | 'integer' | 'number';

/** A field of an event, in the API and in every export. */
export interface EventField {
  /** As a column of the table and of exports. */
  readonly name: string;
  readonly type: EventFieldType;
  readonly isRequired: boolean;
}

/**
 * Version of the fields below, which every export names. A new field or a new meaning makes a new version; the list in
 * docs/event-log.md goes with it.
 */
export const EVENT_SCHEMA_VERSION = 1;

const field = (name: string, type: EventFieldType, isRequired = false): EventField => ({ name, type, isRequired });

export const EVENT_FIELDS: readonly EventField[] = [
  field('id', 'uuid', true),
  field('time', 'time', true),
  field('request_id', 'text', true),
  field('tenant_id', 'uuid'),
  field('user_id', 'uuid'),
  field('access_key_id', 'text'),
  field('actor', 'text'),
  field('operation', 'text', true),
  field('container', 'text'),
  field('artifact_key', 'text'),
  field('version_id', 'text'),
  field('outcome', 'text', true),
  field('status', 'integer', true),
  field('error_code', 'text'),
  field('bytes_in', 'integer', true),
  field('bytes_out', 'integer', true),
  field('latency_ms', 'number', true),
  field('first_byte_ms', 'number'),
  field('driver', 'text'),
  field('driver_latency_ms', 'number'),
  field('placement', 'text'),
  field('range', 'text'),
  field('remote_address', 'text'),
  field('user_agent', 'text'),
];

/** The values of an event, in the order of {@link EVENT_FIELDS}. */
export type EventValues = readonly (string | number | Date | null)[];
