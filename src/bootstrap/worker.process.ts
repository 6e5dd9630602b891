import 'reflect-metadata';
import { Environment } from '../config/environment';
import { failureText } from './failure';
import { Gateway } from './gateway';
import { isProcessMessage, tellPrimary } from './process-messages';

/** One of the processes that serve. Ends at once when its primary is gone: another may soon want the ports. */
class ServingProcess {
  private gateway: Gateway | undefined;
  private isStopping = false;

  async start(): Promise<void> {
    this.hearStopRequests();
    const gateway = await Gateway.create(Environment.load());
    const ports = await gateway.listen();
    this.gateway = gateway;
    await tellPrimary({ kind: 'vaultaire:listening', ports });
  }

  private hearStopRequests(): void {
    // Ctrl-C in a terminal reaches every process; the primary decides what follows.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => void this.stop());
    process.on('message', (message: unknown) => {
      if (isProcessMessage(message) && message.kind === 'vaultaire:drain') void this.stop();
    });
  }

  private async stop(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    try {
      // Before it serves there is nothing to finish.
      await this.gateway?.stop();
      process.exit(0);
    } catch (error) {
      process.stderr.write(`${failureText(error)}\n`);
      process.exit(1);
    }
  }
}

new ServingProcess().start().catch(async (error: unknown) => {
  await tellPrimary({ kind: 'vaultaire:failed', message: failureText(error) });
  process.exit(1);
});
