import type { TransformCallback } from 'node:stream';
import { Transform } from 'node:stream';
import type { BytePacer } from '../../tenant/throttling/byte-pacer';

/** Hands bytes on as fast as `pacer` lets them go, and holds no more than the piece that waits. */
export class PacedStream extends Transform {
  private readonly closing = new AbortController();

  /** `onBeat` is called every ten seconds of waiting. */
  constructor(
    private readonly pacer: BytePacer,
    private readonly onBeat: () => void,
  ) {
    super({ highWaterMark: 1 });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.handOn(chunk).then(() => {
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.closing.abort(error ?? undefined);
    done(error);
  }

  private async handOn(chunk: Buffer): Promise<void> {
    const { sliceBytes } = this.pacer;
    for (let at = 0; at < chunk.length; at += sliceBytes) {
      const slice = chunk.subarray(at, at + sliceBytes);
      await this.pacer.reserve(slice.length, this.closing.signal, this.onBeat);
      this.push(slice);
    }
  }
}
