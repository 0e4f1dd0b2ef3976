/**
 * Source lists as people write them, in a policy or in a file or page of their
 * own, into the sets and patterns that `inList` looks at.
 *
 * What is wrong is said in words that tell what to write instead. Nothing is
 * taken that could mean one thing to its author and another to a resolver, and
 * no pattern that a sender's text could make slow.
 */
import { foldHost } from '../core/host.ts';
import {
  addressBits,
  canonicalAddress,
  hostIn,
  hostNameMax,
  type Network,
  networkAround,
  parseAddress,
  type SourceList,
} from '../core/sources.ts';
import { type NamePart, namePattern, parseName, writtenOut } from './name-pattern.ts';
import { patternFault } from './pattern-cost.ts';

export const sourceListLimits = {
  /** Entries of one list. */
  entries: 20_000,
  /** Characters of one entry. */
  entry: 1024,
  /** Names of one list, those that ranges and classes stand for included. */
  names: 10_000,
  /** Addresses and networks of one list. */
  networks: 10_000,
  /** Entries with stars, of more names than are written out, and regular expressions: each is tried in turn. */
  patterns: 1000,
  /** Characters of a file or page with a list. */
  text: 4 * 1024 * 1024,
} as const;

/** Of a list that is wrong in every line, the first faults say enough. */
const faultsMax = 20;

/** What is wrong with an entry, by its place in the list from 0. */
export type SourceFault = { readonly index: number; readonly why: string };

export type ParsedSourceList =
  | { readonly ok: true; readonly list: SourceList }
  | { readonly ok: false; readonly faults: readonly SourceFault[] };

/** @param lookUp whether names and addresses may be found to be the same by looking them up. */
export function parseSourceList(name: string, entries: readonly string[], lookUp: boolean): ParsedSourceList {
  if (entries.length > sourceListLimits.entries) {
    const why = `at most ${sourceListLimits.entries} entries are expected in a list`;
    return { ok: false, faults: [{ index: sourceListLimits.entries, why }] };
  }
  const hosts = new Set<string>();
  const networks: Network[] = [];
  const patterns: RegExp[] = [];
  const faults: SourceFault[] = [];
  for (const [index, entry] of entries.entries()) {
    const parsed = parseEntry(entry.trim());
    if (!parsed.ok) {
      faults.push({ index, why: parsed.why });
      if (faults.length >= faultsMax) break;
      continue;
    }
    for (const host of parsed.hosts ?? []) hosts.add(host);
    networks.push(...(parsed.networks ?? []));
    patterns.push(...(parsed.patterns ?? []));
    const why = tooMany(hosts.size, networks.length, patterns.length);
    if (why === null) continue;
    faults.push({ index, why });
    break;
  }
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, list: { name, hosts, patterns, networks, lookUp } };
}

/** An entry of a list in a file or page of its own, and its line, from 1. */
export type SourceLine = { readonly line: number; readonly entry: string };

/** A list in a text of its own: one entry a line; `#` at the beginning of a line or after a space begins a comment. */
export function parseSourceText(
  text: string,
):
  | { readonly ok: true; readonly entries: readonly SourceLine[] }
  | { readonly ok: false; readonly why: string } {
  if (text.length > sourceListLimits.text) {
    return { ok: false, why: `at most ${sourceListLimits.text} characters are expected in a list` };
  }
  const entries = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ line: index + 1, entry: line.replace(/(^|\s)#.*$/, '').trim() }))
    .filter(({ entry }) => entry !== '');
  return { ok: true, entries };
}

type Entry =
  | {
      readonly ok: true;
      readonly hosts?: readonly string[];
      readonly networks?: readonly Network[];
      readonly patterns?: readonly RegExp[];
    }
  | Fault;

type Fault = { readonly ok: false; readonly why: string };
const fault = (why: string): Fault => ({ ok: false, why });

const expected = 'a name such as db1.example.com, an address or a network such as 192.0.2.0/24 is expected';

function parseEntry(entry: string): Entry {
  if (entry === '') return fault(`this is empty: ${expected}`);
  if (entry.length > sourceListLimits.entry) {
    return fault(`at most ${sourceListLimits.entry} characters are expected in an entry`);
  }
  if (entry.startsWith('/')) return parsePattern(entry);
  if (entry.includes('://')) return parseUrl(entry);
  if (entry.includes('/')) return parseNetwork(entry);
  if (entry.includes(':')) return parseIPv6(entry);
  return parseHost(entry);
}

function parsePattern(entry: string): Entry {
  const body = /^\/(.+)\/i?$/s.exec(entry)?.[1];
  if (body === undefined) return fault('a regular expression is written /…/ or /…/i');
  // As the whole name is to match, it is tried from the beginning only. That holds for each branch, too,
  // but the judge of patterns looks for no more than one ^ before all.
  const anchored = body.startsWith('^') || body.includes('|') ? body : `^${body}`;
  const why = patternFault(anchored);
  if (why !== null) return fault(why);
  return { ok: true, patterns: [new RegExp(`^(?:${body})$`, 'i')] };
}

function parseUrl(entry: string): Entry {
  const host = hostIn(entry);
  if (host === '' || host.includes('/')) return fault('this URL has no host: https://HOST/… is expected');
  return host.includes(':') ? parseIPv6(host) : parseHost(host);
}

function parseNetwork(entry: string): Entry {
  const [written = '', bits = '', ...more] = entry.split('/');
  const host = unbracketed(written);
  const address = parseAddress(host);
  if (address === null || more.length > 0) {
    return fault('this is neither a network such as 192.0.2.0/24 nor a URL such as https://db1.example.com/');
  }
  const most = addressBits[address.version];
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) {
    return fault(
      `after the / the number of bits is expected, 0 to ${most}, such as ${canonicalAddress(host)}/${most / 2}`,
    );
  }
  return { ok: true, networks: [networkAround(address, Number(bits))] };
}

function parseIPv6(entry: string): Entry {
  const address = parseAddress(unbracketed(entry));
  if (address !== null) return { ok: true, networks: [address] };
  if (/^[^:]*:\d*$/.test(entry) || /^\[.*\]:\d*$/.test(entry)) {
    return fault('a list has no ports: write the host alone');
  }
  return fault('this is no IPv6 address, and a name has no colon');
}

const unbracketed = (text: string): string => /^\[([^\]]*)\]$/.exec(text)?.[1] ?? text;

/** Most entries are plain names, and lists of thousands are read while alerts come in. */
const plainName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

function parseHost(entry: string): Entry {
  const name = foldHost(entry);
  if (plainName.test(name)) return sorted([name]);
  const parsed = parseName(name);
  if (!parsed.ok) return parsed;
  const names = writtenOut(parsed.parts);
  return names === null ? parseStars(parsed.parts, entry) : sorted(names);
}

function parseStars(parts: readonly NamePart[], entry: string): Entry {
  if (/^[0-9*.[\]-]*$/.test(entry) && /[0-9]/.test(entry) && entry.includes('.')) {
    return fault('parts of addresses are written as a network, such as 192.0.2.0/24');
  }
  return { ok: true, patterns: [namePattern(parts)] };
}

/** Names without stars: what looks like an address must be one. */
function sorted(names: readonly string[]): Entry {
  const hosts: string[] = [];
  const networks: Network[] = [];
  for (const name of names) {
    const address = parseAddress(name);
    if (address !== null) networks.push(address);
    else if (/^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))+$/.test(name)) {
      return fault('this is no IPv4 address: four numbers from 0 to 255 without leading zeros are expected');
    } else if (name.length > hostNameMax) {
      return fault(`at most ${hostNameMax} characters are expected in a name`);
    } else hosts.push(name);
  }
  return { ok: true, hosts, networks };
}

function tooMany(names: number, networks: number, patterns: number): string | null {
  const limits = sourceListLimits;
  const inAll = 'are expected in a list, counting those that ranges stand for: divide it, or use *';
  if (names > limits.names) return `at most ${limits.names} names ${inAll}`;
  if (networks > limits.networks) {
    return `at most ${limits.networks} addresses and networks are expected in a list: divide it, or join networks`;
  }
  if (patterns > limits.patterns) {
    return `at most ${limits.patterns} entries with * and regular expressions are expected in a list: divide it`;
  }
  return null;
}
