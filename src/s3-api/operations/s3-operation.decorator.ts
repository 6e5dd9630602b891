import { All, Res, SetMetadata } from '@nestjs/common';
import type { OperationName } from './operation-catalogue';
import { findOperation } from './operation-catalogue';

/** Metadata key under which a handler carries the name of its operation. */
export const S3_OPERATION_METADATA = Symbol('S3_OPERATION');

/** Begins the internal routes of S3's operations. */
export const S3_ROUTE_PREFIX = '/_s3/';

/** Where the dispatcher sends requests of operations that no handler claims. */
export const UNHANDLED_ROUTE = `${S3_ROUTE_PREFIX}-`;

/** The internal route of an operation; only the dispatcher writes it into `req.url`. */
export function operationRoute(name: string): string {
  return `${S3_ROUTE_PREFIX}${name}`;
}

/**
 * Makes a controller method the handler of an operation of the catalogue, whatever its HTTP method. Throws while the
 * class is defined when the catalogue has no such operation, so that the boot fails.
 */
export function S3Operation(name: OperationName): MethodDecorator {
  if (findOperation(name) === undefined) throw new Error(`@S3Operation('${name}'): the S3 API has no such operation`);
  return (target, propertyKey, descriptor) => {
    SetMetadata(S3_OPERATION_METADATA, name)(target, propertyKey, descriptor);
    All(operationRoute(name))(target, propertyKey, descriptor);
    leaveResponseToInterceptor(target, propertyKey);
  };
}

/**
 * Nest writes no answer of its own for a handler that asks for the response object. Asking for it in one position after
 * the declared parameters is the documented way to keep `S3ResponseInterceptor` the only writer.
 */
export function leaveResponseToInterceptor(target: object, propertyKey: string | symbol): void {
  const handler: unknown = Reflect.get(target, propertyKey);
  if (typeof handler !== 'function') throw new Error(`${String(propertyKey)} is not a method`);
  Res()(target, propertyKey, handler.length);
}
