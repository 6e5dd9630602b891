import type { Driver } from '../driver';

/** One concern around a driver, as a driver of the same contract. */
export type DriverLayer = (inner: Driver) => Driver;

/** `driver` within `layers`, the outermost first. */
export function composeLayers(driver: Driver, layers: readonly DriverLayer[]): Driver {
  return layers.reduceRight((inner, layer) => layer(inner), driver);
}
