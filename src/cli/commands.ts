import type { Command } from './command';
import { reconcile } from './reconcile.command';
import { TENANCY_COMMANDS } from './tenancy.commands';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [...TENANCY_COMMANDS, reconcile];
