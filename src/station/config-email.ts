/**
 * The `channels: {email: …}` of the station file: what may be written there,
 * and what it means. Kept apart from config.ts because the rules of TLS and of
 * passwords are a subject of their own (docs/station-settings.md tells them).
 */
import * as z from 'zod';
import { minutes, seconds } from '../time.ts';
import { isLoopback } from './address.ts';
import { type EmailOptions, type EmailTls, emailTimeout, emailTls } from './channels/email.ts';
import { dkimOptions, dkimSchema } from './config-dkim.ts';
import { rateSchema } from './config-rate.ts';
import {
  absent,
  type ChannelAround,
  type ChannelRead,
  certificatesIn,
  type Findings,
  secretOf,
} from './config-secrets.ts';
import { durationBetween } from './yaml-file.ts';

const textMax = 4096;
/** RFC 5321: a path has at most 256 characters; a name before it, so many more. */
const fromMax = 512;
const concurrencyMax = 20;
export const emailConcurrencyDefault = 4;
const timeoutMin = seconds(1);
const timeoutMax = minutes(10);

const text = z.string().min(1).max(textMax);

/** A key with nothing after it is one that is not there. */
export const emailSchema = z.strictObject({
  smtp: text,
  from: z
    .string()
    .max(fromMax)
    .regex(/^([^<>\p{Cc}]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@,;"]+@[^\s<>@,;"]+)$/u, {
      error: 'an address is expected, such as mauve@example.net or Mauve <mauve@example.net>',
    }),
  password_file: text.nullish(),
  tls: z.enum(emailTls).nullish(),
  tls_ca_file: text.nullish(),
  concurrency: z.int().min(1).max(concurrencyMax).nullish(),
  timeout: durationBetween(timeoutMin, timeoutMax).nullish(),
  rate: rateSchema.nullish(),
  dkim: dkimSchema.nullish(),
});
type Written = z.output<typeof emailSchema>;

/** The password comes from the file that is named, or from MAUVE_SMTP_PASSWORD, which counts more. */
export function emailOptions(email: Written, around: ChannelAround): ChannelRead<EmailOptions> {
  const found: Findings = { faults: [], warnings: [] };
  const { faults, warnings } = found;
  const server = serverOf(email.smtp);
  if (!server.ok) return { ok: false, faults: [{ key: 'smtp', message: server.why }] };

  const password = passwordOf(email, server.user, around, found);
  const ca = absent(email.tls_ca_file)
    ? null
    : certificatesIn('tls_ca_file', email.tls_ca_file, around, found);
  const tls =
    email.tls ?? (isLoopback(server.host) && absent(email.tls_ca_file) ? 'opportunistic' : 'required');
  checkTls(email, server, tls, found);
  const dkim = absent(email.dkim) ? null : dkimOptions(email.dkim, email.from, around, found);
  if (faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    warnings,
    options: {
      host: server.host,
      port: server.port,
      implicitTls: server.implicitTls,
      tls,
      ca,
      login: server.user === null ? null : { user: server.user, password: () => password },
      from: email.from,
      concurrency: email.concurrency ?? emailConcurrencyDefault,
      timeout: email.timeout ?? emailTimeout,
      rate: email.rate ?? null,
      dkim,
    },
  };
}

type Server = {
  readonly ok: true;
  readonly host: string;
  readonly port: number;
  readonly implicitTls: boolean;
  readonly user: string | null;
};

const ports = { smtps: 465, submission: 587, smtp: 25 } as const;
const serverWords =
  'smtp://USER@HOST:PORT or smtps://USER@HOST:PORT is expected (USER@ and :PORT may be left out)';

function serverOf(written: string): Server | { readonly ok: false; readonly why: string } {
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === '')
    return { ok: false, why: serverWords };
  if (url.password !== '') {
    const why =
      'a password does not belong into the address, where logs and backups would find it: ' +
      'put it into a file of its own and name that with password_file, or into MAUVE_SMTP_PASSWORD';
    return { ok: false, why };
  }
  const user = decoded(url.username);
  if (
    user === null ||
    !/^\/?$/.test(url.pathname) ||
    url.search !== '' ||
    url.hash !== '' ||
    url.port === '0'
  ) {
    return { ok: false, why: serverWords };
  }
  const implicitTls = url.protocol === 'smtps:';
  const usual = implicitTls ? ports.smtps : user === '' ? ports.smtp : ports.submission;
  return {
    ok: true,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? usual : Number(url.port),
    implicitTls,
    user: user === '' ? null : user,
  };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function passwordOf(email: Written, user: string | null, around: ChannelAround, found: Findings): string {
  const key = 'password_file';
  if (user !== null) {
    const missing = {
      key: 'smtp',
      message: 'smtp names a user, but there is no password: set password_file, or MAUVE_SMTP_PASSWORD',
    };
    return secretOf(key, email.password_file, 'MAUVE_SMTP_PASSWORD', missing, around, found);
  }
  if (!absent(email.password_file)) {
    const message = 'there is a password, but smtp names no user: smtp://USER@HOST:PORT';
    found.faults.push({ key, message });
  }
  return '';
}

function checkTls(email: Written, server: Server, tls: EmailTls, { faults, warnings }: Findings): void {
  if (server.implicitTls && tls === 'off') {
    faults.push({ key: 'tls', message: 'smtps:// is TLS from the start: with tls: off, write smtp://' });
  }
  if (!absent(email.tls_ca_file) && tls !== 'required') {
    faults.push({
      key: 'tls_ca_file',
      message: `certificates are not checked with tls: ${tls}; leave one of the two out`,
    });
  }
  if (tls !== 'required' && server.user !== null && !isLoopback(server.host)) {
    const message = `with tls: ${tls}, the password can be read by whoever is between here and ${server.host}`;
    warnings.push({ key: 'tls', message });
  }
}
