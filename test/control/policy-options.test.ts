/** The words of mauvectl policy, mauvectl silence and mauvectl message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../src/control/options.ts';
import { hours, minutes } from '../../src/time.ts';

const parse = (...argv: readonly string[]) => parseOptions(argv, '1');
const command = (...argv: readonly string[]) => {
  const asked = parse(...argv);
  return asked.kind === 'run' ? asked.command : asked;
};
const fault = (...argv: readonly string[]): string => {
  const asked = parse(...argv);
  return asked.kind === 'usage' ? asked.fault : '';
};
const alert = { source: 's', subject: '', id: 'i', summary: '', detail: '', importance: 0 };

test('policy commands take files, and times may begin with a minus', () => {
  assert.deepEqual(command('policy', 'check', 'a', 'b', '--strict'), {
    kind: 'policy check',
    files: ['a', 'b'],
    strict: true,
    json: false,
  });
  assert.deepEqual(command('policy', 'test', 'a', '--json'), {
    kind: 'policy test',
    files: ['a'],
    json: true,
  });
  const asked = command(
    'policy',
    'explain',
    'a',
    '--source',
    's',
    '--id',
    'i',
    '--at',
    '-2h',
    '--acked-at=-1h',
    '--ack-for',
    '2h',
    '--for',
    '90m',
  );
  const times = { at: '-2h', raisedAt: null, ackedAt: '-1h', ackFor: hours(2), length: minutes(90) };
  assert.deepEqual(asked, { kind: 'policy explain', file: 'a', alert, ...times, json: false });
});

test('silences say which alerts, for how long and why', () => {
  const asked = command('silence', 'add', '--source', 'backup', '--for', '2h', '--reason', 'tapes');
  assert.deepEqual(asked, {
    kind: 'silence add',
    match: { source: 'backup' },
    matchText: null,
    for: hours(2),
    reason: 'tapes',
    tokenFile: null,
  });
  assert.deepEqual(command('silence', 'end', '17', '--token-file', '-'), {
    kind: 'silence end',
    id: 17,
    tokenFile: '-',
  });
  assert.deepEqual(command('silence', 'list', '--json'), {
    kind: 'silence list',
    json: true,
    tokenFile: null,
  });
});

test('a preview of a message needs no words at all, and takes a policy either way', () => {
  const nothing = { source: null, subject: null, id: null, summary: null, detail: null };
  const plain = {
    kind: 'message preview',
    file: null,
    channel: 'email',
    event: 'raised',
    level: 'urgent',
    person: null,
    alert: nothing,
    html: false,
    json: false,
  };
  assert.deepEqual(command('message', 'preview'), plain);
  assert.deepEqual(command('message', 'preview', 'a.yaml', '--html'), {
    ...plain,
    file: 'a.yaml',
    html: true,
  });
  const words = ['--policy', 'a.yaml', '--channel', 'sms', '--event', 're-raised', '--level', 'low'];
  assert.deepEqual(command('message', 'preview', ...words, '--person', 'ann', '--summary', 's', '--json'), {
    ...plain,
    file: 'a.yaml',
    channel: 'sms',
    event: 're-raised',
    level: 'low',
    person: 'ann',
    alert: { ...nothing, summary: 's' },
    json: true,
  });
});

test('wrong words say what is expected', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['policy'], /^what about policy\? one of: policy check, policy explain, policy test;/],
    [['policy', 'chek', 'a'], /did you mean "check"/],
    [['policy', 'check'], /^policy check needs a file/],
    [['policy', 'check', 'a', '--data', 'x'], /^--data does not go with policy check/],
    [['policy', 'check', 'a', '--reason', 'x'], /^--reason does not go with policy check/],
    [
      ['policy', 'explain', 'a', 'b', '--source', 's', '--id', 'i'],
      /^policy explain takes one file, but got "b" as well/,
    ],
    [['policy', 'explain', 'a', '--source', 's'], /^policy explain needs the alert: --source and --id/],
    [
      ['policy', 'explain', 'a', '--source', 's', '--id', 'i', '--importance', 'high'],
      /^--importance: a number from 1 to/,
    ],
    [
      ['policy', 'explain', 'a', '--source', 's', '--id', 'i', '--for', 'long'],
      /^--for: a length of time such as/,
    ],
    [
      ['policy', 'explain', 'a', '--source', 's', '--id', 'i', '--ack-for', '1h'],
      /^--ack-for goes with --acked-at/,
    ],
    [['policy', 'explain', 'a', '--at', '--json'], /^--at needs a value/],
    [['silence', 'add', '--for', '1h', '--reason', 'r'], /^silence add needs to know which alerts/],
    [['silence', 'add', '--id', 'x', '--reason', 'r'], /^silence add needs --for/],
    [['silence', 'add', '--id', 'x', '--for', '1h'], /^silence add needs --reason/],
    [
      ['silence', 'add', 'disk', '--for', '1h', '--reason', 'r'],
      /^silence add takes no "disk": is an option meant\?/,
    ],
    [['message'], /^what about message\? one of: message preview;/],
    [['message', 'preview', '--chanel', 'sms'], /^unknown option --chanel \(did you mean "--channel"\?\)/],
    [['message', 'preview', '--channel', 'smss'], /^--channel: one of email, .* \(did you mean "sms"\?\)/],
    [['message', 'preview', '--event', 'rise'], /^--event: one of raised, re-raised, .* is expected/],
    [['message', 'preview', '--level', 'high'], /^--level: one of low, normal, urgent is expected/],
    [['message', 'preview', 'a', 'b'], /^message preview takes one file, but got "b" as well/],
    [
      ['message', 'preview', 'a', '--policy', 'b'],
      /^message preview takes one file: "a" or that of --policy/,
    ],
    [['message', 'preview', '--importance', '9'], /^--importance does not go with message preview/],
    [['message', 'preview', '--html', '--channel', 'sms'], /^--html goes with --channel email/],
    [['message', 'preview', '--html', '--json'], /^--html and --json do not go together/],
    [['policy', 'check', 'a', '--channel', 'sms'], /^--channel does not go with policy check/],
    [['silence', 'end'], /^silence end needs a number/],
    [['silence', 'end', 'x'], /^"x" is no number of a silence/],
  ];
  for (const [argv, words] of cases) assert.match(fault(...argv), words);
});
