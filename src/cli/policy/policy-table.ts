import { bytesCell, cell } from '../output/cell';
import { grid, valueAt } from '../output/table';

const LAYERS = ['effective', 'plan', 'overrides'] as const;

/** The bounds of an answer that shows what holds, what the plan says, and what differs from it: a line for each. */
export function policyTable(answer: unknown): string {
  const paths = new Set(LAYERS.flatMap((layer) => [...boundsOf(valueAt(answer, layer), [])]));
  if (paths.size === 0) return 'There are no bounds.';
  const lines = [...paths].map((path) => [
    path,
    ...LAYERS.map((layer) => boundCell(path, valueAt(answer, `${layer}.${path}`))),
  ]);
  return grid([['BOUND', 'HOLDS', 'PLAN', 'OVERRIDE'], ...lines]);
}

function* boundsOf(value: unknown, path: readonly string[]): Generator<string> {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (inner.length > 0 && !isRate(value)) for (const [name, bound] of inner) yield* boundsOf(bound, [...path, name]);
  else if (path.length > 0 && value !== undefined) yield path.join('.');
}

function boundCell(path: string, value: unknown): string {
  if (value === null) return 'none';
  if (isRate(value)) return `${cell(valueAt(value, 'perSecond'))}/s, burst ${cell(valueAt(value, 'burst'))}`;
  return /bytes/i.test(path) ? bytesCell(value) : cell(value);
}

function isRate(value: unknown): boolean {
  return valueAt(value, 'perSecond') !== undefined;
}
