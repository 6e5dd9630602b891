import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalDriver } from '../../src/drivers/local/local.driver';
import type { LocalDurability } from '../../src/drivers/local/local.driver';
import { MemoryDriver } from '../../src/drivers/memory/memory.driver';
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

describeDriver('memory', memory);
describeDriver('local with durability full', () => local('full'));
describeDriver('local with durability metadata', () => local('metadata'));
describeDriver('local with durability none', () => local('none'));
