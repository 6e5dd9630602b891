import 'reflect-metadata';
import { Environment } from '../config/environment';
import { failureText } from './failure';
import { Gateway } from './gateway';
import { isProcessMessage, tellPrimary } from './process-messages';

/** One of the processes that serve. Ends at once when its primary is gone: another may soon want the ports. */
async function serve(): Promise<void> {
  const gateway = await Gateway.create(Environment.load());
  const ports = await gateway.listen();
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    gateway.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${failureText(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('message', (message: unknown) => {
    if (isProcessMessage(message) && message.kind === 'vaultaire:drain') stop();
  });
  await tellPrimary({ kind: 'vaultaire:listening', ports });
}

// Ctrl-C in a terminal reaches every process; the primary decides what follows.
process.on('SIGINT', () => undefined);

serve().catch(async (error: unknown) => {
  await tellPrimary({ kind: 'vaultaire:failed', message: failureText(error) });
  process.exit(1);
});
