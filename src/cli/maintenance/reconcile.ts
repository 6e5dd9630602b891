import { Environment } from '../../config/environment';
import { loadConfig } from '../../config/load-config';
import { StartUpError } from '../../config/start-up.error';
import { Database } from '../../database/database';
import { poolOf } from '../../database/database.module';
import { createDrivers } from '../../drivers/create-driver';
import { DriverRegistry } from '../../drivers/driver.registry';
import { BlobReconciler } from '../../engine/blobs/blob-reconciler';
import type { ReconcileReport } from '../../engine/blobs/blob-reconciler';
import type { CommandContext } from '../command';
import { CommandFailed, UsageError } from '../command';
import type { CommandInput } from '../command-input';
import { DEFAULT_MIN_AGE_SECONDS } from '../commands/reconcile.definition';
import type { Printable } from '../output/printable';
import { record } from '../output/record';
import { withDatabase } from './with-database';

/**
 * Compares what the drivers hold with what the database says that they hold, while gateways run or not.
 *
 * @throws CommandFailed with the reports when there are differences
 */
export async function reconcile(
  { input }: Pick<CommandContext, 'input'>,
  environment = Environment.load(),
): Promise<Printable> {
  const options = { apply: input.isSwitchedOn('apply'), minAgeMs: minAgeSeconds(input) * 1000 };
  const configs = loadConfig(environment).drivers.filter(({ type }) => type !== 'memory');
  if (configs.length === 0) throw new StartUpError('There is no driver that keeps its bytes');
  const reports = await withDatabase(environment, async (dataSource) => {
    const drivers = new DriverRegistry(createDrivers(configs));
    try {
      const reconciler = new BlobReconciler(new Database(poolOf(dataSource)), drivers);
      return await reconciler.reconcile({ ...options, signal: new AbortController().signal });
    } finally {
      await drivers.onApplicationShutdown();
    }
  });
  const result: Printable = { kind: 'data', json: reports, human: reports.map(record).join('\n\n') };
  if (reports.some(hasDifferences)) throw new CommandFailed('Drivers and database differ', result);
  return result;
}

function hasDifferences({ orphanKeys, lostBlobIds }: ReconcileReport): boolean {
  return orphanKeys.length > 0 || lostBlobIds.length > 0;
}

function minAgeSeconds(input: CommandInput): number {
  const text = input.optional('min-age') ?? String(DEFAULT_MIN_AGE_SECONDS);
  if (!/^\d{1,9}$/.test(text)) throw new UsageError('--min-age wants a whole number of seconds');
  return Number(text);
}
