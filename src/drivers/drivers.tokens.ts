/** Provider token of the driver configured under `name`, layers included. */
export const driverToken = (name: string): symbol => Symbol.for(`vaultaire.driver.${name}`);

/** Provider token of what all drivers of the process share (`DriverResources`). */
export const DRIVER_RESOURCES = Symbol('vaultaire.driver-resources');
