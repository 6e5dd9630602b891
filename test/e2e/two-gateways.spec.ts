import { vaultaireBackend } from '../support/s3-backends';
import { describeOn } from './s3-suite';

/** The one behind verifies every signature, condition and checksum of the S3 driver of the one in front. */
describeOn('blobs on another Vaultaire', vaultaireBackend, ['objects', 'multipart', 'listing', 'ranges']);
