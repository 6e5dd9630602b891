import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { ThrottledRequest } from '../../tenant/throttling/throttled-request';
import { ThrottledRequests } from '../../tenant/throttling/throttled-request';
import { findS3Request } from './attached-request';

/** Reads tenant and class off the resolved S3 request. */
@Injectable()
export class S3ThrottledRequests extends ThrottledRequests {
  of(httpRequest: IncomingMessage): ThrottledRequest {
    const request = findS3Request(httpRequest);
    if (request === undefined) throw new Error('The message did not pass the S3 dispatcher');
    return request;
  }
}
