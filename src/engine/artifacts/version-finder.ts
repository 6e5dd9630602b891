import { LRUCache } from 'lru-cache';
import type { ArtifactKey, ContainerId } from '../../context/ids';
import type { Database, Statement } from '../../database/database';
import type { VersionRow } from './artifact.rows';
import { selectVersion } from './version-id';

/** One statement for each way to name a version. */
export interface VersionStatements {
  /**
   * Takes arrays of containers, of keys, and of the states in which the caller holds their rows (or null), and numbers its
   * rows from 1 in column `ordinal`. A row whose `state` is the one that is held comes without its other columns.
   */
  readonly latest: Statement;
  /** Takes a container and a key. */
  readonly null: Statement;
  /** Takes a container, a key and a row id. */
  readonly id: Statement;
}

/** Look-ups of one statement; with inline bodies of 16 KiB that is half a megabyte. */
const MAX_BATCH = 32;

/** Memory for rows with their inline bodies, of one process and kind of look-up. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** About what a row takes besides an inline body. */
const ROW_BYTES = 1_024;

type ColumnsByName = Readonly<Record<string, unknown>>;

interface LookUp<Row> {
  readonly container: ContainerId;
  readonly key: ArtifactKey;
  readonly resolve: (row: Row | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Finds versions of keys. While one look-up of latest versions is on its way, those of other requests gather and go together in
 * the next: under load PostgreSQL and node-postgres are paid once for many requests, and without load nobody waits.
 *
 * Rows that were read are held, bounded. Each look-up still asks PostgreSQL, which answers `unchanged` in place of a row and its
 * inline body: what was held is never answered without that.
 */
export class VersionFinder<Row extends VersionRow & { readonly inline_body?: Buffer | null }> {
  private waiting: LookUp<Row>[] = [];
  private isUnderway = false;
  private readonly held = new LRUCache<string, HeldRow<Row>>({
    maxSize: MAX_HELD_BYTES,
    sizeCalculation: ({ row }) => ROW_BYTES + (row.inline_body?.length ?? 0),
  });

  constructor(
    private readonly database: Pick<Database, 'read'>,
    private readonly statements: VersionStatements,
  ) {}

  /** Undefined when the key has no such version. */
  async find(container: ContainerId, key: ArtifactKey, versionId: string | undefined): Promise<Row | undefined> {
    const selector = selectVersion(versionId);
    if (selector.kind === 'latest') return this.findLatest(container, key);
    if (selector.kind === 'none') return undefined;
    const values: string[] = [container, key];
    if (selector.kind === 'id') values.push(selector.id);
    const [row] = await this.database.read<Row & ColumnsByName>(this.statements[selector.kind], values);
    return row;
  }

  private findLatest(container: ContainerId, key: ArtifactKey): Promise<Row | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ container, key, resolve, reject });
      if (this.isUnderway) return;
      this.isUnderway = true;
      // After all that has arrived by now was parsed: what comes together goes together.
      setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, MAX_BATCH);
      try {
        await this.answer(batch);
      } catch (error) {
        for (const lookUp of batch) lookUp.reject(error);
      }
    }
    this.isUnderway = false;
  }

  private async answer(batch: readonly LookUp<Row>[]): Promise<void> {
    const names = batch.map(({ container, key }) => `${container}/${key}`);
    const held = names.map((name) => this.held.get(name));
    const rows = await this.database.read<Row & ColumnsByName & NumberedRow>(this.statements.latest, [
      batch.map(({ container }) => container),
      batch.map(({ key }) => key),
      held.map((known) => known?.state ?? null),
    ]);
    const found: (Row | undefined)[] = [];
    for (const row of rows) {
      const index = Number(row.ordinal) - 1;
      const known = held[index];
      found[index] = known?.state === row.state ? known.row : row;
      if (known?.state !== row.state) this.held.set(names[index] ?? '', { state: row.state, row });
    }
    for (const [index, lookUp] of batch.entries()) lookUp.resolve(found[index]);
  }
}

interface HeldRow<Row> {
  readonly state: string;
  readonly row: Row;
}

interface NumberedRow {
  readonly ordinal: string;
  readonly state: string;
}
