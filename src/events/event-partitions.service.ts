import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../database/database';

const CREATE = { name: 'events-create-partitions', text: 'SELECT vaultaire_create_event_partitions($1)' };
const DAYS_AHEAD = 3;
const INTERVAL_MS = 3_600_000;

/**
 * Makes the partitions of the event log for the coming days, at start and every hour. Many processes may do so at once. When
 * it fails for days, events go to the default partition.
 */
@Injectable()
export class EventPartitionsService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(EventPartitionsService.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.createPartitions();
    this.timer = setInterval(() => void this.createPartitions(), INTERVAL_MS);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async createPartitions(): Promise<void> {
    try {
      await this.database.query(CREATE, [DAYS_AHEAD]);
    } catch (error) {
      this.logger.warn('The partitions of the event log for the coming days could not be made', error);
    }
  }
}
