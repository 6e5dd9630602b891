import { S3Simulator } from '../../test/support/s3-simulator/s3-simulator';
import { SIMULATED_BACKENDS } from '../../test/support/s3-simulator/simulator-quirks';
import type { SimulatorQuirks } from '../../test/support/s3-simulator/simulator-quirks';
import { probeDriver } from './probe-driver';
import type { ProbeReport } from './probe-driver';
import { s3Settings } from './s3/profiles';

describe('the probe of a backend', () => {
  let simulator: S3Simulator;

  async function probe(
    quirks: Partial<SimulatorQuirks>,
    bucket?: string,
    signal: AbortSignal = new AbortController().signal,
    prepare: () => void = () => undefined,
  ): Promise<ProbeReport> {
    simulator = await S3Simulator.start(quirks);
    prepare();
    const place = { endpoint: simulator.endpoint, bucket: bucket ?? simulator.bucket, stallMs: 5_000 };
    const settings = s3Settings('probed', 'generic', place, { accessKeyId: 'simulated', secretAccessKey: 'secret' });
    return probeDriver(settings, signal);
  }

  afterEach(async () => {
    await simulator.close();
  });

  it('finds everything on a backend like AWS, and leaves nothing there', async () => {
    const report = await probe(SIMULATED_BACKENDS.aws);
    expect(report).toMatchObject({
      isUsable: true,
      canCopy: true,
      quirks: {
        hasMultipart: true,
        hasListV2: true,
        trustsETag: true,
        hasConditionalWrites: true,
        checksum: 'crc32',
      },
    });
    expect(report.steps.every(({ outcome }) => outcome === 'works')).toBe(true);
    expect(report.differences).toContainEqual({ field: 'hasConditionalWrites', configured: false, seen: true });
    expect(simulator.leftovers()).toEqual([]);
  });

  it('finds what Quotaless lacks, and its profile', async () => {
    const report = await probe(SIMULATED_BACKENDS.quotaless);
    expect(report).toMatchObject({
      isUsable: true,
      canCopy: false,
      quirks: { hasMultipart: false, hasListV2: false, trustsETag: false, hasConditionalWrites: false },
      bestProfile: 'quotaless',
    });
    expect(simulator.leftovers()).toEqual([]);
  });

  it('finds that conditions are ignored', async () => {
    const report = await probe(SIMULATED_BACKENDS.lyve);
    expect(report.quirks).toMatchObject({ hasConditionalWrites: false, trustsETag: true, checksum: 'md5' });
    expect(report.steps).toContainEqual(expect.objectContaining({ name: 'If-None-Match: *', outcome: 'differs' }));
    expect(['lyve', 'idrive', 'wasabi']).toContain(report.bestProfile);
  });

  it('finds a backend that ignores ranges unusable', async () => {
    expect(await probe({ hasRanges: false })).toMatchObject({ isUsable: false });
  });

  it('says why nothing works', async () => {
    const report = await probe({}, 'missing');
    expect(report).toMatchObject({ isUsable: false, quirks: undefined, bestProfile: undefined });
    expect(report.steps).toEqual([expect.objectContaining({ name: 'write', outcome: 'fails' })]);
    expect(report.steps[0]?.detail).toContain('NoSuchBucket');
  });

  it.each(['GetObject', 'UploadPart', 'DeleteObject'] as const)(
    'ends when its time is over, and leaves nothing, while %s hangs',
    async (operation) => {
      const controller = new AbortController();
      const report = await probe({}, undefined, controller.signal, () => {
        let isHung = false;
        simulator.faults = (request) => {
          if (isHung || request.operation !== operation) return undefined;
          isHung = true;
          setImmediate(() => {
            controller.abort();
          });
          return { do: 'stall' };
        };
      });
      expect(report).toMatchObject({ isUsable: false, quirks: undefined });
      expect(report.steps.at(-1)).toMatchObject({ outcome: 'fails', detail: 'no time was left' });
      expect(simulator.leftovers()).toEqual([]);
    },
  );
});
