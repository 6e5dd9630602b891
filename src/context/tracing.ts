import type { IncomingHttpHeaders } from 'node:http';
import type { RequestRecord } from './request-record';

/** What a span says of its work. Never a secret, an artifact key, or a value of a statement. */
export type SpanAttributes = Readonly<Record<string, string | number>>;

/** Makes spans of what is done for a request. Work that no request asked for, or whose request is not sampled, has none. */
export interface Tracing {
  /** Runs `work`, and all that follows from it, as the request of `record`; its span ends when the record settles. */
  serve(record: RequestRecord, headers: IncomingHttpHeaders, work: () => void): void;
  /** Runs `work` as a part of the request at hand, with a span that is the parent of those within. */
  inSpan<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** A call that has ended now, as a part of the request at hand. `startedClockMs` is of the monotonic clock. */
  called(name: string, startedClockMs: number, attributes: SpanAttributes, error?: unknown): void;
  /** Runs `work`, which concerns all requests that settled since the last batch, as a trace of its own with links to them. */
  batch<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T>;
  /** Of the request at hand, 32 hexadecimal digits. */
  traceId(): string | undefined;
  /** Sends what waits and makes no more spans. */
  close(): Promise<void>;
}

let current: Tracing | undefined;

/** Undefined while tracing is off: whoever asks then goes on without any further work. */
export function tracing(): Tracing | undefined {
  return current;
}

/** Turns tracing of this process on or off. */
export function traceWith(next: Tracing | undefined): void {
  current = next;
}
