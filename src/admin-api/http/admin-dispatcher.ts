import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { RequestRecord } from '../../context/request-record';
import { tracing } from '../../context/tracing';
import { EventLogService } from '../../events/event-log.service';
import { ClientAddressFinder } from '../../s3-api/http/client-address';
import { newRequestId } from '../../s3-api/http/request-ids';
import { measure, onResponseClosed } from '../../s3-api/http/request-settlement';
import { ADMIN_API_PREFIX } from '../admin-api.constants';
import { AdminMetrics } from './admin-metrics';
import { attachAdminRequest } from './admin-request';

/** Before a guard named the action: a path or method that no route has. */
const UNKNOWN_ACTION = 'admin.Unknown';

/**
 * The first to see a request of the admin plane: gives it an id, and sees to it that every request of the API is in the event
 * log once it ended, refused and broken ones too. Probes and scrapes are not logged: they would be most of the log.
 */
@Injectable()
export class AdminDispatcher {
  private readonly addresses: ClientAddressFinder;

  constructor(
    private readonly eventLog: EventLogService,
    private readonly metrics: AdminMetrics,
    config: VaultaireConfig,
  ) {
    this.addresses = new ClientAddressFinder(config.trustedProxies);
  }

  /** @param router what serves the routes of the plane */
  listener(router: RequestListener): RequestListener {
    return (message, response) => {
      const requestId = newRequestId();
      response.setHeader('X-Request-Id', requestId);
      const record = isOfApi(message.url ?? '') ? this.arm(requestId, message, response) : undefined;
      const traces = record === undefined ? undefined : tracing();
      if (record === undefined || traces === undefined) router(message, response);
      else {
        traces.serve(record, message.headers, () => {
          router(message, response);
        });
      }
    };
  }

  private arm(requestId: string, message: IncomingMessage, response: ServerResponse): RequestRecord {
    response.setHeader('Cache-Control', 'no-store');
    const record = new RequestRecord(requestId, UNKNOWN_ACTION);
    record.remoteAddress = this.addresses.find(message);
    record.userAgent = message.headers['user-agent'];
    const bytesReadBefore = message.socket.bytesRead;
    attachAdminRequest(message, { record, caller: undefined });
    onResponseClosed(message, response, () => {
      record.status = response.statusCode;
      record.bytesOut = Number(response.getHeader('Content-Length') ?? 0);
      measure(record, message, response, bytesReadBefore);
      record.settle(response.writableFinished ? 'completed' : 'aborted');
      this.metrics.requestSettled(record);
      this.eventLog.requestSettled(record);
    });
    return record;
  }
}

function isOfApi(url: string): boolean {
  const prefix = `/${ADMIN_API_PREFIX}`;
  if (!url.startsWith(prefix)) return false;
  const next = url[prefix.length];
  return next === undefined || next === '/' || next === '?';
}
