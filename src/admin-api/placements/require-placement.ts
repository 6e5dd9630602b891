import type { Placements } from '../../engine/placement/placements';
import { AdminProblem } from '../admin-problem';

/**
 * For a setting that names a placement, or none.
 *
 * @param field path of the setting in the request
 * @throws AdminProblem 400 that lists the placements, where there is none of the name
 */
export function requirePlacement(placements: Placements, name: string | null | undefined, field: string): void {
  if (name === undefined || name === null || placements.byName.has(name)) return;
  const known = [...placements.byName.keys()].sort().join(', ');
  throw AdminProblem.badFields([{ field, message: `${field}: there is no placement ${name}; there are ${known}` }]);
}
