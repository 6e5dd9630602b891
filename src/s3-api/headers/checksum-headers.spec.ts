import {
  addChecksumHeaders,
  checksumAlgorithmHeader,
  completeChecksumHeader,
  uploadChecksumHeaders,
  wantsChecksums,
} from './checksum-headers';
import type { ResponseHeaders } from './response-headers';

const invalid = expect.objectContaining({ code: 'InvalidRequest' });

describe('checksum headers', () => {
  it('tell value and type', () => {
    const headers: ResponseHeaders = {};
    addChecksumHeaders(headers, { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'Qeh8oXvGiSo=' });
    expect(headers).toEqual({ 'x-amz-checksum-crc64nvme': 'Qeh8oXvGiSo=', 'x-amz-checksum-type': 'FULL_OBJECT' });
  });

  it('are only wanted when the mode says so', () => {
    expect(wantsChecksums({})).toBe(false);
    expect(wantsChecksums({ 'x-amz-checksum-mode': 'ENABLED' })).toBe(true);
    expect(() => wantsChecksums({ 'x-amz-checksum-mode': 'maybe' })).toThrow('checksum-mode');
  });

  it('name an algorithm in either case, and no unknown one', () => {
    expect(checksumAlgorithmHeader({ 'x-amz-checksum-algorithm': 'sha256' })).toBe('SHA256');
    expect(() => checksumAlgorithmHeader({ 'x-amz-checksum-algorithm': 'ADLER32' })).toThrow(invalid);
  });

  it.each([
    ['SHA256', 'FULL_OBJECT'],
    ['SHA1', 'FULL_OBJECT'],
    ['CRC64NVME', 'COMPOSITE'],
    [undefined, 'COMPOSITE'],
    ['CRC32', 'PARTIAL'],
  ])('refuse an upload with %p and %p', (algorithm, type) => {
    expect(() => uploadChecksumHeaders({ 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type })).toThrow(
      invalid,
    );
  });

  it('carry at most one checksum of the whole', () => {
    expect(completeChecksumHeader({ 'x-amz-checksum-type': 'COMPOSITE' })).toBeUndefined();
    expect(completeChecksumHeader({ 'x-amz-checksum-sha256': 'abc-2' })).toEqual({
      algorithm: 'SHA256',
      value: 'abc-2',
    });
    expect(() => completeChecksumHeader({ 'x-amz-checksum-sha256': 'a', 'x-amz-checksum-crc32': 'b' })).toThrow(
      invalid,
    );
    expect(() => completeChecksumHeader({ 'x-amz-checksum-adler32': 'a' })).toThrow(invalid);
  });
});
