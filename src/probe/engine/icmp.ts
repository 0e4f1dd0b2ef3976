/**
 * What routers say, in words: the types and codes of ICMP (RFC 792, 1122, 1812)
 * and ICMPv6 (RFC 4443). Pure.
 */

const unreachable4: readonly string[] = [
  'network unreachable',
  'host unreachable',
  'protocol unreachable',
  'port unreachable',
  'packet too big',
  'source route failed',
  'network unknown',
  'host unknown',
  'source isolated',
  'network prohibited',
  'host prohibited',
  'network unreachable for this service',
  'host unreachable for this service',
  'administratively prohibited',
  'host precedence violation',
  'precedence cutoff',
];

const unreachable6: readonly string[] = [
  'no route to the destination',
  'administratively prohibited',
  'beyond scope of the source address',
  'address unreachable',
  'port unreachable',
  'source address refused by policy',
  'route rejected',
];

export type Icmp = { readonly type: number; readonly code: number };

const echoReply: Readonly<Record<4 | 6, number>> = { 4: 0, 6: 129 };

/** Whether it is the answer to an echo request. */
export const isEchoReply = (version: 4 | 6, { type }: Icmp): boolean => type === echoReply[version];

/** Such as `host unreachable`; of what is rare, the numbers. */
export function icmpWords(version: 4 | 6, { type, code }: Icmp): string {
  const other = `ICMP type ${type} code ${code}`;
  if (version === 4) {
    if (type === 3) return unreachable4[code] ?? other;
    if (type === 11) return code === 0 ? 'time exceeded' : 'fragment reassembly time exceeded';
    if (type === 4) return 'source quench';
    if (type === 5) return 'redirect';
    return type === 12 ? 'parameter problem' : other;
  }
  if (type === 1) return unreachable6[code] ?? other;
  if (type === 2) return 'packet too big';
  if (type === 3) return code === 0 ? 'time exceeded' : 'fragment reassembly time exceeded';
  return type === 4 ? 'parameter problem' : other;
}
