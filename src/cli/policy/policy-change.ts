/** One bound of a quota or of limits, and what becomes of it. */
export interface PolicyChange {
  /** Names from the outside to the inside. */
  readonly path: readonly string[];
  /** Null: no bound. Undefined: what the plan or the defaults say. */
  readonly value: unknown;
}

type Tree = Record<string, unknown>;

/** `policy` with the changes; what they don't name stays. Inner objects that lose their last bound go. */
export function applyChanges(policy: unknown, changes: readonly PolicyChange[]): Tree {
  let changed = treeOf(policy);
  for (const { path, value } of changes) changed = withValue(changed, path, value);
  return changed;
}

function withValue(tree: Tree, path: readonly string[], value: unknown): Tree {
  const [name, ...rest] = path;
  if (name === undefined) return tree;
  const inner = rest.length === 0 ? value : withValue(treeOf(tree[name]), rest, value);
  const isGone = inner === undefined || (rest.length > 0 && Object.keys(treeOf(inner)).length === 0);
  const others = Object.entries(tree).filter(([other]) => other !== name);
  return Object.fromEntries(isGone ? others : [...others, [name, inner]]);
}

function treeOf(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
