import 'reflect-metadata';
import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';

/**
 * The least that a Nest application can do: one route that answers bytes which are in memory already. Express's ETag and
 * `X-Powered-By` are switched off, which makes it faster. Arguments: number of processes, bytes of the answer.
 * Prints its port as the first line. Decorators are applied by hand: Node runs this file by stripping its types.
 */
const [, , processes = '1', sizeBytes = '4096'] = process.argv;
const answer = 'x'.repeat(Number(sizeBytes));

class BareController {
  answer(): string {
    return answer;
  }
}
const route = Object.getOwnPropertyDescriptor(BareController.prototype, 'answer') ?? {};
Header('content-type', 'application/octet-stream')(BareController.prototype, 'answer', route);
Get('bare')(BareController.prototype, 'answer', route);
Controller()(BareController);

class BareModule {
  readonly name = 'bare';
}
Module({ controllers: [BareController] })(BareModule);

async function serve(): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(BareModule, new ExpressAdapter(), {
    logger: false,
    bodyParser: false,
  });
  app.disable('etag');
  app.disable('x-powered-by');
  await app.listen(0, '127.0.0.1');
  const address = app.getHttpServer().address() as AddressInfo;
  if (process.send === undefined) process.stdout.write(`${address.port}\n`);
  else process.send(address.port);
}

if (cluster.isPrimary && Number(processes) > 1) {
  let waiting = Number(processes);
  for (let index = 0; index < Number(processes); index++) {
    cluster.fork().once('message', (port: number) => {
      if (--waiting === 0) process.stdout.write(`${port}\n`);
    });
  }
  process.once('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
    process.exit(0);
  });
} else {
  await serve();
}
