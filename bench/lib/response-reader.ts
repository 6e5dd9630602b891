/** What a response said, once all of it has arrived. `body` is empty unless it was asked for. */
export interface ReadResponse {
  readonly status: number;
  readonly headers: string;
  readonly bodyBytes: number;
  readonly body: Buffer;
  /** The server will close the connection, or the end of the body was its closing. */
  readonly mustClose: boolean;
}

type Phase = 'head' | 'sized' | 'chunk-head' | 'chunk-data' | 'trailer' | 'until-close';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const MAX_HEAD_BYTES = 65_536;

/** The value of a header in a head as {@link ReadResponse.headers} holds it (names in lower case), or undefined. */
export function headerOf(headers: string, name: string): string | undefined {
  const start = headers.indexOf(`\r\n${name}:`);
  if (start < 0) return undefined;
  const from = start + name.length + 3;
  const end = headers.indexOf('\r\n', from);
  return headers.slice(from, end < 0 ? undefined : end).trim();
}

/**
 * Reads HTTP/1.1 responses from the pieces in which they arrive, one response at a time. Bodies are counted and dropped
 * unless `keepsBody`. Only as strict as a load generator must be: a head that makes no sense throws.
 */
export class ResponseReader {
  private phase: Phase = 'head';
  private pending: Buffer = Buffer.alloc(0);
  private remaining = 0;
  private status = 0;
  private headers = '';
  private bodyBytes = 0;
  private mustClose = false;
  private kept: Buffer[] = [];
  private isHead = false;
  private keepsBody = false;

  /** Makes ready for the answer to a request; `isHead` when that was a HEAD. */
  begin(isHead: boolean, keepsBody: boolean): void {
    this.isHead = isHead;
    this.keepsBody = keepsBody;
    this.phase = 'head';
    this.pending = Buffer.alloc(0);
    this.bodyBytes = 0;
    this.kept = [];
  }

  /** Takes the next piece (which may be reused after the call); returns the response when it is complete. */
  push(piece: Buffer): ReadResponse | undefined {
    let data = this.pending.length === 0 ? piece : Buffer.concat([this.pending, piece]);
    this.pending = Buffer.alloc(0);
    for (;;) {
      switch (this.phase) {
        case 'head': {
          const end = data.indexOf(HEAD_END);
          if (end < 0) return this.wait(data);
          this.readHead(data.toString('latin1', 0, end + 2));
          data = data.subarray(end + 4);
          if (this.status < 200) continue;
          if (this.chooseBody()) return this.finish();
          break;
        }
        case 'sized':
        case 'chunk-data': {
          const taken = Math.min(this.remaining, data.length);
          this.take(data.subarray(0, taken));
          this.remaining -= taken;
          data = data.subarray(taken);
          if (this.remaining > 0) return undefined;
          if (this.phase === 'sized') return this.finish();
          if (data.length < 2) return this.wait(data);
          data = data.subarray(2);
          this.phase = 'chunk-head';
          break;
        }
        case 'chunk-head': {
          const end = data.indexOf(LINE_END);
          if (end < 0) return this.wait(data);
          this.remaining = Number.parseInt(data.toString('latin1', 0, end), 16);
          if (!Number.isInteger(this.remaining)) throw new Error('a chunk without a size');
          data = data.subarray(end + 2);
          this.phase = this.remaining === 0 ? 'trailer' : 'chunk-data';
          break;
        }
        case 'trailer': {
          const end = data.indexOf(LINE_END);
          if (end < 0) return this.wait(data);
          if (end === 0) return this.finish();
          data = data.subarray(end + 2);
          break;
        }
        case 'until-close':
          this.take(data);
          return undefined;
      }
    }
  }

  /** The connection ended: the end of a body that had no length, or undefined when the response is torn. */
  end(): ReadResponse | undefined {
    return this.phase === 'until-close' ? this.finish() : undefined;
  }

  private wait(data: Buffer): ReadResponse | undefined {
    if (data.length > MAX_HEAD_BYTES) throw new Error('a response head without an end');
    this.pending = Buffer.from(data);
    return undefined;
  }

  private readHead(head: string): void {
    if (!head.startsWith('HTTP/1.')) throw new Error(`no HTTP response: ${head.slice(0, 40)}`);
    this.status = Number(head.slice(9, 12));
    this.headers = head.toLowerCase();
    this.mustClose = headerOf(this.headers, 'connection') === 'close';
  }

  /** Sets how the body is read; true when there is none. */
  private chooseBody(): boolean {
    if (this.isHead || this.status === 204 || this.status === 304) return true;
    if (headerOf(this.headers, 'transfer-encoding') === 'chunked') {
      this.phase = 'chunk-head';
      return false;
    }
    const length = headerOf(this.headers, 'content-length');
    if (length === undefined) {
      this.phase = 'until-close';
      this.mustClose = true;
      return false;
    }
    this.remaining = Number(length);
    this.phase = 'sized';
    return this.remaining === 0;
  }

  private take(data: Buffer): void {
    this.bodyBytes += data.length;
    if (this.keepsBody) this.kept.push(Buffer.from(data));
  }

  private finish(): ReadResponse {
    this.phase = 'head';
    const body = this.kept.length === 0 ? Buffer.alloc(0) : Buffer.concat(this.kept);
    return {
      status: this.status,
      headers: this.headers,
      bodyBytes: this.bodyBytes,
      body,
      mustClose: this.mustClose,
    };
  }
}
