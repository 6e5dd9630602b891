import type { NatsSettings } from '../senders/nats.sender';
import type { RedisSettings } from '../senders/redis.sender';
import type { WebhookSettings } from '../senders/webhook.sender';

export const TARGET_KINDS = ['webhook', 'redis', 'nats'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/** Where and how a target is reached, without its secret. */
export type TargetSettings =
  | ({ readonly kind: 'webhook' } & WebhookSettings)
  | ({ readonly kind: 'redis' } & RedisSettings)
  | ({ readonly kind: 'nats' } & NatsSettings);
