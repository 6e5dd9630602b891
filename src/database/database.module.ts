import { Global, Logger, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { Environment } from '../config/environment';
import { GATEWAY_DATABASE } from './database.tokens';
import { connectionSettings, dataSourceOptions, readSettings } from './data-source';
import { Database } from './database';
import { PipelinedConnections } from './pipelined-connections';
import { NotificationListener } from './notification-listener';
import { PostgresNotificationListener } from './postgres-notification-listener';

const logger = new Logger('Database');

/** Two, so that one slow read doesn't hold up all others. */
const READ_CONNECTIONS = 2;

/** The URL of the database in use: of `DATABASE_URL`, or of the embedded PostgreSQL, whose start-up sets the variable. */
function urlOf(environment: Environment): string {
  if (environment.databaseUrl === undefined) throw new Error('the start-up gave no database');
  return environment.databaseUrl;
}

/** PostgreSQL for every module: TypeORM for administration, {@link Database} for the hot path, on one pool. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Environment],
      useFactory: (environment: Environment) => ({
        ...dataSourceOptions(urlOf(environment), {
          onPoolError: (error) => {
            logger.warn(`A pooled connection broke: ${error instanceof Error ? error.message : String(error)}`);
          },
        }),
        // The start-up has already connected once; a worker that can't is replaced.
        retryAttempts: 0,
      }),
    }),
  ],
  providers: [
    {
      provide: Database,
      inject: [DataSource, Environment],
      useFactory: (dataSource: DataSource, environment: Environment) =>
        new Database(poolOf(dataSource), new PipelinedConnections(readSettings(urlOf(environment)), READ_CONNECTIONS)),
    },
    {
      provide: GATEWAY_DATABASE,
      inject: [Environment],
      useFactory: (environment: Environment) => connectionSettings(urlOf(environment)),
    },
    {
      provide: NotificationListener,
      inject: [Environment],
      useFactory: (environment: Environment) =>
        new PostgresNotificationListener(connectionSettings(urlOf(environment))),
    },
  ],
  exports: [Database, GATEWAY_DATABASE, NotificationListener],
})
export class DatabaseModule {}

/** The node-postgres pool below TypeORM. */
export function poolOf(dataSource: DataSource): Pool {
  const { driver } = dataSource;
  if (!('master' in driver)) throw new Error('the data source is not initialized');
  return driver.master as Pool;
}
