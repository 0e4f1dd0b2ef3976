/** The command line of mauvectl, as words: what is a command, and what is said of what is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../src/control/options.ts';

const parse = (...argv: readonly string[]) => parseOptions(argv, '1.2.3');
const nowhere = { config: null, data: null, web: null };

function fault(...argv: readonly string[]): string {
  const asked = parse(...argv);
  assert.equal(asked.kind, 'usage', argv.join(' '));
  return asked.kind === 'usage' ? asked.fault : '';
}

test('every command is known by its two words', () => {
  for (const kind of ['token list', 'user list']) {
    assert.deepEqual(parse(...kind.split(' ')), { kind: 'run', command: { kind }, options: nowhere });
  }
  for (const kind of ['token add', 'token remove', 'user remove', 'user link']) {
    const command = { kind, name: 'ann' };
    assert.deepEqual(parse(...kind.split(' '), 'ann'), { kind: 'run', command, options: nowhere });
  }
  for (const kind of ['user add', 'user password']) {
    const command = { kind, name: 'ann', passwordFile: 'pw' };
    const asked = parse(...kind.split(' '), 'ann', '--password-file', 'pw');
    assert.deepEqual(asked, { kind: 'run', command, options: nowhere });
  }
});

test('options stand anywhere, and - is standard input', () => {
  const command = { kind: 'user add', name: 'ann', passwordFile: '-' };
  const options = { config: 'station.yaml', data: '-d', web: ':1' };
  const argv = ['--config', 'station.yaml', 'user', '--data=-d', 'add', '--web', ':1', 'ann'];
  assert.deepEqual(parse(...argv, '--password-file', '-'), { kind: 'run', command, options });
});

test('an option is never taken for the value of the one before it', () => {
  for (const option of ['--config', '--data', '--web', '--password-file']) {
    assert.equal(fault(option, '--help', 'token', 'list'), `${option} needs a value; see mauvectl --help`);
    assert.match(fault('token', 'list', option), /needs a value/);
    assert.match(fault('token', 'list', `${option}=`), /needs a value/);
  }
  assert.match(fault('--data', '-', 'token', 'list'), /--data needs a value/);
});

test('what takes no value is given none', () => {
  assert.match(fault('--version=3'), /^--version takes no value;/);
  assert.match(fault('--help=me'), /^--help takes no value;/);
});

test('wrong words say what was probably meant', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /a command is needed, such as: mauvectl token add NAME/],
    [['tokens'], /unknown command "tokens" \(did you mean "token"\?\)/],
    [['user'], /what about user\? one of: user add, user list, /],
    [['user', 'dd', 'ann'], /unknown command "user dd" \(did you mean "add"\?\)/],
    [['user', 'add'], /user add needs a name/],
    [['user', 'add', 'ann', 'bob'], /takes one name, but got "bob" as well/],
    [['user', 'list', 'ann'], /user list takes no name/],
    [['user', 'add', 'ann lee'], /"ann lee" is no name/],
    [['user', 'add', `a${'b'.repeat(64)}`], /is no name: 1 to 64/],
    [['token', 'add', 'x', '--password-file', 'f'], /--password-file does not go with token add/],
    [['--dta', 'x', 'token', 'list'], /unknown option --dta \(did you mean "--data"\?\)/],
  ];
  for (const [argv, words] of cases) assert.match(fault(...argv), words);
});

test('--help begins with examples and names every option, --version is the version', () => {
  const help = parse('token', 'nonsense', '--help');
  assert.ok(help.kind === 'say');
  assert.ok(help.text.indexOf('Examples') < help.text.indexOf('Options'));
  for (const word of ['--config', '--data', '--web', '--password-file', 'MAUVE_CONFIG', 'MAUVE_DATA']) {
    assert.ok(help.text.includes(word), word);
  }
  assert.ok(help.text.split('\n').every((line) => line.length <= 110));
  assert.deepEqual(parse('--version'), { kind: 'say', text: 'mauvectl 1.2.3\n' });
});
