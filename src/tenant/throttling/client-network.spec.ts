import { clientNetwork } from './client-network';

describe('clientNetwork', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('takes %s as %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });

  it.each([undefined, '', 'somewhere', '192.0.2.7, 192.0.2.8'])(
    'takes whoever has no address (%s) as one',
    (address) => {
      expect(clientNetwork(address)).toBe('unknown');
    },
  );
});
