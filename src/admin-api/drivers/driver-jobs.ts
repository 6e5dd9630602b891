import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { DriverDrainer } from '../../engine/placement/driver-drainer';
import { DriverVerifier } from '../../engine/placement/driver-verifier';
import { JobService } from '../../jobs/job.service';

/** Kind of job: moves all blobs off a driver. Parameters: `driver`, `to` (optional). */
export const DRIVER_DRAIN = 'driver-drain';
/** Kind of job: reads and compares all that a driver holds. Parameters: `driver`, `bytesPerSecond` (optional). */
export const DRIVER_VERIFY = 'driver-verify';

/** The jobs that go through all blobs of a driver. */
@Injectable()
export class DriverJobs implements OnModuleInit {
  constructor(
    private readonly jobs: JobService,
    private readonly drainer: DriverDrainer,
    private readonly verifier: DriverVerifier,
  ) {}

  onModuleInit(): void {
    this.jobs.registerHandler(DRIVER_DRAIN, (job, control) => {
      const { parameters, signal } = control;
      const { to } = parameters;
      return this.drainer.drain(String(parameters.driver), job.progress, {
        to: typeof to === 'string' ? to : undefined,
        signal,
        report: (now) => control.progress({ ...now }),
      });
    });
    this.jobs.registerHandler(DRIVER_VERIFY, (job, control) => {
      const { parameters, signal } = control;
      const { bytesPerSecond } = parameters;
      return this.verifier.verify(String(parameters.driver), job.progress, {
        bytesPerSecond: typeof bytesPerSecond === 'number' ? bytesPerSecond : undefined,
        signal,
        report: (now) => control.progress({ ...now }),
      });
    });
  }
}
