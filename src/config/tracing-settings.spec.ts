import { EnvironmentReader } from './environment-reader';
import type { TracingSettings } from './tracing-settings';
import { readTracingSettings } from './tracing-settings';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

function settings(variables: NodeJS.ProcessEnv): TracingSettings | undefined {
  const read = new EnvironmentReader(variables);
  const found = readTracingSettings(read);
  read.finish();
  return found;
}

describe('the settings of traces', () => {
  it('are none without an endpoint, or where OpenTelemetry is turned off', () => {
    expect(settings({})).toBeUndefined();
    expect(settings({ OTEL_TRACES_SAMPLER: 'always_on', OTEL_SERVICE_NAME: 'x' })).toBeUndefined();
    expect(settings({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(settings({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
  });

  it('follow the caller unless told otherwise', () => {
    expect(settings(ENDPOINT)).toEqual({ sampler: 'parentbased_always_on', ratio: 1 });
    expect(settings({ ...ENDPOINT, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' })).toEqual({
      sampler: 'traceidratio',
      ratio: 0.25,
    });
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ])('refuse %s=%s', (name, value) => {
    expect(() => settings({ ...ENDPOINT, [name]: value })).toThrow(name);
  });
});
