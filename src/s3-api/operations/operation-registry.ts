import type { OnModuleInit } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { OPERATION_CATALOGUE } from './operation-catalogue';
import { collectHandlers } from './operation-handlers';
import type { OperationDefinition } from './operation.types';
import { operationRoute, UNHANDLED_ROUTE } from './s3-operation.decorator';

/** Knows which operations of the catalogue have a handler. Fails the boot when two handlers claim the same operation. */
@Injectable()
export class OperationRegistry implements OnModuleInit {
  private readonly routes = new Map<OperationDefinition, string>();

  constructor(private readonly discovery: DiscoveryService) {}

  onModuleInit(): void {
    const controllers = this.discovery.getControllers().map(({ metatype }) => metatype);
    const handlers = collectHandlers(controllers.filter((metatype) => typeof metatype === 'function'));
    for (const operation of OPERATION_CATALOGUE) {
      this.routes.set(operation, handlers.has(operation.name) ? operationRoute(operation.name) : UNHANDLED_ROUTE);
    }
  }

  /** The internal route that answers the operation: its handler's, or the one that answers `NotImplemented`. */
  routeOf(operation: OperationDefinition): string {
    return this.routes.get(operation) ?? UNHANDLED_ROUTE;
  }
}
