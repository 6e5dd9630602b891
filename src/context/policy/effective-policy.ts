import type { TenantLimits, TenantPolicy, TenantQuota } from './tenant-policy';

/** The policy that holds for a tenant. Absent and null both mean: not bounded. */
export interface EffectivePolicy {
  readonly quota: TenantQuota;
  readonly limits: TenantLimits;
  /** Name of the placement of what the tenant writes; undefined: the default one. */
  readonly placement?: string | undefined;
}

type Tree = Readonly<Record<string, unknown>>;

/** The last layer that says something about a bound decides: `layers` go from the general to the particular. */
export function effectivePolicy(...layers: readonly (TenantPolicy | null | undefined)[]): EffectivePolicy {
  const merged = layers.reduce<Tree>((below, layer) => overlay(below, toTree(layer)), {});
  const { placement } = merged;
  return {
    quota: toTree(merged.quota),
    limits: toTree(merged.limits),
    ...(typeof placement === 'string' ? { placement } : {}),
  };
}

function overlay(below: Tree, above: Tree): Tree {
  const merged: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const inherited = merged[name];
    merged[name] = isTree(value) && isTree(inherited) ? overlay(inherited, value) : value;
  }
  return merged;
}

function toTree(value: unknown): Tree {
  return isTree(value) ? value : {};
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
