/** Provider token of the driver configured under `name`, layers included. */
export const driverToken = (name: string): symbol => Symbol.for(`vaultaire.driver.${name}`);
