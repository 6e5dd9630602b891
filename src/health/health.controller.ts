import { Controller, Get, Header, HttpStatus, Res } from '@nestjs/common';
import type { Response } from 'express';
import type { HealthCheck } from './health.service';
import { HealthService } from './health.service';

interface ReadinessDocument {
  readonly status: 'ready' | 'not ready';
  readonly checks: readonly HealthCheck[];
}

/** For load balancers and orchestrators, on the admin plane. */
@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthService) {}

  /** The process serves. Asks nothing else: a restart helps against no outage of a dependency. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  live(): { readonly status: 'live' } {
    return { status: 'live' };
  }

  /** 200 when requests can be served: PostgreSQL and every driver answer. Else 503, with what is wrong. */
  @Get('ready')
  @Header('Cache-Control', 'no-store')
  async ready(@Res({ passthrough: true }) response: Response): Promise<ReadinessDocument> {
    const { isReady, checks } = await this.health.readiness();
    response.status(isReady ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE);
    return { status: isReady ? 'ready' : 'not ready', checks };
  }
}
