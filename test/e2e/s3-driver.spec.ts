import { simulatedBackend } from '../support/s3-backends';
import { describeOn } from './s3-suite';

/** What touches bytes; everything else does not know which driver holds them. */
describeOn('blobs on an S3 backend', () => simulatedBackend('aws'), [
  'objects',
  'multipart',
  'ranges',
  'copy',
  'checksums',
  'conditional',
]);
