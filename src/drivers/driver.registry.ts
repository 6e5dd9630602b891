import type { OnApplicationShutdown } from '@nestjs/common';
import type { AttachableConfig } from '../config/vaultaire-config';
import type { Driver } from './driver';
import { DriverError } from './driver.errors';

/** The configured drivers, layers included, by name. Closes them when the application stops. */
export class DriverRegistry implements OnApplicationShutdown {
  private readonly drivers: ReadonlyMap<string, Driver>;
  private readonly attached = new Map<string, Driver>();

  /** @param layered puts the layers around a driver that is added later, as its configuration says; absent: none */
  constructor(
    drivers: readonly Driver[],
    private readonly layered: (driver: Driver, config: AttachableConfig) => Driver = (driver) => driver,
  ) {
    this.drivers = new Map(drivers.map((driver) => [driver.name, driver]));
  }

  /** Throws `Unavailable` for a name that the configuration does not have (any more): its blobs are out of reach, not gone. */
  get(name: string): Driver {
    const driver = this.drivers.get(name) ?? this.attached.get(name);
    if (driver === undefined) throw new DriverError('Unavailable', `no driver named ${name} is configured`);
    return driver;
  }

  /** Adds a driver for blobs that somebody else stored: no placement, check or listing is about it. */
  addAttached(driver: Driver, config: AttachableConfig): void {
    this.attached.set(driver.name, this.layered(driver, config));
  }

  all(): readonly Driver[] {
    return [...this.drivers.values()];
  }

  /** What was added by {@link addAttached}. */
  allAttached(): readonly Driver[] {
    return [...this.attached.values()];
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.all(), ...this.allAttached()].map((driver) => driver.close()));
  }
}
