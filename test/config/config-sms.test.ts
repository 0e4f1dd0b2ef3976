/** The `sms` of the station file: what is taken, what each mistake is called, and that the auth token is in none of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SmsOptions } from '../../src/station/channels/sms.ts';
import { type Loaded, loadConfig } from '../../src/station/config.ts';
import type { FileRead } from '../../src/station/local-file.ts';
import { hours, minutes, seconds } from '../../src/time.ts';

const at = '/etc/mauve/station.yaml';
const token = 'c0ffee00c0ffee00c0ffee00c0ffee00';
const account = `AC${'0123456789abcdef'.repeat(2)}`;
const service = `MG${'0123456789abcdef'.repeat(2)}`;
const publicUrl = 'https://mauve.example.net';

type Given = { readonly env?: Readonly<Record<string, string>>; readonly worldReadable?: boolean };

/** @param sms lines of the section, in the fifth column from line 4 on. */
function load(sms: readonly string[], baseUrl: string | null, given: Given = {}): Loaded {
  const base = baseUrl === null ? '# none' : `base_url: ${baseUrl}`;
  const yaml = [base, 'channels:', '  sms:', ...sms.map((line) => `    ${line}`)].join('\n');
  const files: Readonly<Record<string, string>> = { [at]: yaml, '/etc/mauve/token': `${token}\n` };
  const readFile = (path: string): FileRead => {
    const text = files[path];
    if (text === undefined) return { ok: false, why: 'there is no such file' };
    return { ok: true, text, worldReadable: given.worldReadable ?? false };
  };
  const loaded = loadConfig({
    argv: ['--config', at],
    env: given.env ?? {},
    cwd: '/',
    defaultPolicy: '/policy.yaml',
    version: '1',
    readFile,
  });
  assert.ok(!JSON.stringify(loaded).includes(token), 'the auth token shows');
  return loaded;
}

const usual = [`account_sid: ${account}`, 'auth_token_file: token', 'from: "+447700900123"'];
/** The usual lines with this one instead of that of its key, or beside them. */
const having = (line: string): readonly string[] => {
  const key = line.split(':')[0] ?? '';
  return [...usual.filter((one) => !one.startsWith(`${key}:`)), line];
};
const lacking = (key: string): readonly string[] => usual.filter((line) => !line.startsWith(`${key}:`));

function options(sms: readonly string[], baseUrl: string | null = publicUrl, given: Given = {}): SmsOptions {
  const loaded = load(sms, baseUrl, given);
  assert.ok(loaded.ok && loaded.kind === 'run', loaded.ok ? '' : loaded.faults.join('\n'));
  assert.ok(loaded.config.channels.sms !== null);
  return loaded.config.channels.sms;
}

function warnings(sms: readonly string[], baseUrl: string | null = publicUrl, given: Given = {}): string {
  const loaded = load(sms, baseUrl, given);
  assert.ok(loaded.ok && loaded.kind === 'run', loaded.ok ? '' : loaded.faults.join('\n'));
  return loaded.warnings.join('\n');
}

function faults(sms: readonly string[], baseUrl: string | null = publicUrl): string {
  const loaded = load(sms, baseUrl);
  assert.ok(!loaded.ok, 'this was taken');
  assert.equal(loaded.exitCode, 78);
  return loaded.faults.join('\n');
}

test('an account and a sender are enough', () => {
  const { authToken, ...rest } = options(usual);
  assert.equal(authToken(), token);
  assert.deepEqual(rest, {
    accountSid: account,
    sender: { from: '+447700900123' },
    apiBase: null,
    publicUrl,
    segments: 3,
    timeout: seconds(20),
    concurrency: 4,
    rate: { count: 10, per: seconds(1) },
  });
  assert.equal(warnings(usual), '');
});

test('everything that can be set is set', () => {
  const set = options([
    `account_sid: ${account}`,
    'auth_token_file: token',
    `messaging_service_sid: ${service}`,
    'api_base: https://api.dublin.ie1.twilio.com/',
    'segments: 10',
    'timeout: 5m',
    'concurrency: 20',
    'rate: 30/m',
  ]);
  assert.deepEqual(set.sender, { messagingService: service });
  assert.equal(set.apiBase, 'https://api.dublin.ie1.twilio.com');
  assert.deepEqual([set.segments, set.timeout, set.concurrency], [10, minutes(5), 20]);
  assert.deepEqual(set.rate, { count: 30, per: minutes(1) });
});

test('a key with nothing after it is one that is not there', () => {
  const keys = ['messaging_service_sid', 'api_base', 'segments', 'timeout', 'concurrency', 'rate'];
  const { authToken: _, ...bare } = options(usual);
  const { authToken: __, ...rest } = options([...usual, ...keys.map((key) => `${key}:`)]);
  assert.deepEqual(rest, bare);
});

test('the auth token comes from its file or the environment, which counts more', () => {
  const env = { MAUVE_TWILIO_AUTH_TOKEN: 'from-the-environment' };
  assert.equal(options(usual, publicUrl, { env }).authToken(), 'from-the-environment');
  assert.equal(options(lacking('auth_token_file'), publicUrl, { env }).authToken(), 'from-the-environment');
  assert.match(
    faults(lacking('auth_token_file')),
    /:4:18: there is no auth token: set auth_token_file, or MAUVE_TWILIO_AUTH_TOKEN$/,
  );
  assert.match(faults(having('auth_token_file: nope')), /nope cannot be read: there is no such file/);
  assert.match(warnings(usual, publicUrl, { worldReadable: true }), /everybody .* can read token: chmod 600/);
});

test('a rate is written as an administrator would', () => {
  const rate = (written: string) => options(having(`rate: ${written}`)).rate;
  assert.deepEqual(rate('1/s'), { count: 1, per: seconds(1) });
  assert.deepEqual(rate('"5 / 10s"'), { count: 5, per: seconds(10) });
  assert.deepEqual(rate('100/h'), { count: 100, per: hours(1) });
  for (const written of ['fast', '1', '1/x', '0.5/s', '"1/"']) {
    assert.match(
      faults(having(`rate: ${written}`)),
      /:7:11: so many messages in so long are expected, such as 1\/s/,
    );
  }
  for (const written of ['0/s', '10001/s', '1/2d', '1/0s']) {
    assert.match(faults(having(`rate: ${written}`)), /1 to 10000 messages in at most a day are expected/);
  }
});

test('every mistake is told with its place, and what is expected', () => {
  const cases: readonly (readonly [line: string, fault: RegExp])[] = [
    ['account_sid: nope', /:18: the SID of an account is expected: AC and 32 digits/],
    [`account_sid: ${account.replace('AC', 'SK')}`, /not SK…, which is that of an API key/],
    ['from: +447700900123', /:11: a telephone number such as "\+447700900123" in quotes/],
    ['from: "+44770"', /7 to 15 digits/],
    ['from: "+4477009"', /too short for a number of the United Kingdom/],
    ['from: "+999123456789"', /no country has numbers that begin like this/],
    ['from: My very long name', /a name of at most 11 letters and digits/],
    ['from: "Mäuve"', /a name of at most 11 letters and digits/],
    ['from: "12"', /a name of at most 11 letters and digits/],
    ['messaging_service_sid: MG1', /:28: the SID of a Messaging Service is expected/],
    [`messaging_service_sid: ${service}`, /:28: from and messaging_service_sid both say who sends/],
    ['api_base: api.twilio.com', /:15: an address such as https:/],
    ['api_base: https://api.twilio.com/2010', /only scheme, host and port are expected: https:\/\/api/],
    ['api_base: http://sms.example.net', /without https, the auth token can be read/],
    ['api_base: https://me:secret@sms.example.net', /no login belongs into the address/],
    ['segments: 0', /:15: at least 1 is expected/],
    ['segments: 11', /:15: at most 10 is expected/],
    ['timeout: 500ms', /a length of time from 1s to 5m is expected/],
    ['timeout: 6m', /a length of time from 1s to 5m is expected/],
    ['concurrency: 21', /at most 20 is expected/],
    ['token: x', /unknown key "token"/],
  ];
  for (const [line, fault] of cases) {
    const text = faults(having(line));
    assert.match(text, fault, line);
    assert.ok(text.startsWith(`${at}:`) && !text.includes('secret'), text);
  }
  assert.match(faults(lacking('from')), /:4:18: who sends is missing: set from, or messaging_service_sid/);
  assert.match(faults(lacking('account_sid')), /"account_sid" is missing/);
});

test('several mistakes are told at once', () => {
  const text = faults([`account_sid: ${account}`, 'from: "+4477009"', 'api_base: ftp://x']);
  assert.equal(text.split('\n').length, 3);
});

test('a name or a short code may send; that nobody can answer a name is said', () => {
  assert.deepEqual(options(having('from: "85258"')).sender, { from: '85258' });
  assert.equal(warnings(having('from: "85258"')), '');
  assert.deepEqual(options(having('from: Mauve Alert')).sender, { from: 'Mauve Alert' });
  assert.match(warnings(having('from: Mauve')), /:6:11: nobody can answer a name/);
});

test('where Twilio cannot call the station, what that means is said', () => {
  const lost = /it will be asked what became of messages, and no answers to them come in/;
  assert.match(warnings(usual, null), /:4:18: base_url is not set, so that Twilio cannot call/);
  for (const baseUrl of ['http://localhost:1288', 'http://127.0.0.1:1288', '"http://[::1]:1288"']) {
    assert.match(warnings(usual, baseUrl), /base_url leads to this machine only/);
    assert.match(warnings(usual, baseUrl), lost);
    assert.equal(options(usual, baseUrl).publicUrl, null);
  }
  assert.equal(options(usual, null).publicUrl, null);
  // What stands in for Twilio on this machine can call it here.
  const standIn = having('api_base: http://127.0.0.1:8000');
  assert.equal(options(standIn, 'http://127.0.0.1:1288').publicUrl, 'http://127.0.0.1:1288');
});
