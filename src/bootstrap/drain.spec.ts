import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { drain } from './drain';

describe('drain', () => {
  let server: Server;
  let port: number;
  const agent = new Agent({ keepAlive: true });

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  afterAll(() => {
    agent.destroy();
  });

  /** Sends a request and waits until the server holds it. */
  async function begin(): Promise<{ response: ServerResponse; answer: Promise<IncomingMessage> }> {
    const arrived = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
    const request = get({ port, host: '127.0.0.1', agent });
    const answer = (once(request, 'response') as Promise<[IncomingMessage]>).then(([message]) => message.resume());
    answer.catch(() => undefined);
    const [, response] = await arrived;
    return { response, answer };
  }

  it('lets a request in flight finish, whose connection then is closed', async () => {
    const { response, answer } = await begin();
    const drained = drain(server);
    response.end('done');
    expect((await answer).statusCode).toBe(200);
    await drained;
    expect(server.listening).toBe(false);
  });

  it('does not wait for connections without a request', async () => {
    const { response, answer } = await begin();
    response.end('done');
    await once(await answer, 'end');
    await drain(server);
  });

  it('cuts off what takes too long', async () => {
    const { answer } = await begin();
    await drain(server, 1);
    await expect(answer).rejects.toThrow('socket hang up');
  });

  it('has nothing to do for a server that does not listen', async () => {
    await drain(createServer());
  });
});
