import { Environment } from '../../config/environment';
import { Database } from '../../database/database';
import { poolOf } from '../../database/database.module';
import { UsageService } from '../../engine/quota/usage.service';
import type { CommandContext } from '../command';
import { CommandFailed } from '../command';
import type { Printable } from '../output/printable';
import { record } from '../output/record';
import { withDatabase } from './with-database';

/**
 * Counts what tenants and containers hold again from the rows, while gateways run or not.
 *
 * @throws CommandFailed with the differences when there are some
 */
export async function reconcileUsage(
  { input }: Pick<CommandContext, 'input'>,
  environment = Environment.load(),
): Promise<Printable> {
  const drift = await withDatabase(environment, (dataSource) =>
    new UsageService(new Database(poolOf(dataSource))).reconcile({ apply: input.isSwitchedOn('apply') }),
  );
  if (drift.length === 0) return { kind: 'data', json: drift, human: 'The counters agree with the rows.' };
  const result: Printable = { kind: 'data', json: drift, human: drift.map(record).join('\n\n') };
  throw new CommandFailed('The counters differ from the rows', result);
}
