/**
 * DKIM: what a receiver finds who checks the signature of a mail that a real
 * SMTP server got. The check is written here from RFC 6376 and knows nothing of
 * the library that signed.
 */
import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { test } from 'node:test';
import type { Message } from '../../src/station/channels/channel.ts';
import type { EmailOptions } from '../../src/station/channels/email.ts';
import { emailOptions } from '../../src/station/config-email.ts';
import { channel, mailServer, message, secure } from './mail-kit.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const dkim: EmailOptions['dkim'] = { domain: 'example.net', selector: 'mauve2026', key: privateKey };

async function mailed(one: Partial<Message> = {}, options: Partial<EmailOptions> = {}): Promise<string> {
  const { port, received } = await mailServer();
  const result = await channel(port, { ...secure, dkim, ...options }).send('johnny@example.com', {
    ...message,
    ...one,
  });
  assert.equal(result.kind, 'delivered', result.why);
  return received[0]?.content ?? '';
}

/** RFC 6376, 3.4.2. */
const relaxedHeader = (field: string): string => {
  const colon = field.indexOf(':');
  const value = field
    .slice(colon + 1)
    .replaceAll('\r\n', '')
    .replace(/[ \t]+/g, ' ')
    .trim();
  return `${field.slice(0, colon).toLowerCase().trim()}:${value}`;
};

/** RFC 6376, 3.4.4. */
const relaxedBody = (body: string): string => {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (lines.length > 0 && lines.at(-1) === '') lines.pop();
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`;
};

type Verdict = { readonly ok: boolean; readonly why: string; readonly tags: ReadonlyMap<string, string> };

function verdict(content: string, publicKey: KeyObject): Verdict {
  const end = content.indexOf('\r\n\r\n');
  const fields = content.slice(0, end).split(/\r\n(?![ \t])/);
  const body = content.slice(end + 4);
  const signature = fields.find((field) => /^dkim-signature:/i.test(field)) ?? '';
  const tags = new Map(
    signature
      .slice(signature.indexOf(':') + 1)
      .split(';')
      .map((tag) => tag.replace(/\s+/g, ''))
      .filter((tag) => tag !== '')
      .map((tag) => [tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)] as const),
  );
  if (tags.get('c') !== 'relaxed/relaxed' || tags.get('a') !== 'rsa-sha256') {
    return { ok: false, why: 'another algorithm', tags };
  }
  const bodyHash = createHash('sha256').update(relaxedBody(body), 'latin1').digest('base64');
  if (bodyHash !== tags.get('bh')) return { ok: false, why: 'the body was changed', tags };
  const left = [...fields];
  const signed = (tags.get('h') ?? '').split(':').map((name) => {
    const at = left.findLastIndex((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`));
    return at === -1 ? '' : `${relaxedHeader(left.splice(at, 1)[0] ?? '')}\r\n`;
  });
  const own = relaxedHeader(signature.replace(/(;\s*b=)[^;]*/, '$1'));
  const data = Buffer.from(signed.join('') + own, 'latin1');
  const ok = verify('RSA-SHA256', data, publicKey, Buffer.from(tags.get('b') ?? '', 'base64'));
  return { ok, why: ok ? '' : 'the signature is another one', tags };
}

const publicKey = createPublicKey(privateKey);

test('a receiver finds that the mail is signed, by whom, and whole', async () => {
  const { ok, why, tags } = verdict(await mailed(), publicKey);
  assert.ok(ok, why);
  assert.equal(tags.get('d'), 'example.net');
  assert.equal(tags.get('s'), 'mauve2026');
  const signed = (tags.get('h') ?? '').toLowerCase().split(':');
  for (const name of ['from', 'to', 'subject', 'date', 'message-id', 'references', 'content-type']) {
    assert.ok(signed.includes(name), `${name} is not signed`);
  }
});

test('a receiver finds it when a mail was changed on its way, or signed with another key', async () => {
  const content = await mailed();
  for (const [from, to] of [
    ['97% full', '17% full'],
    ['From: Mauve', 'From: Eve'],
    ['Raised at 03:01', 'Raised at 03:02'],
  ] as const) {
    assert.ok(content.includes(from));
    assert.equal(verdict(content.replaceAll(from, to), publicKey).ok, false, to);
  }
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  assert.equal(verdict(content, other).ok, false);
});

test('mails in any script, with long lines and lines of dots, are signed as they arrive', async () => {
  for (const text of ['磁盘已满 97%\n', `${'x'.repeat(3000)}\n.\n..\n`, 'spaces   at its end   \n\n\n', '']) {
    const { ok, why } = verdict(await mailed({ text, title: text.slice(0, 40) }), publicKey);
    assert.ok(ok, `${why}: ${text.slice(0, 20)}`);
  }
});

test('without a key mails are not signed', async () => {
  assert.doesNotMatch(await mailed({}, { dkim: null }), /dkim-signature/i);
});

test('options that are printed show nothing of the key', () => {
  const lines = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().split('\n').slice(1, -2);
  assert.ok(!lines.some((line) => JSON.stringify(dkim).includes(line)));
});

const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' = 'pkcs8'): string =>
  key.export({ type, format: 'pem' }).toString();

/** What is read of `dkim: …` when its key file holds that text. */
function read(text: string | null, worldReadable = false, from = 'mauve@example.net') {
  return emailOptions(
    { smtp: 'smtp://mail.example.net', from, dkim: { domain: 'Example.net', selector: 's', key_file: 'k' } },
    {
      variable: () => null,
      read: () =>
        text === null ? { ok: false, why: 'there is no such file' } : { ok: true, text, worldReadable },
      baseUrl: null,
    },
  );
}
const fault = (text: string | null): string => {
  const found = read(text);
  assert.ok(!found.ok, 'this key was taken');
  assert.deepEqual(
    found.faults.map(({ key }) => key),
    ['dkim.key_file'],
  );
  return found.faults[0]?.message ?? '';
};

test('an RSA key in either of its forms is taken', () => {
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    const found = read(pem(privateKey, type));
    assert.ok(found.ok && found.options.dkim !== null);
    assert.equal(found.options.dkim.domain, 'example.net');
    assert.deepEqual(found.warnings, []);
  }
});

test('a key that nobody could check, or that is none, is refused in words that show nothing of it', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 768 }).privateKey;
  assert.match(fault(pem(small)), /^k holds a key of 768 bits: .* shorter than 1024/);
  const edwards = generateKeyPairSync('ed25519').privateKey;
  assert.match(fault(pem(edwards)), /^k holds a key of the kind ed25519: .*RSA keys only/);
  assert.match(fault(pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)), /kind ec/);
  const locked = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  assert.match(fault(locked.toString()), /passphrase/);
  assert.match(
    fault(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()),
    /no private key/,
  );
  assert.match(fault('secret-but-no-key'), /^k holds no private key/);
  assert.ok(!fault('secret-but-no-key').includes('secret-but'));
  assert.match(fault(''), /no private key/);
  assert.match(fault(null), /^k cannot be read: there is no such file/);
});

test('a key that everybody can read, or a domain that is not the sender’s, is a warning', () => {
  const warnings = (...given: Parameters<typeof read>): string => {
    const found = read(...given);
    return found.ok
      ? found.warnings.map(({ key, message: words }) => `${key}: ${words}`).join('\n')
      : 'refused';
  };
  assert.match(warnings(pem(privateKey), true), /^dkim\.key_file: everybody .* can read k: chmod 600 it$/);
  assert.match(
    warnings(pem(privateKey), false, 'mauve@example.org'),
    /^dkim\.domain: from is of example\.org/,
  );
  assert.equal(warnings(pem(privateKey), false, 'Mauve <mauve@alerts.example.net>'), '');
});
