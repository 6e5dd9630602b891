import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { EventLogInterceptor } from '../../events/event-log.interceptor';
import { MetricsInterceptor } from '../../metrics/metrics.interceptor';
import type { S3Response } from './s3-response';
import { S3ResponseInterceptor } from './s3-response.interceptor';

/**
 * The interceptors around every S3 operation: event log, metrics, and innermost the writer of success. One interceptor to
 * Nest, which gives each of them an observable, an async resource and a promise of its own.
 */
@Injectable()
export class S3InterceptorStack implements NestInterceptor<S3Response> {
  constructor(
    private readonly eventLog: EventLogInterceptor,
    private readonly metrics: MetricsInterceptor,
    private readonly response: S3ResponseInterceptor,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler<S3Response>): Observable<unknown> {
    const respond: CallHandler = { handle: () => this.response.intercept(context, next) };
    const measure: CallHandler = { handle: () => this.metrics.intercept(context, respond) };
    return this.eventLog.intercept(context, measure);
  }
}
