import { Injectable } from '@nestjs/common';
import { eventId } from '../context/event-id';
import type { RequestRecord } from '../context/request-record';
import type { Statement } from '../database/database';
import { Database } from '../database/database';
import { OPERATION_CATALOGUE } from '../s3-api/operations/operation-catalogue';
import type { OperationName } from '../s3-api/operations/operation-catalogue';

/** Whose transactions note the change themselves: the frequent ones (see `vaultaire_journal`). */
const NOTED: ReadonlySet<string> = new Set<OperationName>([
  'PutObject',
  'PostObject',
  'CopyObject',
  'DeleteObject',
  'DeleteObjects',
  'PutObjectTagging',
  'DeleteObjectTagging',
  'UploadPart',
  'UploadPartCopy',
  'CompleteMultipartUpload',
]);

const ANNOUNCED: ReadonlySet<string> = new Set(
  OPERATION_CATALOGUE.filter(({ method }) => method === 'PUT' || method === 'POST' || method === 'DELETE')
    .map(({ name }) => name)
    .filter((name) => !NOTED.has(name)),
);

const ANNOUNCE: Statement = {
  name: 'events-announce',
  text: `INSERT INTO event_journal (origin, tenant_id, container, key, actor, is_done) VALUES ($1, $2, $3, $4, $5, false)`,
};

/** True for S3 operations that change something and whose transactions don't note it. */
export function isAnnounced(operation: string): boolean {
  return ANNOUNCED.has(operation);
}

/**
 * Notes requests in the journal of changes before they are tried: those that change settings, buckets or uploads in many ways, and not
 * often. So that a gateway that is killed leaves a row of each in the event log, though not what came of it.
 */
@Injectable()
export class ChangeAnnouncer {
  constructor(private readonly database: Database) {}

  /** Once the guards have let the request in; the journal has it when this resolves. */
  async announce(record: RequestRecord): Promise<void> {
    const { operation, requestId, remoteAddress = '-', userId = '-', accessKeyId = '-', startedAtMs } = record;
    // As originOf in src/engine/change-origin.ts.
    const origin = `${operation} ${requestId} ${remoteAddress} ${userId} ${accessKeyId} ${eventId(startedAtMs, requestId)}`;
    const values = [origin, record.tenantId ?? null, record.container ?? null, record.artifactKey ?? null];
    await this.database.query(ANNOUNCE, [...values, record.actor ?? null]);
  }
}
