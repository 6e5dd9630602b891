import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import { createSource } from '../../drivers/attached/create-source';
import type { ForeignObject, ForeignSource } from '../../drivers/attached/foreign-source';
import { DriverRegistry } from '../../drivers/driver.registry';
import { AttachedDriver } from './attached.driver';

/** Each key of a page holds a lock until the page is in, and PostgreSQL's lock table is of a fixed size. */
const PAGE_KEYS = 100;
/** Objects whose headers are asked for at once. */
const PARALLEL_HEADS = 16;
const MAX_KEY_BYTES = 1024;

const BEGIN: Statement = {
  name: 'begin_attachment',
  text: `INSERT INTO attachments AS a (container_id, source, deletes_foreign) SELECT id, $2, $3 FROM containers WHERE id = $1
    ON CONFLICT (container_id, source) DO UPDATE SET finished_at = NULL WHERE NOT a.is_detaching
    RETURNING last_key, indexed_keys, indexed_bytes, skipped_keys`,
};
const ADD_PAGE: Statement = {
  name: 'attach_page',
  text: 'SELECT * FROM vaultaire_attach_page($1, $2, $3, $4, $5::jsonb)',
};
const FINISH: Statement = {
  name: 'finish_attachment',
  text: 'UPDATE attachments SET last_key = NULL, finished_at = now() WHERE container_id = $1 AND source = $2',
};
const OF_CONTAINER: Statement = {
  name: 'attachments_of_container',
  text: `SELECT source, deletes_foreign, is_detaching, finished_at, indexed_keys, indexed_bytes, skipped_keys
    FROM attachments WHERE container_id = $1 ORDER BY source`,
};
/** Of a cancelled detach too, which keeps its row. */
const GONE = 'the container is gone, or the source is being detached from it';

/** How far an attachment is. */
export interface AttachProgress {
  readonly indexedKeys: number;
  readonly indexedBytes: number;
  /** Keys that the container had already, that S3 does not allow, or whose object went away meanwhile. */
  readonly skippedKeys: number;
}

/** A source that a container has. */
export interface Attachment extends AttachProgress {
  readonly source: string;
  /** Objects go with the artifacts that were made of them. */
  readonly deletesForeignData: boolean;
  readonly state: 'attaching' | 'attached' | 'detaching';
}

interface CountsRow {
  readonly [column: string]: unknown;
  readonly indexed_keys: string;
  readonly indexed_bytes: string;
  readonly skipped_keys: string;
}

interface ProgressRow extends CountsRow {
  readonly last_key: string | null;
}

interface AttachmentRow extends CountsRow {
  readonly source: string;
  readonly deletes_foreign: boolean;
  readonly is_detaching: boolean;
  readonly finished_at: Date | null;
}

/**
 * Makes the objects of a configured source artifacts of a container, without copying their bytes. Reads go to the source; writes
 * go where the container's placement says, as ever.
 */
@Injectable()
export class Attachments implements OnModuleInit {
  private readonly sources: ReadonlyMap<string, ForeignSource>;

  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly config: VaultaireConfig,
  ) {
    this.sources = new Map(config.attachable.map((source) => [source.name, createSource(source)]));
  }

  onModuleInit(): void {
    for (const source of this.config.attachable) {
      this.drivers.addAttached(new AttachedDriver(this.get(source.name), this.database), source);
    }
  }

  /** Names of the sources that the configuration has. */
  names(): string[] {
    return [...this.sources.keys()];
  }

  /** What a container has, in the order of names. */
  async of(containerId: string): Promise<Attachment[]> {
    const rows = await this.database.query<AttachmentRow>(OF_CONTAINER, [containerId]);
    return rows.map((row) => ({
      source: row.source,
      state: row.is_detaching ? 'detaching' : row.finished_at === null ? 'attaching' : 'attached',
      deletesForeignData: row.deletes_foreign,
      ...progressOf(row),
    }));
  }

  /**
   * Indexes the source page by page, each in one transaction with the key to go on from, so that it can be broken off anywhere and
   * called again. A key that the container has in some version stays as it is, and one that was looked at before does not come
   * back. Begun anew once it was finished, it adds what came since. `deletesForeign` holds for the attachment from its beginning.
   */
  async attach(
    containerId: string,
    sourceName: string,
    deletesForeign: boolean,
    signal: AbortSignal,
    report: (progress: AttachProgress) => Promise<void>,
  ): Promise<void> {
    const source = this.get(sourceName);
    const [begun] = await this.database.query<ProgressRow>(BEGIN, [containerId, sourceName, deletesForeign]);
    if (begun === undefined) throw new Error(GONE);
    let last = begun.last_key;
    for await (const keys of pagesOf(source.keys(last ?? undefined, signal))) {
      const objects = await describeAll(source, keys, signal);
      const next = keys.at(-1) ?? last;
      const entries = objects.map((object) => ({ ...object, id: uuidv7() }));
      const values = [containerId, sourceName, next, keys.length, JSON.stringify(entries)];
      const [row] = await this.database.query<ProgressRow>(ADD_PAGE, values);
      if (row === undefined || row.last_key === null) throw new Error(GONE);
      last = row.last_key;
      await report(progressOf(row));
    }
    await this.database.query(FINISH, [containerId, sourceName]);
  }

  private get(name: string): ForeignSource {
    const source = this.sources.get(name);
    if (source === undefined) throw new Error(`no source named ${name} is configured`);
    return source;
  }
}

async function* pagesOf(keys: AsyncIterable<string>): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const key of keys) {
    page.push(key);
    if (page.length < PAGE_KEYS) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function describeAll(source: ForeignSource, keys: string[], signal: AbortSignal): Promise<ForeignObject[]> {
  const allowed = keys.filter(isArtifactKey).values();
  const objects: ForeignObject[] = [];
  let isFailed = false;
  const work = async (): Promise<void> => {
    for (const key of allowed) {
      if (isFailed) return;
      try {
        const object = await source.describe(key, signal);
        if (object !== undefined) objects.push(object);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: PARALLEL_HEADS }, work);
  // Nobody asks any more when the page has failed.
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return objects;
}

/** Names of files that were no UTF-8 come with the replacement character, and lead nowhere. */
function isArtifactKey(key: string): boolean {
  return (
    Buffer.byteLength(key) <= MAX_KEY_BYTES && key.isWellFormed() && !key.includes('\uFFFD') && !key.includes('\0')
  );
}

function progressOf(row: CountsRow): AttachProgress {
  return {
    indexedKeys: Number(row.indexed_keys),
    indexedBytes: Number(row.indexed_bytes),
    skippedKeys: Number(row.skipped_keys),
  };
}
