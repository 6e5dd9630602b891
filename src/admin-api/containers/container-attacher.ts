import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { Attachments } from '../../engine/attach/attachments';
import { JobService } from '../../jobs/job.service';

/** Kind of job: makes the objects of a source artifacts of a container. Parameters: `containerId`, `container`, `source`. */
export const CONTAINER_ATTACH = 'container-attach';

/** Runs the jobs that attach, each from where it was left. */
@Injectable()
export class ContainerAttacher implements OnModuleInit {
  constructor(
    private readonly attachments: Attachments,
    private readonly jobs: JobService,
  ) {}

  onModuleInit(): void {
    this.jobs.registerHandler(CONTAINER_ATTACH, async (_job, control) => {
      const { containerId, source } = control.parameters;
      await this.attachments.attach(String(containerId), String(source), control.signal, (now) =>
        control.progress({ ...now }),
      );
    });
  }
}
