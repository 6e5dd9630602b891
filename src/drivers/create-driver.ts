import type { DriverConfig } from '../config/vaultaire-config';
import type { Driver } from './driver';
import { LocalDriver } from './local/local.driver';
import { MemoryDriver } from './memory/memory.driver';

/** The bare driver that a configuration asks for. Touches no backend yet. */
export function createDriver(config: DriverConfig): Driver {
  switch (config.type) {
    case 'local':
      return new LocalDriver({ name: config.name, root: config.path, durability: config.durability });
    case 'memory':
      return new MemoryDriver(config.name);
  }
}
