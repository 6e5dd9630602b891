import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { mergeMap, of } from 'rxjs';
import { s3RequestOf } from './attached-request';
import type { S3Response } from './s3-response';
import { writeSuccess } from './success-writer';

const WRITTEN = of(undefined);

/** The only writer of success: handlers return what to answer and never touch the response. */
@Injectable()
export class S3ResponseInterceptor implements NestInterceptor<S3Response, void> {
  intercept(context: ExecutionContext, next: CallHandler<S3Response>): Observable<void> {
    const request = s3RequestOf(context);
    return next.handle().pipe(mergeMap((answer) => writeSuccess(request, answer) ?? WRITTEN));
  }
}
