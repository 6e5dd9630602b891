import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Command } from './command';
import { runCli } from './run-cli';

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed; undefined without one. */
  readonly body: unknown;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, text as it is; undefined: none. */
  readonly body?: unknown;
}

/** How a run of the program went. */
export interface CliRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** An HTTP server that answers as a test tells it, and remembers what it was asked. */
export class FakeAdminApi {
  readonly requests: SeenRequest[] = [];
  private readonly server = createServer((request, response) => {
    void (async () => {
      const { method = '', url = '', headers } = request;
      const body = headers['content-length'] === undefined ? undefined : await json(request);
      const seen = { method, target: url, headers, body };
      this.requests.push(seen);
      send(response, this.answer(seen));
    })();
  });

  private constructor(private answer: (request: SeenRequest) => FakeAnswer) {}

  static async start(): Promise<FakeAdminApi> {
    const api = new FakeAdminApi(() => ({ status: 404 }));
    api.server.listen(0, '127.0.0.1');
    await once(api.server, 'listening');
    return api;
  }

  get url(): string {
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server is not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Forgets what was asked before, and answers so from now on. */
  answers(answer: (request: SeenRequest) => FakeAnswer): void {
    this.requests.length = 0;
    this.answer = answer;
  }

  /** Runs the program against this server, with a token. */
  async run(commands: readonly Command[], args: readonly string[], isTerminal = false): Promise<CliRun> {
    let out = '';
    let err = '';
    const environment = { adminUrl: this.url, adminToken: 'token-of-the-test' };
    const exitCode = await runCli(args, commands, environment, {
      out: (text) => (out += `${text}\n`),
      err: (text) => (err += `${text}\n`),
      isTerminal,
    });
    return { exitCode, out, err };
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: FakeAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
}
