import { EngineError } from '../engine.errors';
import type { RangeRequest } from './artifact.types';

/** Inclusive positions within an artifact. */
export interface ResolvedRange {
  readonly start: number;
  readonly end: number;
}

/** Positions of a requested range in an artifact of `sizeBytes`. Throws `RangeNotSatisfiable` when no byte is in it. */
export function resolveRange(range: Exclude<RangeRequest, { kind: 'part' }>, sizeBytes: number): ResolvedRange {
  if (range.kind === 'suffix') {
    if (range.lengthBytes === 0 || sizeBytes === 0) throw notSatisfiable(range.text, sizeBytes);
    return { start: Math.max(0, sizeBytes - range.lengthBytes), end: sizeBytes - 1 };
  }
  if (range.start >= sizeBytes) throw notSatisfiable(range.text, sizeBytes);
  return { start: range.start, end: Math.min(range.end ?? sizeBytes - 1, sizeBytes - 1) };
}

function notSatisfiable(range: string, sizeBytes: number): EngineError {
  return new EngineError({ kind: 'RangeNotSatisfiable', sizeBytes, range });
}
