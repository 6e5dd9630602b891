import { All } from '@nestjs/common';
import { S3Error } from '../errors/s3-error';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import { S3Controller } from './s3-controller.decorator';
import { UNHANDLED_ROUTE } from './s3-operation.decorator';

/** Answers the operations of S3 that nobody handles yet, to those who would be allowed to ask. */
@S3Controller()
export class UnhandledOperationController {
  /** Always throws `NotImplemented`. */
  @All(UNHANDLED_ROUTE)
  refuse(@S3Req() request: S3Request): never {
    throw new S3Error('NotImplemented', {
      message: `The operation ${request.operation.name} is not implemented.`,
      fields: { Operation: request.operation.name },
    });
  }
}
