import 'reflect-metadata';
import type { Environment } from '../config/environment';
import { loadConfig } from '../config/load-config';
import { Gateway } from './gateway';
import type { ListeningPorts } from './gateway';
import type { FirstCredentials } from './prepare-database';
import { prepareDatabase } from './prepare-database';
import type { RunningGateway } from './running-gateway';
import type { StopSignal } from './stop-signal';

/** Everything in this process. */
export class SingleGateway implements RunningGateway {
  readonly givenUp = new Promise<never>(() => undefined);
  private gateway: Gateway | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly databaseUrl: string,
  ) {}

  async prepare(): Promise<FirstCredentials> {
    loadConfig(this.environment);
    return prepareDatabase(this.environment, this.databaseUrl);
  }

  async start(): Promise<ListeningPorts> {
    this.gateway = await Gateway.create(this.environment.withDatabaseUrl(this.databaseUrl));
    return this.gateway.listen();
  }

  async stop(signal: StopSignal): Promise<void> {
    await Promise.race([this.gateway?.stop(), signal.second]);
  }
}
