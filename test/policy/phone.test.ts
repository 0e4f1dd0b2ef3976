/** Telephone numbers in a policy: one that cannot exist is found when the policy is read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { phoneFault } from '../../src/station/policy/phone.ts';
import { projectFolder } from '../kit/process.ts';
import { faultsOf } from './kit.ts';

test('numbers of all kinds of countries can be', () => {
  for (const number of ['+447700900123', '+15005550006', '+33755500103', '+4915112345678', '+2901234']) {
    assert.equal(phoneFault(number), null, number);
  }
  // Of a satellite telephone, which belongs to no country.
  assert.equal(phoneFault('+881612345678'), null);
});

test('a number that cannot be is told why, by the plan of its country', () => {
  const cases: readonly (readonly [number: string, fault: RegExp])[] = [
    [
      '+4477009',
      /^this is too short for a number of the United Kingdom: .*9 or 10 digits are expected after \+44$/,
    ],
    ['+44770090012345', /^this is too long for a number of the United Kingdom/],
    ['+1500555000', /^this is too short for a number of North America: 10 digits are expected after \+1$/],
    ['+316123456789012', /^this is too long for a number of the Netherlands/],
    ['+8701234567', /^this is too short for a number that begins with \+870$/],
    ['+999123456789', /^no country has numbers that begin like this/],
    ['447700900123', /in quotes, is expected: \+ and 7 to 15 digits$/],
    ['+44 7700 900123', /7 to 15 digits$/],
    ['+0447700900123', /7 to 15 digits$/],
    ['+447700900123456789', /7 to 15 digits$/],
    ['', /7 to 15 digits$/],
  ];
  for (const [number, fault] of cases) assert.match(phoneFault(number) ?? 'nothing', fault, number);
});

test('in a policy it is told with its place, once', () => {
  const policy = (sms: string): readonly string[] =>
    faultsOf(`version: 1
people:
  ann: {sms: ${sms}}
groups:
  - name: all
    notify: [{to: ann}]
`);
  assert.deepEqual(policy('"+447700900123"'), []);
  const [fault = '', ...more] = policy('"+4477009"');
  assert.match(fault, /^policy\.yaml:3:14: this is too short for a number of the United Kingdom/);
  assert.deepEqual(more, []);
  assert.equal(policy('"0770"').length, 1);
});

test('a policy without numbers does not load the table of the world', () => {
  const script = `
    import { createRequire, registerHooks } from 'node:module';
    let loaded = false;
    registerHooks({ load(url, context, next) { loaded ||= url.includes('libphonenumber'); return next(url, context); } });
    const { smsSchema } = await import('./src/station/policy/words.ts');
    const before = loaded;
    smsSchema.safeParse('+447700900123');
    console.log(JSON.stringify({ before, after: loaded }));`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: projectFolder,
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(said), { before: false, after: true });
});
