import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './load-config';
import { StartUpError } from './start-up.error';

describe('loadConfig', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'config-'))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const load = (yaml: string) => {
    const configPath = join(folder, 'vaultaire.yaml');
    writeFileSync(configPath, yaml);
    return loadConfig({ configPath, dataDir: '/data' });
  };
  const problemsOf = (yaml: string) => {
    try {
      load(yaml);
    } catch (error) {
      if (error instanceof StartUpError)
        return error.message.replaceAll(`${join(folder, 'vaultaire.yaml')}: `, '').split('\n');
      throw error;
    }
    return [];
  };

  it('has one durable local driver in the data folder by default', () => {
    const config = loadConfig({ configPath: undefined, dataDir: '/data' });
    expect(config.drivers).toEqual([
      { name: 'local', type: 'local', path: '/data/blobs', durability: 'full', labels: [] },
    ]);
    expect(config.placements.get('default')?.driver).toBe('local');
    expect(config.limits.read.perSecond).toBeGreaterThan(0);
    expect(config.trustedProxies).toEqual([]);
  });

  it('takes an empty file for the defaults', () => {
    expect(load('# nothing yet\n')).toEqual(loadConfig({ configPath: undefined, dataDir: '/data' }));
  });

  it('fills in what the file leaves out, at every depth', () => {
    const config = load(`
drivers:
  - {name: fast, type: local, path: blobs/fast}
  - {name: scratch, type: memory}
engine: {inlineMaxBytes: 0}
limits: {list: {perSecond: 5, burst: 10}}
trustedProxies: [10.0.0.0/8, '::1']
`);
    expect(config.drivers).toEqual([
      { name: 'fast', type: 'local', path: join(folder, 'blobs/fast'), durability: 'full', labels: [] },
      { name: 'scratch', type: 'memory', labels: [] },
    ]);
    expect(config.placements.get('default')?.driver).toBe('fast');
    expect(config.engine.inlineMaxBytes).toBe(0);
    expect(config.engine.sweepIntervalSeconds).toBeGreaterThan(0);
    expect(config.limits.list).toEqual({ perSecond: 5, burst: 10 });
    expect(config.limits.write.burst).toBeGreaterThan(0);
    expect(config.trustedProxies).toEqual(['10.0.0.0/8', '::1']);
  });

  it('names every problem with its path', () => {
    const problems = problemsOf(`
colour: blue
drivers:
  - {name: Fast, type: local}
  - {name: other, type: tape}
  - {name: third, type: local, path: /x, durability: some, speed: 9}
  - nothing
placements: {default: {driver: 1}}
engine: {inlineMaxBytes: lots}
limits: {read: 5}
trustedProxies: [everyone]
`);
    const paths = problems.map((problem) => problem.split(' ')[0]);
    expect(paths).toEqual(
      expect.arrayContaining([
        'colour',
        'drivers[0].name',
        'drivers[0].path',
        'drivers[1].type',
        'drivers[2].durability',
        'drivers[2].speed',
        'drivers[3]',
        'placements.default.driver',
        'engine.inlineMaxBytes',
        'limits.read',
      ]),
    );
    expect(problems).toContain('drivers[2].speed is not a known field');
    expect(problems.join('\n')).toContain('trustedProxies');
  });

  it.each([
    ['the same folder', '/blobs', '/blobs/'],
    ['a folder inside the other', '/blobs/cold', '/blobs'],
  ])('refuses two drivers on %s', (_, first, second) => {
    expect(
      problemsOf(`drivers: [{name: a, type: local, path: ${first}}, {name: b, type: local, path: ${second}}]`),
    ).toEqual(['drivers[1].path: drivers[0] uses the same folder']);
  });

  it('refuses sources that are named as a driver, hold blobs of ours, or are of another kind', () => {
    expect(
      problemsOf(`
drivers: [{name: a, type: local, path: /blobs}]
attachable: [{name: a, type: local, path: /files}, {name: b, type: local, path: /blobs/b}, {name: c, type: memory}]
`),
    ).toEqual([
      'attachable[0].name: a is taken',
      'attachable[1].path: a driver uses the same folder',
      'attachable[2].type must be local or s3',
    ]);
  });

  it('refuses a name that is taken and a placement without its driver', () => {
    expect(
      problemsOf(`{drivers: [{name: a, type: memory}, {name: a, type: memory}], placements: {default: {driver: b}}}`),
    ).toEqual(['drivers[1].name: a is taken by drivers[0]', 'placements.default.driver: there is no driver named b']);
  });

  it('refuses striped drivers over what there is not, or what holds blobs of its own', () => {
    expect(
      problemsOf(`
drivers:
  - {name: s, type: striped, over: [a, b]}
  - {name: t, type: striped, over: [b, s, c]}
  - {name: a, type: memory}
  - {name: b, type: memory}
placements: {default: {drivers: [s], backup: [a]}}
`),
    ).toEqual([
      'placements.default.drivers: the driver s belongs to t',
      'placements.default.backup: the driver a belongs to s',
      'drivers[1].over: b is one of s already',
      'drivers[1].over: s is striped itself',
      'drivers[1].over: there is no driver named c',
    ]);
  });

  it('points at the line of a file that is no YAML', () => {
    expect(problemsOf('drivers:\n  - [a')[0]).toMatch(/line 2/);
  });

  it('refuses a list at the top, and a file that is not there', () => {
    expect(problemsOf('- a')[0]).toContain('must be a map of fields');
    expect(() => loadConfig({ configPath: join(folder, 'none.yaml'), dataDir: '/data' })).toThrow(/none\.yaml.*ENOENT/);
  });
});
