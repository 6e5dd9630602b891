import ipaddr from 'ipaddr.js';

const GROUPS_OF_NETWORK = 4;

/** What is limited as one client: an IPv4 address, or the /64 of an IPv6 address, of which a client has all. */
export function clientNetwork(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const groups = parsed.parts.slice(0, GROUPS_OF_NETWORK).map((group) => group.toString(16));
  return `${groups.join(':')}::/64`;
}
