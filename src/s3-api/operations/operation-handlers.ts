import 'reflect-metadata';
import { S3_OPERATION_METADATA } from './s3-operation.decorator';

interface ControllerClass {
  readonly name: string;
  readonly prototype: object;
}

/**
 * Which method handles which operation, as `Controller.method` by operation name. Throws when two claim the same one.
 */
export function collectHandlers(controllers: Iterable<ControllerClass>): ReadonlyMap<string, string> {
  const handlers = new Map<string, string>();
  for (const controller of controllers) {
    for (const method of Object.getOwnPropertyNames(controller.prototype)) {
      const operation = operationOf(controller.prototype, method);
      if (operation === undefined) continue;
      const handler = `${controller.name}.${method}`;
      const other = handlers.get(operation);
      if (other !== undefined) throw new Error(`${other} and ${handler} both handle the S3 operation ${operation}`);
      handlers.set(operation, handler);
    }
  }
  return handlers;
}

function operationOf(prototype: object, methodName: string): string | undefined {
  const method: unknown = Object.getOwnPropertyDescriptor(prototype, methodName)?.value;
  if (typeof method !== 'function') return undefined;
  const operation: unknown = Reflect.getMetadata(S3_OPERATION_METADATA, method);
  return typeof operation === 'string' ? operation : undefined;
}
