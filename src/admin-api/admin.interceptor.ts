import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Observable } from 'rxjs';
import { catchError, concatMap, map, of } from 'rxjs';
import { ChangeAnnouncer } from '../events/change-announcer';
import { etagOf } from './etag';
import { adminRequestOf } from './http/admin-request';
import { readJsonBody } from './http/json-body';
import { IdempotencyStore } from './idempotency/idempotency.store';
import type { IdempotencyClaim, StoredAnswer } from './idempotency/idempotency.store';

/** Headers of an answer that are given again with it. */
const KEPT_HEADERS = ['ETag', 'Location'];

/**
 * Around every handler of the admin API: reads the body once the guard let the request in, announces changes to the event log, gives the answer of an earlier POST with
 * the same `Idempotency-Key` again, and sets the ETag.
 */
@Injectable()
export class AdminInterceptor implements NestInterceptor {
  constructor(
    private readonly idempotency: IdempotencyStore,
    private readonly changes: ChangeAnnouncer,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const message = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const { bytes, value } = await readJsonBody(message);
    message.body = value;
    if (message.method !== 'GET' && message.method !== 'HEAD')
      await this.changes.announce(adminRequestOf(message).record);
    const answers = next.handle().pipe(
      map((answer: unknown) => {
        setEtag(response, answer);
        return answer;
      }),
    );
    const key = message.headers['idempotency-key'];
    if (message.method !== 'POST' || typeof key !== 'string') return answers;

    const tokenId = adminRequestOf(message).caller?.tokenId ?? '';
    const outcome = await this.idempotency.begin(tokenId, key, [message.method, message.originalUrl, bytes]);
    if (outcome.kind === 'replay') return of(replay(response, outcome.answer));
    return this.kept(answers, response, outcome.claim);
  }

  private kept(answers: Observable<unknown>, response: Response, claim: IdempotencyClaim): Observable<unknown> {
    return answers.pipe(
      concatMap(async (body: unknown) => {
        await this.idempotency.complete(claim, { status: response.statusCode, headers: keptHeaders(response), body });
        return body;
      }),
      catchError(async (error: unknown) => {
        await this.idempotency.release(claim);
        throw error;
      }),
    );
  }
}

function replay(response: Response, { status, headers, body }: StoredAnswer): unknown {
  response.status(status);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('Idempotency-Replayed', 'true');
  return body;
}

function keptHeaders(response: Response): Record<string, string> {
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = response.getHeader(name);
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
}

function setEtag(response: Response, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null || !('revision' in answer) || response.hasHeader('ETag')) return;
  const { revision } = answer;
  if (typeof revision === 'string' || typeof revision === 'number') response.setHeader('ETag', etagOf(revision));
}
