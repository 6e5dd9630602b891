import { createParamDecorator } from '@nestjs/common';
import { s3RequestOf } from './attached-request';

/** Hands the {@link S3Request} to a handler. */
export const S3Req = createParamDecorator((_data: undefined, context) => s3RequestOf(context));
