import type { ListeningPorts } from './gateway';
import type { FirstCredentials } from './prepare-database';
import type { StopSignal } from './stop-signal';

/** A gateway as the start-up handles it, whether it is one process or many. */
export interface RunningGateway {
  /** Rejects when the gateway can't go on serving. */
  readonly givenUp: Promise<never>;
  /** Migrates the database and makes the first credentials. Throws StartUpError. */
  prepare(): Promise<FirstCredentials>;
  /** Resolves when requests are served. Throws StartUpError; {@link stop} is due even then. */
  start(): Promise<ListeningPorts>;
  /** Drains. A second signal cuts off what is in flight. */
  stop(signal: StopSignal): Promise<void>;
}
