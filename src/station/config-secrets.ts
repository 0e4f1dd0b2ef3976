/**
 * What the settings of channels have in common: secrets, which come from a file
 * of their own or from the environment and never stand in the station file
 * itself, and certificates. No message here repeats what a secret holds.
 */
import { X509Certificate } from 'node:crypto';
import type { FileRead } from './local-file.ts';

/** A key with nothing after it is one that is not there. */
export const absent = (value: unknown): value is null | undefined => value === undefined || value === null;

/** Something wrong or unwise at a key of one channel's settings; `outer.inner` where it is within another. */
export type Finding = { readonly key: string; readonly message: string };
export type Findings = { readonly faults: Finding[]; readonly warnings: Finding[] };

export type ChannelRead<Options> =
  | { readonly ok: true; readonly options: Options; readonly warnings: readonly Finding[] }
  | { readonly ok: false; readonly faults: readonly Finding[] };

/** What the settings of a channel may look at besides themselves. */
export type ChannelAround = {
  /** A variable of the environment; null where it is not set, or empty. */
  readonly variable: (name: string) => string | null;
  /** Reads a file whose name stands in the station file. */
  readonly read: (name: string) => FileRead;
  /** What links begin with; null where the station file does not say. */
  readonly baseUrl: string | null;
};

/**
 * The secret in the file that stands at `key`, or in the variable, which counts more.
 * @param missing what is wrong where there is neither.
 * @returns an empty text where there is none: a fault is on record then.
 */
export function secretOf(
  key: string,
  file: string | null | undefined,
  variable: string,
  missing: Finding,
  around: ChannelAround,
  { faults, warnings }: Findings,
): string {
  const given = around.variable(variable);
  if (given !== null) return given;
  if (absent(file)) {
    faults.push(missing);
    return '';
  }
  const read = around.read(file);
  if (!read.ok) {
    faults.push({ key, message: `${file} cannot be read: ${read.why}` });
    return '';
  }
  // Editors and echo end a file with a newline, which is no part of a password.
  const secret = read.text.replace(/\r?\n$/, '');
  if (secret === '') faults.push({ key, message: `${file} is empty` });
  if (/[\r\n\0]/.test(secret)) {
    faults.push({ key, message: `${file} is to hold the password alone, on one line` });
  }
  if (read.worldReadable) {
    warnings.push({ key, message: `everybody on this machine can read ${file}: chmod 600 it` });
  }
  return secret;
}

/** The certificates (PEM) in the file that stands at `key`; null, with a fault on record, where there are none. */
export function certificatesIn(
  key: string,
  file: string,
  around: ChannelAround,
  { faults }: Findings,
): string | null {
  const read = around.read(file);
  if (!read.ok) faults.push({ key, message: `${file} cannot be read: ${read.why}` });
  else if (!holdsCertificates(read.text)) {
    faults.push({ key, message: `${file} holds no certificate (PEM: -----BEGIN CERTIFICATE-----)` });
  } else return read.text;
  return null;
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
