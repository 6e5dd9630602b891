import type { EnvironmentReader } from './environment-reader';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Which requests are traced, by the names of the OpenTelemetry specification. */
export interface TracingSettings {
  readonly sampler: (typeof SAMPLERS)[number];
  /** From 0 to 1, for the samplers by ratio. */
  readonly ratio: number;
}

/**
 * Undefined unless an endpoint for traces is given. Address, headers, time-out and resource are read by OpenTelemetry itself,
 * from the variables of its specification ("Environment Variable Specification", "OTLP Exporter Configuration").
 */
export function readTracingSettings(read: EnvironmentReader): TracingSettings | undefined {
  const endpoints = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'].map((name) =>
    read.url(name, ['http:', 'https:']),
  );
  const exporter = read.oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none']) ?? 'otlp';
  const isDisabled = read.oneOf('OTEL_SDK_DISABLED', ['true', 'false']) === 'true';
  // Collectors take both encodings at one address; gRPC has another port.
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL']) {
    read.oneOf(name, ['http/json', 'http/protobuf']);
  }
  const sampler = read.oneOf('OTEL_TRACES_SAMPLER', SAMPLERS) ?? 'parentbased_always_on';
  const ratio = Number(read.text('OTEL_TRACES_SAMPLER_ARG', /^(0(\.\d+)?|1(\.0+)?)$/, 'a number from 0 to 1') ?? 1);
  const isOn = endpoints.some((endpoint) => endpoint !== undefined) && exporter === 'otlp' && !isDisabled;
  return isOn ? { sampler, ratio } : undefined;
}
