import type { ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { S3Request } from './s3-request';

const ATTACHED = Symbol('S3Request');

interface CarrierMessage extends IncomingMessage {
  [ATTACHED]?: S3Request;
}

/** Binds the resolved request to its HTTP message, for guards, interceptors, filters and parameter decorators. */
export function attachS3Request(message: CarrierMessage, request: S3Request): void {
  message[ATTACHED] = request;
}

/** The request that the dispatcher resolved; undefined for a message that never passed it (the admin plane). */
export function findS3Request(message: CarrierMessage): S3Request | undefined {
  return message[ATTACHED];
}

/** The S3 request of a guard's, interceptor's or decorator's context. Throws when the message did not pass the dispatcher. */
export function s3RequestOf(context: ExecutionContext): S3Request {
  const request = findS3Request(context.switchToHttp().getRequest<IncomingMessage>());
  if (request === undefined) throw new Error('The message did not pass the S3 dispatcher');
  return request;
}
