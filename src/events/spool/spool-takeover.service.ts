import { join } from 'node:path';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { EventLogMetrics } from '../../metrics/event-log.metrics';
import { EventSink } from '../event-sink';
import { SPOOL_FOLDER } from '../events.constants';
import { EventSpool } from './event-spool';
import { SpoolFolder } from './spool-folder';

const INTERVAL_MS = 10_000;
const REPLAY_BYTES = 512 * 1_024;

/** Writes the rows that processes left on disk which are gone: killed, or stopped while PostgreSQL was away. */
@Injectable()
export class SpoolTakeoverService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('EventLog');
  private readonly parent: string;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private spool: EventSpool | undefined;
  private isStopped = false;

  constructor(
    environment: Environment,
    private readonly sink: EventSink,
    private readonly metrics: EventLogMetrics,
  ) {
    this.parent = join(environment.dataDir, SPOOL_FOLDER);
  }

  onApplicationBootstrap(): void {
    this.metrics.sampleSpool(() => this.spool?.bytes ?? 0);
    this.timer = setInterval(() => {
      this.run();
    }, INTERVAL_MS);
    this.timer.unref();
    this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  private run(): void {
    this.running ??= this.takeOverAll()
      .catch((error: unknown) => {
        this.logger.error('Events that another process left on disk could not be read', error);
      })
      .finally(() => {
        this.running = undefined;
      });
  }

  private async takeOverAll(): Promise<void> {
    while (!this.isStopped) {
      const folder = await SpoolFolder.takeOver(this.parent);
      if (folder === undefined || !(await this.replay(folder))) return;
    }
  }

  /** False when PostgreSQL takes no more for now. */
  private async replay(folder: SpoolFolder): Promise<boolean> {
    const spool = await EventSpool.open(folder.path, {
      maxBytes: Infinity,
      onLost: (rows, reason) => {
        this.sink.lost(rows, reason);
      },
    });
    this.spool = spool;
    let isDone = false;
    try {
      isDone = await this.replayAll(spool);
    } finally {
      this.spool = undefined;
      await spool.close();
      if (isDone) await folder.remove();
      else await folder.leave();
    }
    return isDone;
  }

  private async replayAll(spool: EventSpool): Promise<boolean> {
    let rows = 0;
    while (!this.isStopped) {
      const spooled = await spool.read(REPLAY_BYTES);
      if (spooled === undefined) {
        if (rows > 0) this.logger.log(`Wrote ${String(rows)} events that another process had left on disk`);
        return true;
      }
      if (!(await this.sink.writeLate(spooled.batch, spooled.columns))) return false;
      await spool.consume(spooled);
      rows += spooled.batch.rows;
    }
    return false;
  }
}
