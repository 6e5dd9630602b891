import { Injectable } from '@nestjs/common';
import { TLSSocket } from 'node:tls';
import type { AccessLogEntry } from '../../context/request-record';
import { HOST_ID } from '../http/request-ids';
import type { S3Request } from '../http/s3-request';
import { accessLogLine } from './access-log-line';
import { LoggedBuckets } from './logged-buckets';

/** Makes the lines of access logs, refused and broken requests included. */
@Injectable()
export class AccessLogRecorder {
  constructor(private readonly buckets: LoggedBuckets) {}

  /**
   * The line of a settled request; undefined when its bucket has no log, or nobody can tell which bucket was meant: names belong
   * to tenants, and a request without a good signature has none unless its address names one.
   */
  entryOf(request: S3Request): AccessLogEntry | undefined {
    if (this.buckets.isEmpty || request.bucket === undefined) return undefined;
    const tenantName = request.bucketTenant ?? request.identity?.tenantName;
    const bucket = tenantName === undefined ? undefined : this.buckets.find(tenantName, request.bucket);
    if (bucket === undefined) return undefined;
    const { record, message, rawPath, rawQuery, operation, identity } = request;
    const { startedClockMs, firstByteClockMs } = record;
    const tls = message.socket instanceof TLSSocket ? message.socket : undefined;
    const line = accessLogLine({
      bucketOwner: bucket.ownerCanonicalId,
      bucket: bucket.name,
      startedAtMs: record.startedAtMs,
      remoteAddress: record.remoteAddress,
      requester: identity?.principal.canonicalId,
      requestId: record.requestId,
      operation,
      key: request.key,
      method: message.method ?? '',
      target: rawQuery === '' ? rawPath : `${rawPath}?${rawQuery}`,
      httpVersion: message.httpVersion,
      status: record.status,
      errorCode: record.errorCode,
      bytesSent: record.bytesOut,
      objectBytes: record.artifactBytes,
      totalMs: record.latencyMs,
      turnAroundMs: firstByteClockMs === undefined ? undefined : firstByteClockMs - startedClockMs,
      referer: message.headers.referer,
      userAgent: record.userAgent,
      versionId: record.versionId,
      hostId: HOST_ID,
      signature: signatureOf(request),
      host: message.headers.host,
      tlsVersion: tls?.getProtocol() ?? undefined,
      cipher: tls?.getCipher().name,
    });
    return { containerId: bucket.id, line };
  }
}

function signatureOf({ message, query }: S3Request): 'header' | 'query' | undefined {
  if (message.headers.authorization !== undefined) return 'header';
  return query.has('X-Amz-Signature') ? 'query' : undefined;
}
