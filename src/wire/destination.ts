/**
 * Destinations: the words by which people say where updates go, and the order
 * in which the targets of SRV records are tried. Pure: asks no network, so that
 * a setting can be checked without one; src/wire/resolve.ts asks.
 */

/** The port of stations and relays where nothing else is said. */
export const defaultPort = 32741;
const portMax = 65_535;
/** The longest name that DNS can hold. */
const hostMax = 253;

/** The SRV records of a host that is given without a port. */
export const srvPrefix = '_mauvealert._udp.';

export type Destination =
  | { readonly kind: 'address'; readonly address: string; readonly family: 4 | 6; readonly port: number }
  /** A port of null: the host's SRV records may say, and `defaultPort` otherwise. */
  | { readonly kind: 'host'; readonly host: string; readonly port: number | null };

export type ParsedDestination =
  | { readonly ok: true; readonly destination: Destination }
  | { readonly ok: false; readonly why: 'malformed'; readonly detail: string };

const malformed = (detail: string): ParsedDestination => ({ ok: false, why: 'malformed', detail });

/**
 * HOST, HOST:PORT, IPv4, IPv4:PORT, IPv6, [IPv6], or [IPv6]:PORT.
 * An IPv6 address without brackets takes no port: nothing could tell it apart.
 */
export function parseDestination(word: string): ParsedDestination {
  if (isIPv6(word)) return parts(word, null);
  const bracketed = /^\[([^\]]*)\](.*)$/s.exec(word);
  if (bracketed !== null) {
    const [, address = '', rest = ''] = bracketed;
    if (!isIPv6(address)) return malformed(`[${address}] is not an IPv6 address`);
    if (rest === '') return parts(address, null);
    return rest.startsWith(':')
      ? parts(address, rest.slice(1))
      : malformed(`${rest} after the address is not :PORT`);
  }
  const colon = word.indexOf(':');
  if (colon < 0) return parts(word, null);
  if (colon !== word.lastIndexOf(':'))
    return malformed('too many colons; an IPv6 address with a port is written [ADDRESS]:PORT');
  return parts(word.slice(0, colon), word.slice(colon + 1));
}

/** Whether a person who writes this word must mean a destination, and not a time. */
export function looksLikeDestination(word: string): boolean {
  if (isIPv6(word) || word.startsWith('[')) return true;
  const [host = '', ...ports] = word.split(':');
  if (ports.length > 1 || !parts(host, null).ok) return false;
  // A name with a dot or a port, whose last label is not a number or a number with a unit.
  const letterFirst = /(^|\.)[a-z][^.]*\.?$/i.test(host);
  return isIPv4(host) || host === 'localhost' || (letterFirst && (host.includes('.') || ports.length === 1));
}

/** An address as it is written: `127.0.0.1:32741`, `[::1]:32741`. */
export function formatAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function parts(host: string, portText: string | null): ParsedDestination {
  if (portText !== null && !/^[0-9]{1,9}$/.test(portText)) {
    return malformed(portText === '' ? 'no port after the colon' : `port ${portText} is not a number`);
  }
  const port = portText === null ? null : Number(portText);
  if (port !== null && (port === 0 || port > portMax))
    return malformed(`port ${port} is not from 1 to ${portMax}`);
  const family = isIPv4(host) ? 4 : isIPv6(host) ? 6 : null;
  if (family !== null) {
    return { ok: true, destination: { kind: 'address', address: host, family, port: port ?? defaultPort } };
  }
  if (host === '') return malformed('no host before the colon');
  if (host.length > hostMax) return malformed(`a host name of more than ${hostMax} characters`);
  // As in URLs: what ends in a number is meant as an address, or the system would guess one.
  if (/(^|\.)[0-9]+\.?$/.test(host)) return malformed(`${host} is not an IPv4 address`);
  if (!/^([^\s.:/@?#%[\]\\-][^\s.:/@?#%[\]\\]*\.)*[^\s.:/@?#%[\]\\-][^\s.:/@?#%[\]\\]*\.?$/.test(host)) {
    return malformed(`${JSON.stringify(host)} is not a host name`);
  }
  return { ok: true, destination: { kind: 'host', host, port } };
}

function isIPv4(text: string): boolean {
  const octets = text.split('.');
  return (
    octets.length === 4 &&
    octets.every((octet) => /^(0|[1-9][0-9]{0,2})$/.test(octet) && Number(octet) <= 255)
  );
}

// Node's own is in node:net, whose loading would take a tenth of mauvesend's time.
function isIPv6(text: string): boolean {
  const [address = '', zone, ...more] = text.split('%');
  if (zone === '' || more.length > 0) return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const words = half.split(':');
    const last = words.at(-1) ?? '';
    const embedded = index === halves.length - 1 && isIPv4(last);
    if (!(embedded ? words.slice(0, -1) : words).every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return false;
    groups += words.length + (embedded ? 1 : 0);
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

/** One SRV record, as DNS has it. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/**
 * The order in which to try SRV targets (RFC 2782): lower priority first; among
 * equals drawn by weight. A target "." says that there is no such service.
 * @param random from 0 up to, not including, 1
 */
export function orderSrv(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = records.filter((record) => record.name !== '' && record.name !== '.');
  // Weight 0 goes first into the draw, so that it keeps its very small chance.
  left.sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const ordered: SrvRecord[] = [];
  while (left.length > 0) {
    const equals = left.filter((record) => record.priority === left[0]?.priority);
    const total = equals.reduce((sum, record) => sum + record.weight, 0);
    let draw = Math.floor(random() * (total + 1));
    let index = 0;
    for (draw -= equals[0]?.weight ?? 0; draw > 0; draw -= equals[index]?.weight ?? 0) index++;
    ordered.push(...left.splice(index, 1));
  }
  return ordered;
}
