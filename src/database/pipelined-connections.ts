import { Client } from 'pg';
import type { ClientConfig, QueryConfig, QueryResult, QueryResultRow } from 'pg';

/**
 * A few connections on which short reads are sent without waiting for the answers to those before (PostgreSQL manual, 32.5
 * "Pipeline Mode"): no check-out from a pool, and one wake-up of the backend for several statements. A statement that takes
 * long would hold up those behind it, so nothing that writes, locks or scans belongs here.
 *
 * A connection that breaks fails what is on its way and is made anew for the next read.
 */
export class PipelinedConnections {
  private readonly lanes: Lane[];
  private next = 0;

  constructor(settings: ClientConfig, count: number) {
    this.lanes = Array.from({ length: count }, () => new Lane(settings));
  }

  /** Rejects with node-postgres's error. */
  async query<Row extends QueryResultRow>(config: QueryConfig): Promise<QueryResult<Row>> {
    this.next = (this.next + 1) % this.lanes.length;
    const lane = this.lanes[this.next];
    if (lane === undefined) throw new Error('there are no pipelined connections');
    const client = lane.client ?? (await lane.connect());
    return client.query<Row>(config);
  }

  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.close()));
  }
}

class Lane {
  client: Client | undefined;
  private connecting: Promise<Client> | undefined;

  constructor(private readonly settings: ClientConfig) {}

  connect(): Promise<Client> {
    this.connecting ??= this.open().finally(() => {
      this.connecting = undefined;
    });
    return this.connecting;
  }

  async close(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private async open(): Promise<Client> {
    const client = new Client({ ...this.settings, pipeline: true });
    const forget = (): void => {
      if (this.client === client) this.client = undefined;
    };
    // What was on its way is rejected by node-postgres; here it only matters that nobody uses the client again.
    client.on('error', forget);
    client.on('end', forget);
    await client.connect();
    this.client = client;
    return client;
  }
}
