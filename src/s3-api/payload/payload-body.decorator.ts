import { createParamDecorator } from '@nestjs/common';
import { s3RequestOf } from '../http/attached-request';
import { openPayload } from './payload-body';

/**
 * Hands the body of an object or a part to a handler as `IncomingBody`: headers validated, not a byte read. What is
 * wrong with the headers is thrown before the handler runs.
 */
export const PayloadBody = createParamDecorator((_data: undefined, context) => openPayload(s3RequestOf(context)));
