/**
 * The settings of XMPP: what they mean, and that every mistake is told at its
 * key and never with a password.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { XmppOptions } from '../../src/station/channels/xmpp.ts';
import type { ChannelAround } from '../../src/station/config-secrets.ts';
import { xmppOptions, xmppSchema } from '../../src/station/config-xmpp.ts';
import { seconds } from '../../src/time.ts';

const password = 'correct-horse-battery';
const certificate = readFileSync(new URL('../channels/fixtures/ca.pem', import.meta.url), 'utf8');

function around(env: Readonly<Record<string, string>> = {}): ChannelAround {
  const files: Readonly<Record<string, string>> = {
    secret: `${password}\n`,
    'open-secret': `${password}\n`,
    'ca.pem': certificate,
    'no-ca.pem': 'not a certificate',
  };
  return {
    variable: (name) => env[name] ?? null,
    read: (name) => {
      const text = files[name];
      if (text === undefined) return { ok: false, why: 'there is no such file' };
      return { ok: true, text, worldReadable: name === 'open-secret' };
    },
    baseUrl: 'https://mauve.example.net',
  };
}

const least = { jid: 'Mauve@example.net', password_file: 'secret' };

function read(written: object, env: Readonly<Record<string, string>> = {}) {
  return xmppOptions(xmppSchema.parse({ ...least, ...written }), around(env));
}

function options(written: object, env: Readonly<Record<string, string>> = {}): XmppOptions {
  const found = read(written, env);
  assert.ok(found.ok, found.ok ? '' : JSON.stringify(found.faults));
  return found.options;
}

function fault(written: object): string {
  const found = read(written);
  assert.ok(!found.ok, 'this was taken');
  const [first] = found.faults;
  const text = `${first?.key}: ${first?.message}`;
  assert.doesNotMatch(text, new RegExp(password));
  return text;
}

test('an account and its password are enough', () => {
  const { password: secret, ...rest } = options({});
  assert.equal(secret(), password);
  assert.deepEqual(rest, {
    jid: 'mauve@example.net',
    service: null,
    tls: 'required',
    ca: null,
    resource: 'mauve',
    nick: 'mauve',
    timeout: seconds(30),
    concurrency: 10,
  });
});

test('the password comes from the environment before the file, and options that are printed do not show it', () => {
  const found = options({}, { MAUVE_XMPP_PASSWORD: 'from-outside' });
  assert.equal(found.password(), 'from-outside');
  assert.doesNotMatch(JSON.stringify(found), /from-outside|battery/);
  assert.equal(
    options({ password_file: null }, { MAUVE_XMPP_PASSWORD: 'from-outside' }).jid,
    'mauve@example.net',
  );
});

test('a service is named with its port, or has the usual one', () => {
  const service = (written: string) => options({ service: written }).service;
  assert.deepEqual(service('xmpp://chat.example.net'), {
    host: 'chat.example.net',
    port: 5222,
    directTls: false,
  });
  assert.deepEqual(service('xmpps://chat.example.net'), {
    host: 'chat.example.net',
    port: 5223,
    directTls: true,
  });
  assert.deepEqual(service('xmpp://[::1]:15222'), { host: '::1', port: 15_222, directTls: false });
});

test('everything else can be set, too', () => {
  const found = options({
    tls_ca_file: 'ca.pem',
    resource: 'night',
    nick: 'alerts',
    timeout: '10s',
    concurrency: 3,
  });
  assert.equal(found.ca, certificate);
  assert.equal(found.resource, 'night');
  assert.equal(found.nick, 'alerts');
  assert.equal(found.timeout, seconds(10));
  assert.equal(found.concurrency, 3);
});

test('what cannot be meant is told at its key', () => {
  assert.match(fault({ password_file: null }), /^jid: there is no password .* MAUVE_XMPP_PASSWORD/);
  assert.match(
    fault({ password_file: 'gone' }),
    /^password_file: gone cannot be read: there is no such file/,
  );
  assert.match(fault({ service: 'chat.example.net:5222' }), /^service: xmpp:\/\/HOST:PORT/);
  assert.match(fault({ service: 'https://chat.example.net' }), /^service: xmpp:\/\/HOST:PORT/);
  assert.match(fault({ service: 'xmpp://chat.example.net/x' }), /^service: xmpp:\/\/HOST:PORT/);
  assert.match(
    fault({ service: `xmpp://mauve:${password}@chat.example.net` }),
    /^service: the account stands in jid, and its password in a file of its own/,
  );
  assert.match(fault({ tls_ca_file: 'no-ca.pem' }), /^tls_ca_file: .* holds no certificate/);
  assert.match(fault({ tls: 'off', service: 'xmpps://localhost' }), /^tls: xmpps:\/\/ is TLS from the start/);
  assert.match(fault({ tls: 'off', tls_ca_file: 'ca.pem' }), /^tls_ca_file: certificates are not checked/);
});

test('what is unwise is warned of', () => {
  const warnings = (written: object): string => {
    const found = read(written);
    assert.ok(found.ok);
    return found.warnings.map(({ key, message }) => `${key}: ${message}`).join('\n');
  };
  assert.equal(warnings({}), '');
  assert.equal(warnings({ tls: 'off', service: 'xmpp://localhost' }), '');
  assert.match(warnings({ tls: 'off' }), /^tls: with tls: off, the password can be read .* example\.net$/);
  assert.match(warnings({ password_file: 'open-secret' }), /^password_file: everybody .* chmod 600/);
});

test('what is no value at all is refused by its shape', () => {
  const refused: readonly object[] = [
    { jid: 'mauve' },
    { jid: 'mauve@example.net/desk' },
    { tls: 'opportunistic' },
    { nick: 'two words' },
    { resource: 'a/b' },
    { timeout: '1ms' },
    { timeout: 30 },
    { concurrency: 0 },
    { concurrency: 1000 },
    { password },
  ];
  for (const written of refused) {
    assert.equal(xmppSchema.safeParse({ ...least, ...written }).success, false, JSON.stringify(written));
  }
});
