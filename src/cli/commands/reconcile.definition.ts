import type { CommandDefinition } from '../command';

export const DEFAULT_MIN_AGE_SECONDS = 3600;

/** How `reconcile` is called. What it does is loaded only when it is: it needs a great deal of the gateway. */
export const RECONCILE: CommandDefinition = {
  name: 'reconcile',
  summary: 'Compares the drivers with the database, both ways. A dry run, unless told to apply.',
  details: [
    '',
    'Runs on the database and the drivers of this machine, with the environment variables of the server.',
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
  isOffline: true,
};
