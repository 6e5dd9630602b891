import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Observable } from 'rxjs';
import { map } from 'rxjs';
import { etagOf } from './etag';
import { adminRequestOf } from './http/admin-request';
import { readJsonBody } from './http/json-body';

/** Around every handler of the admin API: reads the body once the guard let the request in, and sets the ETag. */
@Injectable()
export class AdminInterceptor implements NestInterceptor {
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const message = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const { bytes, value } = await readJsonBody(message);
    adminRequestOf(message).rawBody = bytes;
    message.body = value;
    return next.handle().pipe(
      map((answer: unknown) => {
        setEtag(response, answer);
        return answer;
      }),
    );
  }
}

function setEtag(response: Response, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null || !('revision' in answer) || response.hasHeader('ETag')) return;
  const { revision } = answer;
  if (typeof revision === 'string' || typeof revision === 'number') response.setHeader('ETag', etagOf(revision));
}
