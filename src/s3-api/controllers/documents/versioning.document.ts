import { S3Error } from '../../errors/s3-error';
import type { XmlNode } from '../../xml/xml-parser';

/** `VersioningConfiguration`. */
export class VersioningDocument {
  private constructor(readonly state: 'enabled' | 'suspended') {}

  /** Throws `MalformedXML`, `IllegalVersioningConfigurationException`, and `NotImplemented` for MFA delete. */
  static fromXml(root: XmlNode): VersioningDocument {
    if (root.name !== 'VersioningConfiguration') throw new S3Error('MalformedXML');
    if (root.textOf('MfaDelete') === 'Enabled' || root.textOf('MFADelete') === 'Enabled') {
      throw new S3Error('NotImplemented', { message: 'MFA delete is not supported.' });
    }
    switch (root.textOf('Status')) {
      case 'Enabled':
        return new VersioningDocument('enabled');
      case 'Suspended':
        return new VersioningDocument('suspended');
      case undefined:
        throw new S3Error('IllegalVersioningConfigurationException');
      default:
        throw new S3Error('MalformedXML');
    }
  }
}
