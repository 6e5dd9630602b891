import type { JetStreamClient } from '@nats-io/jetstream';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connect } from '@nats-io/transport-node';
import { isIP } from 'node:net';
import type { AddressGuard } from './address-guard';
import type { OutgoingEvent, Sender } from './sender';
import { DeliveryError } from './sender';

const CONNECT_TIMEOUT_MS = 5_000;
const PUBLISH_TIMEOUT_MS = 10_000;

export interface NatsSettings {
  /** `nats`, or `tls` where the server must prove its name; with the user's name where there is one. */
  readonly url: string;
  /** A stream of the server has to take it: without one nothing would be kept. */
  readonly subject: string;
}

interface Connection {
  readonly nats: NatsConnection;
  readonly stream: JetStreamClient;
}

/**
 * Publishes events to a subject of NATS JetStream. One that a stream has acknowledged is delivered; streams drop those that come twice
 * within their window, by `Nats-Msg-Id`.
 */
export class NatsSender implements Sender {
  private connection: Promise<Connection> | undefined;

  constructor(
    private readonly settings: NatsSettings,
    /** Password of the user that `url` names, or a token. */
    private readonly secret: string | undefined,
    private readonly guard: AddressGuard,
  ) {}

  async send({ id, body }: OutgoingEvent): Promise<void> {
    try {
      const { nats, stream } = await this.connect();
      if (Buffer.byteLength(body) > (nats.info?.max_payload ?? Number.POSITIVE_INFINITY))
        throw new DeliveryError('refused', 'The event is larger than the server takes');
      await stream.publish(this.settings.subject, body, { msgID: id, timeout: PUBLISH_TIMEOUT_MS });
    } catch (cause) {
      if (cause instanceof DeliveryError) throw cause;
      await this.close();
      throw new DeliveryError('unavailable', cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }

  async close(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    const opened = await connection?.catch(() => undefined);
    await opened?.nats.close();
  }

  private connect(): Promise<Connection> {
    this.connection ??= this.open();
    return this.connection;
  }

  private async open(): Promise<Connection> {
    const url = new URL(this.settings.url);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const address = await this.guard.resolve(host);
    const tls = { handshakeFirst: false, ...(isIP(host) === 0 && { servername: host }) };
    const nats = await connect({
      // The very address that was looked at, and none that the server tells of.
      servers: `${isIP(address) === 6 ? `[${address}]` : address}:${url.port || '4222'}`,
      ignoreClusterUpdates: true,
      tls: url.protocol === 'tls:' ? tls : null,
      ...this.credentials(decodeURIComponent(url.username)),
      timeout: CONNECT_TIMEOUT_MS,
      // Whoever sends next connects anew, after another look at the address.
      reconnect: false,
    });
    void nats.closed().then(() => {
      this.connection = undefined;
    });
    return { nats, stream: jetstream(nats) };
  }

  private credentials(user: string): { user: string; pass: string } | { token: string } | undefined {
    if (user !== '') return { user, pass: this.secret ?? '' };
    return this.secret === undefined ? undefined : { token: this.secret };
  }
}
