import type { OnApplicationShutdown } from '@nestjs/common';
import type { Driver } from './driver';
import { DriverError } from './driver.errors';

/** The configured drivers, layers included, by name. Closes them when the application stops. */
export class DriverRegistry implements OnApplicationShutdown {
  private readonly drivers: ReadonlyMap<string, Driver>;

  constructor(drivers: readonly Driver[]) {
    this.drivers = new Map(drivers.map((driver) => [driver.name, driver]));
  }

  /** Throws `Unavailable` for a name that the configuration does not have (any more): its blobs are out of reach, not gone. */
  get(name: string): Driver {
    const driver = this.drivers.get(name);
    if (driver === undefined) throw new DriverError('Unavailable', `no driver named ${name} is configured`);
    return driver;
  }

  all(): readonly Driver[] {
    return [...this.drivers.values()];
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.all().map((driver) => driver.close()));
  }
}
