const ENCODED_WORD = /=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=/g;
/** White space between two encoded words is no part of the text (RFC 2047 section 6.2). */
const BETWEEN_WORDS = /(=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)\s+(?==\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)/g;
const CONTROL = /\p{Cc}/u;

/**
 * Text of a header value in which non-ASCII parts may be written as RFC 2047 encoded words (UTF-8, US-ASCII or
 * ISO-8859-1). Words that can't be decoded, or that hide control characters, stay as they came.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html ("character decoded as per RFC 2047
 * before storing and encoded as per RFC 2047 before returning").
 */
export function decodeRfc2047(value: string): string {
  if (!value.includes('=?')) return value;
  return value
    .replace(BETWEEN_WORDS, '$1')
    .replace(ENCODED_WORD, (word: string, charset: string, encoding: string, text: string) => {
      const bytes = encoding === 'B' || encoding === 'b' ? Buffer.from(text, 'base64') : decodeQ(text);
      const decoded = decodeCharset(bytes, charset);
      return decoded === undefined || CONTROL.test(decoded) ? word : decoded;
    });
}

/** `value` as it is when printable ASCII, else as one RFC 2047 word in UTF-8 and base64. */
export function encodeRfc2047(value: string): string {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if ((code < 0x20 && code !== 0x09) || code > 0x7e) {
      return `=?UTF-8?B?${Buffer.from(value, 'utf8').toString('base64')}?=`;
    }
  }
  return value;
}

function decodeQ(text: string): Buffer {
  const bytes: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const hex = text.slice(index + 1, index + 3);
    if (text[index] === '=' && /^[0-9A-Fa-f]{2}$/.test(hex)) {
      bytes.push(parseInt(hex, 16));
      index += 2;
    } else {
      bytes.push(text[index] === '_' ? 0x20 : text.charCodeAt(index) & 0xff);
    }
  }
  return Buffer.from(bytes);
}

function decodeCharset(bytes: Buffer, charset: string): string | undefined {
  switch (charset.toLowerCase()) {
    case 'utf-8':
    case 'us-ascii': {
      const text = bytes.toString('utf8');
      return text.includes('\ufffd') ? undefined : text;
    }
    case 'iso-8859-1':
      return bytes.toString('latin1');
    default:
      return undefined;
  }
}
