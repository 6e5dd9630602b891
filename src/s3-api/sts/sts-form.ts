import { hash } from 'node:crypto';
import { S3Error } from '../errors/s3-error';
import { ResolvedS3Request } from '../http/resolved-request';
import type { S3Request } from '../http/s3-request';
import type { BodyOrigin } from '../payload/request-bytes';
import { RequestBytes } from '../payload/request-bytes';

/** Room for the longest policy that AWS takes, all of it percent-encoded, and the rest. */
const MAX_FORM_BYTES = 32 * 1024;

/** The parameters of a request to STS, and what its signature covers of them. */
export interface StsForm {
  readonly parameters: URLSearchParams;
  readonly sha256Hex: string;
}

const forms = new WeakMap<S3Request, StsForm>();

/** Reads the body. Throws `MissingContentLength`, `MaxMessageLengthExceeded` and what `RequestBytes` throws. */
export async function readStsForm(request: S3Request): Promise<StsForm> {
  const length = request.message.headers['content-length'];
  if (length === undefined) throw new S3Error('MissingContentLength');
  const sizeBytes = Number(length);
  if (sizeBytes > MAX_FORM_BYTES) throw new S3Error('MaxMessageLengthExceeded');
  const body = Buffer.allocUnsafe(sizeBytes);
  let filledBytes = 0;
  for await (const chunk of new RequestBytes(originOf(request), sizeBytes, request.record)) {
    body.set(chunk, filledBytes);
    filledBytes += chunk.length;
  }
  const form = { parameters: new URLSearchParams(body.toString('utf8')), sha256Hex: hash('sha256', body, 'hex') };
  forms.set(request, form);
  return form;
}

/** Nobody is known yet, and so there is no context. */
function originOf(request: S3Request): BodyOrigin {
  if (!(request instanceof ResolvedS3Request)) return request;
  const { message, response, signal } = request;
  return { message, response, ctx: { signal } };
}

/** The form that the guard has read. */
export function stsFormOf(request: S3Request): StsForm {
  const form = forms.get(request);
  if (form === undefined) throw new Error('The form was not read');
  return form;
}
