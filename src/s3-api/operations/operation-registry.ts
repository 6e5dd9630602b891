import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { OnModuleInit } from '@nestjs/common';
import { OPERATION_CATALOGUE } from './operation-catalogue';
import type { OperationDefinition } from './operation.types';
import { operationRoute, S3_OPERATION_METADATA, UNHANDLED_ROUTE } from './s3-operation.decorator';

/** Knows which operations of the catalogue have a handler. Fails the boot when two handlers claim the same operation. */
@Injectable()
export class OperationRegistry implements OnModuleInit {
  private readonly routes = new Map<OperationDefinition, string>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const handlers = this.collectHandlers();
    for (const operation of OPERATION_CATALOGUE) {
      this.routes.set(operation, handlers.has(operation.name) ? operationRoute(operation.name) : UNHANDLED_ROUTE);
    }
  }

  /** The internal route that answers the operation: its handler's, or the one that answers `NotImplemented`. */
  routeOf(operation: OperationDefinition): string {
    return this.routes.get(operation) ?? UNHANDLED_ROUTE;
  }

  /** Names of the operations that have a handler. */
  handledOperations(): ReadonlySet<string> {
    return new Set(
      [...this.routes].filter(([, route]) => route !== UNHANDLED_ROUTE).map(([operation]) => operation.name),
    );
  }

  private collectHandlers(): ReadonlyMap<string, string> {
    const handlers = new Map<string, string>();
    for (const { metatype } of this.discovery.getControllers()) {
      const prototype: unknown = typeof metatype === 'function' ? metatype.prototype : undefined;
      if (typeof metatype !== 'function' || typeof prototype !== 'object' || prototype === null) continue;
      for (const methodName of this.scanner.getAllMethodNames(prototype)) {
        const method: unknown = Reflect.get(prototype, methodName);
        if (typeof method !== 'function') continue;
        const operation = this.reflector.get<string | undefined>(S3_OPERATION_METADATA, method);
        claim(handlers, operation, `${metatype.name}.${methodName}`);
      }
    }
    return handlers;
  }
}

function claim(handlers: Map<string, string>, operation: string | undefined, handler: string): void {
  if (operation === undefined) return;
  const other = handlers.get(operation);
  if (other !== undefined) throw new Error(`${other} and ${handler} both handle the S3 operation ${operation}`);
  handlers.set(operation, handler);
}
