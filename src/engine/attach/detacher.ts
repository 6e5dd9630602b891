import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';

/** Each key of a batch holds a lock, and PostgreSQL's lock table is of a fixed size. */
const BATCH_VERSIONS = 100;
const BATCH_KEYS = 10_000;
const POLL_MS = 1_000;

const BEGIN: Statement = {
  name: 'begin_detaching',
  text: 'UPDATE attachments SET is_detaching = true WHERE container_id = $1 AND source = $2',
};
/** Versions of the container that are made of the source's objects, and are still what they were. */
const SOME_ATTACHED: Statement = {
  name: 'some_attached_versions',
  text: `SELECT f.blob_id, f.key, v.id, v.is_null_version, v.etag, v.created_at, v.size_bytes
    FROM foreign_blobs f JOIN artifact_versions v
      ON v.container_id = f.container_id AND v.key = f.key AND v.blob_id = f.blob_id
    WHERE f.container_id = $1 AND f.source = $2 AND f.key > $3 ORDER BY f.key LIMIT $4`,
};
const REMOVE: Statement = {
  name: 'remove_attached_versions',
  text: `SELECT outcome FROM vaultaire_delete_artifacts($1, $2, $3, $4,
    (SELECT owner_id FROM containers WHERE id = $1), $5::text[], $6::timestamptz[], $7::bigint[])`,
};
/** $2: blobs. Those that were attached to another container first are that one's. */
const MARK: Statement = {
  name: 'mark_foreign_objects',
  text: 'UPDATE foreign_blobs SET deletes_object = true WHERE container_id = $1 AND blob_id = ANY ($2::uuid[])',
};
/** Objects that are to go. Failed: their deletion was tried, for their blob is forgotten. */
const COUNT_MARKED: Statement = {
  name: 'count_marked_foreign_objects',
  text: `SELECT count(*)::integer AS waiting, count(*) FILTER (WHERE b.id IS NULL)::integer AS failed
    FROM foreign_blobs f LEFT JOIN blobs b ON b.id = f.blob_id
    WHERE f.container_id = $1 AND f.deletes_object AND (b.id IS NULL OR b.state = 'doomed')`,
};
const FORGET_KEYS: Statement = {
  name: 'forget_attached_keys',
  text: `WITH batch AS (SELECT key FROM attached_keys WHERE container_id = $1 AND source = $2 LIMIT $3)
    DELETE FROM attached_keys k USING batch s WHERE k.container_id = $1 AND k.source = $2 AND k.key = s.key RETURNING 1`,
};
const FINISH: Statement = {
  name: 'finish_detaching',
  text: 'DELETE FROM attachments WHERE container_id = $1 AND source = $2 AND is_detaching',
};

interface AttachedRow {
  readonly [column: string]: unknown;
  readonly blob_id: string;
  readonly key: string;
  readonly id: string;
  readonly is_null_version: boolean;
  readonly etag: string;
  readonly created_at: Date;
  readonly size_bytes: string;
}

/** How far a detach is. */
export interface DetachProgress {
  readonly versionsRemoved: number;
  readonly bytesRemoved: number;
}

export interface DetachOptions {
  /** The objects are deleted at the source too. */
  readonly deletesForeign: boolean;
  readonly signal: AbortSignal;
  readonly report: (progress: DetachProgress | { readonly objectsWaiting: number }) => Promise<void>;
}

/**
 * Takes the artifacts of an attached source out of a container again. What clients wrote since stays, and so does what was copied
 * from them. Objects go, where that is asked for, as blobs do: by the sweeper, after its grace period.
 */
@Injectable()
export class Detacher {
  constructor(private readonly database: Database) {}

  /** Can be broken off anywhere and called again; `before`: what was counted until then. */
  async detach(
    containerId: string,
    source: string,
    before: Partial<DetachProgress>,
    { deletesForeign, signal, report }: DetachOptions,
  ): Promise<void> {
    await this.database.query(BEGIN, [containerId, source]);
    let progress = { versionsRemoved: 0, bytesRemoved: 0, ...before };
    for (let after = ''; ;) {
      signal.throwIfAborted();
      const rows = await this.database.query<AttachedRow>(SOME_ATTACHED, [containerId, source, after, BATCH_VERSIONS]);
      // Once more from the beginning: a batch may have ended between two versions of a key.
      if (rows.length === 0 && after === '') break;
      after = rows.at(-1)?.key ?? '';
      if (rows.length === 0) continue;
      if (deletesForeign) await this.mark(containerId, rows);
      const removed = await this.remove(containerId, rows);
      progress = {
        versionsRemoved: progress.versionsRemoved + removed.length,
        bytesRemoved: progress.bytesRemoved + removed.reduce((sum, row) => sum + Number(row.size_bytes), 0),
      };
      await report(progress);
    }
    if (deletesForeign) await this.untilDeleted(containerId, signal, (objectsWaiting) => report({ objectsWaiting }));
    while ((await this.database.query(FORGET_KEYS, [containerId, source, BATCH_KEYS])).length > 0) {
      signal.throwIfAborted();
    }
    await this.database.query(FINISH, [containerId, source]);
  }

  /** The objects of these blobs are deleted when the blobs are, unless they came from another container. */
  async mark(containerId: string, blobs: readonly { readonly blob_id: string | null }[]): Promise<void> {
    const ids = blobs.flatMap(({ blob_id: id }) => id ?? []);
    if (ids.length > 0) await this.database.query(MARK, [containerId, ids]);
  }

  /**
   * Returns when the container's marked objects are gone, but for those that a copy is made of.
   *
   * @throws Error when some can't be deleted
   */
  async untilDeleted(
    containerId: string,
    signal: AbortSignal,
    report: (objectsWaiting: number) => Promise<void>,
  ): Promise<void> {
    for (;;) {
      const [row] = await this.database.query<{ waiting: number; failed: number }>(COUNT_MARKED, [containerId]);
      const { waiting = 0, failed = 0 } = row ?? {};
      await report(waiting);
      if (waiting === 0) return;
      if (failed === waiting) throw new Error(`${failed} objects could not be deleted; it is tried again now and then`);
      await delay(POLL_MS, undefined, { signal });
    }
  }

  /** Those that were removed: what a client has overwritten meanwhile is no object of the source. */
  private async remove(containerId: string, rows: readonly AttachedRow[]): Promise<AttachedRow[]> {
    const outcomes = await this.database.query<{ outcome: string }>(REMOVE, [
      containerId,
      rows.map(({ key }) => key),
      rows.map(({ is_null_version: isNull }) => (isNull ? 'null' : 'id')),
      rows.map(({ is_null_version: isNull, id }) => (isNull ? null : id)),
      rows.map(({ etag }) => etag),
      rows.map(({ created_at: createdAt }) => createdAt),
      rows.map(({ size_bytes: sizeBytes }) => sizeBytes),
    ]);
    return rows.filter((_, index) => outcomes[index]?.outcome === 'ok');
  }
}
