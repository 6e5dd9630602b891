import type { DriverHealth } from '../drivers/driver';
import { HealthService } from './health.service';

type Dependencies = ConstructorParameters<typeof HealthService>;

describe('HealthService', () => {
  let ping: jest.Mock<Promise<unknown[]>, []>;
  let probe: jest.Mock<Promise<DriverHealth>, [string]>;
  let service: HealthService;

  beforeEach(() => {
    jest.useFakeTimers();
    ping = jest.fn(() => Promise.resolve([]));
    probe = jest.fn((_name: string): Promise<DriverHealth> => Promise.resolve({ isHealthy: true, latencyMs: 1 }));
    service = serviceFor(['local']);
  });

  /** With one placement on all of the drivers. */
  const serviceFor = (names: string[], quorum = names.length): HealthService => {
    const drivers = { all: () => names.map((name) => ({ name, health: () => probe(name) })) };
    const placements = { byName: new Map([['default', { drivers: names, quorum }]]) };
    return new HealthService(
      { query: ping } as unknown as Dependencies[0],
      drivers as unknown as Dependencies[1],
      placements as unknown as Dependencies[2],
    );
  };

  afterEach(() => {
    jest.useRealTimers();
  });

  it('is ready when PostgreSQL and every driver answer', async () => {
    await expect(service.readiness()).resolves.toMatchObject({
      isReady: true,
      checks: [
        { name: 'database', isHealthy: true },
        { name: 'driver:local', isHealthy: true },
      ],
    });
  });

  it('is not ready, and says why, when PostgreSQL refuses or a driver is ill', async () => {
    ping.mockRejectedValue(new Error('PostgreSQL is unavailable'));
    probe.mockResolvedValue({ isHealthy: false, reason: 'the folder is read-only' });
    await expect(service.readiness()).resolves.toMatchObject({
      isReady: false,
      checks: [
        { name: 'database', reason: 'PostgreSQL is unavailable' },
        { name: 'driver:local', reason: 'the folder is read-only' },
      ],
    });
  });

  it.each([
    [1, true],
    [2, false],
  ])(
    'is ready as long as placements have their quorum: %s of two drivers, one of them ill',
    async (quorum, isReady) => {
      probe.mockImplementation((name) =>
        Promise.resolve(name === 'one' ? { isHealthy: false, reason: 'away' } : { isHealthy: true, latencyMs: 1 }),
      );
      await expect(serviceFor(['one', 'two'], quorum).readiness()).resolves.toMatchObject({
        isReady,
        checks: [{ isHealthy: true }, { name: 'driver:one', isHealthy: false }, { isHealthy: true }],
      });
    },
  );

  it('does not wait for ever for an answer', async () => {
    ping.mockReturnValue(new Promise(() => undefined));
    const readiness = service.readiness();
    await jest.advanceTimersByTimeAsync(2_000);
    await expect(readiness).resolves.toMatchObject({ isReady: false });
  });

  it('asks once a second, however often it is asked', async () => {
    await Promise.all([service.readiness(), service.readiness()]);
    jest.advanceTimersByTime(999);
    await service.readiness();
    expect(ping).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(1);
    await service.readiness();
    expect(ping).toHaveBeenCalledTimes(2);
  });
});
