import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { artifactKey, containerName, tenantId, userId } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { effectivePolicy } from '../../context/policy/effective-policy';
import { Database } from '../../database/database';
import { PeriodicTurn } from '../../database/periodic-turn';
import { ArtifactWriter } from '../../engine/artifacts/artifact-writer';
import { ContainerService } from '../../engine/containers/container.service';
import { EngineError } from '../../engine/engine.errors';
import { accountNumberOf } from '../../context/account-number';
import {
  ABANDON_DELIVERY,
  BEGIN_DELIVERY,
  DELIVERY_LINES,
  FINISH_DELIVERY,
  FORGET_LINES,
  LOG_SOURCES,
  OLDEST_WAITING,
  RESUME_DELIVERY,
} from './access-log.statements';
import type { LogSource } from './access-log.statements';
import { logObjectKey } from './log-object-key';

/** Lines of one object. */
const MAX_LINES = 10_000;
/** Lines in memory. */
const PAGE_LINES = 500;
/** After which a gateway that delivers, or a delivery, is taken for abandoned. */
const LEASE_SECONDS = 120;
/** Lines that could not be delivered for so long, since their target is gone or full, are dropped. */
const KEPT_DAYS = 7;
const FORGET_INTERVAL_MS = 3_600_000;
const DAY_MS = 86_400_000;
const STOP_TIMEOUT_MS = 10_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

interface Delivery extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly target: string;
  readonly target_key: string;
}

/**
 * Brings the lines of access logs into the buckets where their owners want them. Of all gateways one does so at a time. What an
 * object holds, and its name, are committed before it is written, and it is written only if there is none of the name: whatever dies,
 * no line is lost and none is delivered twice.
 */
@Injectable()
export class AccessLogDelivery implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('AccessLog');
  private readonly stopping = new AbortController();
  private readonly intervalSeconds: number;
  private readonly turn: PeriodicTurn;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private forgotAtMs = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
    private readonly writer: ArtifactWriter,
    config: VaultaireConfig,
  ) {
    this.intervalSeconds = config.accessLogs.deliveryIntervalSeconds;
    this.turn = new PeriodicTurn(database, 'access-logs', this.intervalSeconds, LEASE_SECONDS);
  }

  onApplicationBootstrap(): void {
    // Oftener than it is due, so that a gateway that died is followed soon.
    this.timer = setInterval(() => {
      this.running ??= this.deliverIfDue().finally(() => {
        this.running = undefined;
      });
    }, this.intervalSeconds * 250);
    this.timer.unref();
  }

  /** An object that is being written is written to its end, or left to whoever comes next. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await Promise.race([this.running, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }

  /** Never rejects. */
  private async deliverIfDue(): Promise<void> {
    const startedAtMs = performance.now();
    try {
      if (!(await this.turn.claim())) return;
      await this.deliver();
      await this.turn.succeeded(startedAtMs);
    } catch (error) {
      this.logger.warn('Access logs were not delivered, and are tried again later', error);
      await this.turn.failed(error);
    }
  }

  /** One round: all that waits when it begins, and what comes meanwhile. A bucket whose log fails does not keep the others waiting. */
  async deliver(): Promise<void> {
    if (performance.now() - this.forgotAtMs > FORGET_INTERVAL_MS) {
      await this.database.query(FORGET_LINES, [KEPT_DAYS]);
      this.forgotAtMs = performance.now();
    }
    const failures: unknown[] = [];
    for (const source of await this.database.query<LogSource>(LOG_SOURCES, [])) {
      if (this.stopping.signal.aborted) return;
      try {
        await this.deliverLog(source);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} access logs were not delivered`);
  }

  private async deliverLog(source: LogSource): Promise<void> {
    for (;;) {
      const delivery = await this.nextDelivery(source);
      if (delivery === undefined) return;
      if (!(await this.write(source, delivery))) {
        this.logger.warn(`The access log of ${source.name} waits: its target ${delivery.target} is gone or full`);
        await this.database.query(ABANDON_DELIVERY, [delivery.id]);
        return;
      }
      await this.database.query(FINISH_DELIVERY, [delivery.id]);
      if (this.stopping.signal.aborted) return;
    }
  }

  private async nextDelivery(source: LogSource): Promise<Delivery | undefined> {
    const [resumed] = await this.database.query<Delivery>(RESUME_DELIVERY, [source.id, LEASE_SECONDS]);
    if (resumed !== undefined) return resumed;
    const [oldest] = await this.database.query<{ time: Date }>(OLDEST_WAITING, [source.id]);
    if (oldest === undefined) return undefined;
    const { targetBucket, targetPrefix, keyFormat = 'simple' } = source.document;
    const key = logObjectKey({
      prefix: targetPrefix,
      format: keyFormat,
      account: accountNumberOf(source.tenant_id),
      region: source.region,
      bucket: source.name,
      eventTime: oldest.time,
      deliveryTime: new Date(),
    });
    // An object that is named by the day of its requests has no others.
    const dayMs = Math.floor(oldest.time.getTime() / DAY_MS) * DAY_MS;
    const isByDay = keyFormat === 'by-event-time';
    const from = isByDay ? new Date(dayMs) : '-infinity';
    const to = isByDay ? new Date(dayMs + DAY_MS) : 'infinity';
    const [begun] = await this.database.query<Delivery>(BEGIN_DELIVERY, [
      source.id,
      uuidv7(),
      targetBucket,
      key,
      MAX_LINES,
      from,
      to,
    ]);
    return begun;
  }

  /** False when there is no target, it is no longer of the same owner, or a quota has no room. */
  private async write(source: LogSource, delivery: Delivery): Promise<boolean> {
    const ctx = contextOf(source, this.stopping.signal);
    const container = containerName(delivery.target);
    try {
      const { ownerId } = await this.containers.getFresh(ctx, container);
      if (ownerId !== source.owner_id) return false;
      await this.writer.put(ctx, {
        container,
        key: artifactKey(delivery.target_key),
        attributes: { headers: { contentType: 'text/plain' }, metadata: {}, tags: {}, storageClass: 'STANDARD' },
        // What was written before its writer died is not written again.
        conditions: { ifNoneMatch: '*' },
        body: {
          source: this.linesOf(delivery.id),
          sizeBytes: undefined,
          expectations: [],
          storedChecksum: 'CRC64NVME',
        },
      });
      return true;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.failure.kind === 'PreconditionFailed') return true;
      if (error.failure.kind === 'NoSuchContainer' || error.failure.kind === 'QuotaExceeded') return false;
      throw error;
    }
  }

  private async *linesOf(deliveryId: string): AsyncGenerator<Buffer, void, undefined> {
    let after = FIRST_ID;
    for (;;) {
      const page = await this.database.query<{ event_id: string; line: string }>(DELIVERY_LINES, [
        deliveryId,
        after,
        PAGE_LINES,
      ]);
      if (page.length > 0) yield Buffer.from(page.map(({ line }) => `${line}\n`).join(''));
      if (page.length < PAGE_LINES) return;
      after = page.at(-1)?.event_id ?? after;
    }
  }
}

/** The owner of the source's bucket writes, within the quotas of the tenant. */
function contextOf(source: LogSource, signal: AbortSignal): OperationContext {
  return {
    requestId: `DeliverAccessLog-${source.id}`,
    operation: 'DeliverAccessLog',
    tenantId: tenantId(source.tenant_id),
    principal: {
      kind: 'user',
      userId: userId(source.owner_id),
      accessKeyId: '',
      canonicalId: source.canonical_id,
      displayName: source.display_name,
    },
    quota: effectivePolicy(source.plan_policy, source.tenant_policy).quota,
    signal,
    deadlineMs: undefined,
    observer: undefined,
  };
}
