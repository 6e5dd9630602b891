import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { Attachments } from '../../engine/attach/attachments';
import { Detacher } from '../../engine/attach/detacher';
import { JobService } from '../../jobs/job.service';

/** Kind of job: makes the objects of a source artifacts of a container. Parameters: `containerId`, `container`, `source`, `deleteForeignData`. */
export const CONTAINER_ATTACH = 'container-attach';
/** Kind of job: takes them out of it again. Parameters: `containerId`, `container`, `source`, `deleteForeignData`. */
export const CONTAINER_DETACH = 'container-detach';

/** Runs the jobs that attach and detach, each from where it was left. */
@Injectable()
export class ContainerAttacher implements OnModuleInit {
  constructor(
    private readonly attachments: Attachments,
    private readonly detacher: Detacher,
    private readonly jobs: JobService,
  ) {}

  onModuleInit(): void {
    this.jobs.registerHandler(CONTAINER_ATTACH, async (_job, control) => {
      const { containerId, source, deleteForeignData } = control.parameters;
      const deletesForeign = deleteForeignData === true;
      await this.attachments.attach(String(containerId), String(source), deletesForeign, control.signal, (now) =>
        control.progress({ ...now }),
      );
    });
    this.jobs.registerHandler(CONTAINER_DETACH, async (job, control) => {
      const { containerId, source, deleteForeignData } = control.parameters;
      await this.detacher.detach(String(containerId), String(source), job.progress, {
        deletesForeign: deleteForeignData === true,
        signal: control.signal,
        report: (now) => control.progress({ ...now }),
      });
    });
  }
}
