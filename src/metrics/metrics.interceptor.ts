import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Observable } from 'rxjs';
import { s3RequestOf } from '../s3-api/http/attached-request';
import { S3_REQUESTS_IN_FLIGHT } from './metrics.constants';
import { SampledGauge } from './resolved-metrics';

/**
 * Knows how many requests are being served: from when the guards let them in until the answer is sent or given up. What a
 * request was and how it ended is counted by `MetricsObserver`, since refusals never get here.
 */
@Injectable()
export class MetricsInterceptor implements NestInterceptor {
  private inFlight = 0;
  private readonly leave = (): void => {
    this.inFlight -= 1;
  };

  constructor(@InjectMetric(S3_REQUESTS_IN_FLIGHT) gauge: SampledGauge<never>) {
    gauge.sample({}, () => this.inFlight);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.inFlight += 1;
    s3RequestOf(context).record.onSettled(this.leave);
    return next.handle();
  }
}
