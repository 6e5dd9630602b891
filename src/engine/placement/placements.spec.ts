import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlacementConfig } from '../../config/placement-config';
import { loadConfig } from '../../config/load-config';
import { containerName, tenantId } from '../../context/ids';
import { systemContext } from '../../context/operation-context';
import type { PlacementSubject } from './placements';
import { Placements } from './placements';

const DRIVERS = `
drivers:
  - {name: a, type: memory, labels: [eu]}
  - {name: b, type: memory, labels: [eu, ssd]}
  - {name: c, type: memory}
  - {name: d, type: memory}
  - {name: e, type: memory, labels: [eu]}
  - {name: striped, type: striped, over: [e, d], labels: [eu]}
`;

function placementsOf(yaml: string): Placements {
  const folder = mkdtempSync(join(tmpdir(), 'placements-'));
  try {
    const configPath = join(folder, 'vaultaire.yaml');
    writeFileSync(configPath, DRIVERS + yaml);
    return new Placements(loadConfig({ configPath, dataDir: folder }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const container = (name: string, placement?: string): PlacementSubject['container'] => ({
  name: containerName(name),
  placement,
});

const subject = (given: Partial<PlacementSubject> = {}): PlacementSubject => ({
  container: container('bucket'),
  storageClass: 'STANDARD',
  contentType: undefined,
  sizeBytes: undefined,
  ...given,
});

const ctx = systemContext('Test', tenantId('t'), new AbortController().signal);

describe('Placements', () => {
  it('has one copy on the first driver when the file says nothing', () => {
    expect(placementsOf('').choose(ctx, subject({ storageClass: 'GLACIER' }))).toMatchObject({
      name: 'default',
      drivers: ['a'],
      copies: 1,
      quorum: 1,
      backup: [],
    });
  });

  it('takes one driver by name, as files have had it', () => {
    expect(placementsOf('placements: {default: {driver: b}}').choose(ctx, subject()).drivers).toEqual(['b']);
  });

  it('mirrors to all drivers unless it says how many, and answers with more than half of them', () => {
    const placements = placementsOf(`
placements:
  default: {drivers: [a, b, c]}
  spare: {drivers: [a, b, c], copies: 2, quorum: 1}
storageClasses: {FAST: spare}
`);
    expect(placements.choose(ctx, subject())).toMatchObject({ copies: 3, quorum: 2 });
    expect(placements.choose(ctx, subject({ storageClass: 'FAST' }))).toMatchObject({ copies: 2, quorum: 1 });
  });

  it('refuses a storage class that nobody has named', () => {
    expect(() => placementsOf('').choose(ctx, subject({ storageClass: 'FAST' }))).toThrow(
      expect.objectContaining({ failure: { kind: 'UnknownStorageClass', storageClass: 'FAST' } }),
    );
  });

  describe('by rules', () => {
    const placements = placementsOf(`
placements: {large: {driver: b}, video: {driver: c}, gold: {driver: c}, small: {driver: b}, named: {driver: b}}
storageClasses: {STANDARD_IA: gold}
placementRules:
  - {buckets: ['media-*'], contentTypes: ['video/*'], placement: video}
  - {minBytes: 1000, placement: large}
  - {plans: [gold], placement: gold}
  - {maxBytes: 10, storageClasses: [STANDARD], placement: small}
`);
    it.each([
      [
        'the first that applies',
        { container: container('media-1'), contentType: 'video/mp4', sizeBytes: 5000 },
        'video',
      ],
      ['all that a rule names', { container: container('other'), contentType: 'video/mp4' }, 'default'],
      ['a smallest size', { sizeBytes: 1000 }, 'large'],
      ['a largest size', { sizeBytes: 10 }, 'small'],
      ['no size where it is not known', { sizeBytes: undefined }, 'default'],
      ['the storage class where no rule applies', { storageClass: 'STANDARD_IA', sizeBytes: 10 }, 'gold'],
    ])('follows %s', (_, given, name) => {
      expect(placements.choose(ctx, subject(given)).name).toBe(name);
    });

    it('follows the plan of the tenant', () => {
      expect(placements.choose({ ...ctx, planName: 'gold' }, subject()).name).toBe('gold');
    });
  });

  describe('by settings', () => {
    const placements = placementsOf(`
placements: {own: {driver: b}, theirs: {driver: c}, classy: {driver: c}, ruled: {driver: b}, usual: {driver: a}}
storageClasses: {FAST: classy, STANDARD: usual}
placementRules: [{contentTypes: [video/*], placement: ruled}]
`);
    const ofTenant = { ...ctx, placement: 'theirs' };
    it.each([
      ['the container before the tenant', ofTenant, { container: container('x', 'own') }, 'own'],
      ['the tenant where the container says nothing', ofTenant, {}, 'theirs'],
      ['a class that nobody has mapped, which asks for nothing', ofTenant, { storageClass: 'GLACIER' }, 'theirs'],
      ['the class before both', ofTenant, { container: container('x', 'own'), storageClass: 'FAST' }, 'classy'],
      ['rules before all', ofTenant, { container: container('x', 'own'), contentType: 'video/mp4' }, 'ruled'],
      ['the usual class where nobody says anything', ctx, {}, 'usual'],
      ['the default one for other classes', ctx, { storageClass: 'GLACIER' }, 'default'],
    ])('follows %s', (_, by, given, name) => {
      expect(placements.choose(by, subject(given)).name).toBe(name);
    });

    it('refuses to write where a setting names what there is not, and knows no place for it', () => {
      const lost = subject({ container: container('x', 'gone') });
      expect(() => placements.choose(ctx, lost)).toThrow(
        expect.objectContaining({ failure: { kind: 'UnknownPlacement', placement: 'gone' } }),
      );
      expect(placements.isOf(ctx, lost, placements.ofBlob(null))).toBe(false);
      expect(placements.choose(ctx, { ...lost, storageClass: 'FAST' }).name).toBe('classy');
    });
  });

  describe('defined beside the configuration', () => {
    const placements = placementsOf('placements: {own: {driver: b}}');
    const nothing = { storageClasses: {}, rules: [] };
    const given = (drivers: string[], to?: string): PlacementConfig => ({
      drivers,
      backup: [],
      ...(to === undefined ? {} : { tier: { afterDays: 1, to } }),
    });

    it('are chosen by name, and gone when they are defined no more', () => {
      const before = placements.ofBlob('own');
      expect(placements.define(new Map([['mine', given(['c', 'a'])]]), nothing)).toEqual([]);
      expect(placements.choose({ ...ctx, placement: 'mine' }, subject())).toMatchObject({ copies: 2, quorum: 2 });
      expect(placements.ofBlob('own')).toBe(before);
      expect(placements.readRank('c')).toBe(2);
      placements.define(new Map(), nothing);
      expect(() => placements.choose({ ...ctx, placement: 'mine' }, subject())).toThrow('UnknownPlacement');
      expect(placements.ofBlob('mine').name).toBe('default');
    });

    it('are left out where they contradict the configuration, with what leads to them', () => {
      const defined = new Map([
        ['own', given(['c'])],
        ['young', given(['a'], 'old')],
        ['old', given(['gone'])],
        ['good', given(['a'], 'own')],
      ]);
      expect(placements.define(defined, nothing)).toEqual([
        'own: the configuration has a placement of this name',
        'old.drivers: there is no driver named gone',
        'young.tier.to: there is no other placement named old',
      ]);
      expect([...placements.byName.keys()]).toEqual(['default', 'own', 'good']);
      expect(placements.ofBlob('own').drivers).toEqual(['b']);
    });
  });

  it('asks rules and classes of the admin API after those of the file', () => {
    const placements = placementsOf(`
placements: {file: {driver: b}, api: {driver: c}}
storageClasses: {FAST: file}
placementRules: [{contentTypes: [video/*], placement: file}]
`);
    placements.define(new Map(), {
      storageClasses: { FAST: 'api', SLOW: 'api' },
      rules: [
        { contentTypes: ['video/*', 'audio/*'], placement: 'api' },
        { minBytes: 1000, placement: 'gone' },
      ],
    });
    const chosen = (given: Partial<PlacementSubject>): string => placements.choose(ctx, subject(given)).name;
    expect(['FAST', 'SLOW'].map((storageClass) => chosen({ storageClass }))).toEqual(['file', 'api']);
    expect(['video/mp4', 'audio/ogg'].map((contentType) => chosen({ contentType }))).toEqual(['file', 'api']);
    expect(() => chosen({ sizeBytes: 1000 })).toThrow('UnknownPlacement');
    placements.define(new Map(), { storageClasses: {}, rules: [] });
    expect(() => chosen({ storageClass: 'SLOW' })).toThrow('UnknownStorageClass');
  });

  it('has bytes in a placement, and where they go from there by age', () => {
    const placements = placementsOf(`
placements: {hot: {driver: a, tier: {afterDays: 1, to: warm}}, warm: {driver: b, tier: {afterDays: 9, to: hot}}, other: {driver: c}}
`);
    const hot = placements.ofBlob('hot');
    expect(['hot', 'warm', 'other', 'default'].map((name) => placements.isWithin(hot, name))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('reads from drivers that hold nothing but backups last', () => {
    const placements = placementsOf('placements: {default: {driver: b, backup: [a]}, x: {driver: c}}');
    expect(['a', 'b', 'c', 'gone'].sort((x, y) => placements.readRank(x) - placements.readRank(y))).toEqual([
      'b',
      'c',
      'a',
      'gone',
    ]);
  });

  it.each([
    ['placements: {default: {drivers: [a, x]}}', 'placements.default.drivers: there is no driver named x'],
    ['placements: {default: {drivers: [a], copies: 2}}', 'copies: 2 are more than there are drivers'],
    ['placements: {default: {drivers: [a, b], quorum: 3}}', 'quorum: 3 is more than the 2 copies'],
    ['placements: {default: {driver: a, drivers: [a]}}', 'exclude each other'],
    ['placements: {default: {driver: a, backup: [a]}}', "a is one of the placement's drivers already"],
    ['placements: {default: {drivers: [a, c], residency: eu}}', 'the driver c has no label eu'],
    ['placements: {default: {driver: striped, residency: eu}}', 'the driver d has no label eu'],
    ['placements: {default: {driver: a, tier: {afterDays: 1, to: old}}}', 'no other placement named old'],
    [
      'placements: {default: {driver: a, residency: eu, tier: {afterDays: 1, to: old}}, old: {driver: c}}',
      'does not keep the residency eu',
    ],
    [
      'placements: {default: {driver: a, tier: {afterDays: 1, idleDays: 9, to: old}}, old: {driver: c}}\nevents: {reads: false}',
      'placements.default.tier.idleDays: reads are not known, since events.reads is false',
    ],
    ['placements: {default: {driver: a, tier: {afterDays: 1, idleDays: 0, to: a}}}', 'idleDays'],
    ['placements: {Default: {driver: a}}', 'placements.Default must have a name of lower-case'],
    ['storageClasses: {FAST: fast}', 'storageClasses.FAST: there is no placement named fast'],
    ['storageClasses: {fast: default}', 'storageClasses.fast must have a name of upper-case'],
    ['plans: [{name: x, policy: {placement: fast}}]', 'plans[0].policy.placement: there is no placement named fast'],
    ['placementRules: [{placement: fast}]', 'placementRules[0].placement: there is no placement named fast'],
    ['placements: {default: nothing}', 'placements.default must be a map of fields'],
    ['placements: [a]', 'placements must be a map of fields'],
  ])('refuses %s', (yaml, problem) => {
    expect(() => placementsOf(yaml)).toThrow(problem);
  });
});
