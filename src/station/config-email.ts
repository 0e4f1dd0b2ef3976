/**
 * The `channels: {email: …}` of the station file: what may be written there,
 * and what it means. Kept apart from config.ts because the rules of TLS and of
 * passwords are a subject of their own (docs/station-settings.md tells them).
 */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { isLoopback } from './address.ts';
import { type EmailOptions, type EmailTls, emailTls } from './channels/email.ts';
import type { FileRead } from './local-file.ts';

const textMax = 4096;
/** RFC 5321: a path has at most 256 characters; a name before it, so many more. */
const fromMax = 512;
const concurrencyMax = 20;
export const emailConcurrencyDefault = 4;

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
});
type Written = z.output<typeof emailSchema>;

const absent = (value: unknown): value is null | undefined => value === undefined || value === null;

/** Something wrong or unwise at a key of `channels: {email: …}`. */
export type Finding = { readonly key: string; readonly message: string };
export type EmailRead =
  | { readonly ok: true; readonly options: EmailOptions; readonly warnings: readonly Finding[] }
  | { readonly ok: false; readonly faults: readonly Finding[] };

export type EmailSecrets = {
  /** MAUVE_SMTP_PASSWORD, which counts more than the file. */
  readonly password: string | null;
  /** Reads a file whose name stands in the station file. */
  readonly read: (name: string) => FileRead;
};

export function emailOptions(email: Written, secrets: EmailSecrets): EmailRead {
  const faults: Finding[] = [];
  const warnings: Finding[] = [];
  const server = serverOf(email.smtp);
  if (!server.ok) return { ok: false, faults: [{ key: 'smtp', message: server.why }] };

  const password = passwordOf(email, server.user, secrets, faults, warnings);
  const ca = absent(email.tls_ca_file) ? null : certificatesOf(email.tls_ca_file, secrets, faults);
  const tls =
    email.tls ?? (isLoopback(server.host) && absent(email.tls_ca_file) ? 'opportunistic' : 'required');
  checkTls(email, server, tls, faults, warnings);
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

function passwordOf(
  email: Written,
  user: string | null,
  secrets: EmailSecrets,
  faults: Finding[],
  warnings: Finding[],
): string {
  const key = 'password_file';
  if (user === null) {
    if (!absent(email.password_file)) {
      faults.push({ key, message: 'there is a password, but smtp names no user: smtp://USER@HOST:PORT' });
    }
    return '';
  }
  if (secrets.password !== null) return secrets.password;
  if (absent(email.password_file)) {
    const message = 'smtp names a user, but there is no password: set password_file, or MAUVE_SMTP_PASSWORD';
    faults.push({ key: 'smtp', message });
    return '';
  }
  const read = secrets.read(email.password_file);
  if (!read.ok) {
    faults.push({ key, message: `${email.password_file} cannot be read: ${read.why}` });
    return '';
  }
  // Editors and echo end a file with a newline, which is no part of a password.
  const password = read.text.replace(/\r?\n$/, '');
  if (password === '') faults.push({ key, message: `${email.password_file} is empty` });
  if (/[\r\n\0]/.test(password)) {
    faults.push({ key, message: `${email.password_file} is to hold the password alone, on one line` });
  }
  if (read.worldReadable) {
    const message = `everybody on this machine can read ${email.password_file}: chmod 600 it`;
    warnings.push({ key, message });
  }
  return password;
}

/** TLS itself skips silently over what it cannot read. */
function holdsCertificates(pem: string): boolean {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch {
    return false;
  }
  return certificates.length > 0;
}

function certificatesOf(name: string, secrets: EmailSecrets, faults: Finding[]): string | null {
  const key = 'tls_ca_file';
  const read = secrets.read(name);
  if (!read.ok) faults.push({ key, message: `${name} cannot be read: ${read.why}` });
  else if (!holdsCertificates(read.text)) {
    faults.push({ key, message: `${name} holds no certificate (PEM: -----BEGIN CERTIFICATE-----)` });
  } else return read.text;
  return null;
}

function checkTls(
  email: Written,
  server: Server,
  tls: EmailTls,
  faults: Finding[],
  warnings: Finding[],
): void {
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
