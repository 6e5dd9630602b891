/** Names of the metrics, in one place since dashboards and alerts depend on them. */
export const S3_REQUESTS_TOTAL = 'vaultaire_s3_requests_total';
export const S3_REQUEST_DURATION_SECONDS = 'vaultaire_s3_request_duration_seconds';
export const S3_TIME_TO_FIRST_BYTE_SECONDS = 'vaultaire_s3_time_to_first_byte_seconds';
export const S3_BYTES_IN_TOTAL = 'vaultaire_s3_bytes_in_total';
export const S3_BYTES_OUT_TOTAL = 'vaultaire_s3_bytes_out_total';
export const S3_REQUESTS_IN_FLIGHT = 'vaultaire_s3_requests_in_flight';
export const S3_ABORTED_REQUESTS_TOTAL = 'vaultaire_s3_aborted_requests_total';
export const ADMIN_REQUESTS_TOTAL = 'vaultaire_admin_requests_total';
export const ADMIN_REQUEST_DURATION_SECONDS = 'vaultaire_admin_request_duration_seconds';
export const DRIVER_OPERATION_DURATION_SECONDS = 'vaultaire_driver_operation_duration_seconds';
export const DRIVER_ERRORS_TOTAL = 'vaultaire_driver_errors_total';
export const DRIVER_RETRIES_TOTAL = 'vaultaire_driver_retries_total';
export const DRIVER_HEDGES_TOTAL = 'vaultaire_driver_hedges_total';
export const DRIVER_CUT_OFF_PROCESSES = 'vaultaire_driver_cut_off_processes';
export const DRIVER_CALLS_IN_FLIGHT = 'vaultaire_driver_calls_in_flight';
export const DRIVER_WAITING_CALLS = 'vaultaire_driver_waiting_calls';
export const EVENTS_QUEUE_ROWS = 'vaultaire_events_queue_rows';
export const EVENTS_WRITTEN_TOTAL = 'vaultaire_events_written_total';
export const EVENTS_SPOOL_BYTES = 'vaultaire_events_spool_bytes';
export const EVENTS_SPOOLED_TOTAL = 'vaultaire_events_spooled_total';
export const EVENTS_LAG_SECONDS = 'vaultaire_events_lag_seconds';
export const EVENTS_DROPPED_TOTAL = 'vaultaire_events_dropped_total';
export const EVENTS_FLUSH_SECONDS = 'vaultaire_events_flush_seconds';
export const DATABASE_POOL_CONNECTIONS = 'vaultaire_database_pool_connections';
export const DATABASE_POOL_WAITING_REQUESTS = 'vaultaire_database_pool_waiting_requests';
export const BLOBS = 'vaultaire_blobs';
export const REPLICAS_WAITING = 'vaultaire_replicas_waiting';
export const REPLICAS_LAG_SECONDS = 'vaultaire_replicas_lag_seconds';
export const JOB_LAST_SUCCESS_TIMESTAMP_SECONDS = 'vaultaire_job_last_success_timestamp_seconds';
export const JOB_LAST_DURATION_SECONDS = 'vaultaire_job_last_duration_seconds';
export const TENANT_USED_BYTES = 'vaultaire_tenant_used_bytes';
export const TENANT_QUOTA_USED_RATIO = 'vaultaire_tenant_quota_used_ratio';
export const EVENT_LOOP_LAG_SECONDS = 'vaultaire_event_loop_lag_seconds';
export const RATE_LIMIT_REFUSALS_TOTAL = 'vaultaire_rate_limit_refusals_total';
export const RATE_LIMIT_STORE_UP = 'vaultaire_rate_limit_store_up';
export const CANARY_RUNS_TOTAL = 'vaultaire_canary_runs_total';
export const CANARY_STEP_DURATION_SECONDS = 'vaultaire_canary_step_duration_seconds';
export const NOTIFICATIONS_DELIVERIES_TOTAL = 'vaultaire_notifications_deliveries_total';
export const NOTIFICATIONS_WAITING = 'vaultaire_notifications_waiting';
export const NOTIFICATIONS_LAG_SECONDS = 'vaultaire_notifications_lag_seconds';
export const NOTIFICATIONS_DEAD_LETTERS = 'vaultaire_notifications_dead_letters';

/** Upper bounds in seconds: half a millisecond, a cached small read, up to five minutes, a large upload. */
export const LATENCY_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];
