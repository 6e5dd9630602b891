import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, Logger } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LogFields } from '../../context/log-fields';
import { isServerFault, toS3Error } from '../errors/error-translation';
import { S3Error } from '../errors/s3-error';
import { findS3Request } from './attached-request';
import { isClientGone, writeFailure } from './failure-writer';
import { ResolvedS3Request } from './resolved-request';

/** The only writer of failure of a request that reached a handler's guards. */
@Catch()
export class S3ExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('S3');

  catch(failure: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const message = http.getRequest<IncomingMessage>();
    const request = findS3Request(message);
    if (request === undefined) {
      // The route of an S3 operation was asked for on another plane, where it does not exist.
      http.getResponse<ServerResponse>().writeHead(404).end();
      return;
    }
    const isAnswered = request instanceof ResolvedS3Request && request.abortedBy instanceof S3Error;
    if (isAnswered) return;
    const error = toS3Error(failure, request);
    if (isServerFault(error) && !isClientGone(request)) {
      this.logger.error(`${request.operation.name} failed`, error.cause ?? error, LogFields.of(request.record));
    }
    writeFailure(request, error);
  }
}
