import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { randomBytes, randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { TestDatabase } from '../../../test/support/test-database';
import { createTestDatabase } from '../../../test/support/test-database';
import { Environment } from '../../config/environment';
import { loadConfig } from '../../config/load-config';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { makeDataSource } from '../../database/data-source';
import { Database } from '../../database/database';
import { poolOf } from '../../database/database.module';
import { readsAreLate } from '../../database/read-log';
import { Idleness } from './idleness';
import type { Placement } from './placements';
import { Placements } from './placements';
import { ReplicaMover } from './replica-mover';
import type { HeldBlobRow } from './replica-mover';
import { Tiering } from './tiering';

const DAY_MS = 86_400_000;
const TENANT = randomUUID();
const USER = randomUUID();
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);

describe('tiers', () => {
  let testDatabase: TestDatabase;
  let dataSource: DataSource;
  let container: string;
  let moved: string[];

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    dataSource = await makeDataSource(testDatabase.url).initialize();
    await sql(`INSERT INTO tenants (id, name) VALUES ($1, 'acme')`, TENANT);
    await sql(
      `INSERT INTO users (id, tenant_id, name, display_name, canonical_id) VALUES ($1, $2, 'owner', 'owner', repeat('0', 64))`,
      USER,
      TENANT,
    );
    const [row] = await sql(
      `INSERT INTO containers (tenant_id, name, owner_id, region) VALUES ($1, 'c', $2, 'r') RETURNING id`,
      TENANT,
      USER,
    );
    container = String(row?.id);
  }, 60_000);

  afterAll(async () => {
    await dataSource.destroy();
    await testDatabase.drop();
  });

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    await sql(
      'TRUNCATE blobs, blob_reads, artifact_versions, manifests, artifact_access_daily, events, periodic_jobs CASCADE',
    );
    await sql(`UPDATE read_log SET known_since = $1, late_until = '-infinity'`, daysAgo(100));
    await sql(`INSERT INTO periodic_jobs (name, succeeded_at) VALUES ('artifact-access', clock_timestamp())`);
  });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  async function sql(text: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
    return dataSource.query(text, values);
  }

  /** A blob of the placement `hot`. */
  async function blob(ageDays: number): Promise<string> {
    const time = daysAgo(ageDays).getTime().toString(16).padStart(12, '0');
    const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${randomBytes(6).toString('hex')}`;
    await sql(
      `INSERT INTO blobs (id, tenant_id, state, size_bytes, driver, placement) VALUES ($1, $2, 'live', 1, 'one', 'hot')`,
      id,
      TENANT,
    );
    return id;
  }

  /** A version of a key, in the order of `id`. */
  async function version(key: string, id: number, where: { readonly blob?: string; readonly manifest?: string }) {
    await sql(
      `INSERT INTO artifact_versions (container_id, key, id, is_null_version, is_latest, is_delete_marker, size_bytes, etag,
         storage_class, owner_id, blob_id, manifest_id, created_at)
       VALUES ($1, $2, $3, false, false, false, 1, 'etag', 'STANDARD', $4, $5, $6, now())`,
      container,
      key,
      id,
      USER,
      where.blob,
      where.manifest,
    );
  }

  async function artifact(key: string, ageDays: number): Promise<string> {
    const id = await blob(ageDays);
    await version(key, 1, { blob: id });
    return id;
  }

  /** Reads of a day, as they are rolled up. */
  async function read(key: string, ageDays: number): Promise<void> {
    await sql(
      `INSERT INTO artifact_access_daily VALUES
         ($1, 'c', $2, ($3::timestamptz AT TIME ZONE 'UTC')::date, 1, 0, 0, 0, 1, 0, $3, $3, 0, '{}')`,
      TENANT,
      key,
      daysAgo(ageDays),
    );
  }

  /** What a round of a new process moves. */
  async function movedWith(tier: object, reads = true): Promise<string[]> {
    moved = [];
    await sql(`DELETE FROM periodic_jobs WHERE name = 'tiering'`);
    const placements = new Map(
      Object.entries({ default: { driver: 'one' }, hot: { driver: 'one', tier }, cold: { driver: 'two' } }).map(
        ([name, given]) => [name, { backup: [], ...given }],
      ),
    );
    const environment = Environment.load({});
    const config = Object.assign(new VaultaireConfig(), loadConfig(environment), { placements });
    Object.assign(config.events, { reads });
    const module = await Test.createTestingModule({
      providers: [
        Tiering,
        Idleness,
        Placements,
        { provide: Environment, useValue: environment },
        { provide: VaultaireConfig, useValue: config },
        { provide: Database, useValue: new Database(poolOf(dataSource)) },
        {
          provide: ReplicaMover,
          useValue: {
            moveTo: (to: Placement, { id }: HeldBlobRow) => {
              expect(to.name).toBe('cold');
              moved.push(id);
              return Promise.resolve(true);
            },
          },
        },
      ],
    }).compile();
    expect(await module.get(Tiering).run()).toBe(true);
    return moved.sort();
  }

  it('moves what is old, read or not', async () => {
    const old = await artifact('old', 31);
    await artifact('young', 29);
    await read('old', 1);
    expect(await movedWith({ afterDays: 30, to: 'cold' })).toEqual([old]);
  });

  describe('by idleness', () => {
    const IDLE = { afterDays: 1, idleDays: 30, to: 'cold' };

    it('moves what nobody has read for long enough, and nothing that is younger than that', async () => {
      const never = await artifact('never', 40);
      const longAgo = await artifact('long ago', 90);
      await read('long ago', 40);
      await artifact('read', 90);
      await read('read', 20);
      await artifact('young', 20);
      expect(await movedWith(IDLE)).toEqual([never, longAgo].sort());
    });

    it('takes a read of any version, part or copy for one of its bytes', async () => {
      const [older, newer, part, shared] = [await blob(90), await blob(90), await blob(90), await blob(90)];
      await version('versions', 1, { blob: older });
      await version('versions', 2, { blob: newer });
      const manifest = randomUUID();
      await sql(`INSERT INTO manifests (id, tenant_id) VALUES ($1, $2)`, manifest, TENANT);
      await sql(
        `INSERT INTO manifest_parts (manifest_id, part_number, blob_id, start_byte, size_bytes, etag) VALUES ($1, 1, $2, 0, 1, 'e')`,
        manifest,
        part,
      );
      await version('parts', 1, { manifest });
      await version('source', 1, { blob: shared });
      await version('copy', 1, { blob: shared });
      for (const key of ['versions', 'parts', 'copy']) await read(key, 2);
      expect(await movedWith(IDLE)).toEqual([]);
      await sql('DELETE FROM artifact_access_daily');
      await sql('DELETE FROM blob_reads');
      expect(await movedWith(IDLE)).toEqual([older, newer, part, shared].sort());
    });

    it('knows reads that are not rolled up yet', async () => {
      await artifact('just read', 90);
      await sql(
        `INSERT INTO events (id, time, request_id, tenant_id, operation, container, artifact_key, outcome, status, bytes_in,
           bytes_out, latency_ms)
         SELECT vaultaire_event_id_at(t), t, 'r', $1, 'GetObject', 'c', 'just read', 'completed', 206, 0, 1, 1
         FROM (SELECT now() - interval '1 minute' AS t) AS a`,
        TENANT,
      );
      expect(await movedWith(IDLE)).toEqual([]);
    });

    it('forgets reads of blobs that are gone', async () => {
      const gone = await artifact('gone', 90);
      await read('gone', 1);
      await movedWith(IDLE);
      expect(await sql('SELECT blob_id FROM blob_reads')).toEqual([{ blob_id: gone }]);
      await sql('DELETE FROM artifact_versions');
      await sql('DELETE FROM blobs');
      await movedWith(IDLE);
      expect(await sql('SELECT blob_id FROM blob_reads')).toEqual([]);
    });

    it.each<readonly [string, () => Promise<unknown>]>([
      ['have been known for a shorter time', () => sql(`UPDATE read_log SET known_since = $1`, daysAgo(29))],
      ['are still being written', () => readsAreLate(new Database(poolOf(dataSource)))],
      ['have not been rolled up lately', () => sql(`UPDATE periodic_jobs SET succeeded_at = $1`, daysAgo(1))],
      ['have never been rolled up', () => sql(`DELETE FROM periodic_jobs`)],
    ])('takes nothing for idle where reads %s, and goes on with what is old', async (_, spoil) => {
      const idle = await artifact('idle', 90);
      expect(await movedWith(IDLE)).toEqual([idle]);
      await spoil();
      expect(await movedWith(IDLE)).toEqual([]);
      expect(await movedWith({ afterDays: 30, to: 'cold' })).toEqual([idle]);
    });

    it('takes nothing for idle once a process has left reads out of the log', async () => {
      await artifact('idle', 90);
      expect(await movedWith(IDLE, false)).toEqual([]);
      expect(await movedWith(IDLE)).toEqual([]);
    });
  });
});
