import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../errors/s3-error';

/** One header of a request as it came (bytes as latin1); undefined when absent. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(',');
}

/**
 * Text of a header whose bytes arrived as latin1: UTF-8 where the bytes are UTF-8, else as they came. Most values are
 * ASCII and are returned as they are.
 */
export function decodeHeaderText(value: string): string {
  for (let index = 0; index < value.length; index++) {
    if (value.charCodeAt(index) > 0x7e) {
      const bytes = Buffer.from(value, 'latin1');
      const text = bytes.toString('utf8');
      return text.includes('\ufffd') ? value : text;
    }
  }
  return value;
}

/** Whether `value` may stand in a header of an answer as it is: no control character but tab, no code above latin1. */
export function isHeaderSafe(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}

/**
 * A header value for text that a client chose outside of a header (a query parameter): UTF-8 bytes, the form in which
 * Node writes them. Control characters are refused, so that no value can add a header or a line. Throws `InvalidArgument`.
 */
export function toHeaderValue(text: string, argumentName: string): string {
  const value = isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
  if (!isHeaderSafe(value)) {
    throw invalidArgument(
      'Header value cannot be represented using ISO-8859-1 printable characters.',
      argumentName,
      '',
    );
  }
  return value;
}

/** `InvalidArgument` with the fields that AWS names the argument by. */
export function invalidArgument(message: string, argumentName: string, argumentValue: string): S3Error {
  return new S3Error('InvalidArgument', {
    message,
    fields: { ArgumentName: argumentName, ArgumentValue: argumentValue },
  });
}

/** A header that this server knows and does not serve: refused, never overlooked. */
export function notImplementedHeader(name: string, message?: string): S3Error {
  return new S3Error('NotImplemented', { ...(message === undefined ? {} : { message }), fields: { Header: name } });
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}
