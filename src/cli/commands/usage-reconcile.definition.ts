import type { CommandDefinition } from '../command';

/** How `usage reconcile` is called. What it does is loaded only when it is, as with `reconcile`. */
export const USAGE_RECONCILE: CommandDefinition = {
  name: 'usage reconcile',
  summary:
    'Counts what tenants and containers hold again, and reports where it differs. A dry run, unless told to apply.',
  details: [
    '',
    'Runs on the database of the environment of the server, while gateways run or not.',
    'There is nothing to be found unless rows were changed by hand or a database was restored in parts.',
    'Exits with 0 when nothing was found, with 1 when something was, also when it was put right.',
  ],
  positionals: [],
  options: { apply: { value: undefined, summary: 'put the counters right' } },
  isOffline: true,
};
