import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { from, switchMap } from 'rxjs';
import { s3RequestOf } from '../s3-api/http/attached-request';
import { ChangeAnnouncer, isAnnounced } from './change-announcer';

/**
 * Notes on the record which version and range an admitted request asks for; container and key are there since the
 * dispatcher. Announces changes that no transaction notes. The row is made when the record settles, by `EventLogService`: a
 * guard's refusal never reaches an interceptor, and a stream's end comes after it.
 */
@Injectable()
export class EventLogInterceptor implements NestInterceptor {
  constructor(private readonly changes: ChangeAnnouncer) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { record, query, message } = s3RequestOf(context);
    record.versionId ??= query.get('versionId');
    record.range = message.headers.range;
    if (!isAnnounced(record.operation)) return next.handle();
    return from(this.changes.announce(record)).pipe(switchMap(() => next.handle()));
  }
}
