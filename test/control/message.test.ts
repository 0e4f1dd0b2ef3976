/** mauvectl message preview: a message as it would go out, without a station. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SegmentedMessage } from 'sms-segments-calculator';
import { Refusal } from '../../src/control/ending.ts';
import { messageCommand } from '../../src/control/message.ts';
import { parseOptions } from '../../src/control/options.ts';
import type { MessageCommand } from '../../src/control/options-message.ts';
import { templateEvents } from '../../src/station/messages/names.ts';

const folder = mkdtempSync(join(tmpdir(), 'mauve-message-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
mkdirSync(join(folder, 'words/sms'), { recursive: true });
mkdirSync(join(folder, 'words/email'));
const policy = file(
  'policy.yaml',
  `version: 1
timezone: Asia/Kolkata
people: {ann: {name: Ann Archer}, bob: {name: Bob, timezone: America/New_York}}
groups: [{name: all, notify: [{to: [ann, bob]}]}]
settings: {templates: words}
`,
);
file('words/email/any.subject.liquid', '[{{ person.name }}] {{ title }}');
file('words/sms/digest.text.liquid', '{{ total }} for {{ person.name }} {{ link }}');

/** As typed, but in this process. */
async function typed(...words: readonly string[]) {
  const asked = parseOptions(['message', 'preview', ...words], '1');
  if (asked.kind !== 'run') throw new Error(asked.kind === 'usage' ? asked.fault : asked.text);
  return await messageCommand(asked.command as MessageCommand);
}

test('without any word it shows the mail of an urgent alert', async () => {
  const { text, places, code } = await typed();
  assert.match(text, /^Subject: URGENT raised: db1\.example\.net: disk is 97% full\n\n/);
  assert.match(text, /\nDetail:\n\nOnly 3 GB are left on \/var\.\n$/);
  assert.deepEqual([places, code], [[], undefined]);
});

test('shows what was told of the alert, as text, as HTML and for programs', async () => {
  const alert = ['--source', 'core', '--subject', 'cr1', '--id', 'link', '--summary', 'link is down'];
  const sms = await typed(...alert, '--channel', 'sms', '--level', 'normal');
  assert.match(sms.text, /^Raised: cr1: link is down https:\/\/\S+ ack 12\n$/);
  const html = await typed(...alert, '--html', '--detail', '<b>x</b><script>alert(1)</script>');
  assert.match(html.text, /^<!doctype html>/);
  assert.ok(html.text.includes('<b>x</b>') && !html.text.includes('<script'));
  const message = JSON.parse((await typed(...alert, '--channel', 'xmpp', '--json')).text);
  assert.equal(message.title, 'URGENT raised: cr1: link is down');
  assert.deepEqual(message.data.alerts[0].id, 'link');
});

test('every event has a sample on every channel, and an SMS fits', async () => {
  for (const channel of ['email', 'sms', 'xmpp', 'webhook', 'inbox']) {
    for (const event of templateEvents) {
      const { text } = await typed('--channel', channel, '--event', event);
      assert.ok(text.length > 20, `${channel} ${event}`);
      if (channel === 'webhook') assert.equal(JSON.parse(text).event, event);
      if (channel === 'sms') assert.ok(new SegmentedMessage(text.trim()).segmentsCount <= 3, text);
    }
  }
});

test('with a policy it is in the words of its templates, for one of its people, by their clock', async () => {
  assert.match((await typed(policy)).text, /^Subject: \[Ann Archer\] URGENT raised: /);
  assert.match((await typed('--policy', policy, '--person', 'bob')).text, /^Subject: \[Bob\] /);
  const digest = await typed(policy, '--channel', 'sms', '--event', 'digest');
  assert.equal(digest.text, '3 for Ann Archer https://mauve.example.net/\n');
});

test('a person whom the policy does not have, and a policy with faults, are refused', async () => {
  await assert.rejects(typed(policy, '--person', 'anne'), (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, 64);
    assert.match(error.message, /the policy has no person "anne" \(did you mean "ann"\?\)/);
    return true;
  });
  const bad = file('bad.yaml', 'version: 1\npeople: {ann: {}}\n');
  const { code, places, text } = await typed(bad);
  assert.deepEqual([code, text], [78, '']);
  assert.match(places?.join('\n') ?? '', /bad\.yaml:1:1: "groups" is missing/);
});
