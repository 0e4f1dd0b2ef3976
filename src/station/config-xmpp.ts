/**
 * The `channels: {xmpp: …}` of the station file: what may be written there,
 * and what it means (docs/station-settings.md tells it to administrators).
 */
import * as z from 'zod';
import { minutes, seconds } from '../time.ts';
import { isLoopback } from './address.ts';
import type { XmppOptions } from './channels/xmpp.ts';
import { type Place, usualPort, xmppTls } from './channels/xmpp-connect.ts';
import {
  absent,
  type ChannelAround,
  type ChannelRead,
  certificatesIn,
  type Findings,
  secretOf,
} from './config-secrets.ts';
import { jidMax, jidSyntax } from './core/xmpp-address.ts';
import { durationBetween } from './yaml-file.ts';

const textMax = 4096;
const wordMax = 64;
export const xmppTimeoutDefault = seconds(30);
const timeoutMin = seconds(1);
const timeoutMax = minutes(5);
export const xmppConcurrencyDefault = 10;
const concurrencyMax = 50;
export const xmppNameDefault = 'mauve';

const text = z.string().min(1).max(textMax);
const word = z
  .string()
  .min(1)
  .max(wordMax)
  .regex(/^[^\s\p{Cc}/]+$/u, { error: 'one word without spaces and slashes is expected' });

/** A key with nothing after it is one that is not there. */
export const xmppSchema = z.strictObject({
  jid: z.string().max(jidMax).regex(jidSyntax, {
    error: 'the address of the station’s own account, such as mauve@example.net, is expected',
  }),
  password_file: text.nullish(),
  service: text.nullish(),
  tls: z.enum(xmppTls).nullish(),
  tls_ca_file: text.nullish(),
  resource: word.nullish(),
  nick: word.nullish(),
  timeout: durationBetween(timeoutMin, timeoutMax).nullish(),
  concurrency: z.int().min(1).max(concurrencyMax).nullish(),
});
type Written = z.output<typeof xmppSchema>;

/** The password comes from the file that is named, or from MAUVE_XMPP_PASSWORD, which counts more. */
export function xmppOptions(xmpp: Written, around: ChannelAround): ChannelRead<XmppOptions> {
  const found: Findings = { faults: [], warnings: [] };
  const service = absent(xmpp.service) ? null : serviceOf(xmpp.service, found);
  const missing = {
    key: 'jid',
    message: 'there is no password for this account: set password_file, or MAUVE_XMPP_PASSWORD',
  };
  const password = secretOf(
    'password_file',
    xmpp.password_file,
    'MAUVE_XMPP_PASSWORD',
    missing,
    around,
    found,
  );
  const ca = absent(xmpp.tls_ca_file) ? null : certificatesIn('tls_ca_file', xmpp.tls_ca_file, around, found);
  const tls = xmpp.tls ?? 'required';
  if (tls === 'off') checkWithoutTls(xmpp, service, found);
  if (found.faults.length > 0) return { ok: false, faults: found.faults };
  return {
    ok: true,
    warnings: found.warnings,
    options: {
      jid: xmpp.jid.toLowerCase(),
      password: () => password,
      service,
      tls,
      ca,
      resource: xmpp.resource ?? xmppNameDefault,
      nick: xmpp.nick ?? xmppNameDefault,
      timeout: xmpp.timeout ?? xmppTimeoutDefault,
      concurrency: xmpp.concurrency ?? xmppConcurrencyDefault,
    },
  };
}

/** XEP-0368. */
const usualTlsPort = 5223;
const serviceWords = 'xmpp://HOST:PORT, or xmpps://HOST:PORT for TLS from the first byte, is expected';

/** Null, with a fault on record, where it is none. */
function serviceOf(written: string, { faults }: Findings): Place | null {
  const url = URL.canParse(written) ? new URL(written) : null;
  const sound = url !== null && /^xmpps?:$/.test(url.protocol) && url.hostname !== '' && url.port !== '0';
  if (!sound || !/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    faults.push({ key: 'service', message: serviceWords });
    return null;
  }
  if (url.username !== '' || url.password !== '') {
    const message = `the account stands in jid, and its password in a file of its own: ${serviceWords}`;
    faults.push({ key: 'service', message });
    return null;
  }
  const directTls = url.protocol === 'xmpps:';
  const usual = directTls ? usualTlsPort : usualPort;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? usual : Number(url.port),
    directTls,
  };
}

function checkWithoutTls(xmpp: Written, service: Place | null, { faults, warnings }: Findings): void {
  if (service?.directTls === true) {
    faults.push({ key: 'tls', message: 'xmpps:// is TLS from the start: with tls: off, write xmpp://' });
  }
  if (!absent(xmpp.tls_ca_file)) {
    const message = 'certificates are not checked with tls: off; leave one of the two out';
    faults.push({ key: 'tls_ca_file', message });
  }
  const host = service?.host ?? xmpp.jid.slice(xmpp.jid.indexOf('@') + 1);
  if (!isLoopback(host)) {
    const message = `with tls: off, the password can be read by whoever is between here and ${host}`;
    warnings.push({ key: 'tls', message });
  }
}
