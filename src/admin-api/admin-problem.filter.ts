import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Request, Response } from 'express';
import { LogFields } from '../context/log-fields';
import { AdminProblem } from './admin-problem';
import { findAdminRequest } from './http/admin-request';
import { allowedMethods } from './http/allowed-methods';
import { problemDocument, toAdminProblem } from './http/problem-document';

const NOT_FOUND = 404;

/** The only writer of failure on the admin plane, routes that don't exist included. */
@Catch()
export class AdminProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Admin');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(failure: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const message = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const request = findAdminRequest(message);
    const problem = this.asRefusedMethod(message, toAdminProblem(failure), failure);
    if (problem.status >= 500) {
      const name = request?.record.operation ?? message.method;
      const fields = request === undefined ? [] : [LogFields.of(request.record)];
      this.logger.error(`${name} failed`, problem.cause ?? problem, ...fields);
    }
    if (request !== undefined) request.record.errorCode = problem.title.replaceAll(/[^A-Za-z]/g, '');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const [instance = '/'] = message.originalUrl.split('?', 1);
    const text = JSON.stringify(problemDocument(problem, instance, request?.record.requestId));
    for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value);
    response.removeHeader('ETag');
    response.statusCode = problem.status;
    response.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
    response.setHeader('Content-Length', Buffer.byteLength(text));
    response.end(text);
  }

  /** The path of a 404 that the router gave may be there for another method. */
  private asRefusedMethod(message: Request, problem: AdminProblem, failure: unknown): AdminProblem {
    if (problem.status !== NOT_FOUND || failure instanceof AdminProblem) return problem;
    const methods = allowedMethods(this.adapterHost.httpAdapter.getInstance(), message.path);
    if (methods.length === 0)
      return new AdminProblem({ status: NOT_FOUND, detail: `There is nothing at ${message.path}` });
    return new AdminProblem({
      status: 405,
      detail: `${message.path} takes ${methods.join(', ')}`,
      headers: { Allow: methods.join(', ') },
    });
  }
}
