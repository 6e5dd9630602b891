import { simulatedBackend } from '../support/s3-backends';
import { describeOn } from './s3-suite';

describeOn(
  'blobs on an S3 backend without multipart uploads, listings of version 2 and MD5 ETags',
  () => simulatedBackend('quotaless'),
  ['objects', 'multipart', 'ranges'],
);
