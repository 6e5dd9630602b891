import type { FactoryProvider } from '@nestjs/common';
import { getToken } from '@willsoto/nestjs-prometheus';
import { Registry } from 'prom-client';
import * as names from './metrics.constants';
import { ResolvedCounter, ResolvedHistogram, SampledGauge } from './resolved-metrics';

/** A metric under its name, for `@InjectMetric(name)`. */
function metric<T>(name: string, make: (registry: Registry) => T): FactoryProvider<T> {
  return { provide: getToken(name), inject: [Registry], useFactory: make };
}

function counter<Label extends string>(
  name: string,
  help: string,
  ...labels: Label[]
): FactoryProvider<ResolvedCounter<Label>> {
  return metric(name, (registry) => new ResolvedCounter(registry, name, help, labels));
}

function histogram<Label extends string>(
  name: string,
  help: string,
  ...labels: Label[]
): FactoryProvider<ResolvedHistogram<Label>> {
  return metric(name, (registry) => new ResolvedHistogram(registry, name, help, labels, names.LATENCY_BUCKETS));
}

function gauge<Label extends string>(
  name: string,
  help: string,
  ...labels: Label[]
): FactoryProvider<SampledGauge<Label>> {
  return metric(name, (registry) => new SampledGauge(registry, name, help, labels));
}

/** For what does not add up over processes: the largest value of any. */
function largest<Label extends string>(
  name: string,
  help: string,
  ...labels: Label[]
): FactoryProvider<SampledGauge<Label>> {
  return metric(name, (registry) => new SampledGauge(registry, name, help, labels, 'max'));
}

/** Every metric of the gateway's own. Labels come from closed sets: operations, codes and the names of drivers. */
export const METRIC_PROVIDERS = [
  counter(names.S3_REQUESTS_TOTAL, 'S3 requests by operation and status or S3 error code', 'operation', 'code'),
  histogram(names.S3_REQUEST_DURATION_SECONDS, 'Time from the request line to the end of the answer', 'operation'),
  histogram(
    names.S3_TIME_TO_FIRST_BYTE_SECONDS,
    'Time from the request line to the first byte of the answer',
    'operation',
  ),
  counter(names.S3_BYTES_IN_TOTAL, 'Bytes of request bodies', 'operation'),
  counter(names.S3_BYTES_OUT_TOTAL, 'Bytes of answer bodies', 'operation'),
  gauge(names.S3_REQUESTS_IN_FLIGHT, 'Admitted S3 requests that are being served'),
  counter(names.S3_ABORTED_REQUESTS_TOTAL, 'S3 requests whose answer was not sent whole', 'operation'),
  counter(names.ADMIN_REQUESTS_TOTAL, 'Requests of the admin API by action and status', 'operation', 'code'),
  histogram(names.ADMIN_REQUEST_DURATION_SECONDS, 'Time of requests of the admin API', 'operation'),
  histogram(names.DRIVER_OPERATION_DURATION_SECONDS, 'Time of driver calls', 'driver', 'operation'),
  counter(names.DRIVER_ERRORS_TOTAL, 'Driver calls that failed, by kind', 'driver', 'operation', 'kind'),
  counter(names.DRIVER_RETRIES_TOTAL, 'Requests to backends that were repeated', 'driver', 'operation'),
  counter(names.DRIVER_HEDGES_TOTAL, 'Requests to backends that were sent a second time beside a slow first', 'driver'),
  gauge(names.DRIVER_CUT_OFF_PROCESSES, 'Processes whose circuit breaker has cut the backend off', 'driver'),
  gauge(names.DRIVER_CALLS_IN_FLIGHT, 'Driver calls under way', 'driver', 'class'),
  gauge(names.DRIVER_WAITING_CALLS, 'Driver calls that wait for others to end', 'driver', 'class'),
  gauge(names.EVENTS_QUEUE_ROWS, 'Rows of the event log that wait to be written'),
  counter(names.EVENTS_WRITTEN_TOTAL, 'Rows of the event log that were written'),
  counter(
    names.EVENTS_DROPPED_TOTAL,
    'Rows of the event log that were lost: queue or spool were full, or PostgreSQL refused them',
  ),
  gauge(names.EVENTS_SPOOL_BYTES, 'Rows of the event log that wait on disk'),
  counter(names.EVENTS_SPOOLED_TOTAL, 'Rows of the event log that went to disk first'),
  largest(names.EVENTS_LAG_SECONDS, 'Age of the oldest row of the event log that is not in the table'),
  histogram(names.EVENTS_FLUSH_SECONDS, 'Time to write a batch of the event log'),
  counter(
    names.RATE_LIMIT_REFUSALS_TOTAL,
    'Requests refused for being too many, by limit and whose it is',
    'limit',
    'scope',
  ),
  largest(names.RATE_LIMIT_STORE_UP, 'Whether Redis answers, so that machines share their limits; 0: each has its own'),
  counter(names.CANARY_RUNS_TOTAL, 'Runs of the canary: ok, or the step at which one failed', 'result'),
  histogram(names.CANARY_STEP_DURATION_SECONDS, 'Time of the steps of the canary that went well', 'step'),
  counter(
    names.NOTIFICATIONS_DELIVERIES_TOTAL,
    'Events by kind of target and outcome: delivered, refused, unavailable, dead',
    'kind',
    'outcome',
  ),
  largest(names.NOTIFICATIONS_WAITING, 'Events that wait for a target, up to 100,000 of each target', 'kind'),
  largest(names.NOTIFICATIONS_LAG_SECONDS, 'Age of the oldest event that waits for a target', 'kind'),
  largest(names.NOTIFICATIONS_DEAD_LETTERS, 'Events that no target took, up to 100,000 of each target', 'kind'),
  gauge(names.DATABASE_POOL_CONNECTIONS, 'Connections to PostgreSQL', 'state'),
  gauge(names.DATABASE_POOL_WAITING_REQUESTS, 'Callers that wait for a connection to PostgreSQL'),
  largest(names.BLOBS, 'Blobs by state; live ones by the statistics of PostgreSQL', 'state'),
  largest(names.REPLICAS_WAITING, 'Copies of blobs that are to be made or removed', 'driver', 'state'),
  largest(names.REPLICAS_LAG_SECONDS, 'Age of the oldest copy that is to be made', 'driver'),
  largest(names.JOB_LAST_SUCCESS_TIMESTAMP_SECONDS, 'When a periodic job ended well, in seconds since 1970', 'job'),
  largest(names.JOB_LAST_DURATION_SECONDS, 'How long a periodic job took when it ended well', 'job'),
  largest(names.TENANT_USED_BYTES, 'Bytes of the twenty largest tenants', 'tenant'),
  largest(
    names.TENANT_QUOTA_USED_RATIO,
    'Used share of a hard quota, for the twenty tenants nearest to each',
    'tenant',
    'quota',
  ),
  largest(names.EVENT_LOOP_LAG_SECONDS, 'Longest delay of the event loop of any process since the last scrape'),
];
