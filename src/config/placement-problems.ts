import { PLACEMENT_NAME } from '../context/policy/tenant-policy';
import type { PlacementConfig } from './placement-config';
import type { VaultaireConfig } from './vaultaire-config';

/** What a storage class may be called. */
export const STORAGE_CLASS = /^[A-Z][A-Z0-9_]{0,31}$/;

/** What contradicts itself, or names what there is not, in placements, storage classes and rules. One line each, with the path. */
export function placementProblems(config: VaultaireConfig): string[] {
  const problems = config.placements.has('default') ? [] : ['placements.default must be a map of fields'];
  for (const [name, placement] of config.placements) {
    const path = `placements.${name}`;
    if (!PLACEMENT_NAME.test(name))
      problems.push(`${path} must have a name of lower-case letters, digits and dashes, at most 32`);
    problems.push(...problemsOfPlacement(config, placement).map((problem) => path + problem));
    if (placement.tier?.idleDays !== undefined && !config.events.reads)
      problems.push(`${path}.tier.idleDays: reads are not known, since events.reads is false`);
  }
  const mustExist = (path: string, name: unknown): void => {
    if (typeof name !== 'string' || !config.placements.has(name))
      problems.push(`${path}: there is no placement named ${String(name)}`);
  };
  for (const [name, placement] of Object.entries<unknown>(config.storageClasses)) {
    if (!STORAGE_CLASS.test(name))
      problems.push(
        `storageClasses.${name} must have a name of upper-case letters, digits and underscores, at most 32`,
      );
    mustExist(`storageClasses.${name}`, placement);
  }
  for (const [index, rule] of config.placementRules.entries())
    mustExist(`placementRules[${index}].placement`, rule.placement);
  for (const [index, { policy }] of config.plans.entries()) {
    if (typeof policy.placement === 'string') mustExist(`plans[${index}].policy.placement`, policy.placement);
  }
  return problems;
}

/** What contradicts itself, or its drivers and the other placements, in one placement. The paths begin behind its name. */
export function problemsOfPlacement(
  config: Pick<VaultaireConfig, 'drivers' | 'placements'>,
  placement: PlacementConfig,
): string[] {
  const { driver, backup, residency, tier } = placement;
  const { drivers = driver === undefined ? [] : [driver] } = placement;
  const { copies = drivers.length, quorum } = placement;
  const problems: string[] = [];
  if (drivers.length === 0) problems.push('.drivers must name at least one driver');
  if (driver !== undefined && placement.drivers !== undefined) problems.push('.driver and .drivers exclude each other');
  if (copies > drivers.length) problems.push(`.copies: ${copies} are more than there are drivers`);
  if (quorum !== undefined && quorum > copies) problems.push(`.quorum: ${quorum} is more than the ${copies} copies`);
  const listed = [
    ...drivers.map((name) => ({ path: driver === undefined ? '.drivers' : '.driver', name })),
    ...backup.map((name) => ({ path: '.backup', name })),
  ];
  for (const { path, name } of listed) {
    const known = config.drivers.find((candidate) => candidate.name === name);
    const owner = config.drivers.find((other) => other.type === 'striped' && other.over.includes(name));
    if (known === undefined) problems.push(`${path}: there is no driver named ${name}`);
    else if (owner !== undefined) problems.push(`${path}: the driver ${name} belongs to ${owner.name}`);
    else if (residency !== undefined) {
      const without = withoutLabel(config, name, residency);
      if (without !== undefined) problems.push(`${path}: the driver ${without} has no label ${residency}`);
    }
  }
  for (const name of backup) {
    if (drivers.includes(name)) problems.push(`.backup: ${name} is one of the placement's drivers already`);
  }
  if (tier !== undefined) {
    const next = config.placements.get(tier.to);
    if (next === undefined || next === placement)
      problems.push(`.tier.to: there is no other placement named ${tier.to}`);
    else if (residency !== undefined && next.residency !== residency)
      problems.push(`.tier.to: the placement ${tier.to} does not keep the residency ${residency}`);
  }
  return problems;
}

/** The driver that keeps `name` from having the label: itself, or one that it stripes over. Undefined: all have it. */
export function withoutLabel(
  config: Pick<VaultaireConfig, 'drivers'>,
  name: string,
  label: string,
): string | undefined {
  const driver = config.drivers.find((candidate) => candidate.name === name);
  if (driver?.labels.includes(label) !== true) return name;
  const members = driver.type === 'striped' ? driver.over : [];
  return members.find((member) => withoutLabel(config, member, label) !== undefined);
}
