import { S3Error } from '../errors/s3-error';
import type { ChunkSignatures } from './chunk-signatures';
import type { ByteCounter } from './request-bytes';

/** Longest chunk header: sixteen digits and a signature take about a hundred bytes. */
const MAX_CHUNK_HEADER_BYTES = 1024;
/** Longest trailer section. */
const MAX_TRAILER_BYTES = 16 * 1024;
const MAX_SIZE_DIGITS = 16;

const LF = 0x0a;
const SIGNATURE_EXTENSION = 'chunk-signature=';
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

type State = 'chunk-header' | 'data' | 'data-end' | 'trailers' | 'body-end' | 'complete';

export interface AwsChunkedOptions {
  /** `x-amz-decoded-content-length`. */
  readonly decodedBytes: number;
  /** Undefined for unsigned chunks. */
  readonly signatures: ChunkSignatures | undefined;
  /** Name of the trailer that must come, lower case; undefined: none may. */
  readonly trailerName: string | undefined;
}

/**
 * Takes the `aws-chunked` framing off a body, without copying: feed it with {@link push}, take out payload with {@link next}
 * until there is none, and {@link end} it. Memory is bounded by one chunk header or the trailers.
 *
 * A signed chunk's bytes are handed out before its signature can be verified; a wrong one throws as soon as the chunk ends.
 * Whoever stores the bytes makes nothing visible before {@link end} returned.
 *
 * Errors: `IncompleteBody` for framing that is malformed, cut off, or adds up to another length than announced;
 * `SignatureDoesNotMatch`; `MalformedTrailerError`. After an error the decoder is not to be used.
 */
export class AwsChunkedDecoder {
  private state: State = 'chunk-header';
  private input: Buffer = Buffer.alloc(0);
  private position = 0;
  /** Beginning of a line whose end has not arrived. */
  private partialLine = '';
  private remainingInChunk = 0;
  private remainingInBody: number;
  private chunkSignature = '';
  private trailerBytes = 0;
  private trailerText: string | undefined;
  private hasTrailerSignature = false;
  private hasBlankBeforeSignature = false;
  private trailer: string | undefined;

  constructor(private readonly options: AwsChunkedOptions) {
    this.remainingInBody = options.decodedBytes;
  }

  /** The value of the announced trailer; undefined before the end of the body, and when none was announced. */
  get trailerValue(): string | undefined {
    return this.state === 'complete' ? this.trailer : undefined;
  }

  /** Hands in the next piece of the body. The piece before must have been used up: `next` answered undefined. */
  push(bytes: Uint8Array): void {
    this.input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
  }

  /** The next piece of payload, a view into what was pushed; undefined when more input is needed. */
  next(): Uint8Array | undefined {
    while (this.position < this.input.length) {
      if (this.state === 'data') return this.takeData();
      if (this.state === 'complete') throw malformed('The request body goes on after its last chunk');
      const line = this.takeLine();
      if (line !== undefined) this.readLine(line);
    }
    return undefined;
  }

  /** The body ended. Throws unless all of it has arrived. */
  end(): void {
    if (this.state !== 'complete') throw malformed('The request body terminated unexpectedly');
  }

  private takeData(): Uint8Array {
    const end = Math.min(this.position + this.remainingInChunk, this.input.length);
    const data = this.input.subarray(this.position, end);
    this.position = end;
    this.remainingInChunk -= data.length;
    this.remainingInBody -= data.length;
    this.options.signatures?.update(data);
    if (this.remainingInChunk === 0) this.state = 'data-end';
    return data;
  }

  /** A line with its carriage return, without its line feed; undefined when its end is still to come. */
  private takeLine(): string | undefined {
    const lineFeed = this.input.indexOf(LF, this.position);
    const end = lineFeed === -1 ? this.input.length : lineFeed;
    const limit = this.state === 'trailers' ? MAX_TRAILER_BYTES : MAX_CHUNK_HEADER_BYTES;
    if (this.partialLine.length + end - this.position > limit) throw malformed('The chunk framing is too long');
    const text = this.partialLine + this.input.toString('latin1', this.position, end);
    this.position = end + 1;
    this.partialLine = lineFeed === -1 ? text : '';
    return lineFeed === -1 ? undefined : text;
  }

  private readLine(line: string): void {
    switch (this.state) {
      case 'chunk-header':
        this.beginChunk(withoutReturn(line));
        return;
      case 'data-end':
        expectBlank(line);
        this.options.signatures?.endChunk(this.chunkSignature);
        this.state = 'chunk-header';
        return;
      case 'trailers':
        this.readTrailerLine(line);
        return;
      case 'body-end':
        expectBlank(line);
        this.state = 'complete';
        return;
      case 'data':
      case 'complete':
        return;
    }
  }

  private beginChunk(header: string): void {
    const semicolon = header.indexOf(';');
    const size = parseSize(semicolon === -1 ? header : header.slice(0, semicolon));
    if (this.options.signatures === undefined) {
      if (semicolon !== -1) throw malformed('An unsigned chunk has an extension');
    } else {
      if (semicolon === -1 || !header.startsWith(SIGNATURE_EXTENSION, semicolon + 1)) {
        throw malformed('A chunk is not signed');
      }
      this.chunkSignature = header.slice(semicolon + 1 + SIGNATURE_EXTENSION.length);
    }
    if (size > this.remainingInBody) throw malformed('The chunks are longer than x-amz-decoded-content-length');
    if (size > 0) {
      this.remainingInChunk = size;
      this.state = 'data';
      return;
    }
    if (this.remainingInBody > 0) throw malformed('The chunks are shorter than x-amz-decoded-content-length');
    this.options.signatures?.endChunk(this.chunkSignature);
    this.state = this.options.trailerName === undefined ? 'body-end' : 'trailers';
  }

  /**
   * Lines may end in a bare line feed, and a blank line may stand before the signature: AWS's description has it so, and
   * some clients follow it to the letter.
   */
  private readTrailerLine(line: string): void {
    this.trailerBytes += line.length + 1;
    if (this.trailerBytes > MAX_TRAILER_BYTES) throw new S3Error('MalformedTrailerError');
    if (line === '\r') {
      this.readBlankTrailerLine();
      return;
    }
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    const colon = text.indexOf(':');
    const name = text.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = text.slice(colon + 1).trimStart();
    if (value !== value.trimEnd() || this.hasTrailerSignature) throw new S3Error('MalformedTrailerError');
    if (name === TRAILER_SIGNATURE && this.options.signatures !== undefined) {
      if (this.trailerText === undefined) throw new S3Error('MalformedTrailerError');
      this.options.signatures.endTrailers(this.trailerText, value);
      this.hasTrailerSignature = true;
      return;
    }
    if (name !== this.options.trailerName || this.trailer !== undefined) throw new S3Error('MalformedTrailerError');
    this.trailer = value;
    this.trailerText = `${name}:${value}\n`;
  }

  private readBlankTrailerLine(): void {
    if (this.trailer === undefined) throw new S3Error('MalformedTrailerError');
    if (this.options.signatures === undefined || this.hasTrailerSignature) {
      this.state = 'complete';
      return;
    }
    if (this.hasBlankBeforeSignature) throw new S3Error('MalformedTrailerError');
    this.hasBlankBeforeSignature = true;
  }
}

/** Payload of an `aws-chunked` body, piece by piece as it arrives. `counter` is told of payload, not of framing. */
export async function* decodeAwsChunked(
  body: AsyncIterable<Uint8Array>,
  decoder: AwsChunkedDecoder,
  counter: ByteCounter,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const bytes of body) {
    decoder.push(bytes);
    for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) {
      counter.bytesIn += piece.length;
      yield piece;
    }
  }
  decoder.end();
}

function parseSize(digits: string): number {
  if (digits.length === 0 || digits.length > MAX_SIZE_DIGITS) throw malformed('A chunk has no proper size');
  let size = 0;
  for (let index = 0; index < digits.length; index++) {
    const value = hexValue(digits.charCodeAt(index));
    if (value === -1) throw malformed('A chunk has no proper size');
    size = size * 16 + value;
  }
  return size;
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  if (code >= 0x41 && code <= 0x46) return code - 0x37;
  return -1;
}

function withoutReturn(line: string): string {
  if (!line.endsWith('\r')) throw malformed('A chunk header does not end in CRLF');
  return line.slice(0, -1);
}

function expectBlank(line: string): void {
  if (line !== '\r') throw malformed('A chunk does not end where its size says');
}

function malformed(message: string): S3Error {
  return new S3Error('IncompleteBody', { message });
}
