import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { once } from 'node:events';
import { Pool } from 'pg';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { prepareVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';

jest.setTimeout(60_000);

/** What stands at the public address: passes bytes on to the gateway, and spoils what comes back when it is told to. */
class PublicAddress {
  /** To be resolved with the gateway's port: until then, clients wait. */
  readonly port = Promise.withResolvers<number>();
  spoils = false;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor() {
    this.server = createServer((client) => {
      void this.port.promise.then((port) => {
        this.passOn(client, connect(port, '127.0.0.1'));
      });
    });
  }

  private passOn(client: Socket, gateway: Socket): void {
    for (const socket of [client, gateway]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    }
    client.pipe(gateway);
    gateway.on('data', (bytes: Buffer) => client.write(this.spoils ? spoiled(bytes) : bytes));
    gateway.on('close', () => client.destroy());
    client.on('close', () => gateway.destroy());
  }

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Another last byte, where the bytes are the rest of an object. */
function spoiled(bytes: Buffer): Buffer {
  const last = bytes.at(-1);
  if (last === undefined || bytes.toString('latin1', 0, 5) === 'HTTP/') return bytes;
  return Buffer.concat([bytes.subarray(0, -1), Buffer.from([last ^ 1])]);
}

describe('the canary', () => {
  const address = new PublicAddress();
  let vaultaire: RunningVaultaire | undefined;
  let pool: Pool | undefined;

  beforeAll(async () => {
    const endpoint = await address.listen();
    vaultaire = await prepareVaultaire({ workers: 2, config: { canary: { endpoint, intervalSeconds: 1 } } });
    pool = new Pool({ connectionString: vaultaire.databaseUrl });
    pool.on('error', () => undefined);
    await vaultaire.start();
    address.port.resolve(Number(new URL(vaultaire.s3Endpoint).port));
  }, 60_000);

  afterAll(async () => {
    await pool?.end();
    await vaultaire?.stop();
    address.close();
  }, 60_000);

  async function metric(series: string): Promise<number> {
    const answer = await fetch(`${vaultaire?.adminEndpoint ?? ''}/metrics`, {
      headers: { Authorization: `Bearer ${vaultaire?.adminToken ?? ''}` },
    });
    const line = (await answer.text()).split('\n').find((text) => text.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1));
  }

  const runs = (result: string): Promise<number> => metric(`vaultaire_canary_runs_total{result="${result}"}`);

  it('goes well, once for all workers, and leaves nothing behind', async () => {
    await until('it went well twice', async () => (await runs('ok')) >= 2);
    for (const step of ['write', 'read', 'list', 'delete']) {
      expect(await metric(`vaultaire_canary_step_duration_seconds_count{step="${step}"}`)).toBeGreaterThanOrEqual(2);
      expect(await runs(step)).toBe(0);
    }
    const left = await pool?.query(`SELECT FROM artifact_versions v JOIN containers c ON c.id = v.container_id`);
    // Not one for each worker. Those of the last runs may not be logged yet, or not be counted yet.
    await until('as many objects were written as runs went well', async () => {
      const logged = await pool?.query(
        `SELECT FROM events e JOIN tenants t ON t.id = e.tenant_id
          WHERE t.name = 'vaultaire-canary' AND operation = 'PutObject'`,
      );
      return Math.abs((logged?.rows.length ?? 0) - (await runs('ok'))) <= 1;
    });
    expect(left?.rows.length).toBeLessThanOrEqual(1);
  });

  it('notices one wrong byte, and says at which step', async () => {
    address.spoils = true;
    await until('it fails', async () => (await runs('read')) >= 1);
    // A run is counted before its end is written down.
    await until('its reason is written down', async () => {
      const failed = await pool?.query<{ error: string | null }>(
        `SELECT error FROM periodic_jobs WHERE name = 'canary'`,
      );
      return failed?.rows[0]?.error?.includes('other bytes came back') === true;
    });
    address.spoils = false;
    const before = await runs('ok');
    await until('it goes well again', async () => (await runs('ok')) > before);
  });
});
