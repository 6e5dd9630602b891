import type { ChecksumAlgorithm, DigestExpectation } from '../../engine/artifacts/artifact.types';
import { digestAlgorithmOf } from '../../engine/blobs/checksum-names';
import { S3Error } from '../errors/s3-error';
import { checksumHeader, decodeChecksum } from './checksum-headers';
import type { PayloadDeclaration } from './payload-declaration';

/**
 * What the client promised of its payload, in the order in which a broken promise is told. `trailerValue` is asked after the
 * last byte.
 */
export function digestExpectations(
  declaration: PayloadDeclaration,
  trailerValue: () => string | undefined,
): DigestExpectation[] {
  const expectations: DigestExpectation[] = [];
  const { sha256Hex, contentMd5, checksum, trailer } = declaration;
  if (sha256Hex !== undefined) expectations.push(expectSha256(sha256Hex));
  if (contentMd5 !== undefined) expectations.push(expectMd5(contentMd5));
  if (checksum !== undefined) {
    const { algorithm, digest: promised } = checksum;
    expectations.push(expectChecksum(algorithm, () => promised));
  }
  if (trailer !== undefined) expectations.push(expectChecksum(trailer, () => trailerDigest(trailer, trailerValue())));
  return expectations;
}

function expectSha256(promisedHex: string): DigestExpectation {
  return {
    algorithm: 'sha256',
    verify: (digest) => {
      const computedHex = digest.toString('hex');
      if (computedHex === promisedHex) return;
      throw new S3Error('XAmzContentSHA256Mismatch', {
        fields: { ClientComputedContentSHA256: promisedHex, S3ComputedContentSHA256: computedHex },
      });
    },
  };
}

function expectMd5(promised: Buffer): DigestExpectation {
  return {
    algorithm: 'md5',
    verify: (digest) => {
      if (digest.equals(promised)) return;
      throw new S3Error('BadDigest', {
        message: 'The Content-MD5 you specified did not match what we received.',
        fields: { ExpectedDigest: promised.toString('base64'), CalculatedDigest: digest.toString('base64') },
      });
    },
  };
}

function expectChecksum(algorithm: ChecksumAlgorithm, promised: () => Buffer): DigestExpectation {
  return {
    algorithm: digestAlgorithmOf(algorithm),
    verify: (digest) => {
      if (digest.equals(promised())) return;
      throw new S3Error('BadDigest', {
        message: `The ${algorithm} you specified did not match the calculated checksum.`,
      });
    },
  };
}

function trailerDigest(algorithm: ChecksumAlgorithm, value: string | undefined): Buffer {
  if (value === undefined) throw new S3Error('MalformedTrailerError');
  const digest = decodeChecksum(algorithm, value);
  if (digest !== undefined) return digest;
  throw new S3Error('InvalidRequest', {
    message: `Value for ${checksumHeader(algorithm)} trailing header is invalid.`,
  });
}
