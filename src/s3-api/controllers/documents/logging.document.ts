import type { AccessLogSettings, LogKeyFormat } from '../../access-logs/access-log-settings';
import { S3Error } from '../../errors/s3-error';
import type { XmlNode } from '../../xml/xml-parser';

const MAX_PREFIX_BYTES = 800;

/** `BucketLoggingStatus`. Without `LoggingEnabled` it switches the log off. */
export class LoggingDocument {
  private constructor(readonly settings: AccessLogSettings | undefined) {}

  /**
   * Throws `MalformedXML`, `AccessControlListNotSupported` for grants, since no bucket has access control lists, and `KeyTooLongError`
   * for a prefix that leaves no room for the names of log objects.
   */
  static fromXml(root: XmlNode): LoggingDocument {
    if (root.name !== 'BucketLoggingStatus') throw new S3Error('MalformedXML');
    const enabled = root.child('LoggingEnabled');
    if (enabled === undefined) return new LoggingDocument(undefined);
    const targetBucket = enabled.textOf('TargetBucket');
    const targetPrefix = enabled.exactTextOf('TargetPrefix');
    if (targetBucket === undefined || targetPrefix === undefined) throw new S3Error('MalformedXML');
    if (enabled.child('TargetGrants')?.child('Grant') !== undefined) throw new S3Error('AccessControlListNotSupported');
    if (Buffer.byteLength(targetPrefix) > MAX_PREFIX_BYTES) throw new S3Error('KeyTooLongError');
    return new LoggingDocument({
      targetBucket,
      targetPrefix,
      keyFormat: keyFormatOf(enabled.child('TargetObjectKeyFormat')),
    });
  }
}

function keyFormatOf(format: XmlNode | undefined): LogKeyFormat | undefined {
  if (format === undefined) return undefined;
  const partitioned = format.child('PartitionedPrefix');
  const isSimple = format.child('SimplePrefix') !== undefined;
  if (isSimple === (partitioned !== undefined)) throw new S3Error('MalformedXML');
  if (partitioned === undefined) return 'simple';
  switch (partitioned.textOf('PartitionDateSource')) {
    case 'EventTime':
      return 'by-event-time';
    case 'DeliveryTime':
      return 'by-delivery-time';
    default:
      throw new S3Error('MalformedXML');
  }
}
