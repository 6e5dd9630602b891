import { Inject, Injectable, Logger } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Environment } from '../../config/environment';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { LogFields } from '../../context/log-fields';
import type { RequestObserver } from '../../context/request-observer';
import { REQUEST_OBSERVERS } from '../../context/request-observer';
import { RequestRecord } from '../../context/request-record';
import { tracing } from '../../context/tracing';
import { AccessLogRecorder } from '../access-logs/access-log-recorder';
import { isServerFault, toS3Error } from '../errors/error-translation';
import { S3Error } from '../errors/s3-error';
import { OPERATION_CATALOGUE, UNKNOWN_OPERATION } from '../operations/operation-catalogue';
import { OperationRegistry } from '../operations/operation-registry';
import { OperationResolver } from '../operations/operation-resolver';
import { AddressParser, splitTarget } from './address';
import { isStsRequest, STS_OPERATION, STS_ROUTE } from '../sts/sts-operation';
import { attachS3Request } from './attached-request';
import { ClientAddressFinder } from './client-address';
import { isBodyUnread, writeFailure } from './failure-writer';
import { RawQuery } from './raw-query';
import { newRequestId } from './request-ids';
import { measure, onResponseClosed } from './request-settlement';
import { ResolvedS3Request } from './resolved-request';

/**
 * Stands before Nest's router on the S3 plane: gives the request its id and record, finds out what it addresses and which
 * operation it is, and sends it to the operation's own route. What is no request of S3 is refused here.
 */
@Injectable()
export class S3Dispatcher {
  private readonly logger = new Logger('S3');
  private readonly resolver = new OperationResolver(OPERATION_CATALOGUE);
  private readonly addresses: AddressParser;
  private readonly clients: ClientAddressFinder;

  constructor(
    private readonly registry: OperationRegistry,
    environment: Environment,
    config: VaultaireConfig,
    private readonly accessLogs: AccessLogRecorder,
    @Inject(REQUEST_OBSERVERS) private readonly observers: readonly RequestObserver[],
  ) {
    this.addresses = new AddressParser(environment.s3Domains);
    this.clients = new ClientAddressFinder(config.trustedProxies);
  }

  /** Express middleware for the S3 plane alone; `next` leads to Nest's router. */
  readonly handle = (message: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const record = this.arm(message);
    const traces = tracing();
    if (traces === undefined) this.dispatch(record, message, response, next);
    else {
      traces.serve(record, message.headers, () => {
        this.dispatch(record, message, response, next);
      });
    }
  };

  /** Tells the observers of bytes that were no HTTP, which the server itself refused. */
  malformed(requestId: string, error: S3Error, remoteAddress: string | undefined): void {
    const record = new RequestRecord(requestId, UNKNOWN_OPERATION.name);
    record.status = error.status;
    record.errorCode = error.code;
    record.remoteAddress = remoteAddress;
    record.settle('completed');
    for (const observer of this.observers) observer.requestSettled(record);
  }

  private dispatch(record: RequestRecord, message: IncomingMessage, response: ServerResponse, next: () => void): void {
    const rawTarget = message.url ?? '/';
    let request: ResolvedS3Request | undefined;
    let rawPath: string | undefined;
    const bytesReadBefore = message.socket.bytesRead;
    onResponseClosed(message, response, () => {
      if (!response.writableFinished) request?.abort(new ClientDisconnectedError());
      this.settle(request, record, message, response, bytesReadBefore);
    });
    try {
      const target = splitTarget(rawTarget);
      rawPath = target.rawPath;
      const host = target.authority ?? message.headers.host;
      const address = this.addresses.parse(target.rawPath, host);
      record.container = address.tenant === undefined ? address.bucket : `${address.tenant}:${address.bucket ?? ''}`;
      record.artifactKey = address.key;
      if (host === undefined && message.httpVersion === '1.1')
        throw new S3Error('MissingSecurityHeader', { fields: { MissingHeaderName: 'host' } });
      const query = RawQuery.parse(target.rawQuery);
      const operation = isStsRequest(message, address.resource)
        ? STS_OPERATION
        : this.resolver.resolve(message.method ?? '', address.resource, query, message.headers);
      record.operation = operation.name;
      if (operation.method === 'OPTIONS') throw preflightRefused(message);
      request = new ResolvedS3Request(message, response, record, operation, rawPath, target.rawQuery, query, address);
      attachS3Request(message, request);
      if (isBodyUnread(message)) this.watchForStall(request);
      message.url = operation === STS_OPERATION ? STS_ROUTE : this.registry.routeOf(operation);
    } catch (failure) {
      this.refuse({ message, response, record, rawPath }, failure);
      return;
    }
    next();
  }

  private arm(message: IncomingMessage): RequestRecord {
    const record = new RequestRecord(newRequestId(), UNKNOWN_OPERATION.name);
    record.remoteAddress = this.clients.find(message);
    record.userAgent = message.headers['user-agent'];
    return record;
  }

  private settle(
    request: ResolvedS3Request | undefined,
    record: RequestRecord,
    message: IncomingMessage,
    response: ServerResponse,
    bytesReadBefore: number,
  ): void {
    measure(record, message, response, bytesReadBefore);
    record.settle(response.writableFinished ? 'completed' : 'aborted');
    if (request !== undefined) record.accessLog = this.accessLogs.entryOf(request);
    for (const observer of this.observers) observer.requestSettled(record);
  }

  private refuse(request: Parameters<typeof writeFailure>[0], failure: unknown): void {
    const error = toS3Error(failure, request);
    if (isServerFault(error)) {
      this.logger.error('A request could not be dispatched', error.cause, LogFields.of(request.record));
    }
    writeFailure(request, error);
  }

  /**
   * The server's time-out for bodies fires on the message. Whoever works on the request learns of it by the signal; the answer is
   * given here, since a reader of the body may be waiting for ever.
   */
  private watchForStall(request: ResolvedS3Request): void {
    request.message.once('timeout', () => {
      const error = new S3Error('RequestTimeout');
      request.abort(error);
      writeFailure(request, error);
    });
  }
}

/** Why the signal of a request aborts whose client left. Nobody is there to be told. */
export class ClientDisconnectedError extends Error {
  override readonly name = 'ClientDisconnectedError';

  constructor() {
    super('The client went away before it was answered');
  }
}

function preflightRefused(message: IncomingMessage): S3Error {
  if (message.headers.origin === undefined) {
    return new S3Error('BadRequest', {
      message: 'Insufficient information. Origin request header needed.',
    });
  }
  return new S3Error('AccessForbidden', {
    fields: { Method: message.headers['access-control-request-method'] ?? '', ResourceType: 'BUCKET' },
  });
}
