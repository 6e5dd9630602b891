import { applyDecorators, Controller, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { EventLogInterceptor } from '../../events/event-log.interceptor';
import { MetricsInterceptor } from '../../metrics/metrics.interceptor';
import { TenantThrottlerGuard } from '../../tenant/throttling/tenant-throttler.guard';
import { AccessGuard } from '../auth/access.guard';
import { SigV4Guard } from '../auth/sigv4.guard';
import { S3ExceptionFilter } from '../http/s3-exception.filter';
import { S3ResponseInterceptor } from '../http/s3-response.interceptor';

/**
 * A controller of S3 operations: who (signature), how fast (limits of the tenant), may they (access), in this order; then
 * the one writer of success, with the event log and the metrics around it, and the one writer of failure.
 */
export function S3Controller(): ClassDecorator {
  return applyDecorators(
    Controller(),
    UseGuards(SigV4Guard, TenantThrottlerGuard, AccessGuard),
    UseInterceptors(EventLogInterceptor, MetricsInterceptor, S3ResponseInterceptor),
    UseFilters(S3ExceptionFilter),
  );
}
