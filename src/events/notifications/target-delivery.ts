import type { Database } from '../../database/database';
import type { NotificationMetrics } from '../../metrics/notification.metrics';
import { DELIVERED, FAILED, READY_EVENTS, TARGET_FAILED } from './outbox.statements';
import type { OutboxEvent } from './s3-event';
import { s3EventMessage } from './s3-event';
import type { Sender } from './senders/sender';
import { DeliveryError } from './senders/sender';
import type { TargetKind } from './targets/target.types';

/** Events that are sent before what came of them is written down: what is sent again when this process is killed. */
const BATCH_EVENTS = 64;
/** Of different keys, on their way at a time. */
const CONCURRENCY = 8;
/** Tries that count of an event that a target does not take. */
const MAX_ATTEMPTS = 5;
const MAX_PAUSE_SECONDS = 60;
/** One alone is not worth a line in the log. */
const DOWN_AFTER_FAILURES = 3;
const BLOCKED_PAUSE_SECONDS = 0.5;
const MAX_ERROR_CHARS = 500;

export interface TargetDeliveryOptions {
  readonly targetId: string;
  readonly kind: TargetKind;
  readonly region: string;
  /** The first wait after a failure. */
  readonly retrySeconds: number;
  /** Aborts when the target is to be left at once: the process stops, or another has it. */
  readonly signal: AbortSignal;
  /** False: it is no longer sure that nobody else holds the target. */
  readonly isHeld: () => boolean;
}

interface Failure {
  readonly id: string;
  readonly error: DeliveryError;
}

/** Sends what waits for one target, while this process holds it: the events of a key one after the other. */
export class TargetDelivery {
  private foundDown: string | undefined;

  constructor(
    private readonly database: Database,
    private readonly sender: Sender,
    private readonly metrics: NotificationMetrics,
    private readonly options: TargetDeliveryOptions,
  ) {}

  /** Why the target was found to be down by {@link run}, which was the first to find it so. */
  get downReason(): string | undefined {
    return this.foundDown;
  }

  /** Until nothing is left that may be sent now, or the target is down. Resolves with the seconds to leave it alone. */
  async run(): Promise<number> {
    const { targetId } = this.options;
    for (let hasSent = false; !this.isOver(); hasSent = true) {
      const events = await this.database.query<OutboxEvent>(READY_EVENTS, [targetId, BATCH_EVENTS]);
      // All that waits is behind an event that was refused.
      if (events.length === 0) return hasSent ? 0 : BLOCKED_PAUSE_SECONDS;
      const pauseSeconds = await this.sendAll(events);
      if (pauseSeconds > 0) return pauseSeconds;
    }
    return 0;
  }

  private async sendAll(events: readonly OutboxEvent[]): Promise<number> {
    const queues = [...byKey(events).values()];
    const delivered: string[] = [];
    const failures: Failure[] = [];
    const isDown = (): boolean => failures.some(({ error }) => error.kind === 'unavailable');
    const lanes = Array.from({ length: Math.min(CONCURRENCY, queues.length) }, async () => {
      for (let queue = queues.shift(); queue !== undefined; queue = queues.shift()) {
        for (const event of queue) {
          if (isDown() || this.isOver()) return;
          const error = await this.sendOne(event);
          if (error === undefined) delivered.push(event.id);
          else {
            // Interrupted by this process's own end, it says nothing of the target.
            if (!this.isInterrupted()) failures.push({ id: event.id, error });
            break;
          }
        }
      }
    });
    await Promise.all(lanes);
    return this.settle(delivered, failures);
  }

  private isOver(): boolean {
    return this.isInterrupted() || !this.options.isHeld();
  }

  private isInterrupted(): boolean {
    return this.options.signal.aborted;
  }

  private async sendOne(event: OutboxEvent): Promise<DeliveryError | undefined> {
    try {
      const body = s3EventMessage(event, this.options.region);
      await this.sender.send({ id: event.id, body }, this.options.signal);
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      return new DeliveryError('unavailable', error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  private async settle(delivered: readonly string[], failures: readonly Failure[]): Promise<number> {
    const { targetId, kind, retrySeconds } = this.options;
    if (delivered.length > 0) {
      await this.database.query(DELIVERED, [targetId, delivered]);
      this.metrics.delivered(kind, delivered.length);
    }
    let isDown: string | null = null;
    let last = '';
    for (const { id, error } of failures) {
      last = error.message.slice(0, MAX_ERROR_CHARS);
      const isRefused = error.kind === 'refused';
      if (!isRefused) isDown = last;
      const values = [targetId, id, last, isRefused, MAX_ATTEMPTS, retrySeconds];
      const [row] = await this.database.query<{ state: string }>(FAILED, values);
      this.metrics.failed(kind, row?.state === 'dead' ? 'dead' : error.kind);
    }
    if (failures.length === 0) return 0;
    const [state] = await this.database.query<{ failures: number }>(TARGET_FAILED, [targetId, isDown, last]);
    if (isDown === null || state === undefined) return 0;
    if (state.failures === DOWN_AFTER_FAILURES) this.foundDown = isDown;
    return Math.min(MAX_PAUSE_SECONDS, retrySeconds * 2 ** (state.failures - 1));
  }
}

/** Events of one key, in order, under a name of it that no other has. */
function byKey(events: readonly OutboxEvent[]): Map<string, OutboxEvent[]> {
  const queues = new Map<string, OutboxEvent[]>();
  for (const event of events) {
    const name = `${event.container_id}/${event.key}`;
    const queue = queues.get(name);
    if (queue === undefined) queues.set(name, [event]);
    else queue.push(event);
  }
  return queues;
}
