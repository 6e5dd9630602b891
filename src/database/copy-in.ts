import type { Connection, Submittable } from 'pg';

/** What node-postgres calls while the query is the connection's current one. Its types name `submit` alone. */
interface CopyConnection extends Connection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/**
 * `COPY ... FROM STDIN` of data that is at hand whole (PostgreSQL manual, section 54.2.6). It is one transaction: all lines
 * are in, or none.
 */
export class CopyIn implements Submittable {
  private readonly completion = Promise.withResolvers<undefined>();

  constructor(
    private readonly text: string,
    private readonly data: Buffer,
  ) {}

  /** Settles when the server is done. Rejects with node-postgres's error. */
  get done(): Promise<undefined> {
    return this.completion.promise;
  }

  submit(connection: Connection): void {
    (connection as CopyConnection).query(this.text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.data);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {
    // The transaction is over with the ReadyForQuery that follows.
  }

  handleReadyForQuery(): void {
    this.completion.resolve(undefined);
  }

  handleError(error: unknown): void {
    this.completion.reject(error);
  }
}
