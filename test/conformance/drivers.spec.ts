import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeLayers } from '../../src/drivers/layers/compose-layers';
import { metricsLayer } from '../../src/drivers/layers/metrics.layer';
import { LocalDriver } from '../../src/drivers/local/local.driver';
import type { LocalDurability } from '../../src/drivers/local/local.driver';
import { MemoryDriver } from '../../src/drivers/memory/memory.driver';
import { faultLayer } from '../support/fault.layer';
import { describeDriver } from './describe-driver';
import type { DriverUnderTest } from './describe-driver';

function memory(): Promise<DriverUnderTest> {
  const driver = new MemoryDriver('memory');
  return Promise.resolve({
    driver,
    leftovers: () => Promise.resolve(driver.keys()),
    dispose: () => Promise.resolve(),
  });
}

async function local(durability: LocalDurability): Promise<DriverUnderTest> {
  const root = await mkdtemp(join(tmpdir(), 'vaultaire-local-'));
  return {
    driver: new LocalDriver({ name: 'local', root, durability }),
    leftovers: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
    },
    ...(process.platform === 'linux' && { openHandles: () => readdirSync('/proc/self/fd').length }),
    dispose: () => rm(root, { recursive: true }),
  };
}

/** The layers of `drivers.module.ts`, and the one that tests put faults in with. */
async function layered(factory: () => Promise<DriverUnderTest>): Promise<DriverUnderTest> {
  const subject = await factory();
  const layers = [metricsLayer({ observe: () => undefined }), faultLayer(() => undefined)];
  return { ...subject, driver: composeLayers(subject.driver, layers) };
}

describeDriver('memory', memory);
describeDriver('local with durability full', () => local('full'));
describeDriver('local with durability metadata', () => local('metadata'));
describeDriver('local with durability none', () => local('none'));
describeDriver('memory within all layers', () => layered(memory));
describeDriver('local within all layers', () => layered(() => local('none')));
