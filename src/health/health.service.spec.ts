import type { DriverHealth } from '../drivers/driver';
import { HealthService } from './health.service';

type Dependencies = ConstructorParameters<typeof HealthService>;

describe('HealthService', () => {
  let ping: jest.Mock<Promise<unknown[]>, []>;
  let probe: jest.Mock<Promise<DriverHealth>, []>;
  let service: HealthService;

  beforeEach(() => {
    jest.useFakeTimers();
    ping = jest.fn(() => Promise.resolve([]));
    probe = jest.fn((): Promise<DriverHealth> => Promise.resolve({ isHealthy: true, latencyMs: 1 }));
    const drivers = { all: () => [{ name: 'local', health: probe }] };
    service = new HealthService({ query: ping } as unknown as Dependencies[0], drivers as unknown as Dependencies[1]);
  });

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
