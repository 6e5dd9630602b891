import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { EventsModule } from '../events/events.module';
import { MetricsModule } from '../metrics/metrics.module';
import { ThrottlingModule } from '../tenant/throttling/throttling.module';
import { AdminProblemFilter } from './admin-problem.filter';
import { AdminDispatcher } from './http/admin-dispatcher';
import { AdminMetrics } from './http/admin-metrics';
import { IdempotencyStore } from './idempotency/idempotency.store';
import { ListeningAddresses } from './server/listening-addresses';
import { AdminTenantFinder } from './tokens/admin-tenant.finder';
import { AdminTokenAuthenticator } from './tokens/admin-token.authenticator';

/** What `@AdminController` needs in whatever module it stands; global, so that these need not import anything for it. */
@Global()
@Module({
  imports: [EventsModule, MetricsModule, ThrottlingModule],
  providers: [
    AdminDispatcher,
    AdminMetrics,
    AdminTenantFinder,
    AdminTokenAuthenticator,
    IdempotencyStore,
    ListeningAddresses,
    { provide: APP_FILTER, useClass: AdminProblemFilter },
  ],
  exports: [
    AdminDispatcher,
    AdminTenantFinder,
    AdminTokenAuthenticator,
    IdempotencyStore,
    ListeningAddresses,
    ThrottlingModule,
    EventsModule,
  ],
})
export class AdminPlaneModule {}
