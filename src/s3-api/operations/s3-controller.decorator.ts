import { applyDecorators, Controller, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { S3GuardStack } from '../auth/s3-guard-stack';
import { S3ExceptionFilter } from '../http/s3-exception.filter';
import { S3InterceptorStack } from '../http/s3-interceptor-stack';

/**
 * A controller of S3 operations: who (signature), how fast (limits of the tenant), may they (access), in this order; then
 * the one writer of success, with the event log and the metrics around it, and the one writer of failure.
 */
export function S3Controller(): ClassDecorator {
  return applyDecorators(
    Controller(),
    UseGuards(S3GuardStack),
    UseInterceptors(S3InterceptorStack),
    UseFilters(S3ExceptionFilter),
  );
}
