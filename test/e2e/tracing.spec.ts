import { GetObjectCommand, CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { OtlpReceiver } from '../support/otlp-receiver';
import type { ReceivedSpan } from '../support/otlp-receiver';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const UNSAMPLED = '5bf92f3577b34da6a3ce929d0e0e4736';
const KEY = 'private/name of a person';

describe('traces', () => {
  const receiver = new OtlpReceiver();
  let vaultaire: RunningVaultaire;
  const bytes = randomBytes(1_000_000);

  const clientIn = (traceparent: string): S3Client => {
    const s3 = vaultaire.s3Client();
    s3.middlewareStack.add(
      (next) => (call) => {
        Object.assign((call.request as { headers: Record<string, string> }).headers, { traceparent });
        return next(call);
      },
      { step: 'build' },
    );
    return s3;
  };
  const read = async (s3: S3Client): Promise<void> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'traced', Key: KEY }));
    expect(await Body?.transformToByteArray()).toHaveLength(bytes.length);
  };
  const spansOf = (trace: string): ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === trace);

  beforeAll(async () => {
    await receiver.start();
    vaultaire = await startVaultaire({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        OTEL_SERVICE_NAME: 'storage-of-a-test',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      },
    });
    await vaultaire.s3Client().send(new CreateBucketCommand({ Bucket: 'traced' }));
    const s3 = clientIn(`00-${TRACE}-${CALLER}-01`);
    await s3.send(new PutObjectCommand({ Bucket: 'traced', Key: KEY, Body: bytes }));
    await read(s3);
    await expect(s3.send(new GetObjectCommand({ Bucket: 'traced', Key: 'none' }))).rejects.toThrow();
    await read(clientIn(`00-${UNSAMPLED}-${CALLER}-00`));
    await until('the event is traced', () =>
      receiver.spans.some(({ links }) => links.some(({ traceId }) => traceId === TRACE)),
    );
    await vaultaire.stop();
  }, 60_000);

  afterAll(() => {
    receiver.stop();
  });

  it('continue the trace of the caller, and say what was asked for and how it went', () => {
    const requests = spansOf(TRACE).filter(({ parentSpanId }) => parentSpanId === CALLER);
    expect(requests.map(({ name }) => name)).toEqual(['PutObject', 'GetObject', 'GetObject']);
    const tenant = expect.any(String);
    const common = { 'vaultaire.tenant': tenant, 'vaultaire.container': 'traced', 'vaultaire.outcome': 'completed' };
    expect(requests.map(({ attributes }) => attributes)).toMatchObject([
      { ...common, 'vaultaire.operation': 'PutObject', 'http.response.status_code': 200 },
      { ...common, 'vaultaire.operation': 'GetObject', 'http.response.status_code': 200, 'vaultaire.bytes_out': 1e6 },
      { ...common, 'vaultaire.operation': 'GetObject', 'http.response.status_code': 404, 'error.type': 'NoSuchKey' },
    ]);
  });

  it.each([
    ['PutObject', 'engine.put', ['database.', 'driver.write']],
    ['GetObject', 'engine.get', ['database.', 'driver.read']],
  ])('lead from %s over the engine to the database and the driver', (operation, engine, calls) => {
    const spans = spansOf(TRACE);
    const request = spans.find(({ name }) => name === operation);
    const within = spans.find(({ name, parentSpanId }) => name === engine && parentSpanId === request?.spanId);
    for (const call of calls) {
      const span = spans.find(({ name, parentSpanId }) => name.startsWith(call) && parentSpanId === within?.spanId);
      expect(span).toBeDefined();
      expect(BigInt(span?.startTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(within?.startTimeUnixNano ?? 0));
    }
  });

  it('lead from a request to the batch that wrote its event', () => {
    const put = spansOf(TRACE).find(({ name }) => name === 'PutObject');
    const flush = receiver.spans.find(({ links }) => links.some(({ spanId }) => spanId === put?.spanId));
    expect(flush?.name).toBe('events.flush');
    expect(receiver.spans).toContainEqual(
      expect.objectContaining({ name: 'database.copy', parentSpanId: flush?.spanId }),
    );
  });

  it('are of the service that the environment names, with its resource', () => {
    expect(receiver.resources[0]).toMatchObject({
      'service.name': 'storage-of-a-test',
      'deployment.environment.name': 'test',
    });
  });

  it('leave out what the caller does not sample', () => {
    expect(spansOf(UNSAMPLED)).toEqual([]);
  });

  it('hold neither artifact keys nor secrets', () => {
    const all = receiver.texts.join('');
    expect(all).toContain('PutObject');
    for (const secret of ['private', vaultaire.secretAccessKey, 'Signature', vaultaire.adminToken]) {
      expect(all).not.toContain(secret);
    }
  });
});
