import type { Readable } from 'node:stream';

/** An XML element of an answer: text, or children in order. Undefined children are left out. */
export interface XmlElement {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly children: string | readonly (XmlElement | undefined)[];
}

/**
 * What an S3 handler returns; `S3ResponseInterceptor` is the only one who writes it. Header names in lower case; undefined ones are left out.
 * `x-amz-request-id`, `x-amz-id-2`, `date` and `server` are added to every answer.
 */
export interface S3Response {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | number | undefined>>;
  readonly body?:
    | { readonly kind: 'xml'; readonly root: XmlElement }
    /** XML that was already written out, by the listings. */
    | { readonly kind: 'text'; readonly text: string; readonly contentType: string }
    | { readonly kind: 'bytes'; readonly bytes: Buffer }
    | { readonly kind: 'stream'; readonly stream: Readable }
    /**
     * The status and headers go out at once; white space keeps the connection alive until `result` is known. Its
     * failure becomes an S3 error document in the 200 (CompleteMultipartUpload, CopyObject).
     */
    | { readonly kind: 'keep-alive-xml'; readonly result: Promise<XmlElement> };
}
