/**
 * Source lists: which hosts belong together. An entry is a name, a pattern of
 * names, an address or a network; a host is in the list if its name or one of
 * its addresses is. Both sides of a look-up, the names in the list and the host
 * that is asked about, are found in `HostNames`: nothing here asks a name server.
 *
 * A decision asks this for every group, so nothing here may go through a list:
 * names are in a set, networks in a set for each length of prefix, and the
 * addresses of a list's names are put together once for each new answer.
 */
import ipaddr from 'ipaddr.js';
import { foldHost } from './host.ts';

/** The addresses of hosts, as far as they are known. */
export type HostNames = {
  /** Stands for all the answers: where it is the same number, they are the same. It changes with every new answer. */
  readonly generation: number;
  /**
   * Asked only for hosts whose addresses can decide something: never for what is an address or no name of a host.
   * @returns undefined where nobody has asked yet or no answer has come; [] where the host has none.
   */
  lookup(host: string): readonly string[] | undefined;
};

/** An address as one number, and how many of its leading bits a network fixes; the others are 0. */
export type Network = { readonly version: 4 | 6; readonly bits: bigint; readonly prefix: number };

export type SourceList = {
  readonly name: string;
  /** Exact names, folded. */
  readonly hosts: ReadonlySet<string>;
  /** For folded names: stars, classes, ranges, patterns. Each matches the whole name. */
  readonly patterns: readonly RegExp[];
  /** Single addresses are networks of all their bits. */
  readonly networks: readonly Network[];
  /** Whether names and addresses may be found to be the same by looking them up. */
  readonly lookUp: boolean;
};

/** The longest name of a host, in characters: RFC 1035. What is longer is in no list. */
export const hostNameMax = 253;
const labelMax = 63;
/** The longest way to write an address: 45 characters, and a zone. */
const addressMax = 80;
/** Of an IPv6 address. */
const groupsMax = 8;
/** The upper 96 bits of an IPv4 address within IPv6, `::ffff:0:0/96`. */
const mappedPrefix = 0xffffn;

/** How many bits an address has. */
export const addressBits = { 4: 32, 6: 128 } as const;

/**
 * Whether that host is in the list. `host` is a text of an alert, folded: the name of a host, an address,
 * a URL, whose host counts, or anything else, which only a pattern can match.
 */
export function inList(list: SourceList, host: string, names: HostNames): boolean {
  const subject = subjectOf(host);
  if (isNamed(list, subject)) return true;
  if (!mayBeLookedUp(list)) return false;
  if (subject.address !== null) return addressesOfHosts(list, names).has(keyOf(subject.address));
  if (!subject.known) return false;
  const found = names.lookup(subject.name);
  if (found === undefined || found.length === 0) return false;
  const { addresses, keys } = answerOf(found);
  const { networks } = indexOf(list);
  if (addresses.some((address) => networks.has(address))) return true;
  const ofHosts = addressesOfHosts(list, names);
  return keys.some((key) => ofHosts.has(key));
}

/**
 * An address as people write it: `192.0.2.1`, `2001:db8::1`, a zone (`%eth0`) left aside. An IPv4 address
 * within IPv6 (`::ffff:192.0.2.1`) is that IPv4 address.
 * @returns null for all else, such as octal, hexadecimal and shortened IPv4 addresses, which mean different
 * addresses to different programs.
 */
export function parseAddress(text: string): Network | null {
  const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (quad !== null) return fromQuad(quad.slice(1));
  if (text.length > addressMax || !/^[0-9a-f:.]+(%[0-9a-z_.-]+)?$/i.test(text)) return null;
  if (!text.includes(':')) return null;
  return fromIPv6(text.split('%')[0] ?? '');
}

/** The network of that many leading bits around an address. */
export function networkAround(address: Network, prefix: number): Network {
  const rest = BigInt(addressBits[address.version] - prefix);
  return { version: address.version, bits: (address.bits >> rest) << rest, prefix };
}

/** The one way to write an address, RFC 5952 for IPv6; null where it is none. */
export function canonicalAddress(text: string): string | null {
  const address = parseAddress(text);
  if (address === null) return null;
  const bytes = Array.from({ length: addressBits[address.version] / 8 }, (_, index) =>
    Number((address.bits >> BigInt(addressBits[address.version] - 8 * (index + 1))) & 0xffn),
  );
  return ipaddr.fromByteArray(bytes).toString();
}

/** Whether a folded text can be the name of a host that a name server knows. */
export function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > hostNameMax) return false;
  const labels = text.split('.');
  // A resolver takes a name that ends in a number for a strange way to write an address.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return false;
  return labels.every(
    (label) =>
      label.length <= labelMax && /^[\p{L}\p{N}_]([\p{L}\p{M}\p{N}_-]*[\p{L}\p{M}\p{N}_])?$/u.test(label),
  );
}

/**
 * The host in a folded text: of a URL its host, of `host:port` and `[address]:port` the host, else the text itself.
 */
export function hostIn(text: string): string {
  if (!text.includes(':')) return text;
  const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(text)?.[1];
  const place = authority ?? text;
  const host = /^\[([^\]]*)\](?::\d*)?$/.exec(place)?.[1] ?? /^([^:]*):\d+$/.exec(place)?.[1] ?? place;
  return foldHost(authority === undefined ? host : host.replace(/:$/, ''));
}

type Subject = {
  readonly text: string;
  readonly name: string;
  readonly address: Network | null;
  /** Whether it is a name that can be looked up. */
  readonly known: boolean;
};

/** The text asked about last: one alert is compared with the lists of all groups, one after the other. */
let lastSubject: Subject = { text: '', name: '', address: null, known: false };

function subjectOf(text: string): Subject {
  if (text !== lastSubject.text) {
    const name = hostIn(text);
    const address = parseAddress(name);
    lastSubject = { text, name, address, known: address === null && isHostName(name) };
  }
  return lastSubject;
}

/** In the list without any look-up. */
function isNamed(list: SourceList, { name, address }: Subject): boolean {
  if (name.length > hostNameMax) return false;
  if (list.hosts.has(name)) return true;
  if (address !== null && indexOf(list).networks.has(address)) return true;
  return list.patterns.some((pattern) => pattern.test(name));
}

/** Patterns have no addresses. */
const mayBeLookedUp = (list: SourceList): boolean =>
  list.lookUp && (list.hosts.size > 0 || list.networks.length > 0);

function fromQuad(numbers: readonly string[]): Network | null {
  let bits = 0;
  for (const number of numbers) {
    // A leading zero is octal to some programs and decimal to others.
    if (Number(number) > 255 || (number.length > 1 && number.startsWith('0'))) return null;
    bits = bits * 256 + Number(number);
  }
  return { version: 4, bits: BigInt(bits), prefix: addressBits[4] };
}

/** Up to eight groups of hexadecimal digits; `::` once for as many groups of 0 as are missing. */
function fromIPv6(written: string): Network | null {
  const text = withoutQuad(written);
  const [before = '', after, more] = text.split('::');
  if (more !== undefined) return null;
  const first = before === '' ? [] : before.split(':');
  const last = after === undefined || after === '' ? [] : after.split(':');
  const missing = groupsMax - first.length - last.length;
  if (after === undefined ? missing !== 0 : missing < 1) return null;
  let hex = '0x';
  for (const group of [...first, ...Array<string>(missing).fill('0'), ...last]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    hex += group.padStart(4, '0');
  }
  const bits = BigInt(hex);
  if (bits >> 32n === mappedPrefix) return { version: 4, bits: bits & 0xffff_ffffn, prefix: addressBits[4] };
  return { version: 6, bits, prefix: addressBits[6] };
}

/** The IPv4 address that may end an IPv6 address, written as two of its groups; what is none stays, and is refused. */
function withoutQuad(text: string): string {
  if (!text.includes('.')) return text;
  const colon = text.lastIndexOf(':');
  const quad = parseAddress(text.slice(colon + 1));
  if (quad?.version !== 4) return text;
  return `${text.slice(0, colon + 1)}${(quad.bits >> 16n).toString(16)}:${(quad.bits & 0xffffn).toString(16)}`;
}

/** Networks by version and length of prefix, each as the number that its fixed bits are. */
class NetworkSet {
  private readonly byPrefix: {
    readonly 4: Map<number, Set<bigint>>;
    readonly 6: Map<number, Set<bigint>>;
  } = { 4: new Map(), 6: new Map() };

  constructor(networks: Iterable<Network>) {
    for (const { version, bits, prefix } of networks) {
      const known = this.byPrefix[version].get(prefix) ?? new Set();
      known.add(bits >> BigInt(addressBits[version] - prefix));
      this.byPrefix[version].set(prefix, known);
    }
  }

  /** Whether one of them holds that address. */
  has({ version, bits }: Network): boolean {
    for (const [prefix, known] of this.byPrefix[version]) {
      if (known.has(bits >> BigInt(addressBits[version] - prefix))) return true;
    }
    return false;
  }
}

/** What is worked out from a list and from answers, which never change: remembering it is not to be seen from outside. */
type Index = {
  readonly networks: NetworkSet;
  /** Those of the list's names that a name server may know. */
  readonly lookedUp: readonly string[];
  /** The addresses of the list's names, by one generation of answers. */
  hosts: { readonly generation: number; readonly addresses: ReadonlySet<string> } | null;
};

const indexes = new WeakMap<SourceList, Index>();
const answers = new WeakMap<readonly string[], Answer>();

type Answer = { readonly addresses: readonly Network[]; readonly keys: readonly string[] };

function indexOf(list: SourceList): Index {
  let index = indexes.get(list);
  if (index === undefined) {
    index = {
      networks: new NetworkSet(list.networks),
      lookedUp: [...list.hosts].filter(isHostName),
      hosts: null,
    };
    indexes.set(list, index);
  }
  return index;
}

function addressesOfHosts(list: SourceList, names: HostNames): ReadonlySet<string> {
  const index = indexOf(list);
  if (index.hosts?.generation !== names.generation) {
    const addresses = new Set<string>();
    for (const host of index.lookedUp) {
      for (const key of answerOf(names.lookup(host) ?? []).keys) addresses.add(key);
    }
    index.hosts = { generation: names.generation, addresses };
  }
  return index.hosts.addresses;
}

function answerOf(found: readonly string[]): Answer {
  let answer = answers.get(found);
  if (answer === undefined) {
    const addresses = found.map(parseAddress).filter((address) => address !== null);
    answer = { addresses, keys: addresses.map(keyOf) };
    answers.set(found, answer);
  }
  return answer;
}

/** One text for an address, however it was written; a set of texts is put together in a tenth of the time. */
const keyOf = ({ version, bits }: Network): string => `${version}:${bits.toString(36)}`;
