import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { METRIC_PROVIDERS } from '../../src/metrics/metrics.providers';

const PROJECT = join(__dirname, '../..');
const DASHBOARDS = join(PROJECT, 'deploy/grafana/dashboards');
const RULES = join(PROJECT, 'deploy/prometheus/rules.yml');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
}

const text = (path: string): string => readFileSync(path, 'utf8');
const dashboards = readdirSync(DASHBOARDS).map((name) => JSON.parse(text(join(DASHBOARDS, name))) as Dashboard);
const rules = (parse(text(RULES)) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
const promtool = spawnSync('promtool', ['--version']).status === 0;

/** What Prometheus makes of the names of histograms. */
const metricsIn = (source: string): Set<string> =>
  new Set(
    [...source.matchAll(/\bvaultaire_[a-z0-9_]+\b/g)].map(([name]) => {
      const base = name.replace(/_(bucket|sum|count)$/, '');
      return registered.has(base) ? base : name;
    }),
  );

/** Labels that a query asks for or groups by. */
const labelsIn = (expr: string): string[] => [
  ...[...expr.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label ?? ''),
  ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => (labels ?? '').split(',').map((l) => l.trim())),
];

const registry = new Registry();
for (const { useFactory } of METRIC_PROVIDERS) void useFactory(registry);
const registered = new Map(
  registry
    .getMetricsAsArray()
    .map((metric) => [metric.name, 'labelNames' in metric ? (metric.labelNames as string[]) : []]),
);

describe('what an operator sees of the gateway', () => {
  it('describes every metric that exists, and none other', () => {
    const documented = metricsIn(text(join(PROJECT, 'docs/observability.md')));
    expect([...documented].sort()).toEqual([...registered.keys()].sort());
  });

  it('shows only metrics and labels that exist', () => {
    const queries = [
      ...dashboards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))),
      ...rules.map(({ expr }) => expr),
    ];
    expect(queries.length).toBeGreaterThan(30);
    for (const expr of queries) {
      const metrics = [...metricsIn(expr)];
      const known = metrics.flatMap((name) => registered.get(name) ?? [`no metric ${name}`]);
      expect(known.filter((label) => label.startsWith('no metric'))).toEqual([]);
      const free = new Set([...known, 'le', 'instance', 'job']);
      expect(labelsIn(expr).filter((label) => !free.has(label))).toEqual([]);
    }
  });

  it('shows every metric somewhere', () => {
    const shown = metricsIn(dashboards.map((dashboard) => JSON.stringify(dashboard)).join());
    expect([...registered.keys()].filter((name) => !shown.has(name))).toEqual([]);
  });

  it('has dashboards that Grafana can tell apart, with variables that are declared', () => {
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
    for (const { panels, templating } of dashboards) {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const declared = new Set([...templating.list.map(({ name }) => name), '__rate_interval']);
      const used = [...JSON.stringify(panels).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name ?? '');
      expect(used.filter((name) => !declared.has(name))).toEqual([]);
    }
  });

  it('tests every rule', () => {
    const tested = text(join(PROJECT, 'deploy/prometheus/rules.test.yml'));
    expect(rules.filter(({ alert }) => !tested.includes(`alertname: ${alert}\n`))).toEqual([]);
  });

  (promtool ? it : it.skip)(
    'has rules that fire when they should (promtool; skipped where it is not installed)',
    () => {
      const { status, stdout, stderr } = spawnSync('promtool', [
        'test',
        'rules',
        join(PROJECT, 'deploy/prometheus/rules.test.yml'),
      ]);
      expect(`${stdout.toString()}${stderr.toString()}`).toContain('SUCCESS');
      expect(status).toBe(0);
    },
  );
});
