import type { VaultaireConfig } from './vaultaire-config';

/**
 * Striped drivers over what there is not, or over what is striped already. One line each, with the path. That no placement names their
 * members, where parts of blobs would be taken for blobs, is the check of placements.
 */
export function stripingProblems({ drivers }: VaultaireConfig): string[] {
  const problems: string[] = [];
  const ownerByMember = new Map<string, string>();
  for (const [index, driver] of drivers.entries()) {
    if (driver.type !== 'striped') continue;
    for (const name of driver.over) {
      const member = drivers.find((candidate) => candidate.name === name);
      const owner = ownerByMember.get(name);
      const path = `drivers[${index}].over`;
      if (member === undefined) problems.push(`${path}: there is no driver named ${name}`);
      else if (member.type === 'striped') problems.push(`${path}: ${name} is striped itself`);
      else if (owner !== undefined) problems.push(`${path}: ${name} is one of ${owner} already`);
      ownerByMember.set(name, driver.name);
    }
  }
  return problems;
}
