import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { VaultaireConfig } from '../../../config/vaultaire-config';
import { SecretCipher } from '../../../tenant/secret-cipher';
import { AddressGuard } from '../senders/address-guard';
import { NatsSender } from '../senders/nats.sender';
import { RedisSender } from '../senders/redis.sender';
import type { Sender } from '../senders/sender';
import { WebhookSender } from '../senders/webhook.sender';
import type { TargetKind, TargetSettings } from './target.types';

const OPEN_SENDERS = 256;

/** A target as its row has it. */
export interface StoredTarget extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly kind: TargetKind;
  readonly settings: TargetSettings;
  readonly secret: Buffer | null;
  /** Decimal; another one with each change. */
  readonly revision: string;
}

/** What the secret of a target is sealed for. */
export const secretName = (targetId: string): string => `notification-target:${targetId}`;

/** Ways to targets, kept open between their events. */
@Injectable()
export class SenderFactory {
  private readonly guard: AddressGuard;
  private readonly senders = new LRUCache<string, { readonly revision: string; readonly sender: Sender }>({
    max: OPEN_SENDERS,
    dispose: ({ sender }) => void sender.close(),
  });

  constructor(
    private readonly cipher: SecretCipher,
    config: VaultaireConfig,
  ) {
    this.guard = new AddressGuard(config.notifications.allowedNetworks);
  }

  /** @throws SecretUnreadableError */
  senderOf(target: StoredTarget): Sender {
    const known = this.senders.get(target.id);
    if (known?.revision === target.revision) return known.sender;
    const sender = this.make(target);
    this.senders.set(target.id, { revision: target.revision, sender });
    return sender;
  }

  async close(): Promise<void> {
    const senders = [...this.senders.values()];
    this.senders.clear();
    await Promise.all(senders.map(({ sender }) => sender.close()));
  }

  private make({ id, settings, secret }: StoredTarget): Sender {
    const opened = secret === null ? undefined : this.cipher.open(secretName(id), secret);
    switch (settings.kind) {
      case 'webhook':
        return new WebhookSender(settings, opened ?? '', this.guard);
      case 'redis':
        return new RedisSender(settings, opened, this.guard);
      case 'nats':
        return new NatsSender(settings, opened, this.guard);
    }
  }
}
