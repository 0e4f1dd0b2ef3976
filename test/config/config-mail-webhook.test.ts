/**
 * The newer settings of email and those of webhooks, as they stand in a station
 * file: what is taken, and what is refused with which place and words.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type Loaded, loadConfig, type StationConfig } from '../../src/station/config.ts';
import { rateCountMax } from '../../src/station/config-rate.ts';
import { days, hours, minutes, seconds } from '../../src/time.ts';

const secret = 'correct-horse-battery-staple';
const certificate = readFileSync(new URL('../channels/fixtures/ca.pem', import.meta.url), 'utf8');
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

type Around = { readonly env?: Readonly<Record<string, string>>; readonly worldReadable?: string };

function load(yaml: string, { env = {}, worldReadable = '' }: Around = {}): Loaded {
  const files: Readonly<Record<string, string>> = {
    '/m/station.yaml': `base_url: https://mauve.example.net\n${yaml}`,
    '/m/secret': `${secret}\n`,
    '/m/short': 'too-short\n',
    '/m/ca.pem': certificate,
    '/m/dkim.pem': pem,
  };
  return loadConfig({
    argv: ['--config', '/m/station.yaml'],
    env,
    cwd: '/',
    defaultPolicy: '/policy.yaml',
    version: '0',
    readFile: (path) => {
      const text = files[path];
      return text === undefined
        ? { ok: false, why: 'there is no such file' }
        : { ok: true, text, worldReadable: path === worldReadable };
    },
  });
}

function config(yaml: string, around: Around = {}): StationConfig {
  const loaded = load(yaml, around);
  assert.ok(loaded.ok && loaded.kind === 'run', loaded.ok ? loaded.kind : loaded.faults.join('\n'));
  return loaded.config;
}

/** Without the file's name and the line before. */
function fault(yaml: string, around: Around = {}): string {
  const loaded = load(yaml, around);
  assert.ok(!loaded.ok, 'this was taken');
  const text = loaded.faults.join('\n');
  assert.ok(!text.includes(secret) && !text.includes('too-short') && !text.includes('PRIVATE KEY-----\nM'));
  return text.replace('/m/station.yaml:', '');
}

const email = (more: string): string =>
  `channels:\n  email:\n    smtp: smtp://localhost\n    from: mauve@example.net\n    ${more}\n`;
const webhook = (more: string): string => `channels:\n  webhook:\n    secret_file: secret\n    ${more}\n`;

test('email takes a time limit, a pace and a key to sign with', () => {
  const more =
    'timeout: 30s\n    rate: 20/m\n    dkim: {domain: example.net, selector: mauve2026, key_file: dkim.pem}';
  const { email: set } = config(email(more)).channels;
  assert.ok(set !== null && set.dkim !== null);
  assert.deepEqual([set.timeout, set.rate], [seconds(30), { count: 20, per: minutes(1) }]);
  assert.deepEqual([set.dkim.domain, set.dkim.selector], ['example.net', 'mauve2026']);
  assert.ok(set.dkim.key.equals(privateKey));
  assert.ok(
    !inspect(set, { depth: 9 }).includes(pem.split('\n')[1] ?? pem),
    'the key shows when settings are printed',
  );
});

test('a pace is so many a second, minute, hour or day', () => {
  const rate = (written: string): unknown => config(email(`rate: ${written}`)).channels.email?.rate;
  assert.deepEqual(rate('1/s'), { count: 1, per: seconds(1) });
  assert.deepEqual(rate('"100 / h"'), { count: 100, per: hours(1) });
  assert.deepEqual(rate(`${rateCountMax}/d`), { count: rateCountMax, per: days(1) });
  for (const wrong of ['20', '20/', '/m', '20/min', '20/w', '1.5/s', '-1/s', 'fast', '{count: 1, per: 1s}']) {
    assert.match(fault(email(`rate: ${wrong}`)), /^6:11: so many messages in so long/, wrong);
  }
  for (const wrong of ['0/s', `${rateCountMax + 1}/s`]) {
    assert.match(fault(email(`rate: ${wrong}`)), /^6:11: 1 to 10000 messages in at most a day are expected/);
  }
});

test('what is wrong about them is told with its place', () => {
  assert.match(fault(email('timeout: 500ms')), /^6:14: a length of time from 1s to 10m is expected/);
  assert.match(fault(email('timeout: 11m')), /^6:14: a length of time from 1s to 10m is expected/);
  const dkim = (more: string): string => fault(email(`dkim:\n      selector: s\n      ${more}`));
  assert.match(dkim('domain: example.net\n      key_file: nope'), /^9:17: nope cannot be read/);
  assert.match(dkim('domain: example.net\n      key_file: secret'), /^9:17: secret holds no private key/);
  assert.match(
    dkim('domain: "example net"\n      key_file: dkim.pem'),
    /^8:15: a domain such as example\.net/,
  );
  assert.match(dkim('domain: x; s=y\n      key_file: dkim.pem'), /^8:15: a domain such as example\.net/);
  assert.match(dkim('key_file: dkim.pem'), /"domain" is missing/);
});

test('webhooks need a secret, and nothing else', () => {
  const { webhook: set } = config(webhook('')).channels;
  assert.ok(set !== null);
  const { secret: given, ...rest } = set;
  assert.deepEqual(rest, { ca: null, timeout: seconds(15), concurrency: 8, rate: null });
  assert.equal(given(), secret);
  assert.ok(!inspect(set).includes(secret) && !JSON.stringify(set).includes(secret));
  const fromEnvironment = config('channels: {webhook: {}}', {
    env: { MAUVE_WEBHOOK_SECRET: 'sixteen-or-longer' },
  });
  assert.equal(fromEnvironment.channels.webhook?.secret(), 'sixteen-or-longer');
  assert.equal(config('channels:\n  webhook:\n').channels.webhook, null);
});

test('everything about webhooks that can be set is set', () => {
  const more = 'tls_ca_file: ca.pem\n    timeout: 5s\n    concurrency: 2\n    rate: 10/s';
  const { webhook: set } = config(webhook(more)).channels;
  assert.deepEqual(
    [set?.ca, set?.timeout, set?.concurrency, set?.rate],
    [certificate, seconds(5), 2, { count: 10, per: seconds(1) }],
  );
});

test('what is wrong about webhooks is told with its place, and without the secret', () => {
  assert.match(
    fault('channels: {webhook: {}}'),
    /^2:21: there is no secret to sign with: set secret_file, or MAUVE_/,
  );
  assert.match(
    fault('channels: {webhook: {secret_file: nope}}'),
    /^2:35: nope cannot be read: there is no such file/,
  );
  assert.match(
    fault('channels: {webhook: {secret_file: short}}'),
    /^2:35: the secret is to have at least 16 characters/,
  );
  assert.match(
    fault('channels: {webhook: {}}', { env: { MAUVE_WEBHOOK_SECRET: 'too-short' } }),
    /^2:21: the secret is to have at least 16/,
  );
  assert.match(fault(webhook('tls_ca_file: secret')), /^5:18: secret holds no certificate/);
  assert.match(fault(webhook('timeout: 1h')), /^5:14: a length of time from 1s to 2m is expected/);
  assert.match(fault(webhook('concurrency: 100')), /^5:18: at most 50 is expected/);
  assert.match(fault(webhook('url: https://example.net')), /^5:5: unknown key "url"/);
});

test('a secret that everybody can read is a warning', () => {
  const loaded = load(webhook(''), { worldReadable: '/m/secret' });
  assert.ok(loaded.ok && loaded.kind === 'run');
  assert.match(loaded.warnings.join('\n'), /:4:18: everybody on this machine can read secret: chmod 600 it$/);
});
