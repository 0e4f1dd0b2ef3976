/**
 * The `dkim: {…}` of email: with which key, and in whose name, mails are signed.
 * The key is looked at when the settings are read, because the library leaves
 * a mail unsigned, without a word, where a key is none that it can sign with.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import type { EmailOptions } from './channels/email.ts';
import type { ChannelAround, Findings } from './config-secrets.ts';

/** RFC 8301: signatures by anything shorter are to be ignored. In bits. */
export const dkimBitsMin = 1024;
const nameMax = 253;
const label = '[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?';
const names = new RegExp(`^${label}(?:\\.${label})*$`);
const name = (expected: string) => z.string().max(nameMax).regex(names, { error: expected });

export const dkimSchema = z.strictObject({
  domain: name('a domain such as example.net is expected'),
  selector: name('a selector such as mauve2026 is expected: SELECTOR._domainkey.DOMAIN holds the public key'),
  key_file: z.string().min(1).max(4096),
});

/** @returns null, with a fault on record, where the key is of no use. */
export function dkimOptions(
  { domain, selector, key_file }: z.output<typeof dkimSchema>,
  from: string,
  around: ChannelAround,
  { faults, warnings }: Findings,
): EmailOptions['dkim'] {
  const read = around.read(key_file);
  const key = 'dkim.key_file';
  if (!read.ok) {
    faults.push({ key, message: `${key_file} cannot be read: ${read.why}` });
    return null;
  }
  const found = signingKey(read.text);
  if (typeof found === 'string') {
    faults.push({ key, message: `${key_file} ${found}` });
    return null;
  }
  if (read.worldReadable) {
    warnings.push({ key, message: `everybody on this machine can read ${key_file}: chmod 600 it` });
  }
  const sender = domainOf(from);
  if (!isWithin(sender, domain) && !isWithin(domain, sender)) {
    const message = `from is of ${sender}: a signature of ${domain} does not count for it (DMARC)`;
    warnings.push({ key: 'dkim.domain', message });
  }
  return { domain: domain.toLowerCase(), selector, key: found };
}

/** The key, or what is wrong with it. */
function signingKey(pem: string): KeyObject | string {
  const key = privateKeyIn(pem);
  if (typeof key === 'string') return key;
  if (key.asymmetricKeyType !== 'rsa') {
    return `holds a key of the kind ${key.asymmetricKeyType}: mails are signed with RSA keys only`;
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits >= dkimBitsMin) return key;
  return `holds a key of ${bits} bits: receivers ignore what is shorter than ${dkimBitsMin} (2048 is usual)`;
}

function privateKeyIn(pem: string): KeyObject | string {
  if (/ENCRYPTED/.test(pem)) return 'holds a key that a passphrase locks: a key without one is expected';
  try {
    return createPrivateKey(pem);
  } catch {
    // What OpenSSL says helps nobody, and must not show anything of the file.
    return 'holds no private key (PEM: -----BEGIN PRIVATE KEY-----)';
  }
}

const domainOf = (from: string): string => (/@([^\s<>@]+)>?$/.exec(from)?.[1] ?? '').toLowerCase();
const isWithin = (inner: string, outer: string): boolean =>
  `.${inner}`.toLowerCase().endsWith(`.${outer.toLowerCase()}`);
