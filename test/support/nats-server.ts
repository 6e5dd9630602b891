import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port';

/** Specs that need NATS are skipped, by name, where it is not installed. */
export const isNatsInstalled = spawnSync('nats-server', ['--version']).status === 0;

/** A NATS with JetStream, which keeps its streams on disk, on a free port of the loopback interface. */
export class NatsServer {
  private readonly folder = mkdtempSync(join(tmpdir(), 'vaultaire-nats-'));
  private child: ChildProcess | undefined;

  private constructor(
    private readonly port: number,
    private readonly user: { readonly name: string; readonly password: string } | undefined,
  ) {}

  static async start(user?: { readonly name: string; readonly password: string }): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), user);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${String(this.port)}`;
  }

  /** Also after {@link kill}, on the same port with the same streams. */
  async start(): Promise<void> {
    const login = this.user === undefined ? [] : ['--user', this.user.name, '--pass', this.user.password];
    const args = ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', this.folder, ...login];
    const child = spawn('nats-server', args, { stdio: ['ignore', 'inherit', 'pipe'] });
    this.child = child;
    live.add(child);
    let log = '';
    child.stderr.setEncoding('utf8');
    for await (const text of child.stderr.iterator({ destroyOnReturn: false })) {
      log += String(text);
      if (log.includes('Server is ready')) {
        child.stderr.resume();
        return;
      }
    }
    throw new Error(`NATS did not start: ${log}`);
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    this.child = undefined;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    live.delete(child);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const live = new Set<ChildProcess>();
// A spec that was cut off leaves no server behind.
process.once('exit', () => {
  for (const child of live) child.kill('SIGKILL');
});
