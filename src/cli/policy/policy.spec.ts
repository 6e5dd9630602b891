import { CommandInput } from '../command-input';
import { parseArguments } from '../parse-arguments';
import { LIMIT_OPTIONS, limitChanges } from './limit-options';
import { applyChanges } from './policy-change';
import { policyTable } from './policy-table';
import { QUOTA_OPTIONS, quotaChanges } from './quota-options';

const input = (...args: string[]): CommandInput => {
  const options = { ...QUOTA_OPTIONS, ...LIMIT_OPTIONS };
  return new CommandInput(parseArguments({ positionals: [], options }, {}, args));
};

describe('a quota from options', () => {
  it('has every bound that a tenant can have', () => {
    const args = ['--bytes', '10GB', '--bytes-soft=8GB', '--artifacts', '1000', '--artifacts-soft', '800'];
    const more = ['--monthly-egress', '1TB', '--monthly-egress-soft', '900GB', '--largest-artifact', '5GiB'];
    const counts = ['--containers', '3', '--access-keys', '4'];
    expect(applyChanges({}, quotaChanges(input(...args, ...more, ...counts)))).toEqual({
      bytes: { hard: 10e9, soft: 8e9 },
      artifacts: { hard: 1000, soft: 800 },
      monthlyEgressBytes: { hard: 1e12, soft: 9e11 },
      largestArtifactBytes: 5 * 1024 ** 3,
      containers: 3,
      accessKeys: 4,
    });
  });

  it('keeps what is not given, lifts bounds, and takes what stands below again', () => {
    const current = { bytes: { hard: 10, soft: 8 }, artifacts: { hard: 5 }, containers: 2 };
    const changes = quotaChanges(input('--bytes', 'none', '--bytes-soft', 'inherit', '--artifacts', 'inherit'));
    expect(applyChanges(current, changes)).toEqual({ bytes: { hard: null }, containers: 2 });
    expect(current.bytes).toEqual({ hard: 10, soft: 8 });
  });

  it('says which option is wrong', () => {
    expect(() => quotaChanges(input('--bytes', 'much'))).toThrow('--bytes wants a size');
    expect(() => quotaChanges(input('--containers', '1GB'))).toThrow('--containers wants a whole number');
  });
});

describe('limits from options', () => {
  it('are of the tenant, and of each of its keys', () => {
    const args = [
      '--read',
      '100/500',
      '--admin',
      'none',
      '--in-flight',
      '20',
      '--key-write',
      '5',
      '--key-bytes-out',
      '10MB',
    ];
    expect(applyChanges({}, limitChanges(input(...args)))).toEqual({
      tenant: { requests: { read: { perSecond: 100, burst: 500 }, admin: null }, requestsInFlight: 20 },
      accessKey: { requests: { write: { perSecond: 5, burst: 5 } }, bytesOutPerSecond: 10e6 },
    });
  });

  it('say which option is wrong', () => {
    expect(() => limitChanges(input('--key-read', 'fast'))).toThrow('--key-read wants requests a second');
  });
});

describe('the table of a policy', () => {
  it('shows what holds beside what plan and overrides say', () => {
    const answer = {
      effective: { bytes: { hard: 2000 }, containers: null, requests: { read: { perSecond: 1, burst: 2 } } },
      plan: { bytes: { hard: 1000 }, containers: 3, requests: { read: { perSecond: 1, burst: 2 } } },
      overrides: { bytes: { hard: 2000 }, containers: null },
      revision: '4',
    };
    expect(policyTable(answer).split('\n')).toEqual([
      'BOUND          HOLDS         PLAN          OVERRIDE',
      'bytes.hard     2000 (2 KB)   1000 (1 KB)   2000 (2 KB)',
      'containers     none          3             none',
      'requests.read  1/s, burst 2  1/s, burst 2  -',
    ]);
    expect(policyTable({ effective: {}, plan: {}, overrides: {} })).toBe('There are no bounds.');
  });
});
