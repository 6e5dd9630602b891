import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './free-port';

/** Specs that need Redis are skipped, by name, where it is not installed. */
export const isRedisInstalled = spawnSync('redis-server', ['--version']).status === 0;

/** A Redis that keeps nothing, on a free port of the loopback interface. */
export class RedisServer {
  private child: ChildProcess | undefined;

  private constructor(private readonly port: number) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${String(this.port)}`;
  }

  /** Also after {@link kill}, on the same port. */
  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child = child;
    live.add(child);
    let out = '';
    child.stdout.setEncoding('utf8');
    for await (const text of child.stdout.iterator({ destroyOnReturn: false })) {
      out += String(text);
      if (out.includes('Ready to accept connections')) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`Redis did not start: ${out}`);
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
}

const live = new Set<ChildProcess>();
// A spec that was cut off leaves no server behind.
process.once('exit', () => {
  for (const child of live) child.kill('SIGKILL');
});
