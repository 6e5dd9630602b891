import type { Command } from '../command';
import { LIMIT_OPTIONS, limitChanges } from '../policy/limit-options';
import { policyCommands } from '../policy/policy-command';

/** How fast a tenant may ask. */
export const LIMIT_COMMANDS: readonly Command[] = policyCommands({
  name: 'limit',
  path: 'limits',
  meaning: 'how fast a tenant may ask',
  options: LIMIT_OPTIONS,
  changesOf: limitChanges,
});
