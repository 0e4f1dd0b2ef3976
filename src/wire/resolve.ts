/**
 * From a destination to the addresses that datagrams go to: the system's
 * resolver for addresses (hosts file included), DNS for SRV records.
 *
 * node:dns is loaded only when there is a name to look up, because an alert
 * sent to an address should not wait for it. Never throws for what a name
 * server says or fails to say, and never waits longer than `lookupMax`.
 */
import type { SrvRecord as DnsSrvRecord } from 'node:dns';
import { readFileSync } from 'node:fs';
import { type Clock, type Duration, plus, seconds } from '../time.ts';
import { type Destination, defaultPort, orderSrv, srvPrefix } from './destination.ts';

/** How long one destination's name look-ups may take, all together. */
export const lookupMax = seconds(8);
/** SRV records are a refinement: a name server that does not answer for them soon is not waited for. */
const srvTimeout = seconds(1);
const srvTries = 2;
const resolverSettings = '/etc/resolv.conf';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
}

export type Resolved =
  | { readonly ok: true; readonly addresses: readonly Address[] }
  | { readonly ok: false; readonly why: 'unknown-host'; readonly host: string; readonly detail: string };

/**
 * The targets of a destination, best first, each with all its addresses: one
 * for an address or a host; for a host with SRV records one for each record.
 * A sender goes on to the next only where it could not send to this one.
 */
export async function* targets(destination: Destination, clock: Clock): AsyncGenerator<Resolved> {
  if (destination.kind === 'address') {
    const { address, family, port } = destination;
    yield { ok: true, addresses: [{ address, family, port }] };
    return;
  }
  const { host, port } = destination;
  const late = deadline(clock, lookupMax);
  try {
    // Both at once: most hosts have no SRV records, and should not wait for that answer first.
    const plain = addressesOf(host, port ?? defaultPort, late.passed);
    const records =
      port === null && wantsSrv(host) ? await Promise.race([srvRecords(host), late.passed]) : null;
    if (records === null || records === 'late') {
      yield await plain;
      return;
    }
    const ordered = orderSrv(records, Math.random);
    if (ordered.length === 0) yield unknown(host, 'its SRV records say that it takes no alerts');
    for (const record of ordered) yield await addressesOf(record.name, record.port, late.passed);
  } finally {
    late.cancel();
  }
}

const unknown = (host: string, detail: string): Resolved => ({
  ok: false,
  why: 'unknown-host',
  host,
  detail,
});

async function addressesOf(host: string, port: number, late: Promise<'late'>): Promise<Resolved> {
  const { promises: dns } = await import('node:dns');
  try {
    const found = await Promise.race([dns.lookup(host, { all: true }), late]);
    if (found === 'late') return unknown(host, 'the name look-up took too long');
    const addresses = found.map(
      ({ address, family }): Address => ({ address, family: family === 6 ? 6 : 4, port }),
    );
    // A hosts file may give one address twice.
    const distinct = addresses.filter(
      (a, index) => addresses.findIndex((b) => b.address === a.address) === index,
    );
    return { ok: true, addresses: distinct };
  } catch (error) {
    return unknown(host, codeOf(error) === 'EAI_AGAIN' ? 'the name servers do not answer' : 'no such host');
  }
}

/** @returns null where there is no SRV answer, whatever the reason: the addresses then have to do. */
async function srvRecords(host: string): Promise<DnsSrvRecord[] | null> {
  const { promises: dns } = await import('node:dns');
  const resolver = new dns.Resolver({ timeout: srvTimeout, tries: srvTries });
  for (const name of [host, ...searched(host)]) {
    try {
      const records = await resolver.resolveSrv(`${srvPrefix}${name}`);
      if (records.length > 0) return records;
    } catch (error) {
      if (!['ENOTFOUND', 'ENODATA'].includes(codeOf(error))) return null;
    }
  }
  return null;
}

/** RFC 6761: what is called localhost is this machine, and no name server's business. */
function wantsSrv(host: string): boolean {
  return !/(^|\.)localhost\.?$/i.test(host);
}

/** A name without a dot may be short for one in the domains that resolv.conf lists; asking for SRV does not try those. */
function searched(host: string): string[] {
  if (host.includes('.')) return [];
  try {
    const lines = readFileSync(resolverSettings, 'utf8').matchAll(/^(?:search|domain)[ \t]+(.*)$/gm);
    const words = [...lines].at(-1)?.[1]?.split(/\s+/) ?? [];
    return words
      .map((word) => word.replace(/^\.|\.$/g, ''))
      .flatMap((word) => (word === '' ? [] : `${host}.${word}`));
  } catch {
    return [];
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function deadline(clock: Clock, after: Duration): { passed: Promise<'late'>; cancel: () => void } {
  let cancel = (): void => {};
  const passed = new Promise<'late'>((resolve) => {
    cancel = clock.wake(plus(clock.now(), after), () => resolve('late'));
  });
  return { passed, cancel };
}
