import { DriverError } from '../driver.errors';
import type { DriverErrorKind } from '../driver.errors';

/**
 * System error codes (errno(3)) as kinds. A refusal by the file system, such as EACCES, is a fault of the installation and not of
 * the client, hence `Unavailable`. ELOOP, ENOTDIR and EISDIR mean that something other than a blob lies in its place.
 */
const KINDS: Readonly<Record<string, DriverErrorKind>> = {
  ENOENT: 'NotFound',
  EEXIST: 'AlreadyExists',
  ENOSPC: 'NoSpace',
  EDQUOT: 'NoSpace',
  EFBIG: 'TooLarge',
  EACCES: 'Unavailable',
  EPERM: 'Unavailable',
  EROFS: 'Unavailable',
  EMFILE: 'Unavailable',
  ENFILE: 'Unavailable',
  ENOMEM: 'Unavailable',
  EIO: 'Unavailable',
  EBUSY: 'Unavailable',
  EAGAIN: 'Unavailable',
  ETIMEDOUT: 'Unavailable',
  ESTALE: 'Unavailable',
  ENODEV: 'Unavailable',
  ENXIO: 'Unavailable',
  EHOSTDOWN: 'Unavailable',
  ELOOP: 'Corrupted',
  ENOTDIR: 'Corrupted',
  EISDIR: 'Corrupted',
};

/** The one translation of file system errors; a {@link DriverError} passes unchanged. */
export function localError(error: unknown): DriverError {
  if (error instanceof DriverError) return error;
  const code = errorCode(error);
  const kind = code === undefined ? 'Unexpected' : (KINDS[code] ?? 'Unexpected');
  return new DriverError(kind, `the file system answered ${code ?? 'an unknown error'}`, { cause: error });
}

/** The errno name of a system error, or undefined for any other value. */
export function errorCode(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}
