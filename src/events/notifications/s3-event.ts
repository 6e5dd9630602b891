/** A row of the outbox: one change for one target. */
export interface OutboxEvent extends Readonly<Record<string, unknown>> {
  /** Decimal; grows with each change of a key. */
  readonly id: string;
  readonly container_id: string;
  readonly container: string;
  /** Of the container's owner; null: the user is gone. */
  readonly owner_canonical_id: string | null;
  readonly rule_id: string;
  /** As `ObjectCreated:Put`, or `TestEvent`. */
  readonly event: string;
  readonly key: string;
  readonly size_bytes: string | null;
  readonly etag: string | null;
  readonly version_id: string | null;
  /** See `originOf` in `src/engine/change-origin.ts`. */
  readonly origin: string | null;
  readonly occurred_at: Date;
}

/** S3 counts tagging among the later versions of its format; fields are the same. */
const VERSION = '2.1';
const TAGGING_VERSION = '2.3';
const SEQUENCER_DIGITS = 16;

/**
 * The body of the message, as S3 describes it ("Event message structure"), with one record; of `TestEvent` the shorter form that
 * S3 sends when a configuration is set.
 */
export function s3EventMessage(row: OutboxEvent, region: string): string {
  const [, requestId = '-', address = '-', userId = '-'] = (row.origin ?? '').split(' ');
  if (row.event === 'TestEvent') {
    return JSON.stringify({
      Service: 'Amazon S3',
      Event: 's3:TestEvent',
      Time: row.occurred_at.toISOString(),
      Bucket: row.container,
      RequestId: requestId,
      HostId: requestId,
    });
  }
  const record = {
    eventVersion: row.event.startsWith('ObjectTagging:') ? TAGGING_VERSION : VERSION,
    eventSource: 'aws:s3',
    awsRegion: region,
    eventTime: row.occurred_at.toISOString(),
    eventName: row.event,
    userIdentity: { principalId: userId === '-' ? 'Vaultaire' : `AWS:${userId}` },
    requestParameters: { sourceIPAddress: address },
    responseElements: { 'x-amz-request-id': requestId, 'x-amz-id-2': requestId },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: row.rule_id,
      bucket: {
        name: row.container,
        ownerIdentity: { principalId: row.owner_canonical_id ?? '' },
        arn: `arn:aws:s3:::${row.container}`,
      },
      object: {
        key: encodeEventKey(row.key),
        ...(row.size_bytes !== null && { size: Number(row.size_bytes) }),
        ...(row.etag !== null && { eTag: row.etag }),
        ...(row.version_id !== null && { versionId: row.version_id }),
        sequencer: sequencerOf(row.id),
      },
    },
  };
  return JSON.stringify({ Records: [record] });
}

/** Hexadecimal, of one length: as text, later ones of a key are greater. */
export function sequencerOf(id: string): string {
  return BigInt(id).toString(16).toUpperCase().padStart(SEQUENCER_DIGITS, '0');
}

/** As S3 has keys in messages: like a form (a space is `+`), but for the slash, which stays. */
export function encodeEventKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/%20/g, '+')
    .replace(/%2F/g, '/')
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
