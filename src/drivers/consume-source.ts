import type { AbortScope } from './abort-scope';
import type { BlobSource } from './driver';
import { DriverError } from './driver.errors';

/**
 * Pulls a source to its end into `sink`, one chunk at a time, and returns its length in bytes. Empty chunks are skipped.
 *
 * Rejects with the source's own error, the sink's error, `Aborted`, or `Corrupted` when the length is not `sizeBytes`; a
 * source that is too long is noticed at the first byte too many, before the sink sees it. However it ends early, the
 * source is told by `return()`.
 */
export async function consumeSource(
  source: BlobSource,
  sizeBytes: number | undefined,
  scope: AbortScope,
  sink: (chunk: Uint8Array, offset: number) => Promise<void> | void,
): Promise<number> {
  const iterator = source[Symbol.asyncIterator]();
  let offset = 0;
  let isExhausted = false;
  try {
    for (;;) {
      const step = await scope.guard(iterator.next());
      if (step.done === true) {
        isExhausted = true;
        break;
      }
      const chunk = step.value;
      if (chunk.byteLength === 0) continue;
      if (sizeBytes !== undefined && offset + chunk.byteLength > sizeBytes) throw wrongLength(sizeBytes);
      await sink(chunk, offset);
      offset += chunk.byteLength;
    }
  } finally {
    if (!isExhausted) dismiss(iterator);
  }
  if (sizeBytes !== undefined && offset !== sizeBytes) throw wrongLength(sizeBytes);
  return offset;
}

/** Not awaited: a generator answers `return()` only after the step that it is in, which may never end. */
function dismiss(iterator: AsyncIterator<Uint8Array>): void {
  const ignore = (): void => undefined;
  iterator.return?.().then(ignore, ignore);
}

function wrongLength(sizeBytes: number): DriverError {
  return new DriverError('Corrupted', `the source is not of the ${String(sizeBytes)} bytes that were announced`);
}
