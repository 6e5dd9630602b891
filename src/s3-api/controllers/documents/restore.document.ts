import type { RestoreTier } from '../../../engine/archive/artifact-restorer';
import { S3Error } from '../../errors/s3-error';
import type { XmlNode } from '../../xml/xml-parser';

const TIERS: Readonly<Record<string, RestoreTier>> = { Expedited: 'expedited', Standard: 'standard', Bulk: 'bulk' };
const MAX_DAYS = 36_500;

/** `RestoreRequest`. */
export class RestoreDocument {
  private constructor(
    readonly days: number,
    readonly tier: RestoreTier,
  ) {}

  /** Throws `MalformedXML`, `InvalidArgument`, and `NotImplemented` for restores into a bucket and for `SELECT`. */
  static fromXml(root: XmlNode): RestoreDocument {
    if (root.name !== 'RestoreRequest') throw new S3Error('MalformedXML');
    for (const name of ['Type', 'SelectParameters', 'OutputLocation']) {
      if (root.child(name) !== undefined)
        throw new S3Error('NotImplemented', { message: 'An object is restored where it is, and nowhere else.' });
    }
    const days = root.textOf('Days');
    if (days === undefined || !/^-?[0-9]+$/.test(days)) throw new S3Error('MalformedXML');
    if (Number(days) < 1 || Number(days) > MAX_DAYS) {
      throw new S3Error('InvalidArgument', {
        message: `Days must be from 1 to ${String(MAX_DAYS)}.`,
        fields: { ArgumentName: 'Days', ArgumentValue: days },
      });
    }
    const named = root.child('GlacierJobParameters')?.textOf('Tier') ?? root.textOf('Tier') ?? 'Standard';
    const tier = Object.hasOwn(TIERS, named) ? TIERS[named] : undefined;
    if (tier === undefined) throw new S3Error('MalformedXML');
    return new RestoreDocument(Number(days), tier);
  }
}
