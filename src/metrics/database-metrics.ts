import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Database } from '../database/database';
import { DATABASE_POOL_CONNECTIONS, DATABASE_POOL_WAITING_REQUESTS } from './metrics.constants';
import { SampledGauge } from './resolved-metrics';

/** The state of the connection pool: callers that wait mean that PostgreSQL or the pool is the bottleneck. */
@Injectable()
export class DatabaseMetrics {
  constructor(
    database: Database,
    @InjectMetric(DATABASE_POOL_CONNECTIONS) connections: SampledGauge<'state'>,
    @InjectMetric(DATABASE_POOL_WAITING_REQUESTS) waiting: SampledGauge<never>,
  ) {
    connections.sample({ state: 'idle' }, () => database.poolUsage().idle);
    connections.sample({ state: 'busy' }, () => database.poolUsage().total - database.poolUsage().idle);
    waiting.sample({}, () => database.poolUsage().waiting);
  }
}
