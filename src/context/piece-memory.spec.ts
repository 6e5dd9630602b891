import { recyclePiece, takePiece } from './piece-memory';

const KIB = 1024;

describe('memory of pieces', () => {
  it.each([1, 16 * KIB, 16 * KIB + 1, 100 * KIB, 256 * KIB, 256 * KIB + 1])('gives %d bytes', (sizeBytes) => {
    expect(takePiece(sizeBytes)).toHaveLength(sizeBytes);
  });

  it('uses what was given back again, for pieces of the same order', () => {
    const piece = takePiece(200 * KIB);
    recyclePiece(piece);
    expect(takePiece(16 * KIB).buffer).not.toBe(piece.buffer);
    expect(takePiece(256 * KIB).buffer).toBe(piece.buffer);
  });

  it('has no piece taken by two', () => {
    const piece = takePiece(256 * KIB);
    recyclePiece(piece);
    recyclePiece(piece);
    expect(takePiece(256 * KIB).buffer).not.toBe(takePiece(256 * KIB).buffer);
  });

  it.each([
    ['a part of one', (): Buffer => takePiece(256 * KIB).subarray(0, 100)],
    ['another object over all of one', (): Buffer => takePiece(256 * KIB).subarray(0)],
    ['what was never taken', (): Buffer => Buffer.allocUnsafeSlow(256 * KIB)],
    ['what is larger than what is kept', (): Buffer => takePiece(256 * KIB + 1)],
  ])('keeps off %s', (_, given) => {
    const piece = given();
    recyclePiece(piece);
    expect(takePiece(256 * KIB).buffer).not.toBe(piece.buffer);
    expect(takePiece(piece.length).buffer).not.toBe(piece.buffer);
  });

  it('keeps 16 MiB at most', () => {
    const pieces = Array.from({ length: 100 }, () => takePiece(256 * KIB));
    for (const piece of pieces) recyclePiece(piece);
    const kept = new Set(Array.from({ length: 100 }, () => takePiece(256 * KIB).buffer));
    expect(pieces.filter(({ buffer }) => kept.has(buffer))).toHaveLength(64);
  });
});
