import { createHmac } from 'node:crypto';
import { Agent, buildConnector, request } from 'undici';
import type { AddressGuard } from './address-guard';
import type { OutgoingEvent, Sender } from './sender';
import { DeliveryError } from './sender';

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS = 8;
const SECRET_PREFIX = 'whsec_';
/** Answers that say nothing of the event: request time-out, too early, too many requests. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429]);

export interface WebhookSettings {
  /** `http` or `https`. */
  readonly url: string;
}

/**
 * `POST`s events to a URL, signed as Standard Webhooks describes (HMAC-SHA256 over id, time stamp and body), so that receivers can
 * use its libraries. Any 2xx is success; redirects are not followed.
 */
export class WebhookSender implements Sender {
  private readonly agent: Agent;
  private readonly key: Buffer;

  constructor(
    private readonly settings: WebhookSettings,
    secret: string,
    guard: AddressGuard,
  ) {
    this.key = signingKey(secret);
    const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: guard.lookup, allowH2: false });
    this.agent = new Agent({
      connections: CONNECTIONS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connect: (options, callback) => {
        try {
          guard.checkLiteral(options.hostname);
        } catch (error) {
          callback(error instanceof Error ? error : new Error(String(error)), null);
          return;
        }
        connect(options, callback);
      },
    });
  }

  async send({ id, body }: OutgoingEvent, signal: AbortSignal): Promise<void> {
    const status = await this.post(id, body, AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]));
    if (status >= 200 && status < 300) return;
    const isRefused = status >= 300 && status < 500 && !NOT_NOW.has(status);
    throw new DeliveryError(isRefused ? 'refused' : 'unavailable', `The receiver answered ${String(status)}`);
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async post(id: string, body: string, signal: AbortSignal): Promise<number> {
    const seconds = Math.floor(Date.now() / 1_000).toString();
    try {
      const answer = await request(this.settings.url, {
        method: 'POST',
        dispatcher: this.agent,
        signal,
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Vaultaire',
          'webhook-id': id,
          'webhook-timestamp': seconds,
          'webhook-signature': signature(this.key, id, seconds, body),
        },
      });
      await answer.body.dump();
      return answer.statusCode;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
      throw new DeliveryError('unavailable', reason, { cause });
    }
  }
}

/** `v1,<base64>` of https://www.standardwebhooks.com. */
export function signature(key: Buffer, id: string, seconds: string, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

/** The bytes behind `whsec_<base64>`; of any other secret, its own. */
export function signingKey(secret: string): Buffer {
  return secret.startsWith(SECRET_PREFIX)
    ? Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8');
}
