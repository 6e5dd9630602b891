import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';

/** Each key of a batch holds a lock, and PostgreSQL's lock table is of a fixed size. */
const BATCH_OBJECTS = 100;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const BATCH_KEYS = 10_000;
const POLL_MS = 1_000;

const BEGIN: Statement = {
  name: 'begin_detaching',
  text: 'UPDATE attachments SET is_detaching = true WHERE container_id = $1 AND source = $2',
};
/**
 * Objects behind a key and a blob, each with the versions that are made of it and still are what they were; without any, with NULLs.
 * By two look-ups in indexes whatever the planner knows of the tables, which may have grown just now.
 */
const SOME_ATTACHED: Statement = {
  name: 'some_attached_versions',
  text: `SELECT f.blob_id, f.key, v.id, v.is_null_version, v.etag, v.created_at, v.size_bytes
    FROM (
      SELECT blob_id, key FROM foreign_blobs
      WHERE container_id = $1 AND source = $2 AND (key, blob_id) > ($3, $4::uuid) ORDER BY key, blob_id LIMIT $5
    ) f LEFT JOIN LATERAL (
      SELECT * FROM artifact_versions l WHERE l.container_id = $1 AND l.key = f.key AND l.blob_id = f.blob_id OFFSET 0
    ) v ON true ORDER BY f.key, f.blob_id`,
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
  text: `DELETE FROM attached_keys WHERE container_id = $1 AND source = $2 AND key <= (
      SELECT max(key) FROM (
        SELECT key FROM attached_keys WHERE container_id = $1 AND source = $2 ORDER BY key LIMIT $3
      ) batch
    ) RETURNING 1`,
};
const FINISH: Statement = {
  name: 'finish_detaching',
  text: 'DELETE FROM attachments WHERE container_id = $1 AND source = $2 AND is_detaching',
};

interface ForeignRow {
  readonly [column: string]: unknown;
  readonly blob_id: string;
  readonly key: string;
}

interface AttachedRow extends ForeignRow {
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
    // Until a pass finds none: a client may have put back what it had copied elsewhere.
    for (let isDone = false; !isDone;) {
      isDone = true;
      let last: ForeignRow | undefined = { key: '', blob_id: NIL_UUID };
      while (last !== undefined) {
        signal.throwIfAborted();
        const values: unknown[] = [containerId, source, last.key, last.blob_id, BATCH_OBJECTS];
        const rows: ForeignRow[] = await this.database.query<ForeignRow>(SOME_ATTACHED, values);
        last = rows.at(-1);
        const attached = rows.filter(isAttached);
        if (attached.length === 0) continue;
        isDone = false;
        if (deletesForeign) await this.mark(containerId, attached);
        const removed = await this.remove(containerId, attached);
        progress = {
          versionsRemoved: progress.versionsRemoved + removed.length,
          bytesRemoved: progress.bytesRemoved + removed.reduce((sum, row) => sum + Number(row.size_bytes), 0),
        };
        await report(progress);
      }
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

function isAttached(row: ForeignRow): row is AttachedRow {
  return row.id !== null;
}
