import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import type { TestDatabase } from '../../test/support/test-database';
import { createTestDatabase } from '../../test/support/test-database';
import { connectionSettings } from './data-source';
import { PostgresNotificationListener } from './postgres-notification-listener';

jest.setTimeout(60_000);

/** What a listener was told, awaited one by one. */
class Inbox {
  private readonly told: (string | undefined)[] = [];
  private wake: () => void = () => undefined;

  readonly listener = (payload: string | undefined): void => {
    this.told.push(payload);
    this.wake();
  };

  async next(): Promise<string | undefined> {
    while (this.told.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.told.shift();
  }
}

describe('PostgresNotificationListener', () => {
  let database: TestDatabase;
  let client: Client;
  let notifications: PostgresNotificationListener;
  let inbox: Inbox;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    database = await createTestDatabase();
    client = new Client(connectionSettings(database.url));
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });
  beforeEach(() => {
    inbox = new Inbox();
    notifications = new PostgresNotificationListener(connectionSettings(database.url));
  });
  afterEach(async () => {
    await notifications.onApplicationShutdown();
  });

  it('says at first that something may have been missed, then hands on payloads in order', async () => {
    notifications.subscribe('vaultaire_tenants', inbox.listener);
    await notifications.onApplicationBootstrap();
    expect(await inbox.next()).toBeUndefined();
    await client.query(
      `NOTIFY vaultaire_tenants, 'a'; NOTIFY vaultaire_containers, 'x'; NOTIFY vaultaire_tenants, 'b'`,
    );
    expect(await inbox.next()).toBe('a');
    expect(await inbox.next()).toBe('b');
  });

  it('serves who subscribes late, and several at once', async () => {
    await notifications.onApplicationBootstrap();
    const second = new Inbox();
    notifications.subscribe('vaultaire_tenants', inbox.listener);
    notifications.subscribe('vaultaire_tenants', second.listener);
    await untilListening(client);
    await client.query(`NOTIFY vaultaire_tenants, 'a'`);
    expect(await inbox.next()).toBe('a');
    expect(await second.next()).toBe('a');
  });

  it('says when the connection is lost and when it is back, and goes on', async () => {
    notifications.subscribe('vaultaire_tenants', inbox.listener);
    await notifications.onApplicationBootstrap();
    expect(await inbox.next()).toBeUndefined();
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    expect(await inbox.next()).toBeUndefined();
    expect(await inbox.next()).toBeUndefined();
    await client.query(`NOTIFY vaultaire_tenants, 'after'`);
    expect(await inbox.next()).toBe('after');
  });

  it('does not fail while PostgreSQL can not be reached', async () => {
    const away = new PostgresNotificationListener(connectionSettings('postgresql://u:p@127.0.0.1:1/none'));
    away.subscribe('vaultaire_tenants', inbox.listener);
    await away.onApplicationBootstrap();
    expect(await inbox.next()).toBeUndefined();
    await away.onApplicationShutdown();
  });
});

/** The last query of the other connection was LISTEN, and it is done. */
async function untilListening(client: Client): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE 'LISTEN %'`,
    );
    if (rowCount === 1) return;
  }
}
