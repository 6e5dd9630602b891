import type { Command } from './command';
import { CONTAINER_COMMANDS } from './commands/container.commands';
import { DRIVER_COMMANDS } from './commands/driver.commands';
import { JOB_COMMANDS } from './commands/job.commands';
import { KEY_COMMANDS } from './commands/key.commands';
import { LIMIT_COMMANDS } from './commands/limit.commands';
import { NOTIFICATION_COMMANDS } from './commands/notification.commands';
import { PLACEMENT_COMMANDS } from './commands/placement.commands';
import { PLAN_COMMANDS } from './commands/plan.commands';
import { QUOTA_COMMANDS } from './commands/quota.commands';
import { RECONCILE } from './commands/reconcile.definition';
import { SERVER_COMMANDS } from './commands/server.commands';
import { TENANT_COMMANDS } from './commands/tenant.commands';
import { TOKEN_COMMANDS } from './commands/token.commands';
import { USAGE_COMMANDS } from './commands/usage.commands';
import { USAGE_RECONCILE } from './commands/usage-reconcile.definition';
import { USER_COMMANDS } from './commands/user.commands';

const reconcile: Command = {
  ...RECONCILE,
  run: async (context) => {
    const maintenance = await import('./maintenance/reconcile.js');
    return maintenance.reconcile(context);
  },
};

const usageReconcile: Command = {
  ...USAGE_RECONCILE,
  run: async (context) => {
    const maintenance = await import('./maintenance/usage-reconcile.js');
    return maintenance.reconcileUsage(context);
  },
};

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...TENANT_COMMANDS,
  ...USER_COMMANDS,
  ...KEY_COMMANDS,
  ...PLAN_COMMANDS,
  ...QUOTA_COMMANDS,
  ...LIMIT_COMMANDS,
  ...USAGE_COMMANDS,
  usageReconcile,
  ...CONTAINER_COMMANDS,
  ...DRIVER_COMMANDS,
  ...PLACEMENT_COMMANDS,
  ...NOTIFICATION_COMMANDS,
  ...JOB_COMMANDS,
  ...TOKEN_COMMANDS,
  ...SERVER_COMMANDS,
  reconcile,
];
