/**
 * The settings of a station: what counts more than what, and that every
 * mistake is told with its place and never with a password.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Address, formatAddress, isLoopback, parseAddress } from '../../src/station/address.ts';
import {
  defaultBaseUrl,
  type Loaded,
  loadConfig,
  locateStation,
  type StationConfig,
  stationFileSchema,
} from '../../src/station/config.ts';
import { type FileRead, readLocalFile } from '../../src/station/local-file.ts';
import { minutes, seconds } from '../../src/time.ts';

const certificate = readFileSync(new URL('../channels/fixtures/ca.pem', import.meta.url), 'utf8');
const password = 'correct-horse-battery';

type Given = {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** By absolute path. The station file is /etc/mauve/station.yaml. */
  readonly files?: Readonly<Record<string, string>>;
  readonly worldReadable?: readonly string[];
};

function load({ argv = [], env = {}, files = {}, worldReadable = [] }: Given): Loaded {
  const readFile = (path: string): FileRead => {
    const text = files[path];
    return text === undefined
      ? { ok: false, why: 'there is no such file' }
      : { ok: true, text, worldReadable: worldReadable.includes(path) };
  };
  return loadConfig({
    argv,
    env,
    cwd: '/home/mia',
    defaultPolicy: '/usr/share/mauve/policies/default.yaml',
    version: '1.2.3',
    readFile,
  });
}

function config(given: Given): StationConfig {
  const loaded = load(given);
  assert.ok(loaded.ok && loaded.kind === 'run', loaded.ok ? loaded.kind : loaded.faults.join('\n'));
  return loaded.config;
}

const fromFile = (yaml: string, more: Given = {}): Given => ({
  ...more,
  argv: ['--config', '/etc/mauve/station.yaml', ...(more.argv ?? [])],
  files: { '/etc/mauve/station.yaml': yaml, ...more.files },
});

function faults(given: Given): { readonly exitCode: number; readonly text: string } {
  const loaded = load(given);
  assert.ok(!loaded.ok, 'this was taken');
  return { exitCode: loaded.exitCode, text: loaded.faults.join('\n') };
}

test('without any setting a station has what it needs', () => {
  assert.deepEqual(config({}), {
    data: '/home/mia/data',
    policy: '/usr/share/mauve/policies/default.yaml',
    udp: { host: '::', port: 32741 },
    web: { host: '127.0.0.1', port: 1288 },
    baseUrl: null,
    trustProxy: false,
    logLevel: 'info',
    receiveBuffer: 8_388_608,
    heartbeat: null,
    channels: { email: null, sms: null, xmpp: null, webhook: null },
    welcome: false,
  });
});

test('an option counts more than the environment, the environment more than the file', () => {
  const yaml = 'data: /file/data\npolicy: /file/policy.yaml\nudp: ":1"\nweb: ":2"\n';
  const env = { MAUVE_DATA: '/env/data', MAUVE_POLICY: '/env/policy.yaml', MAUVE_UDP: ':3', MAUVE_WEB: ':4' };
  const argv = ['--data', '/opt/data', '--policy', '/opt/policy.yaml', '--udp', ':5', '--web=:6'];
  const said = (given: Given): readonly unknown[] => {
    const { data, policy, udp, web } = config(given);
    return [data, policy, udp.port, web.port];
  };
  assert.deepEqual(said(fromFile(yaml)), ['/file/data', '/file/policy.yaml', 1, 2]);
  assert.deepEqual(said(fromFile(yaml, { env })), ['/env/data', '/env/policy.yaml', 3, 4]);
  assert.deepEqual(said(fromFile(yaml, { env, argv })), ['/opt/data', '/opt/policy.yaml', 5, 6]);
  assert.deepEqual(said(fromFile(yaml, { env: { MAUVE_DATA: '' } }))[0], '/file/data');
});

test('the environment can name the station file, an option another', () => {
  const files = { '/etc/a.yaml': 'udp: ":1"', '/etc/b.yaml': 'udp: ":2"' };
  assert.equal(config({ files, env: { MAUVE_CONFIG: '/etc/a.yaml' } }).udp.port, 1);
  assert.equal(
    config({ files, env: { MAUVE_CONFIG: '/etc/a.yaml' }, argv: ['--config', '/etc/b.yaml'] }).udp.port,
    2,
  );
});

test('a relative path in the file starts at the file, in an option or the environment at the folder one is in', () => {
  const yaml = 'data: data\npolicy: ../policy.yaml\n';
  const { data, policy } = config(fromFile(yaml));
  assert.deepEqual([data, policy], ['/etc/mauve/data', '/etc/policy.yaml']);
  const given = { argv: ['--data', 'd'], env: { MAUVE_POLICY: 'p.yaml' } };
  assert.equal(config(fromFile(yaml, given)).data, '/home/mia/d');
  assert.equal(config(fromFile(yaml, given)).policy, '/home/mia/p.yaml');
});

test('everything the file can set is set', () => {
  const yaml = `
base_url: https://mauve.example.net/
trust_proxy: [loopback, 10.0.0.0/8]
log_level: debug
receive_buffer: 4194304
heartbeat: {to: other.example.net, every: 2m}
channels:
  email:
    smtp: smtps://mauve%40example.net@mail.example.net
    from: Mauve <mauve@example.net>
    password_file: smtp-password
    tls_ca_file: ca.pem
    concurrency: 8
`;
  const set = config(
    fromFile(yaml, {
      files: { '/etc/mauve/smtp-password': `${password}\n`, '/etc/mauve/ca.pem': certificate },
    }),
  );
  assert.equal(set.baseUrl, 'https://mauve.example.net');
  assert.deepEqual(set.trustProxy, ['loopback', '10.0.0.0/8']);
  assert.equal(set.logLevel, 'debug');
  assert.equal(set.receiveBuffer, 4_194_304);
  assert.deepEqual(set.heartbeat, { to: ['other.example.net'], every: minutes(2) });
  const email = set.channels.email;
  assert.ok(email !== null);
  assert.deepEqual(
    { ...email, login: email.login?.user, ca: email.ca === certificate },
    {
      host: 'mail.example.net',
      port: 465,
      implicitTls: true,
      tls: 'required',
      ca: true,
      login: 'mauve@example.net',
      from: 'Mauve <mauve@example.net>',
      concurrency: 8,
      timeout: seconds(100),
      rate: null,
      dkim: null,
    },
  );
  assert.equal(email.login?.password(), password);
  assert.ok(!JSON.stringify(set).includes(password), 'the password shows when settings are printed');
});

test('the example station file in the docs is right', () => {
  const path = fileURLToPath(new URL('../../docs/station.example.yaml', import.meta.url));
  const yaml = readFileSync(path, 'utf8');
  const files = { '/etc/mauve/smtp-password': password };
  const shown = config(fromFile(yaml, { files }));
  assert.equal(shown.channels.email?.tls, 'required');
  const everything = yaml.replaceAll(/^# ?(?=[a-z_]+: |heartbeat:$| {2})/gm, '');
  const all = config(
    fromFile(everything, { files: { ...files, '/etc/ssl/certs/company-ca.pem': certificate } }),
  );
  assert.ok(all.heartbeat !== null && all.trustProxy !== false);
});

test('a heartbeat has its usual pace, and several receivers if wanted', () => {
  const set = config(fromFile('heartbeat: {to: [a.example, "b.example:32742"]}'));
  assert.deepEqual(set.heartbeat, { to: ['a.example', 'b.example:32742'], every: seconds(60) });
});

test('an empty file, or one that is all comments, sets nothing', () => {
  for (const yaml of ['', '# data: x\n', 'channels:\n  # email: …\n', '---\n']) {
    assert.equal(config(fromFile(yaml)).channels.email, null);
  }
});

test('a key with nothing after it is one that is not there', () => {
  const keys = Object.keys(stationFileSchema.shape);
  assert.deepEqual(config(fromFile(keys.map((key) => `${key}:\n`).join(''))), config({}));
  assert.deepEqual(config(fromFile('heartbeat:\n  to: a.example\n  every:\n')).heartbeat?.every, seconds(60));
  const more = '    tls:\n    tls_ca_file:\n    concurrency:\n';
  const email = config(fromFile(mail(more), { files: { '/etc/mauve/pw': password } })).channels.email;
  assert.deepEqual([email?.tls, email?.ca, email?.concurrency], ['required', null, 4]);
  const noPassword = mail('').replace('password_file: pw', 'password_file:');
  assert.match(faults(fromFile(noPassword)).text, /:3:11: smtp names a user, but there is no password/);
});

test('nobody may be said to be trusted in so many words', () => {
  assert.equal(config(fromFile('trust_proxy: false')).trustProxy, false);
});

const mail = (more: string): string =>
  `channels:\n  email:\n    smtp: smtp://mauve@mail.example.net\n    from: m@example.net\n    password_file: pw\n${more}`;
const at = '/etc/mauve/station.yaml';

test('every mistake in the file is told with its line and column', () => {
  const cases: readonly (readonly [yaml: string, fault: string])[] = [
    ['dta: /x', `${at}:1:1: unknown key "dta" (did you mean "data"?)`],
    [
      'data: /x\nzzzzzz: 1',
      `${at}:2:1: unknown key "zzzzzz" (known here: data, policy, udp, web, base_url, trust_proxy, log_level, receive_buffer, heartbeat, channels)`,
    ],
    ['data: [x]', `${at}:1:7: a text is expected, not a list`],
    ['data: 5', `${at}:1:7: a text is expected, not a whole number (put it in quotes)`],
    ['data: /x\ndata: /y', `${at}:2:1: this key is here twice`],
    ['- data', `${at}:1:1: a mapping of keys to values is expected, not a list`],
    ['udp: 32741', `${at}:1:6: a text is expected, not a whole number (put it in quotes)`],
    [
      'udp: "::1"',
      `${at}:1:6: HOST:PORT, [IPv6]:PORT or :PORT is expected (an IPv6 address is written [::1]:PORT)`,
    ],
    ['web: "localhost:70000"', `${at}:1:6: the port is to be 0 to 65535`],
    ['web: "[zz]:1"', `${at}:1:6: between [ and ] an IPv6 address is expected`],
    ['web: "300.0.0.1:1"', `${at}:1:6: this is no name of a host`],
    ['log_level: loud', `${at}:1:12: one of error, warn, info, debug, trace is expected`],
    [
      'log_level: inof',
      `${at}:1:12: one of error, warn, info, debug, trace is expected (did you mean "info"?)`,
    ],
    ['receive_buffer: 10', `${at}:1:17: at least 65536 is expected`],
    ['base_url: mauve.example', `${at}:1:11: an address such as https://mauve.example.net is expected`],
    [
      'base_url: https://example.net/mauve',
      `${at}:1:11: only scheme, host and port are expected: https://example.net (the station serves from the top of its host)`,
    ],
    [
      'trust_proxy: true',
      `${at}:1:14: trusting everybody cannot be set, for anybody could then pretend to come from anywhere: name the proxy, such as loopback`,
    ],
    [
      'udp: "::1:5"',
      `${at}:1:6: HOST:PORT, [IPv6]:PORT or :PORT is expected (an IPv6 address is written [::1]:5)`,
    ],
    [
      'data: /x\n---\ndata: /y',
      `${at}:2:1: a second document begins here, but one is expected: take out the ---`,
    ],
    [
      'trust_proxy: [loopback, proxy1]',
      `${at}:1:25: an address, a range such as 10.0.0.0/8, loopback, linklocal or uniquelocal is expected`,
    ],
    ['heartbeat:\n  every: 1m', `${at}:2:3: "to" is missing: a text or a list is expected`],
    ['heartbeat: {to: []}', `${at}:1:17: at least 1 entry is expected`],
    ['heartbeat: {to: x, every: 1h}', `${at}:1:27: a length of time from 10s to 5m is expected`],
    ['heartbeat: {to: x, every: 60}', `${at}:1:27: a length of time such as 90s, 15m or 1h30m is expected`],
    ['heartbeat: {to: x, every: soon}', `${at}:1:27: a length of time such as 90s, 15m or 1h30m is expected`],
    ['channels: {fax: {}}', `${at}:1:12: unknown key "fax" (known here: email, sms, xmpp, webhook)`],
    [mail('    tsl: off'), `${at}:6:5: unknown key "tsl" (did you mean "tls"?)`],
    [mail('    tls: on'), `${at}:6:10: one of required, opportunistic, off is expected`],
    [
      mail('    tls: require'),
      `${at}:6:10: one of required, opportunistic, off is expected (did you mean "required"?)`,
    ],
    [mail('    concurrency: 0'), `${at}:6:18: at least 1 is expected`],
    [mail('    tls_ca_file: nope.pem'), `${at}:6:18: nope.pem cannot be read: there is no such file`],
    [mail('    tls_ca_file: pw'), `${at}:6:18: pw holds no certificate (PEM: -----BEGIN CERTIFICATE-----)`],
    [
      mail('    tls: off\n    tls_ca_file: ca.pem'),
      `${at}:7:18: certificates are not checked with tls: off; leave one of the two out`,
    ],
    [
      mail('    tls: off').replace('smtp:/', 'smtps:/'),
      `${at}:6:10: smtps:// is TLS from the start: with tls: off, write smtp://`,
    ],
    [
      'channels: {email: {smtp: "smtp://h", from: nobody}}',
      `${at}:1:44: an address is expected, such as mauve@example.net or Mauve <mauve@example.net>`,
    ],
  ];
  for (const [yaml, fault] of cases) {
    const files = { '/etc/mauve/pw': password, '/etc/mauve/ca.pem': certificate };
    assert.deepEqual(faults(fromFile(yaml, { files })), { exitCode: 78, text: fault }, yaml);
  }
});

test('broken YAML is told with its place', () => {
  for (const [yaml, place] of [
    ['data: "x\n', '2:1'],
    ['a: b: c', '1:4'],
    ['data: x\n\tudp: y', '2:1'],
    ['data: *nobody', '1:7'],
  ] as const) {
    const { exitCode, text } = faults(fromFile(yaml));
    assert.equal(exitCode, 78);
    assert.ok(text.startsWith(`${at}:${place}: `), text);
  }
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(9)}]`),
  ];
  assert.match(faults(fromFile(bomb.join('\n'))).text, /aliases/);
  assert.match(faults(fromFile('['.repeat(100_000))).text, /nested too deeply|YAML/);
});

test('several mistakes are told at once, in the order of the file', () => {
  const { text } = faults(fromFile('dta: x\nudp: nope\nlog_level: loud\n'));
  assert.deepEqual(
    text.split('\n').map((line) => line.split(': ')[0]),
    [`${at}:1:1`, `${at}:2:6`, `${at}:3:12`],
  );
});

test('a password in the address of the server is refused, and the message does not repeat it', () => {
  const yaml = `channels:\n  email:\n    smtp: smtp://mauve:${password}@mail.example.net\n    from: m@example.net\n`;
  const { exitCode, text } = faults(fromFile(yaml));
  assert.equal(exitCode, 78);
  assert.match(
    text,
    /^\/etc\/mauve\/station\.yaml:3:11: a password does not belong .*password_file.*MAUVE_SMTP_PASSWORD$/,
  );
  assert.ok(!text.includes(password));
});

test('an address of a server that is none is told without repeating it', () => {
  for (const smtp of [
    'mail.example.net',
    'http://mail',
    'smtp://',
    'smtp://h/path',
    'smtp://h:99999',
    'smtp://h:0',
    'smtp://%zz@h',
  ]) {
    const { text } = faults(fromFile(`channels: {email: {smtp: "${smtp}", from: a@b.c}}`));
    assert.match(text, /:1:26: smtp:\/\/USER@HOST:PORT or smtps/);
  }
});

test('the password comes from its file or the environment, or is missed', () => {
  const withFile = mail('');
  const none = withFile.replace(/ {4}password_file: pw\n/, '');
  const of = (given: Given): string | undefined => config(given).channels.email?.login?.password();
  assert.equal(of(fromFile(withFile, { files: { '/etc/mauve/pw': 'in file\r\n' } })), 'in file');
  assert.equal(of(fromFile(none, { env: { MAUVE_SMTP_PASSWORD: 'in env' } })), 'in env');
  const both = { env: { MAUVE_SMTP_PASSWORD: 'in env' }, files: { '/etc/mauve/pw': 'in file' } };
  assert.equal(of(fromFile(withFile, both)), 'in env');

  assert.match(
    faults(fromFile(none)).text,
    /:3:11: smtp names a user, but there is no password: set password_file/,
  );
  assert.match(faults(fromFile(withFile)).text, /:5:20: pw cannot be read: there is no such file/);
  assert.match(faults(fromFile(withFile, { files: { '/etc/mauve/pw': '\n' } })).text, /:5:20: pw is empty/);
  const twoLines = faults(fromFile(withFile, { files: { '/etc/mauve/pw': `${password}\nx\n` } })).text;
  assert.match(twoLines, /:5:20: pw is to hold the password alone, on one line/);
  assert.ok(!twoLines.includes(password));
  const noUser = faults(fromFile(withFile.replace('mauve@mail', 'mail'), both)).text;
  assert.match(noUser, /:5:20: there is a password, but smtp names no user/);
});

test('what is right but unwise is a warning with its place', () => {
  const warnings = (yaml: string, more: Given = {}): string => {
    const loaded = load(fromFile(yaml, { files: { '/etc/mauve/pw': password }, ...more }));
    assert.ok(loaded.ok && loaded.kind === 'run');
    assert.ok(!loaded.warnings.join().includes(password));
    return loaded.warnings.join('\n');
  };
  const url = '\nbase_url: https://mauve.example.net\n';
  assert.equal(warnings(mail('') + url), '');
  assert.match(
    warnings(mail('') + url, { worldReadable: ['/etc/mauve/pw'] }),
    /:5:20: everybody .* can read pw: chmod 600/,
  );
  assert.match(warnings(mail('    tls: off') + url), /:6:10: with tls: off, the password can be read/);
  assert.match(warnings(mail('')), /base_url is not set/);
});

test('TLS is required, except on loopback where nothing else was said', () => {
  const tls = (smtp: string, more = ''): string | undefined =>
    config(
      fromFile(`channels: {email: {smtp: "${smtp}", from: a@b.c${more}}}`, {
        files: { '/etc/mauve/ca.pem': certificate },
      }),
    ).channels.email?.tls;
  assert.equal(tls('smtp://mail.example.net'), 'required');
  assert.equal(tls('smtp://mail.example.net', ', tls: off'), 'off');
  assert.equal(tls('smtp://localhost'), 'opportunistic');
  assert.equal(tls('smtp://127.0.0.1:2525'), 'opportunistic');
  assert.equal(tls('smtp://[::1]:2525'), 'opportunistic');
  assert.equal(tls('smtp://localhost', ', tls: required'), 'required');
  assert.equal(tls('smtp://localhost', ', tls_ca_file: ca.pem'), 'required');
  assert.equal(tls('smtp://127.0.0.1.example.net'), 'required');
});

test('a server has the usual port of its kind', () => {
  const port = (smtp: string): number | undefined =>
    config(
      fromFile(`channels: {email: {smtp: "${smtp}", from: a@b.c}}`, { env: { MAUVE_SMTP_PASSWORD: 'x' } }),
    ).channels.email?.port;
  assert.equal(port('smtp://h'), 25);
  assert.equal(port('smtp://u@h'), 587);
  assert.equal(port('smtps://u@h'), 465);
  assert.equal(port('smtp://u@h:2525'), 2525);
});

test('a file that is not there is named as it was given', () => {
  assert.deepEqual(faults({ argv: ['--config', 'station.yaml'] }), {
    exitCode: 78,
    text: 'station.yaml: cannot be read: there is no such file',
  });
});

test('a name with a newline in it still makes one line', () => {
  assert.equal(faults({ argv: ['--config', 'a\nb'] }).text, 'a\\nb: cannot be read: there is no such file');
  assert.match(faults({ argv: ['--a\nb'] }).text, /^mauveserver: unknown option --a\\nb; /);
  const files = { '/home/mia/a\nb': 'dta: x' };
  assert.match(faults({ argv: ['--config', 'a\nb'], files }).text, /^a\\nb:1:1: unknown key/);
});

test('a program beside the station finds its data and its page, and needs no password for that', () => {
  const locate = (yaml: string, options: object = {}, env: Readonly<Record<string, string>> = {}) =>
    locateStation(
      { config: '/etc/mauve/station.yaml', data: null, web: null, ...options },
      { cwd: '/home/mia', env, readFile: () => ({ ok: true, text: yaml, worldReadable: true }) },
    );
  const at = (data: string, page: string) => ({ ok: true, data, page });
  assert.deepEqual(locate(''), at('/home/mia/data', 'http://127.0.0.1:1288'));
  assert.deepEqual(locate('data: d\nweb: ":80"'), at('/etc/mauve/d', 'http://localhost:80'));
  const yaml = `data: d\nbase_url: https://m.example\n${mail('').replace('password_file: pw', '')}`;
  assert.deepEqual(locate(yaml, { web: ':1' }), at('/etc/mauve/d', 'https://m.example'));
  assert.deepEqual(
    locate('', { data: 'o' }, { MAUVE_DATA: 'e' }),
    at('/home/mia/o', 'http://127.0.0.1:1288'),
  );
  assert.deepEqual(locate('', {}, { MAUVE_WEB: 'x' }), {
    ok: false,
    exitCode: 78,
    faults: ['MAUVE_WEB: HOST:PORT, [IPv6]:PORT or :PORT is expected'],
  });
});

test('a wrong option says what was probably meant, and how it is', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ['--dta', 'x'],
      /^mauveserver: unknown option --dta \(did you mean "--data"\?\); see mauveserver --help$/,
    ],
    [['--polcy=x'], /did you mean "--policy"/],
    [['-x'], /unknown option -x; see/],
    [['--data'], /--data needs a value/],
    [['--data', '--web', ':1'], /--data needs a value/],
    [['--data='], /--data needs a value/],
    [['--welcome=yes'], /--welcome takes no value/],
    [['station.yaml'], /nothing is expected after the options, but got "station\.yaml"/],
    [['--udp', 'nope'], /^mauveserver: --udp: HOST:PORT/],
    [['--web', '::1'], /an IPv6 address is written \[::1\]:PORT/],
    [['--udp', '::1:5'], /an IPv6 address is written \[::1\]:5\)/],
  ];
  for (const [argv, words] of cases) {
    const { exitCode, text } = faults({ argv });
    assert.equal(exitCode, 64);
    assert.match(text, words);
  }
  assert.deepEqual(faults({ env: { MAUVE_WEB: 'x' } }), {
    exitCode: 78,
    text: 'mauveserver: MAUVE_WEB: HOST:PORT, [IPv6]:PORT or :PORT is expected',
  });
});

test('--help begins with examples and names every option, --version is the version', () => {
  const help = load({ argv: ['--help'] });
  assert.ok(help.ok && help.kind === 'say');
  assert.ok(help.text.indexOf('Examples') < help.text.indexOf('Options'));
  for (const word of [
    '--config',
    '--data',
    '--policy',
    '--udp',
    '--web',
    '--welcome',
    '--check',
    'MAUVE_CONFIG',
    'MAUVE_WEB',
  ]) {
    assert.ok(help.text.includes(word), word);
  }
  assert.ok(help.text.split('\n').every((line) => line.length <= 100));
  assert.deepEqual(load({ argv: ['--version'] }), { ok: true, kind: 'say', text: 'mauveserver 1.2.3\n' });
  assert.equal(load({ argv: ['--config', 'nope', '-h'] }).ok, true);
});

test('--check and --welcome are passed on', () => {
  const checked = load({ argv: ['--check'] });
  assert.ok(checked.ok && checked.kind === 'check');
  assert.equal(config({ argv: ['--welcome'] }).welcome, true);
});

test('addresses to listen at', () => {
  const good: readonly (readonly [string, Address, string])[] = [
    ['[::]:32741', { host: '::', port: 32741 }, '[::]:32741'],
    [':32741', { host: '::', port: 32741 }, '[::]:32741'],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }, '0.0.0.0:0'],
    ['localhost:65535', { host: 'localhost', port: 65535 }, 'localhost:65535'],
    ['[fe80::1]:1', { host: 'fe80::1', port: 1 }, '[fe80::1]:1'],
  ];
  for (const [written, address, shown] of good) {
    assert.deepEqual(parseAddress(written), { ok: true, address });
    assert.equal(formatAddress(address), shown);
  }
  for (const written of [
    '',
    ':',
    'host',
    'host:',
    'host:x',
    'host:-1',
    '[::]',
    '[]:1',
    'a b:1',
    '1.2.3:4',
    '*:1',
  ]) {
    assert.equal(parseAddress(written).ok, false, written);
  }
  assert.equal(defaultBaseUrl({ host: '127.0.0.1', port: 1288 }), 'http://127.0.0.1:1288');
  assert.equal(defaultBaseUrl({ host: '::', port: 80 }), 'http://localhost:80');
  assert.equal(defaultBaseUrl({ host: '::1', port: 80 }), 'http://[::1]:80');
});

test('loopback is this machine and nothing that looks like it', () => {
  for (const host of [
    'localhost',
    'LOCALHOST.',
    'mail.localhost',
    '127.0.0.1',
    '127.8.8.8',
    '::1',
    '0:0:0:0:0:0:0:1',
  ]) {
    assert.equal(isLoopback(host), true, host);
  }
  for (const host of [
    'localhost.example',
    '128.0.0.1',
    '127.0.0.1.example',
    '::',
    '::2',
    '1::1',
    'fe80::1',
  ]) {
    assert.equal(isLoopback(host), false, host);
  }
});

test('files of this machine are read, and what stands in the way is said in words', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secret');
  writeFileSync(path, 'x', { mode: 0o600 });
  assert.deepEqual(readLocalFile(path), { ok: true, text: 'x', worldReadable: false });
  writeFileSync(join(folder, 'open'), 'x', { mode: 0o644 });
  assert.deepEqual(readLocalFile(join(folder, 'open')), { ok: true, text: 'x', worldReadable: true });
  assert.deepEqual(readLocalFile(join(folder, 'nope')), { ok: false, why: 'there is no such file' });
  assert.deepEqual(readLocalFile(folder), { ok: false, why: 'it is a folder, not a file' });
  assert.deepEqual(readLocalFile(join(path, 'x')), { ok: false, why: 'there is no such folder' });
});
