/**
 * Where to listen: HOST:PORT, [IPv6]:PORT or :PORT, as options, environment and
 * station file write it. Whether the host exists is found out by listening.
 */
import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';

export type Address = {
  /** A name or a bare IP address; `::` is every address of the machine, IPv4 included. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
};

const portMax = 65_535;
const hostMax = 253;

/** @returns in words what is wrong with it, where something is. */
export function parseAddress(
  written: string,
): { readonly ok: true; readonly address: Address } | { readonly ok: false; readonly why: string } {
  const parts = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:[\]\s]*)):(?<port>[0-9]+)$/.exec(written)?.groups;
  if (parts === undefined) {
    return { ok: false, why: `HOST:PORT, [IPv6]:PORT or :PORT is expected${bareIPv6(written)}` };
  }
  const port = Number(parts.port);
  if (port > portMax) return { ok: false, why: `the port is to be 0 to ${portMax}` };
  const { v6, host = '' } = parts;
  if (v6 !== undefined && !isIPv6(v6))
    return { ok: false, why: 'between [ and ] an IPv6 address is expected' };
  if (v6 === undefined && host !== '' && !isHost(host))
    return { ok: false, why: 'this is no name of a host' };
  return { ok: true, address: { host: (v6 ?? host) || '::', port } };
}

/** `::1:5` is an address as a whole, but somebody who is asked for a port has probably written one. */
function bareIPv6(written: string): string {
  const [, host = '', port = ''] = /^(.*):([0-9]{1,5})$/.exec(written) ?? [];
  const meant = isIPv6(host) ? `[${host}]:${port}` : isIPv6(written) ? `[${written}]:PORT` : null;
  return meant === null ? '' : ` (an IPv6 address is written ${meant})`;
}

function isHost(text: string): boolean {
  if (/^[0-9.]+$/.test(text)) return isIPv4(text);
  return text.length <= hostMax && /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(text);
}

/** As it is written in an address of a page or a log line. */
export function formatAddress({ host, port }: Address): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Names of this machine to itself, which no other machine can answer for. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (isIPv4(name)) return name.startsWith('127.');
  return isIPv6(name) && /^(0*:)+0*1$/.test(name);
}

export const addressSchema = z.string().transform((written, context): Address => {
  const parsed = parseAddress(written);
  if (parsed.ok) return parsed.address;
  context.addIssue({ code: 'custom', message: parsed.why });
  return z.NEVER;
});
