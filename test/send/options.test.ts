/** The command line of mauvesend: what is understood, and what is said of the rest. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { help, manual } from '../../src/send/help.ts';
import { type Plan, parseOptions, type SendPlan } from '../../src/send/options.ts';
import { parseWhen } from '../../src/send/when.ts';

const now = 1_700_000_000n;
const to = '127.0.0.1:40001';

const parse = (argv: readonly string[], env: NodeJS.ProcessEnv = {}): Plan => parseOptions(argv, env, now);
function plan(...argv: string[]): SendPlan {
  const parsed = parse(argv);
  assert.ok(parsed.kind === 'send', parsed.kind === 'error' ? parsed.detail : parsed.kind);
  return parsed;
}
const alert = (...argv: string[]) => plan(...argv).alerts[0];
function wrong(...argv: string[]): string {
  const parsed = parse(argv);
  assert.ok(parsed.kind === 'error', `taken: ${argv.join(' ')}`);
  assert.doesNotMatch(parsed.detail, /\n/);
  return parsed.detail;
}

describe('a time', () => {
  const good: Record<string, bigint> = {
    now,
    '+5': now + 5n,
    '+5s': now + 5n,
    '-10h': now - 36_000n,
    '5m': now + 300n,
    '1d': now + 86_400n,
    '+00010m': now + 600n,
    0: 0n,
    5: 5n,
    1700000123: 1_700_000_123n,
    '18446744073709551615': 2n ** 64n - 1n,
    '5\nrubbish': 5n,
    'rubbish\n+5': now + 5n,
  };
  for (const [word, at] of Object.entries(good)) {
    test(JSON.stringify(word), () => assert.deepEqual(parseWhen(word, now), { ok: true, at }));
  }
  const bad = [
    '',
    'Now',
    ' now',
    'now ',
    'soon',
    '+',
    '-',
    '++5m',
    '+-5m',
    '+ 5m',
    '+5 m',
    '+10w',
    '5M',
    '1.5h',
    '1h30m',
    '10:30',
    '2023-11-14',
    '0x10',
    '1e3',
    '٣',
    '5\rrubbish',
  ];
  for (const word of bad) {
    test(`${JSON.stringify(word)} is none`, () => assert.equal(parseWhen(word, now).ok, false));
  }
  test('before 1970, and beyond what 64 bits hold, there is no time', () => {
    const before = parseWhen('-9999999999', now);
    assert.ok(!before.ok && /before 1970/.test(before.detail));
    const beyond = parseWhen('18446744073709551616', now);
    assert.ok(!beyond.ok && /too far/.test(beyond.detail));
    assert.equal(parseWhen(`+${2n ** 64n - 1n}`, now).ok, false);
  });
});

describe('an alert', () => {
  test('is raised now if no time is given', () => {
    assert.deepEqual(alert(to, '-i', 'disk'), {
      id: 'disk',
      raiseTime: now,
      clearTime: 0n,
      subject: '',
      summary: '',
      detail: '',
      importance: 0,
      suppressUntil: 0n,
    });
  });
  test('is raised now if the time given is 0', () =>
    assert.equal(alert(to, '-i', 'disk', '-r', '0')?.raiseTime, now));
  test('is only cleared by -c', () => {
    const { raiseTime, clearTime } = alert('-i', 'disk', '-c', to) ?? {};
    assert.deepEqual([raiseTime, clearTime], [0n, now]);
  });
  test('is a heartbeat by -c now -r +10m', () => {
    const { raiseTime, clearTime } = alert('-i', 'disk', '-c', 'now', '-r', '+10m', to) ?? {};
    assert.deepEqual([raiseTime, clearTime], [now + 600n, now]);
  });
  test('has every text, by short or long option, with = or as the next word', () => {
    const short = plan(
      to,
      '-o',
      'web7',
      '-i',
      'a',
      '-s',
      'S',
      '-u',
      'U',
      '-d',
      'D',
      '-r',
      '+1m',
      '-c',
      '+2m',
      '-e',
      '+3m',
    );
    for (const argv of [
      [
        to,
        '--source=web7',
        '--id=a',
        '--summary=S',
        '--subject=U',
        '--detail=D',
        '--raise=+1m',
        '--clear=+2m',
        '--suppress=+3m',
      ],
      [
        '--source',
        'web7',
        '--id',
        'a',
        '--summary',
        'S',
        '--subject',
        'U',
        '--detail',
        'D',
        '--raise',
        '+1m',
        '--clear',
        '+2m',
        '--suppress',
        '+3m',
        to,
      ],
      ['--so=web7', '--i=a', '--sum=S', '--sub=U', '--de=D', '--ra=+1m', '--c=+2m', '--sup=+3m', to],
      ['-oweb7', '-ia', '-sS', '-uU', '-dD', '-r+1m', '-c+2m', '-e+3m', '--', to],
    ]) {
      assert.deepEqual(plan(...argv), short);
    }
  });
  test('keeps the last of what is given twice', () =>
    assert.equal(alert(to, '-i', 't', '-s', 'one', '-s', 'two')?.summary, 'two'));
  test('is described after its id, and not after the next', () => {
    const alerts = plan(to, '-i', 'a', '-i', 'b', '-s', 'only b').alerts;
    assert.deepEqual(
      alerts.map(({ id, summary }) => [id, summary]),
      [
        ['a', ''],
        ['b', 'only b'],
      ],
    );
  });
});

describe('options', () => {
  test('are bundled', () => {
    assert.deepEqual(plan(to, '-pv'), {
      kind: 'send',
      source: null,
      replace: true,
      alerts: [],
      destinations: [to],
      verbose: 1,
    });
    assert.equal(plan(to, '-vvvi', 't').verbose, 3);
    assert.equal(alert(to, '-vvit')?.id, 't');
  });
  test('a value after -r or -c is taken if it is a time, and left if it can only be a destination', () => {
    for (const option of ['-r', '-c', '--raise', '--clear']) {
      for (const destination of [
        to,
        '127.0.0.1',
        '[::1]',
        '::1',
        'alert.example.com',
        'localhost',
        'alert:32741',
      ]) {
        assert.deepEqual(plan('-i', 't', option, destination).destinations, [destination]);
      }
      assert.match(wrong('-i', 't', option, 'soon', to), /"soon" is not a time/);
      assert.deepEqual(plan('-i', 't', option, '-v', to).verbose, 1);
    }
  });
  test('a time that lies back may follow as its own word', () => {
    assert.equal(alert('-i', 't', '-r', '-10h', to)?.raiseTime, now - 36_000n);
    assert.equal(alert('-i', 't', '-c', '-5', to)?.clearTime, now - 5n);
    assert.equal(alert('-i', 't', '-e', '-5m', to)?.suppressUntil, now - 300n);
    assert.match(wrong('-i', 't', '-s', '-5', to), /--summary \(-s\) needs a value; .*--summary=VALUE/);
  });
  test('end at --, and at the first destination if POSIXLY_CORRECT is set', () => {
    assert.deepEqual(plan('-i', 't', '--', '-x', '--y').destinations, ['-x', '--y']);
    const strict = parse(['-i', 't', to, '-s', 'x'], { POSIXLY_CORRECT: '' });
    assert.ok(strict.kind === 'send');
    assert.deepEqual(strict.destinations, [to, '-s', 'x']);
  });
  test('are not those of the original that never were', () =>
    assert.match(wrong(to, '-i', 't', '--importance', '5'), /unknown option --importance/));
  test('the first that asks for help gets it, whatever follows; what is wrong before that is said', () => {
    assert.deepEqual(parse(['-h', '--bogus']), { kind: 'help' });
    assert.deepEqual(parse(['-i', 't', '--man']), { kind: 'manual' });
    assert.deepEqual(parse(['-V']), { kind: 'version' });
    assert.match(wrong('--bogus', '-h'), /unknown/);
  });
  test('the locale C makes of every byte beyond ASCII a character that could not be read; no locale does not', () => {
    const summary = (env: NodeJS.ProcessEnv): string | undefined => {
      const parsed = parse([to, '-i', 't', '-s', 'Ü✓'], env);
      return parsed.kind === 'send' ? parsed.alerts[0]?.summary : undefined;
    };
    assert.equal(summary({ LC_ALL: 'C' }), '\ufffd'.repeat(5));
    assert.equal(summary({ LANG: 'POSIX' }), '\ufffd'.repeat(5));
    assert.equal(summary({ LANG: 'C', LC_ALL: 'C.UTF-8' }), 'Ü✓');
    assert.equal(summary({}), 'Ü✓');
  });
});

describe('what is wrong is said in one line', () => {
  const cases: [string[], RegExp][] = [
    [[], /no alert given; for example: mauvesend -i/],
    [[to], /no alert given/],
    [[to, '-o', 'x'], /no alert given/],
    [[to, '-s', 'x'], /--summary describes an alert: give its --id before/],
    [[to, '-r'], /--raise describes an alert/],
    [[to, '-i', 'a', '-i', 'b', '-i', 'a'], /--id "a" is given twice/],
    [[to, '-o', 'one', '-o', 'one', '-i', 't'], /only one --source/],
    [[to, '-i', ''], /--id \(-i\) needs a value/],
    [[to, '--id='], /--id \(-i\) needs a value/],
    [[to, '-i', '-s', 'x'], /--id \(-i\) needs a value/],
    [[to, '-i', 't', '-e'], /--suppress \(-e\) needs a value/],
    [[to, '--replace=yes'], /--replace takes no value/],
    [[to, '-i', 't', '--s', 'x'], /--s is ambiguous: --source, --summary, --subject, --suppress$/],
    [[to, '-i', 't', '--su', 'x'], /--su is ambiguous: --summary, --subject, --suppress$/],
    [[to, '-i', 't', '-z'], /unknown option -z; mauvesend -h/],
    [[to, '-i', 't', '-S', 'x'], /unknown option -S; did you mean -s \(--summary\)\?/],
    [[to, '-i', 't', '--sumary', 'x'], /unknown option --sumary; did you mean --summary\?/],
    [[to, '-i', 't', '--sumary=x'], /did you mean --summary\?/],
    [[to, '-i', 't', '--Detial', 'x'], /did you mean --detail\?/],
    [[to, '-i', 't', '--rase'], /did you mean --raise\?/],
    [[to, '-i', 't', '--xx'], /unknown option --xx; mauvesend -h/],
    [[to, '-i', 't', '--raise=-9999999999'], /--raise: time -9999999999 is before 1970/],
    [[to, '-i', 't', '-c', 'line\nline'], /--clear: "line\\nline" is not a time/],
  ];
  for (const [argv, said] of cases) {
    test(argv.join(' ') || 'no arguments', () => assert.match(wrong(...argv), said));
  }
});

test('the help and the manual name every option that there is, and no other', () => {
  const known = [
    'id',
    'summary',
    'subject',
    'detail',
    'raise',
    'clear',
    'suppress',
    'source',
    'replace',
    'verbose',
    'help',
    'manual',
    'version',
  ];
  const named = (text: string): string[] =>
    [...new Set([...text.matchAll(/-[a-zA-Z], --([a-z]+)/g)].map(([, name]) => name ?? ''))].sort();
  assert.deepEqual(named(help), [...known].sort());
  assert.deepEqual(named(manual), [...known].sort());
  for (const [, short = '', name = ''] of help.matchAll(/-([a-zA-Z]), --([a-z]+)/g)) {
    const values: Record<string, string> = {
      id: 'x',
      source: 'x',
      summary: 'x',
      subject: 'x',
      detail: 'x',
      suppress: 'now',
    };
    const value = values[name] === undefined ? [] : [values[name]];
    const before = ['id', 'source'].includes(name) ? [] : ['-i', 't'];
    assert.deepEqual(
      parse([...before, `-${short}`, ...value, to]),
      parse([...before, `--${name}`, ...value, to]),
    );
  }
});
