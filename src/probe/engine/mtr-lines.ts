/** The lines of mtr-packet, which sends one probe at a time and says what came of it. Pure. */
import type { Address, Method } from '../core/record.ts';
import { asAddress, versionOf } from './scamper-answers.ts';

/** What came of one probe. */
export type Came =
  /** The target itself. */
  | { readonly kind: 'reply'; readonly from: Address; readonly rtt: number }
  | { readonly kind: 'expired'; readonly from: Address; readonly rtt: number }
  /** A router said that it cannot be reached; it does not say how. */
  | { readonly kind: 'unreachable'; readonly from: Address; readonly rtt: number }
  | { readonly kind: 'nothing' }
  /** It did not get on its way. */
  | { readonly kind: 'unsent'; readonly why: string }
  /** Too many are in flight: it may be sent later. */
  | { readonly kind: 'full' };

export type Line =
  | { readonly token: number; readonly came: Came }
  | { readonly token: number; readonly feature: string };

/** Tokens are ours, and count up to what mtr-packet can hold. */
export const tokenMax = 0x7fff_ffff;
export const lineMax = 2048;

const answered: Readonly<Record<string, 'reply' | 'expired' | 'unreachable'>> = {
  reply: 'reply',
  'ttl-expired': 'expired',
  'no-route': 'unreachable',
};

const unsent: Readonly<Record<string, string>> = {
  'no-route': 'no route from here',
  'network-down': 'the network is down',
  'permission-denied': 'not permitted',
  // So it answers, too, where there is no route; commands are made from checked values.
  'invalid-argument': 'no route from here',
  'address-in-use': 'the source port is in use',
};

const microsecondsIn = 1000;

/** @returns null for a line that is none of its own. */
export function readLine(line: string): Line | null {
  const [first = '', word = '', ...rest] = line.split(' ');
  if (!/^\d{1,10}$/.test(first) || Number(first) > tokenMax) return null;
  const token = Number(first);
  const said = new Map<string, string>();
  for (let i = 0; i + 1 < rest.length; i += 2) said.set(rest[i] ?? '', rest[i + 1] ?? '');
  if (word === 'feature-support') return { token, feature: said.get('support') ?? 'no' };
  if (word === 'no-reply') return { token, came: { kind: 'nothing' } };
  if (word === 'probes-exhausted') return { token, came: { kind: 'full' } };
  const kind = Object.hasOwn(answered, word) ? answered[word] : undefined;
  const address = said.get('ip-4') ?? said.get('ip-6');
  if (kind !== undefined && address !== undefined) {
    const from = asAddress(address);
    const time = said.get('round-trip-time') ?? '';
    if (from === null || !/^\d{1,10}$/.test(time)) return null;
    return { token, came: { kind, from, rtt: Number(time) / microsecondsIn } };
  }
  const why = Object.hasOwn(unsent, word) ? unsent[word] : undefined;
  return why === undefined ? null : { token, came: { kind: 'unsent', why } };
}

/**
 * Both ports fixed keep the flow of UDP over IPv4. Both are below 33000, where
 * its own sequence numbers begin; over IPv6 its 0.95 never finds the answers
 * to such probes.
 */
const sourceFirst = 24_576;
const sourcePorts = 4096;
const udpPort = 32_900;
const tcpPort = 80;

export type Probe = {
  readonly address: Address;
  readonly method: Method;
  readonly ttl: number;
  readonly flow: number;
  readonly waitSeconds: number;
};

export function probeCommand(probe: Probe, token: number): string {
  const version = versionOf(probe.address);
  const { method } = probe;
  const source =
    version === 4 ? ` local-port ${sourceFirst + (Math.abs(Math.trunc(probe.flow)) % sourcePorts)}` : '';
  const ports = { icmp: '', udp: ` port ${udpPort}${source}`, tcp: ` port ${tcpPort}` }[method];
  const where = `ip-${version} ${probe.address} protocol ${method}${ports}`;
  return `${token} send-probe ${where} ttl ${probe.ttl} timeout ${probe.waitSeconds}`;
}
