import { loadConfig } from '../config/load-config';
import { StartUpError } from '../config/start-up.error';
import { Database } from '../database/database';
import { poolOf } from '../database/database.module';
import { createDriver } from '../drivers/create-driver';
import { DriverRegistry } from '../drivers/driver.registry';
import { BlobReconciler } from '../engine/blobs/blob-reconciler';
import type { ReconcileReport } from '../engine/blobs/blob-reconciler';
import type { CommandInput, Command } from './command';
import { Findings, UsageError } from './command';
import { withDatabase } from './with-database';

const DEFAULT_MIN_AGE_SECONDS = 3600;

/** Compares what the drivers hold with what the database says that they hold, while gateways run or not. */
export const reconcile: Command = {
  name: 'reconcile',
  summary: 'Compares the drivers with the database, both ways. A dry run, unless told to apply.',
  details: [
    '',
    'Prints a report for each driver: orphanKeys are bytes that no row knows, lostBlobIds are rows whose bytes are missing or of',
    'another size. Lost bytes are only reported. Blobs in memory are not looked at: they end with their process.',
    'Exits with 0 when nothing was found, with 1 when something was, also when it was put right.',
  ],
  positionals: [],
  options: {
    apply: { value: undefined, summary: 'delete the bytes that no row knows' },
    'min-age': {
      value: 'SECONDS',
      summary: `leave bytes alone that are younger; default ${String(DEFAULT_MIN_AGE_SECONDS)}`,
    },
  },
  run: async (input) => {
    const options = { apply: input.isSwitchedOn('apply'), minAgeMs: minAgeSeconds(input) * 1000 };
    const { environment } = input;
    const configs = loadConfig(environment).drivers.filter(({ type }) => type !== 'memory');
    if (configs.length === 0) throw new StartUpError('There is no driver that keeps its bytes');
    const reports = await withDatabase(environment, async (dataSource) => {
      const drivers = new DriverRegistry(configs.map((config) => createDriver(config)));
      try {
        const reconciler = new BlobReconciler(new Database(poolOf(dataSource)), drivers);
        return await reconciler.reconcile({ ...options, signal: new AbortController().signal });
      } finally {
        await drivers.onApplicationShutdown();
      }
    });
    return reports.some(hasDifferences) ? new Findings(reports) : reports;
  },
};

function hasDifferences({ orphanKeys, lostBlobIds }: ReconcileReport): boolean {
  return orphanKeys.length > 0 || lostBlobIds.length > 0;
}

function minAgeSeconds(input: CommandInput): number {
  const text = input.optional('min-age') ?? String(DEFAULT_MIN_AGE_SECONDS);
  if (!/^\d{1,9}$/.test(text)) throw new UsageError('--min-age wants a whole number of seconds');
  return Number(text);
}
