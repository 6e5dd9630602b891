import { EngineError } from '../../engine/engine.errors';
import { MAX_PART_BYTES } from '../../engine/multipart/multipart.types';
import { S3Error } from '../errors/s3-error';

/** A source that is too large for one copy is `InvalidRequest` on S3, where a body that is too large is `EntityTooLarge`. */
export async function withCopySourceLimit<T>(copy: Promise<T>): Promise<T> {
  try {
    return await copy;
  } catch (error) {
    if (!(error instanceof EngineError) || error.failure.kind !== 'ArtifactTooLarge') throw error;
    throw new S3Error('InvalidRequest', {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${String(MAX_PART_BYTES)}`,
      cause: error,
    });
  }
}
