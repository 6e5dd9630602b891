import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Context, Span, SpanContext, Tracer } from '@opentelemetry/api';
import {
  defaultTextMapGetter,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import type { Sampler } from '@opentelemetry/sdk-trace';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing-settings';
import type { RequestRecord } from '../context/request-record';
import type { SpanAttributes, Tracing } from '../context/tracing';

const SERVICE_NAME = 'vaultaire';
/** Links of one batch; the specification's own limit. */
const MAX_LINKS = 128;
const SHUTDOWN_TIMEOUT_MS = 3_000;
const SERVER_FAULT = 500;

/** The request at hand. */
interface Place {
  readonly context: Context;
  /** What to add to the monotonic clock for the time since 1970; one for a trace, so that its spans agree. */
  readonly offsetMs: number;
}

/**
 * Spans by OpenTelemetry, sent in batches as OTLP over HTTP. Only loaded where tracing is on.
 *
 * Follows a request through its asynchronous calls by a storage of its own and registers nothing globally, so that libraries
 * which look for OpenTelemetry stay as they are.
 */
export class OpenTelemetryTracing implements Tracing {
  private readonly provider: TracerProvider;
  private readonly tracer: Tracer;
  private readonly propagator = new W3CTraceContextPropagator();
  private readonly places = new AsyncLocalStorage<Place>();
  private settled: SpanContext[] = [];

  constructor(settings: TracingSettings) {
    reportFailures();
    this.provider = new TracerProvider({
      resource: defaultResource()
        .merge(resourceFromAttributes({ 'service.name': SERVICE_NAME, 'process.pid': process.pid }))
        .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })),
      sampler: samplerOf(settings),
      spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
    });
    this.tracer = this.provider.getTracer(SERVICE_NAME);
  }

  serve(record: RequestRecord, headers: IncomingHttpHeaders, work: () => void): void {
    const offsetMs = record.startedAtMs - record.startedClockMs;
    const parent = this.propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
    const span = this.tracer.startSpan('request', { kind: SpanKind.SERVER, startTime: record.startedAtMs }, parent);
    record.onSettled(() => {
      describe(span, record);
      span.end(performance.now() + offsetMs);
      const context = span.spanContext();
      const isSampled = (context.traceFlags & TraceFlags.SAMPLED) !== 0;
      if (isSampled && this.settled.length < MAX_LINKS) this.settled.push(context);
    });
    this.places.run({ context: trace.setSpan(parent, span), offsetMs }, work);
  }

  inSpan<T>(name: string, work: () => Promise<T>): Promise<T> {
    const place = this.place();
    if (place === undefined) return work();
    const span = this.tracer.startSpan(name, { startTime: performance.now() + place.offsetMs }, place.context);
    return this.finish(span, place.offsetMs, work, place.context);
  }

  called(name: string, startedClockMs: number, attributes: SpanAttributes, error?: unknown): void {
    const place = this.place();
    if (place === undefined) return;
    const startTime = startedClockMs + place.offsetMs;
    const span = this.tracer.startSpan(name, { kind: SpanKind.CLIENT, startTime, attributes }, place.context);
    if (error !== undefined) fail(span, error);
    span.end(performance.now() + place.offsetMs);
  }

  batch<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T> {
    const links = this.settled.map((context) => ({ context }));
    // Of requests that were not sampled, if of any.
    if (links.length === 0) return this.places.exit(work);
    this.settled = [];
    const span = this.tracer.startSpan(name, { root: true, links, attributes }, ROOT_CONTEXT);
    return this.finish(span, Date.now() - performance.now(), work, ROOT_CONTEXT);
  }

  traceId(): string | undefined {
    const place = this.places.getStore();
    return place === undefined ? undefined : trace.getSpanContext(place.context)?.traceId;
  }

  async close(): Promise<void> {
    const isOver = delay(SHUTDOWN_TIMEOUT_MS, undefined, { ref: false });
    await Promise.race([this.provider.shutdown(), isOver]).catch(() => undefined);
  }

  private async finish<T>(span: Span, offsetMs: number, work: () => Promise<T>, parent: Context): Promise<T> {
    try {
      return await this.places.run({ context: trace.setSpan(parent, span), offsetMs }, work);
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end(performance.now() + offsetMs);
    }
  }

  /** Undefined also for what goes on after its request, as timers do that one has set. */
  private place(): Place | undefined {
    const place = this.places.getStore();
    return place !== undefined && trace.getSpan(place.context)?.isRecording() === true ? place : undefined;
  }
}

function describe(span: Span, record: RequestRecord): void {
  span.updateName(record.operation);
  span.setAttributes({
    'vaultaire.operation': record.operation,
    'vaultaire.request_id': record.requestId,
    'vaultaire.outcome': record.outcome,
    'http.response.status_code': record.status,
    'vaultaire.bytes_in': record.bytesIn,
    'vaultaire.bytes_out': record.bytesOut,
    ...(record.tenantId !== undefined && { 'vaultaire.tenant': record.tenantId }),
    ...(record.container !== undefined && { 'vaultaire.container': record.container }),
    ...(record.errorCode !== undefined && { 'error.type': record.errorCode }),
  });
  if (record.status >= SERVER_FAULT || record.outcome === 'aborted') span.setStatus({ code: SpanStatusCode.ERROR });
}

/** By its kind alone: texts of errors may tell what a client sent. */
function fail(span: Span, error: unknown): void {
  const type = error instanceof Error ? error.name : typeof error;
  const kind = error instanceof Error && 'kind' in error && typeof error.kind === 'string' ? error.kind : type;
  span.setAttribute('error.type', kind);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function samplerOf({ sampler, ratio }: TracingSettings): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}

/** A collector that is away costs spans and nothing else, but somebody should know. */
function reportFailures(): void {
  const logger = new Logger('Tracing');
  const report = (message: string): void => {
    logger.warn(message);
  };
  const leaveOut = (): void => undefined;
  diag.setLogger(
    { error: report, warn: report, info: leaveOut, debug: leaveOut, verbose: leaveOut },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
