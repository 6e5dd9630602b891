import { AddressGuard, ForbiddenAddressError } from './address-guard';

describe('AddressGuard', () => {
  const closed = new AddressGuard([]);

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fd00::1',
    'fe80::1',
    'fe80::1%eth0',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '::7f00:1',
    '::a00:1',
    '4000::1',
    'not an address',
  ])('refuses %s', (address) => {
    expect(closed.isAllowed(address)).toBe(false);
  });

  it.each(['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8'])('lets %s through', (address) => {
    expect(closed.isAllowed(address)).toBe(true);
  });

  it('lets through what the operator lists, and no more', () => {
    const guard = new AddressGuard(['10.1.0.0/16', '::1', '192.168.7.7']);
    for (const address of ['10.1.255.1', '::1', '192.168.7.7', '::ffff:10.1.0.1']) {
      expect(guard.isAllowed(address)).toBe(true);
    }
    for (const address of ['10.2.0.1', '127.0.0.1', '192.168.7.8']) expect(guard.isAllowed(address)).toBe(false);
  });

  it('knows addresses from names', () => {
    for (const host of ['127.0.0.1', '[::1]', '::1']) {
      expect(() => {
        closed.checkLiteral(host);
      }).toThrow(ForbiddenAddressError);
    }
    closed.checkLiteral('localhost');
  });

  it('looks at what a name leads to', async () => {
    const found = (guard: AddressGuard, isAll: boolean): Promise<unknown> =>
      new Promise((resolve) => {
        guard.lookup('localhost', { all: isAll }, (error, address) => {
          resolve(error ?? address);
        });
      });
    expect(await found(closed, true)).toBeInstanceOf(ForbiddenAddressError);
    expect(await found(closed, false)).toBeInstanceOf(ForbiddenAddressError);
    const guard = new AddressGuard(['127.0.0.0/8']);
    expect(await found(guard, true)).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(await found(guard, false)).toBe('127.0.0.1');
  });
});
