import type { RequestRecord } from './request-record';

/** Fields that a log line has beside its message. Handed to Nest's logger as a parameter after the error. */
export class LogFields {
  constructor(readonly fields: Readonly<Record<string, string | undefined>>) {}

  /** Whose request a line is about. */
  static of({ requestId, operation, tenantId }: RequestRecord): LogFields {
    return new LogFields({ requestId, operation, tenant: tenantId });
  }
}
