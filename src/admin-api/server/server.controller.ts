import { Get } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { Environment } from '../../config/environment';
import { Database } from '../../database/database';
import { AdminAction } from '../admin-action.decorator';
import { AdminController } from '../admin-controller.decorator';
import { ListeningAddresses } from './listening-addresses';
import { packageVersion } from './package-version';
import { ServerView } from './server.view';

const DATABASE_INFORMATION = {
  name: 'admin-server-information',
  text: `SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size_bytes,
    (SELECT count(*) FROM gateway_instances) AS gateways`,
};

/** `/server`: what runs here. */
@AdminController('server', 'Server')
export class ServerController {
  private readonly version = packageVersion();
  private readonly startedAtMs = Date.now() - process.uptime() * 1000;

  constructor(
    private readonly environment: Environment,
    private readonly addresses: ListeningAddresses,
    private readonly database: Database,
  ) {}

  @Get()
  @AdminAction({ name: 'ServerGet', role: 'viewer', summary: 'Tell version, addresses and database of this server' })
  @ApiOkResponse({ type: ServerView })
  async get(): Promise<ServerView> {
    const [row] = await this.database.query<{ version: string; size_bytes: string; gateways: string }>(
      DATABASE_INFORMATION,
      [],
    );
    return {
      version: this.version,
      nodeVersion: process.version,
      startedAt: new Date(this.startedAtMs),
      uptimeSeconds: Math.round(process.uptime()),
      workers: this.environment.workers,
      region: this.environment.region,
      endpoints: { s3: this.addresses.s3, admin: this.addresses.admin, s3Domains: this.environment.s3Domains },
      database: {
        version: row?.version ?? '',
        sizeBytes: Number(row?.size_bytes ?? 0),
        gateways: Number(row?.gateways ?? 0),
      },
    };
  }
}
