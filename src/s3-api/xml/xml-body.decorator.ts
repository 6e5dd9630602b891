import { createParamDecorator } from '@nestjs/common';
import { S3Error } from '../errors/s3-error';
import { s3RequestOf } from '../http/attached-request';
import { readVerifiedBody } from '../payload/payload-body';
import type { XmlNode } from './xml-parser';
import { parseXml } from './xml-parser';

/** Bound of a request document in bytes where its class states none. */
const DEFAULT_MAX_BYTES = 64 * 1024;

/** A class that a request document becomes. */
export interface XmlDto<T> {
  /** Largest document in bytes; 64 KiB when absent. */
  readonly maxBytes?: number;
  /** Whether S3 refuses the document without `Content-MD5` or a checksum. */
  readonly requiresDigest?: boolean;
  /** Throws `MalformedXML`, or whatever S3 answers for the content. */
  fromXml(root: XmlNode): T;
  /** What an empty body means, where the document is optional. */
  whenEmpty?(): T;
}

/**
 * Reads the body of an allowed request, verifies signature, length and checksums, and hands the handler its document.
 * Throws what the payload's verification throws, `MissingRequestBodyError`, and `MalformedXML`.
 */
export const XmlBody = createParamDecorator(async (dto: XmlDto<unknown>, context): Promise<unknown> => {
  const body = await readVerifiedBody(s3RequestOf(context), dto.maxBytes ?? DEFAULT_MAX_BYTES, {
    requiresDigest: dto.requiresDigest === true,
  });
  if (body.length > 0) return dto.fromXml(parseXml(body));
  if (dto.whenEmpty === undefined) throw new S3Error('MissingRequestBodyError');
  return dto.whenEmpty();
});
