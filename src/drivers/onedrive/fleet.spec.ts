import { rankAccounts } from './fleet';

const accounts = (count: number): { name: string }[] =>
  Array.from({ length: count }, (_, index) => ({ name: `account-${index}` }));
const keys = Array.from({ length: 4000 }, (_, index) => `tenant/t/blob-${index}`);
const orderOf = (fleet: { name: string }[], key: string): string[] => rankAccounts(fleet, key).map(({ name }) => name);

describe('a fleet of accounts', () => {
  it('gets about the same number of blobs each', () => {
    const counts = new Map<string, number>();
    for (const key of keys) {
      const [first = ''] = orderOf(accounts(4), key);
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    expect(counts.size).toBe(4);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('keeps the order of the old accounts when one is added, whatever the order of the list', () => {
    const grown = [...accounts(5)].reverse();
    let moved = 0;
    for (const key of keys) {
      const before = orderOf(accounts(4), key);
      const after = orderOf(grown, key);
      expect(after.filter((name) => name !== 'account-4')).toEqual(before);
      if (after[0] === 'account-4') moved += 1;
    }
    expect(Math.abs(moved - 800)).toBeLessThan(150);
  });
});
