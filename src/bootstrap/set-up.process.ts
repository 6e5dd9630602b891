import 'reflect-metadata';
import { Environment } from '../config/environment';
import { loadConfig } from '../config/load-config';
import { failureText } from './failure';
import { prepareDatabase } from './prepare-database';
import { tellPrimary } from './process-messages';

/**
 * Prepares the database in a process of its own and ends: the primary, which lives as long as the gateway, then need not load
 * what only the start needs. Checks the configuration file too, before any worker does.
 */
async function setUp(): Promise<void> {
  const environment = Environment.load();
  loadConfig(environment);
  if (environment.databaseUrl === undefined) throw new Error('the primary gave no database');
  await tellPrimary({
    kind: 'vaultaire:prepared',
    credentials: await prepareDatabase(environment, environment.databaseUrl),
  });
}

// Ctrl-C in a terminal reaches every process; the primary decides what follows.
process.on('SIGINT', () => undefined);

setUp()
  .catch((error: unknown) => tellPrimary({ kind: 'vaultaire:failed', message: failureText(error) }))
  .finally(() => {
    process.disconnect();
  });
