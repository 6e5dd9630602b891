import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * Finds the address of the client behind configured proxies. `X-Forwarded-For` is believed only as far as the peers that
 * wrote it are trusted (DESIGN section 9); read from the right, the first address that is no trusted proxy is the client.
 */
export class ClientAddressFinder {
  private readonly trusted: readonly [Address, number][];

  /** `trustedProxies`: addresses or CIDR ranges. Throws for anything else. */
  constructor(trustedProxies: readonly string[]) {
    this.trusted = trustedProxies.map((range) => {
      if (range.includes('/')) return ipaddr.parseCIDR(range);
      const address = ipaddr.process(range);
      return [address, address.kind() === 'ipv4' ? 32 : 128];
    });
  }

  find(message: IncomingMessage): string | undefined {
    const peer = message.socket.remoteAddress;
    if (peer === undefined) return undefined;
    if (this.trusted.length === 0) return withoutMapping(peer);
    const forwarded = message.headers['x-forwarded-for'];
    const hops = forwarded === undefined ? [] : String(forwarded).split(',');
    let client = peer;
    while (hops.length > 0 && this.isTrusted(client)) {
      const hop = hops.pop()?.trim() ?? '';
      if (!ipaddr.isValid(hop)) break;
      client = hop;
    }
    return withoutMapping(client);
  }

  private isTrusted(text: string): boolean {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    return this.trusted.some(([range, bits]) => address.kind() === range.kind() && address.match(range, bits));
  }
}

/** An IPv4 peer of a dual-stack socket shows as `::ffff:192.0.2.1`. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
