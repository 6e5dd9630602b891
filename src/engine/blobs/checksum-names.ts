import type { ChecksumAlgorithm } from '../artifacts/artifact.types';
import type { DigestAlgorithm } from './digests';

const DIGESTS: Readonly<Record<ChecksumAlgorithm, DigestAlgorithm>> = {
  CRC32: 'crc32',
  CRC32C: 'crc32c',
  CRC64NVME: 'crc64nvme',
  SHA1: 'sha1',
  SHA256: 'sha256',
  SHA512: 'sha512',
  MD5: 'md5',
  XXHASH64: 'xxhash64',
  XXHASH3: 'xxhash3',
  XXHASH128: 'xxhash128',
};

export const digestAlgorithmOf = (algorithm: ChecksumAlgorithm): DigestAlgorithm => DIGESTS[algorithm];
