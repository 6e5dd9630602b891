import { lookup, promises } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** RFC 4291, section 2.5.4, and IANA's registry of IPv6 unicast addresses. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];
type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** The address of a target is inside of the operator's networks, or of no use. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';

  constructor(host: string) {
    super(`${host} leads to an address that notifications may not go to (see notifications.allowedNetworks)`);
  }
}

/**
 * Which addresses notifications may go to: public ones, and the networks that the operator lists. Whoever may name a target could
 * otherwise reach through it what only the gateway reaches. It is asked when a connection is made, of the very address that is
 * connected to, since a name can lead elsewhere by then.
 */
export class AddressGuard {
  private readonly networks: readonly Network[];

  /** `allowedNetworks`: addresses or networks in CIDR form. Throws for anything else. */
  constructor(allowedNetworks: readonly string[]) {
    this.networks = allowedNetworks.map((network) => {
      if (network.includes('/')) return ipaddr.parseCIDR(network);
      const address = ipaddr.parse(network);
      return [address, address.kind() === 'ipv4' ? 32 : 128];
    });
  }

  isAllowed(text: string): boolean {
    if (!ipaddr.isValid(text)) return false;
    // Of an IPv4 address within IPv6, the IPv4 address counts.
    const address = ipaddr.process(text);
    if (this.networks.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits))) {
      return true;
    }
    if (address.range() !== 'unicast') return false;
    // What IANA has given out for all to reach: the rest has uses of its own, as `::a.b.c.d`, an IPv4 address in disguise.
    return address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST);
  }

  /** @throws ForbiddenAddressError when `host` is an address that is not allowed; a name is looked up later */
  checkLiteral(host: string): void {
    const address = host.replace(/^\[|\]$/g, '');
    if (isIP(address) !== 0 && !this.isAllowed(address)) throw new ForbiddenAddressError(host);
  }

  /**
   * The address to connect to for `host`, a name or an address.
   *
   * @throws ForbiddenAddressError
   */
  async resolve(host: string): Promise<string> {
    this.checkLiteral(host);
    if (isIP(host) !== 0) return host;
    const addresses = await promises.lookup(host, { all: true });
    const allowed = addresses.find(({ address }) => this.isAllowed(address));
    if (allowed === undefined) throw new ForbiddenAddressError(host);
    return allowed.address;
  }

  /** As `dns.lookup`, without the addresses that are not allowed. */
  readonly lookup = (host: string, options: LookupOptions, callback: LookupCallback): void => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const allowed = addresses.filter(({ address }) => this.isAllowed(address));
      const [first] = allowed;
      if (first === undefined) callback(new ForbiddenAddressError(host), []);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
