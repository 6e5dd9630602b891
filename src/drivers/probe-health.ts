import { randomUUID } from 'node:crypto';
import type { OperationContext } from '../context/operation-context';
import { keyOfBlobName } from './driver-keys';
import type { Driver, DriverHealth } from './driver';
import { DriverError } from './driver.errors';

const PROBE = new Uint8Array(64).fill(0x76);

/** The health check of any driver: a probe blob is written, read back and deleted. Never rejects. */
export async function probeHealth(driver: Driver, ctx: OperationContext): Promise<DriverHealth> {
  const startedAtMs = performance.now();
  const key = keyOfBlobName(ctx.tenantId, `health-${randomUUID()}`);
  try {
    await driver.write(ctx, key, probeSource(), { sizeBytes: PROBE.length });
    try {
      const { body } = await driver.read(ctx, key);
      let sizeBytes = 0;
      for await (const chunk of body) if (chunk instanceof Uint8Array) sizeBytes += chunk.length;
      if (sizeBytes !== PROBE.length)
        return { isHealthy: false, reason: 'the probe blob came back with another length' };
    } finally {
      await driver.delete(ctx, key);
    }
    return { isHealthy: true, latencyMs: performance.now() - startedAtMs };
  } catch (error) {
    return {
      isHealthy: false,
      reason: error instanceof DriverError ? `${error.kind}: ${error.message}` : String(error),
    };
  }
}

async function* probeSource(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(PROBE);
}
