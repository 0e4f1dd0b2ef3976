/**
 * What is watched, as it was asked for: a name or an address, with its own
 * intervals and rules. Words in, values or faults in words out; asks no network.
 *
 * What can never answer for itself (a group, "any", everybody on a link) is
 * refused here, because a probe that is sent to it reaches machines that
 * nobody named. Loopback is for whoever wrote it by hand: where a name in DNS
 * leads to it, the name is broken or blocked, and watching this machine
 * instead would say that all is well.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type Duration, days, milliseconds, parseDuration, seconds } from '../time.ts';
import { parseDestination } from '../wire/destination.ts';
import type { Address, Method } from './core/record.ts';
import type { Rules } from './core/rules.ts';

/** Pings faster than this are a flood, not a measurement. */
export const intervalMin = milliseconds(100);
export const intervalMax = days(1);
/** What one name may bring; more is a mistake, or somebody else's DNS at play. */
export const addressesMax = 16;
const wordMax = 253;

export type Target = {
  /** As it was written: the subject of its alerts. */
  readonly word: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pingEvery: Duration;
  readonly traceEvery: Duration;
  readonly method: Method;
  readonly rules: Rules;
};

export type ParsedTarget =
  | { readonly ok: true; readonly kind: 'address'; readonly address: Address }
  | { readonly ok: true; readonly kind: 'host'; readonly host: string }
  | { readonly ok: false; readonly why: string };

/** A host's name, or an address in its shortest form. */
export function parseTarget(word: string): ParsedTarget {
  if (word === '') return { ok: false, why: 'an empty word names no target' };
  if (word.length > wordMax) return { ok: false, why: `a name of more than ${wordMax} characters` };
  // Also those that make a line read otherwise than it is written: it is the subject of alerts.
  if (/[\p{Cc}\p{Cs}\p{Bidi_Control}]/u.test(word))
    return { ok: false, why: 'a name with a control character' };
  const bare = /^\[(.*)\]$/.exec(word)?.[1] ?? word;
  const parsed = parseDestination(bare);
  if (!parsed.ok) return { ok: false, why: parsed.detail };
  const { destination } = parsed;
  const written = destination.kind === 'address' ? destination.address : destination.host;
  if (bare !== written) return { ok: false, why: 'a target takes no port' };
  if (destination.kind === 'host') return { ok: true, kind: 'host', host: destination.host.toLowerCase() };
  const judged = probed(destination.address, 'by hand');
  return judged.ok ? { ok: true, kind: 'address', address: judged.address } : judged;
}

/** What tells targets apart: two words with the same key are one target. The word itself where it is none. */
export function targetKey(word: string): string {
  const parsed = parseTarget(word);
  if (!parsed.ok) return word;
  return parsed.kind === 'host' ? parsed.host : parsed.address;
}

export type Probed =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly why: string };

/**
 * Whether an address may be probed.
 * @param given `by hand`: somebody wrote it down; `by name`: it is what a name led to.
 */
export function probed(written: string, given: 'by hand' | 'by name'): Probed {
  if (written.includes('%'))
    return { ok: false, why: `${written} belongs to one link, and cannot be probed` };
  if (isIP(written) === 0) return { ok: false, why: `${JSON.stringify(written)} is no IP address` };
  // An IPv4 address in IPv6's clothes is probed as what it is.
  const parsed = ipaddr.process(written);
  const address = parsed.toString() as Address;
  const why = refusal(parsed, given);
  return why === null ? { ok: true, address } : { ok: false, why: `${address} ${why}` };
}

function refusal(parsed: ipaddr.IPv4 | ipaddr.IPv6, given: 'by hand' | 'by name'): string | null {
  switch (parsed.range()) {
    case 'unspecified':
      return 'is the address of no machine';
    case 'multicast':
      return 'is the address of a group (multicast), not of a machine';
    case 'broadcast':
      return 'is the address of everybody on a link (broadcast), not of a machine';
    case 'linkLocal':
      return parsed.kind() === 'ipv6' ? 'belongs to one link, and cannot be probed' : null;
    case 'loopback':
      return given === 'by hand'
        ? null
        : 'is this machine itself (loopback): if that is meant, name the address';
    default:
      break;
  }
  const first = parsed.kind() === 'ipv4' ? (parsed.toByteArray()[0] ?? 0) : null;
  return first === 0 || (first !== null && first >= 240) ? 'is the address of no machine' : null;
}

export type Usable = {
  readonly addresses: readonly Address[];
  /** In words, why others were left out. */
  readonly refused: readonly string[];
};

/**
 * Of what a name led to, what is watched: no more than `addressesMax`, the same
 * ones each time where the answer only comes in another order.
 * @param host whose addresses these are: `localhost` is this machine by its definition.
 * @param known watched already: these stay as long as the name leads to them.
 */
export function usable(host: string, found: readonly string[], known: ReadonlySet<Address>): Usable {
  const given = /(^|\.)localhost\.?$/i.test(host) ? 'by hand' : 'by name';
  const good = new Set<Address>();
  const refused: string[] = [];
  for (const written of found) {
    const judged = probed(written, given);
    if (judged.ok) good.add(judged.address);
    else if (refused.length < addressesMax) refused.push(judged.why);
  }
  const order = [...good].sort((a, b) => Number(known.has(b)) - Number(known.has(a)) || (a < b ? -1 : 1));
  if (order.length > addressesMax) {
    refused.push(`${order.length} addresses, of which ${addressesMax} are watched`);
  }
  return { addresses: order.slice(0, addressesMax), refused };
}

/**
 * An interval as options and the command line write it: seconds (`60`, `0.5`), or a length of time (`90s`, `2m`).
 * @returns null where it is none, or outside of `intervalMin` to `intervalMax`.
 */
export function parseInterval(text: string): Duration | null {
  const length = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? seconds(Number(text)) : parseDuration(text);
  return length === null || length < intervalMin || length > intervalMax ? null : length;
}

/** `google.de/60`: the target, and how often it is pinged. */
export function splitInterval(
  word: string,
): { readonly word: string; readonly every: Duration | null } | { readonly fault: string } {
  const slash = word.lastIndexOf('/');
  if (slash < 0) return { word, every: null };
  const every = parseInterval(word.slice(slash + 1));
  if (every === null) {
    return { fault: `${word}: after the / an interval from 0.1 to 86400 seconds is expected` };
  }
  return { word: word.slice(0, slash), every };
}

/** An address, or a network such as `192.0.2.0/24`. */
export function isNetwork(written: string): boolean {
  const [address = '', prefix, ...more] = written.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}
