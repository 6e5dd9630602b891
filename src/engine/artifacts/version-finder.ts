import type { ArtifactKey, ContainerId } from '../../context/ids';
import type { Database, Statement } from '../../database/database';
import type { VersionRow } from './artifact.rows';
import { selectVersion } from './version-id';

/** One statement for each way to name a version. */
export interface VersionStatements {
  /** Takes an array of containers and one of keys, and numbers its rows from 1 in column `ordinal`. */
  readonly latest: Statement;
  /** Takes a container and a key. */
  readonly null: Statement;
  /** Takes a container, a key and a row id. */
  readonly id: Statement;
}

/** Look-ups of one statement; with inline bodies of 16 KiB that is half a megabyte. */
const MAX_BATCH = 32;

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
 */
export class VersionFinder<Row extends VersionRow> {
  private waiting: LookUp<Row>[] = [];
  private isUnderway = false;

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
      if (!this.isUnderway) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.isUnderway = true;
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
    const rows = await this.database.read<Row & ColumnsByName & { readonly ordinal: string }>(this.statements.latest, [
      batch.map(({ container }) => container),
      batch.map(({ key }) => key),
    ]);
    const found: (Row | undefined)[] = [];
    for (const row of rows) found[Number(row.ordinal) - 1] = row;
    for (const [index, lookUp] of batch.entries()) lookUp.resolve(found[index]);
  }
}
