import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { BytePacer } from '../../tenant/throttling/byte-pacer';
import { PacedStream } from './paced-stream';

/** Each piece waits until the test lets it go. */
class HeldPacer extends BytePacer {
  readonly pieces: number[] = [];
  readonly signals: AbortSignal[] = [];
  private readonly held: (() => void)[] = [];

  constructor() {
    super(() => []);
  }

  override get sliceBytes(): number {
    return 4;
  }

  override reserve(bytes: number, signal: AbortSignal, onBeat?: () => void): Promise<void> {
    this.pieces.push(bytes);
    this.signals.push(signal);
    onBeat?.();
    return new Promise((resolve, reject) => {
      this.held.push(resolve);
      signal.addEventListener('abort', () => {
        reject(new Error('the wait was cut off', { cause: signal.reason }));
      });
    });
  }

  /** False: nobody waits. */
  letGo(): boolean {
    const resolve = this.held.shift();
    resolve?.();
    return resolve !== undefined;
  }
}

const settled = async (): Promise<void> => new Promise(setImmediate);
const ignore = (): void => undefined;

describe('PacedStream', () => {
  it('hands on all bytes in their order, in pieces, each when it may go', async () => {
    const pacer = new HeldPacer();
    const body = buffer(
      Readable.from([Buffer.from('0123456789'), Buffer.from('abc')]).pipe(new PacedStream(pacer, ignore)),
    );
    await settled();
    // The rest stays where it is.
    expect(pacer.pieces).toEqual([4]);
    while (pacer.letGo()) await settled();
    expect((await body).toString()).toBe('0123456789abc');
    expect(pacer.pieces).toEqual([4, 4, 2, 3]);
  });

  it('takes no more than the piece that waits', async () => {
    const pacer = new HeldPacer();
    const stream = new PacedStream(pacer, ignore);
    expect(stream.write(Buffer.from('0123'))).toBe(false);
    stream.write(Buffer.from('4567'));
    await settled();
    expect(pacer.pieces).toEqual([4]);
    stream.destroy();
  });

  it('stops waiting when it is destroyed, and hands on nothing more', async () => {
    const pacer = new HeldPacer();
    const stream = new PacedStream(pacer, ignore);
    const received: unknown[] = [];
    stream.on('data', (chunk) => received.push(chunk));
    stream.write(Buffer.from('01234567'));
    pacer.letGo();
    await settled();
    const reason = new Error('the client is gone');
    stream.destroy(reason);
    expect(await once(stream, 'error')).toEqual([reason]);
    expect(pacer.signals.map(({ aborted, reason: why }) => [aborted, why])).toEqual([
      [true, reason],
      [true, reason],
    ]);
    pacer.letGo();
    await settled();
    expect(received).toEqual([Buffer.from('0123')]);
  });

  it('says that somebody still waits', async () => {
    const pacer = new HeldPacer();
    const onBeat = jest.fn();
    const stream = new PacedStream(pacer, onBeat);
    stream.write(Buffer.from('0123'));
    await settled();
    expect(onBeat).toHaveBeenCalledTimes(1);
    stream.destroy();
  });
});
