import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { Database } from '../../database/database';
import { NotificationMetrics } from '../../metrics/notification.metrics';
import { CLAIM_TARGETS, RELEASE_TARGET, RENEW_CLAIMS } from './outbox.statements';
import { TargetDelivery } from './target-delivery';
import { SenderFactory } from './targets/sender-factory';
import type { StoredTarget } from './targets/sender-factory';

/** How long what was just committed waits at the most, unless more is on its way. */
const POLL_INTERVAL_MS = 400;
/** After which a process that was killed is followed by another. */
const LEASE_SECONDS = 6;
const RENEW_AFTER_MS = 2_000;
/** Before the lease ends, nothing more is sent: the clocks of the database and of this process run apart by less. */
const LEASE_MARGIN_MS = 1_000;
/** A pause is over by the clock of the database. */
const PAUSE_MARGIN_MS = 5;
const TARGETS_PER_CLAIM = 4;
/** What this process delivers to at a time; most of them wait for their receivers. */
const MAX_HELD_TARGETS = 64;
const STOP_TIMEOUT_MS = 12_000;

/** A target that this process delivers to. */
interface HeldTarget {
  /** Of `performance.now()`. */
  heldUntilMs: number;
  readonly stopping: AbortController;
  readonly done: Promise<void>;
}

/**
 * Brings what is in the outbox to its targets. Of all processes of all machines one delivers to a target at a time, for as long as it
 * renews its claim; an event is marked as sent after it was sent, so that it may come twice, and never not at all.
 */
@Injectable()
export class NotificationDeliveryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Notifications');
  private readonly id = randomUUID();
  private readonly held = new Map<string, HeldTarget>();
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> | undefined;
  private renewedAtMs = 0;
  private isStopping = false;
  private hasFailed = false;

  constructor(
    private readonly database: Database,
    private readonly senders: SenderFactory,
    private readonly metrics: NotificationMetrics,
    private readonly environment: Environment,
    private readonly config: VaultaireConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.look();
    }, POLL_INTERVAL_MS);
    this.timer.unref();
  }

  /** What is on its way is sent to its end, and written down, within the time that its target is given. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    const ended = Promise.all([this.round, ...[...this.held.values()].map(({ done }) => done)]);
    await Promise.race([ended, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    for (const { stopping } of this.held.values()) stopping.abort();
    await this.senders.close();
  }

  private look(): void {
    if (this.isStopping) return;
    this.round ??= this.claimAndRenew().finally(() => {
      this.round = undefined;
    });
  }

  /** Never rejects. */
  private async claimAndRenew(): Promise<void> {
    try {
      const startedAtMs = performance.now();
      if (this.held.size > 0 && startedAtMs - this.renewedAtMs > RENEW_AFTER_MS) await this.renew(startedAtMs);
      const claimedAtMs = performance.now();
      const free = Math.min(TARGETS_PER_CLAIM, MAX_HELD_TARGETS - this.held.size);
      if (free > 0) {
        const values = [this.id, LEASE_SECONDS, free];
        const targets = await this.database.query<StoredTarget>(CLAIM_TARGETS, values);
        for (const target of targets) this.hold(target, claimedAtMs);
      }
      this.hasFailed = false;
    } catch (error) {
      // Once for each time that PostgreSQL is away.
      if (!this.hasFailed) this.logger.warn('Notifications wait, and are tried again', error);
      this.hasFailed = true;
    }
  }

  private async renew(startedAtMs: number): Promise<void> {
    this.renewedAtMs = startedAtMs;
    const rows = await this.database.query<{ target_id: string }>(RENEW_CLAIMS, [
      this.id,
      [...this.held.keys()],
      LEASE_SECONDS,
    ]);
    const renewed = new Set(rows.map(({ target_id }) => target_id));
    for (const [id, target] of this.held) {
      if (renewed.has(id)) target.heldUntilMs = leaseEnd(startedAtMs);
      // Deleted, or taken by another while this process stood still.
      else target.stopping.abort();
    }
  }

  private hold(target: StoredTarget, claimedAtMs: number): void {
    const { id } = target;
    // Its own claim has run out while it still ends: the next round finds it free again.
    if (this.held.has(id)) return;
    const stopping = new AbortController();
    const done = Promise.resolve()
      .then(() => this.deliver(target, stopping.signal))
      .finally(() => this.held.delete(id));
    this.held.set(id, { heldUntilMs: leaseEnd(claimedAtMs), stopping, done });
  }

  /** Never rejects. */
  private async deliver(target: StoredTarget, signal: AbortSignal): Promise<void> {
    try {
      const delivery = new TargetDelivery(this.database, this.senders.senderOf(target), this.metrics, {
        targetId: target.id,
        kind: target.kind,
        region: this.environment.region,
        retrySeconds: this.config.notifications.retrySeconds,
        signal,
        isHeld: () => !this.isStopping && performance.now() < (this.held.get(target.id)?.heldUntilMs ?? 0),
      });
      const pauseSeconds = await delivery.run();
      if (delivery.downReason !== undefined) {
        this.logger.warn(
          `Target ${target.id} of notifications is down, and what is for it waits: ${delivery.downReason}`,
        );
      }
      await this.database.query(RELEASE_TARGET, [this.id, target.id, pauseSeconds]);
      const pauseMs = pauseSeconds * 1_000;
      if (pauseMs > 0 && pauseMs < POLL_INTERVAL_MS)
        setTimeout(() => {
          this.look();
        }, pauseMs + PAUSE_MARGIN_MS).unref();
    } catch (error) {
      // The claim runs out, and whoever comes next goes on.
      this.logger.warn(`Notifications of target ${target.id} wait, and are tried again`, error);
    }
  }
}

function leaseEnd(startedAtMs: number): number {
  return startedAtMs + LEASE_SECONDS * 1_000 - LEASE_MARGIN_MS;
}
