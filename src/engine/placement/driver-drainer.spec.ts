import { Test } from '@nestjs/testing';
import { randomUUID } from 'node:crypto';
import { Environment } from '../../config/environment';
import { loadConfig } from '../../config/load-config';
import { VaultaireConfig } from '../../config/vaultaire-config';
import type { Statement } from '../../database/database';
import { Database } from '../../database/database';
import { DriverRegistry } from '../../drivers/driver.registry';
import { DriverDrainer } from './driver-drainer';
import { Placements } from './placements';
import { ReplicaMover } from './replica-mover';
import type { HeldBlobRow } from './replica-mover';
import { BLOBS_ON_DRIVER } from './replica.statements';

const DRIVERS = [
  { name: 'old', labels: ['eu'] },
  { name: 'dublin', labels: ['eu'] },
  { name: 'ohio', labels: ['us'] },
];

describe('DriverDrainer', () => {
  const european: HeldBlobRow & Record<string, unknown> = {
    id: randomUUID(),
    tenant_id: randomUUID(),
    size_bytes: '1',
    md5: null,
    placement: 'european',
    first_driver: 'old',
    state: 'live',
  };

  /** The drivers that a blob of a placement with a residency was moved to when `old` was emptied. */
  async function drained(to: string | undefined): Promise<string[]> {
    const config = Object.assign(new VaultaireConfig(), loadConfig(Environment.load({})), {
      drivers: DRIVERS,
      placements: new Map(
        Object.entries({
          default: { driver: 'ohio', backup: [] },
          european: { driver: 'dublin', backup: [], residency: 'eu' },
        }),
      ),
    });
    let isMoved = false;
    const moves: string[] = [];
    const query = ({ name }: Statement, values: readonly unknown[]): unknown[] =>
      name === BLOBS_ON_DRIVER.name && !isMoved && european.id > String(values[1]) ? [european] : [];
    const moveOff = async (_from: string, _row: HeldBlobRow, targets: readonly string[]): Promise<boolean> => {
      moves.push(...targets);
      isMoved = true;
      return true;
    };
    const module = await Test.createTestingModule({
      providers: [
        DriverDrainer,
        Placements,
        { provide: VaultaireConfig, useValue: config },
        { provide: DriverRegistry, useValue: { get: (name: string) => name } },
        { provide: Database, useValue: { query: async (...given: Parameters<typeof query>) => query(...given) } },
        { provide: ReplicaMover, useValue: { moveOff } },
      ],
    }).compile();
    const options = { to, signal: new AbortController().signal, report: async () => undefined };
    await module.get(DriverDrainer).drain('old', {}, options);
    return moves;
  }

  it('moves blobs to the drivers of their placement, or to the one that is named', async () => {
    expect(await drained(undefined)).toEqual(['dublin']);
    expect(await drained('dublin')).toEqual(['dublin']);
  });

  it('moves none to a driver that is not where its placement has to stay', async () => {
    await expect(drained('ohio')).rejects.toThrow(
      '1 blobs could not be moved: the placement european stays on drivers with the label eu, which ohio has not',
    );
  });
});
