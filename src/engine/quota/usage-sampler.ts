import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../database/database';
import { IntervalJob } from './interval-job';
import { SAMPLE_USAGE } from './usage.statements';

/** The first gateway to look after the hour began takes the sample. */
const INTERVAL_MS = 30_000;

/** Writes once an hour what every tenant and container holds, for the history. Any number of gateways may try. */
@Injectable()
export class UsageSampler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: IntervalJob;

  constructor(private readonly database: Database) {
    this.job = new IntervalJob(UsageSampler.name, INTERVAL_MS, () => this.sample());
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
  }

  /** Resolves to false when this hour's sample was taken already. */
  async sample(): Promise<boolean> {
    const [row] = await this.database.query<{ was_taken: boolean }>(SAMPLE_USAGE, []);
    return row?.was_taken === true;
  }
}
