import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** The secret that targets of the specs have. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from('a key of thirty-two bytes, or so').toString('base64')}`;

/** The interesting part of an S3 event message. */
export interface ReceivedRecord {
  readonly eventName: string;
  readonly s3: {
    readonly configurationId: string;
    readonly bucket: { readonly name: string };
    readonly object: {
      readonly key: string;
      readonly sequencer: string;
      readonly size?: number;
      readonly eTag?: string;
      readonly versionId?: string;
    };
  };
}

export interface ReceivedMessage {
  readonly id: string;
  readonly body: { readonly Records?: readonly ReceivedRecord[]; readonly Event?: string; readonly Bucket?: string };
  /** By the signature over id, time stamp and body. */
  readonly isGenuine: boolean;
  readonly answered: number;
}

/** A receiver of webhooks on a free port of the loopback interface, which can be down and come back. */
export class WebhookReceiver {
  readonly messages: ReceivedMessage[] = [];
  /** Status of the answer to a message. */
  answer: (message: Omit<ReceivedMessage, 'answered'>) => number = () => 200;
  private server: Server | undefined;
  private port = 0;
  private readonly sockets = new Set<Socket>();

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await receiver.start();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}/hook`;
  }

  /** Records of objects that were answered with success, in the order in which they came. */
  get records(): ReceivedRecord[] {
    return this.messages.flatMap(({ body, answered }) => (answered === 200 ? (body.Records ?? []) : []));
  }

  /** As {@link records}, of a bucket, without what came again. */
  recordsOf(bucket: string): ReceivedRecord[] {
    const first = new Map<string, ReceivedRecord>();
    for (const record of this.records) {
      const { sequencer } = record.s3.object;
      if (record.s3.bucket.name === bucket && !first.has(sequencer)) first.set(sequencer, record);
    }
    return [...first.values()];
  }

  /** Also after {@link stop}, on the same port. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      void this.receive(request).then((status) => response.writeHead(status).end());
    });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server = server;
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.port = address.port;
  }

  /** Connections are refused from then on. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(server, 'close');
  }

  private async receive(request: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const { 'webhook-id': id = '', 'webhook-timestamp': time = '' } = request.headers;
    const key = Buffer.from(WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
    const signature = createHmac('sha256', key)
      .update(`${String(id)}.${String(time)}.${text}`)
      .digest('base64');
    const isGenuine =
      request.headers['webhook-signature'] === `v1,${signature}` && Math.abs(Date.now() / 1_000 - Number(time)) < 60;
    const message = { id: String(id), body: JSON.parse(text) as ReceivedMessage['body'], isGenuine };
    const answered = this.answer(message);
    this.messages.push({ ...message, answered });
    return answered;
  }
}
