import type { Command } from '../command';
import { policyCommands } from '../policy/policy-command';
import { QUOTA_OPTIONS, quotaChanges } from '../policy/quota-options';

/** How much a tenant may hold. */
export const QUOTA_COMMANDS: readonly Command[] = policyCommands({
  name: 'quota',
  path: 'quota',
  meaning: 'how much a tenant may hold',
  options: QUOTA_OPTIONS,
  changesOf: quotaChanges,
});
