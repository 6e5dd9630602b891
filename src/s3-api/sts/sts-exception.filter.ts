import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, Logger } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { LogFields } from '../../context/log-fields';
import { isServerFault, toS3Error } from '../errors/error-translation';
import { S3Error } from '../errors/s3-error';
import { findS3Request } from '../http/attached-request';
import { isClientGone, writeRefusal } from '../http/failure-writer';
import { ResolvedS3Request } from '../http/resolved-request';
import type { S3Request } from '../http/s3-request';
import { StsError, stsErrorDocument, toStsError } from './sts-error';

/** The only writer of failure of a request to STS. */
@Catch()
export class StsExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('STS');

  catch(failure: unknown, host: ArgumentsHost): void {
    const request = findS3Request(host.switchToHttp().getRequest<IncomingMessage>());
    if (request === undefined) throw new Error('The message did not pass the S3 dispatcher', { cause: failure });
    const isAnswered = request instanceof ResolvedS3Request && request.abortedBy instanceof S3Error;
    if (isAnswered) return;
    const error = failure instanceof StsError ? failure : this.translate(failure, request);
    writeRefusal(request, error, () => stsErrorDocument(error, request.id));
  }

  private translate(failure: unknown, request: S3Request): StsError {
    const error = toS3Error(failure, request);
    if (isServerFault(error) && !isClientGone(request)) {
      this.logger.error(`${request.operation.name} failed`, error.cause ?? error, LogFields.of(request.record));
    }
    return toStsError(error);
  }
}
