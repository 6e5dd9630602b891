import type { Command } from '../command';
import { details } from './shared';

const show: Command = {
  name: 'server',
  summary: 'Shows the server: version, workers, endpoints, database.',
  positionals: [],
  options: {},
  run: async ({ api }) => details((await api.get('/server')).body),
};

/** The server itself. */
export const SERVER_COMMANDS: readonly Command[] = [show];
