/**
 * What was recorded of the original's texts, of what its sender fills in, and of the mistakes that it refused
 * in a configuration. Where ours differs on purpose, the test says by which item of semantics, "Where we
 * differ".
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { clockTime } from '../../src/station/core/words.ts';
import { safeDetail } from '../../src/station/html.ts';
import { plus, seconds } from '../../src/time.ts';
import { type AlertUpdate, decode } from '../../src/wire/update.ts';
import { projectFolder } from '../kit/process.ts';
import { expectedAfter, Taken } from '../station/behaviour-cases.ts';
import { startOf } from '../station/behaviour-policy.ts';
import { faultsOf } from './kit.ts';

const taken = new Taken('policy/behaviour-words.test.ts');

describe('texts recorded from the original', () => {
  const detail = taken.take('detail keeps harmless HTML');
  // By step: what ours makes of it instead.
  const ours: Readonly<Record<number, string>> = {
    // Links do not tell the other side where they were followed from.
    2: 'x<a href="http://a.example/" rel="noopener noreferrer nofollow">y</a>',
    // Item 13: a remote image needs the policy's leave.
    3: '',
  };
  it(`${detail.name} [differs: item 13: a remote image needs the policy's leave]`, () => {
    for (const [index, { input = '' }] of detail.steps.entries()) {
      const safe = safeDetail(input).replaceAll('<a>x</a>', 'x');
      assert.equal(safe, ours[index] ?? expectedAfter(detail, index)?.text, input);
    }
  });

  const clock = taken.take('clock times in notifications (start is Monday 2011-08-01)');
  it(clock.name, () => {
    const start = startOf(clock);
    for (const [index, { t, of = 0 }] of clock.steps.entries()) {
      const text = clockTime(plus(start, seconds(of)), plus(start, seconds(t)), 'UTC');
      assert.equal(text, expectedAfter(clock, index)?.text);
    }
  });
});

describe('the sender, as recorded from the original', () => {
  const filled = taken.take('fields filled in before sending');
  it(filled.name, async () => {
    const [step] = filled.steps;
    const [expected] = filled.expect;
    assert.ok(expected);
    const words = (step?.alerts ?? []).flatMap(({ id = '', raise, clear }) => [
      ...['-i', id],
      ...(raise === undefined ? [] : ['-r', `+${raise}`]),
      ...(clear === undefined ? [] : ['-c', `+${clear}`]),
    ]);
    const { update, from, to } = await sentBy(['-o', step?.source ?? '', ...words]);
    assert.equal(update.source, expected.source);
    assert.equal(update.replace, expected.replace);
    assert.ok(update.transmissionId > 0n);
    // All its times are those of one moment, that of the sending.
    const now = Number(update.transmissionTime) - (expected.transmission_time ?? 0);
    assert.ok(from <= now && now <= to);
    const absolute = (seconds: number | null): number => (seconds === null ? 0 : now + seconds);
    assert.deepEqual(
      update.alerts.map(({ raiseTime, clearTime }) => [Number(raiseTime), Number(clearTime)]),
      expected.sent_alerts?.map(({ raise, clear }) => [absolute(raise), absolute(clear)]),
    );
  });

  type Sent = { readonly update: AlertUpdate; readonly from: number; readonly to: number };

  /** What bin/mauvesend sends when it is called like this, and between which seconds. */
  async function sentBy(words: readonly string[]): Promise<Sent> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    try {
      await once(socket, 'listening');
      const arrived = once(socket, 'message');
      const from = Math.floor(Date.now() / 1000);
      const { port } = socket.address();
      const child = spawn(join(projectFolder, 'bin/mauvesend'), [...words, `127.0.0.1:${port}`], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const [code] = await once(child, 'exit');
      assert.equal(code, 0);
      const [bytes] = await arrived;
      const decoded = decode(bytes);
      if (!decoded.ok) throw new Error(decoded.why);
      return { update: decoded.update, from, to: Math.ceil(Date.now() / 1000) };
    } finally {
      socket.close();
    }
  }
});

describe('configurations recorded from the original', () => {
  const duplicates = taken.take('duplicate people or people lists are refused');
  const beginning = 'version: 1\npeople:\n  ann: {email: ann@example.net}\n';
  const groups = 'groups:\n  - {name: all, notify: [{to: ann}]}\n';
  const refused: Readonly<Record<string, readonly [text: string, place: RegExp]>> = {
    two_lists_of_one_name: [
      `${beginning}lists:\n  ops: {members: [ann]}\n  ops: {members: [ann]}\n${groups}`,
      /^policy\.yaml:6:/,
    ],
    list_and_person_of_one_name: [
      `${beginning}lists:\n  ann: {members: [ann]}\n${groups}`,
      /^policy\.yaml:5:/,
    ],
    two_groups_of_one_name: [`${beginning}${groups}  - {name: all, notify: []}\n`, /^policy\.yaml:6:/],
    // Ways to notify are the station's own; what a policy could give twice is a person's address.
    two_notification_methods_of_one_name: [
      `version: 1\npeople:\n  ann:\n    email: ann@example.net\n    email: ann@example.com\n${groups}`,
      /^policy\.yaml:5:/,
    ],
  };
  it(`${duplicates.name}: so are two people, groups or addresses of one name`, () => {
    const expected = Object.entries(duplicates.expect[0] ?? {}).filter(([key]) => key !== 'after_step');
    assert.deepEqual(
      expected.map(([key]) => key),
      Object.keys(refused),
    );
    for (const [key, outcome] of expected) {
      assert.equal(outcome, 'rejected');
      const [text = '', place = /$./] = refused[key] ?? [];
      const faults = faultsOf(text);
      assert.ok(faults.length > 0, key);
      assert.match(faults.join('\n'), new RegExp(place.source, 'm'), key);
    }
    const twice = `version: 1\npeople:\n  ann: {}\n  ann: {}\n${groups}`;
    assert.match(faultsOf(twice).join('\n'), /^policy\.yaml:4:/m);
  });

  it('leaves no case of its areas out', () => taken.assertNoneLeft());
});
