import type { RequestListener, Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AdminDispatcher } from '../admin-api/http/admin-dispatcher';
import { setUpSwagger } from '../admin-api/openapi/swagger-setup';
import { ListeningAddresses } from '../admin-api/server/listening-addresses';
import { AppModule } from '../app.module';
import type { Environment } from '../config/environment';
import { loadConfig } from '../config/load-config';
import { tracing, traceWith } from '../context/tracing';
import { createS3Server } from '../s3-api/http/s3-server';
import { S3Dispatcher } from '../s3-api/http/s3-dispatcher';
import { createAdminServer } from './admin-server';
import { drain } from './drain';
import { listen } from './listen';
import { PinoLogger } from './pino-logger';
import { PlanesAdapter } from './planes.adapter';

/** Where a process of the gateway listens. */
export interface ListeningPorts {
  readonly s3Port: number;
  readonly adminPort: number;
}

/** One process that serves requests: a Nest application behind the two HTTP servers of the planes. */
export class Gateway {
  private constructor(
    private readonly app: NestExpressApplication,
    private readonly s3Server: Server,
    private readonly adminServer: Server,
    private readonly environment: Environment,
  ) {}

  /**
   * Builds everything, connected to the database of `environment`, and listens nowhere yet.
   *
   * @throws StartUpError for a bad configuration file
   */
  static async create(environment: Environment): Promise<Gateway> {
    if (environment.tracing !== undefined) {
      const { OpenTelemetryTracing } = await import('../tracing/open-telemetry.js');
      traceWith(new OpenTelemetryTracing(environment.tracing));
    }
    const adapter = new PlanesAdapter();
    const app = await NestFactory.create<NestExpressApplication>(
      AppModule.forRoot(environment, loadConfig(environment)),
      adapter,
      { bodyParser: false, abortOnError: false, logger: new PinoLogger(environment.logLevel) },
    );
    // Express's own headers would show in the answers of S3, and its entity tags would hash every body.
    app.disable('x-powered-by');
    app.disable('etag');
    setUpSwagger(app);
    await app.init();

    const router: RequestListener = app.getHttpAdapter().getInstance();
    const dispatcher = app.get(S3Dispatcher);
    // What the dispatcher lets pass, it has led to the route of its operation: the S3 plane reaches no other.
    const s3Listener: RequestListener = (message, response) => {
      dispatcher.handle(message, response, () => {
        adapter.serveS3(message, response);
      });
    };
    const s3Server = createS3Server(s3Listener, {
      onMalformed: (requestId, error, remoteAddress) => {
        dispatcher.malformed(requestId, error, remoteAddress);
      },
    });
    return new Gateway(app, s3Server, createAdminServer(app.get(AdminDispatcher).listener(router)), environment);
  }

  /** @throws StartUpError when a port can't be opened; neither is open then */
  async listen(): Promise<ListeningPorts> {
    const { host, s3Port, adminPort } = this.environment;
    const ports = { s3Port: await listen(this.s3Server, { host, port: s3Port, variable: 'VAULTAIRE_S3_PORT' }) };
    try {
      const all = {
        ...ports,
        adminPort: await listen(this.adminServer, { host, port: adminPort, variable: 'VAULTAIRE_ADMIN_PORT' }),
      };
      this.app.get(ListeningAddresses).listening(all);
      return all;
    } catch (error) {
      this.s3Server.close();
      throw error;
    }
  }

  /** Accepts nothing more, lets requests in flight finish within their time limit, then frees everything. */
  async stop(): Promise<void> {
    await Promise.all([drain(this.s3Server), drain(this.adminServer)]);
    await this.app.close();
    await tracing()?.close();
  }
}
