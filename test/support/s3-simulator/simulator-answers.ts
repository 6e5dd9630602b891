import type { ServerResponse } from 'node:http';
import type { SimulatedFault } from './simulator-quirks';

/** An answer before it is sent, so that a fault can still happen to it. */
export interface SimulatedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export function xmlAnswer(status: number, text: string): SimulatedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`),
  };
}

export function errorAnswer(status: number, code: string, more = ''): SimulatedAnswer {
  return xmlAnswer(status, `<Error><Code>${code}</Code><Message>simulated</Message>${more}</Error>`);
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${String(character.charCodeAt(0))};`);
}

const PIECE_BYTES = 64 * 1024;

/** What all answers of a backend together may not exceed. */
export class SharedPace {
  private busyUntilMs = 0;

  /** When so many bytes more are sent, on the clock of `performance.now()`. */
  reserve(bytes: number, bytesPerSecond: number): number {
    this.busyUntilMs = Math.max(this.busyUntilMs, performance.now()) + (bytes / bytesPerSecond) * 1000;
    return this.busyUntilMs;
  }
}

/** Sends `answer`, with what `fault` does to its body, no faster than `bytesPerSecond` and `total` (0: no limit). */
export async function sendAnswer(
  response: ServerResponse,
  answer: SimulatedAnswer,
  options: {
    readonly isHead: boolean;
    readonly fault: SimulatedFault | undefined;
    readonly bytesPerSecond: number;
    readonly total?: { readonly pace: SharedPace; readonly bytesPerSecond: number };
  },
): Promise<void> {
  const body = answer.body ?? Buffer.alloc(0);
  const startedAtMs = performance.now();
  const { isHead, fault, bytesPerSecond, total } = options;
  response.writeHead(answer.status, { 'content-length': String(body.length), ...answer.headers });
  if (isHead) {
    response.end();
    return;
  }
  switch (fault?.do) {
    case 'corrupt':
      response.end(corrupted(body));
      return;
    case 'stall-body':
      response.write(body.subarray(0, fault.afterBytes));
      return;
    case 'reset-body':
    case 'truncate-body':
      response.write(body.subarray(0, fault.afterBytes), () => {
        if (fault.do === 'truncate-body') response.socket?.end();
        else response.socket?.resetAndDestroy();
      });
      return;
    case undefined:
    case 'answer':
    case 'delay':
    case 'stall':
    case 'reset':
    case 'lose-answer':
      if (bytesPerSecond === 0 && (total?.bytesPerSecond ?? 0) === 0) response.end(body);
      else {
        await trickle(response, body, (sentBytes, bytes) =>
          Math.max(
            bytesPerSecond === 0 ? 0 : (sentBytes / bytesPerSecond) * 1000 + startedAtMs,
            total === undefined || total.bytesPerSecond === 0 ? 0 : total.pace.reserve(bytes, total.bytesPerSecond),
          ),
        );
      }
  }
}

/** The bytes with one in the middle flipped. */
export function corrupted(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = Math.floor(copy.length / 2);
  if (copy.length > 0) copy.writeUInt8(copy.readUInt8(middle) ^ 0x01, middle);
  return copy;
}

async function trickle(
  response: ServerResponse,
  body: Buffer,
  untilMs: (sentBytes: number, bytes: number) => number,
): Promise<void> {
  for (let from = 0; from < body.length && !response.destroyed; from += PIECE_BYTES) {
    const piece = body.subarray(from, from + PIECE_BYTES);
    response.write(piece);
    await sleepUntil(untilMs(from + piece.length, piece.length));
  }
  response.end();
}

/** Resolves at `atMs` of `performance.now()`. */
export async function sleepUntil(atMs: number): Promise<void> {
  const leftMs = atMs - performance.now();
  if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
}
