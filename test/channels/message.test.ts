/**
 * What a message says: the words for each kind, by the reader's own clock, and
 * that nothing a sender writes can do harm in a header, a terminal or a page.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Message } from '../../src/station/channels/channel.ts';
import type { AlertKey, Level, NotificationKind, PersonId } from '../../src/station/core/alert.ts';
import { type LimitNote, renderMessage } from '../../src/station/core/message.ts';
import { noteMax, summaryMax, titleMax } from '../../src/station/core/message-content.ts';
import { detailTextMax } from '../../src/station/core/message-mail.ts';
import { cut, detailAsText, oneLine, wrap } from '../../src/station/core/message-text.ts';
import type { NotificationFacts } from '../../src/station/core/notification.ts';
import { clockTime, lengthOfTime } from '../../src/station/core/words.ts';
import { days, hours, type Instant, instant, minutes, plus, seconds } from '../../src/time.ts';

const at = (rfc3339: string): Instant => instant(Date.parse(rfc3339));
const key = (n: number): AlertKey => n as AlertKey;
const person = (name: string): PersonId => name as PersonId;

type Given = {
  readonly kind?: NotificationKind;
  readonly level?: Level;
  readonly facts?: Partial<NotificationFacts>;
  readonly detailHtml?: string;
  readonly now?: string;
  readonly timezone?: string;
  readonly limit?: LimitNote;
};

const raised = '2026-08-01T02:01:00Z';

function render(given: Given = {}): Message {
  const {
    kind = 'raised',
    level = 'urgent',
    facts,
    detailHtml = '',
    now = raised,
    timezone = 'Europe/London',
    limit = null,
  } = given;
  return renderMessage(
    {
      kind: 'one',
      message: {
        key: '17/1/raised/johnny',
        alert: key(17),
        episode: 1,
        kind,
        rule: null,
        person: person('johnny'),
        channel: 'email',
        next: null,
        code: 12,
        level,
        dueAt: at(raised),
        overdueAfter: null,
        facts: {
          source: 'db1',
          subject: 'db1',
          summary: 'disk is 97% full',
          alertId: 'disk',
          raisedAt: at(raised),
          at: at(raised),
          by: null,
          acknowledgedUntil: null,
          note: '',
          ...facts,
        },
        detailHtml,
      },
    },
    {
      person: { id: person('johnny'), name: 'Johnny', timezone },
      channel: 'email',
      fits: null,
      ackLink: null,
      limit,
      baseUrl: 'https://mauve.example',
      now: at(now),
    },
  );
}

const acknowledged: Given = {
  kind: 'acknowledged',
  now: '2026-08-01T02:10:00Z',
  facts: {
    by: 'mia',
    at: at('2026-08-01T02:10:00Z'),
    acknowledgedUntil: at('2026-08-01T05:00:00Z'),
    note: 'on it',
  },
};
const cleared: Given = {
  kind: 'cleared',
  now: '2026-08-01T03:30:00Z',
  facts: { at: at('2026-08-01T03:30:00Z') },
};
const reminder: Given = { kind: 'reminder', now: '2026-08-01T04:16:00Z' };

test('the title says what it is about, and shouts only if somebody is to act at once', () => {
  const titles: readonly (readonly [Given, string])[] = [
    [{}, 'URGENT raised: db1: disk is 97% full'],
    [{ level: 'normal' }, 'Raised: db1: disk is 97% full'],
    [{ level: 'low' }, 'Raised: db1: disk is 97% full'],
    [{ kind: 're-raised' }, 'URGENT raised again: db1: disk is 97% full'],
    [reminder, 'URGENT still raised, 2 h 15 min: db1: disk is 97% full'],
    [{ ...reminder, level: 'low' }, 'Still raised, 2 h 15 min: db1: disk is 97% full'],
    [acknowledged, 'Acknowledged by mia: db1: disk is 97% full'],
    [cleared, 'Cleared: db1: disk is 97% full'],
    [{ ...cleared, facts: { ...cleared.facts, by: 'mia' } }, 'Cleared by mia: db1: disk is 97% full'],
  ];
  for (const [given, title] of titles) assert.equal(render(given).title, title);
  assert.equal(render().urgent, true);
  assert.equal(render({ level: 'normal' }).urgent, false);
  assert.equal(render(cleared).urgent, false);
});

test('the text says what is wrong, since when, and where to acknowledge', () => {
  assert.equal(
    render({ detailHtml: '<p>Only <b>3 GB</b> left</p>' }).text,
    `db1: disk is 97% full

Raised at 03:01 today.

Source: db1
Alert: disk
Level: urgent

Acknowledge it here, and the reminders stop:
https://mauve.example/alerts/17
Code 12 is for answers by SMS or chat: a reply to this mail is not read.

Detail:

Only 3 GB left
`,
  );
  assert.match(
    render(reminder).text,
    /Still raised, since 03:01 today \(2 h 15 min\); nobody has acknowledged\nit\./,
  );
  assert.match(render(acknowledged).text, /Acknowledged by mia until 06:00 today; no reminders meanwhile\./);
  assert.match(render(acknowledged).text, /\nNote: on it\n/);
  assert.doesNotMatch(render(acknowledged).text, /Acknowledge it here/);
  assert.match(
    render(cleared).text,
    /Cleared at 04:30 today\.\nIt was raised at 03:01 today, for 1 h 29 min\./,
  );
  assert.match(
    render({ kind: 're-raised', facts: { by: 'mia' } }).text,
    /mia took the acknowledgement back\./,
  );
});

test('times are told by the clock of whoever reads them', () => {
  const inPlace = (timezone: string, now = raised): string | undefined =>
    /Raised at (.*)\./.exec(render({ timezone, now }).text)?.[1];
  assert.equal(inPlace('Europe/Paris'), '04:01 today');
  assert.equal(inPlace('America/New_York'), '22:01 today');
  assert.equal(inPlace('Asia/Kolkata'), '07:31 today');
  assert.equal(inPlace('America/New_York', '2026-08-01T05:00:00Z'), '22:01 yesterday');
  assert.equal(inPlace('Europe/London', '2026-08-09T05:00:00Z'), '03:01 on Sat 1 Aug 2026');
});

test('clock times read as the recorded ones do', () => {
  type Case = {
    readonly name: string;
    readonly steps: readonly { readonly t: number; readonly of: number }[];
    readonly expect: readonly { readonly text: string }[];
  };
  const file = new URL('../vectors/behaviour.json', import.meta.url);
  const cases: readonly Case[] = JSON.parse(readFileSync(file, 'utf8'));
  const found = cases.find(({ name }) => name.startsWith('clock times in notifications'));
  assert.ok(found !== undefined && found.steps.length === 6);
  const start = at('2011-08-01T00:00:00Z');
  for (const [index, step] of found.steps.entries()) {
    const told = clockTime(plus(start, seconds(step.of)), plus(start, seconds(step.t)), 'UTC');
    assert.equal(told, found.expect[index]?.text);
  }
});

test('a day of the coming week is named, the same weekday a week ahead is dated', () => {
  const now = at('2026-08-01T12:00:00Z');
  assert.equal(clockTime(plus(now, days(6)), now, 'UTC'), '12:00 on Friday');
  assert.equal(clockTime(plus(now, days(7)), now, 'UTC'), '12:00 on Sat 8 Aug 2026');
});

test('when clocks change, days are still days and the hour that comes twice is told apart', () => {
  const london = (time: string, now: string): string => clockTime(at(time), at(now), 'Europe/London');
  assert.equal(london('2026-10-25T00:30:00Z', '2026-10-25T06:00:00Z'), '01:30 today (UTC+01:00)');
  assert.equal(london('2026-10-25T01:30:00Z', '2026-10-25T06:00:00Z'), '01:30 today (UTC+00:00)');
  assert.equal(london('2026-10-25T02:30:00Z', '2026-10-25T06:00:00Z'), '02:30 today');
  assert.equal(london('2026-03-28T23:30:00Z', '2026-03-29T01:30:00Z'), '23:30 yesterday');
  assert.equal(london('2026-03-29T23:30:00Z', '2026-03-29T01:30:00Z'), '00:30 tomorrow');
});

test('lengths of time are two units at most', () => {
  assert.equal(lengthOfTime(seconds(0)), 'under a minute');
  assert.equal(lengthOfTime(seconds(59)), 'under a minute');
  assert.equal(lengthOfTime(minutes(1)), '1 min');
  assert.equal(lengthOfTime(hours(2)), '2 h');
  assert.equal(lengthOfTime(minutes(135)), '2 h 15 min');
  assert.equal(lengthOfTime(days(1)), '1 day');
  assert.equal(lengthOfTime(hours(76)), '3 days 4 h');
  assert.equal(lengthOfTime(seconds(-5)), 'under a minute');
});

test('line ends, NULs and reading directions from outside never reach the title or a line of their own', () => {
  const nasty = 'disk\r\nBcc: eve@example.com\u0000\u001b[31m \u202egnp.exe\u2066\u200b\ud800';
  const { title, text, html } = render({
    facts: { summary: nasty, subject: nasty, source: nasty, alertId: nasty, by: nasty, note: nasty },
    kind: 'acknowledged',
    now: raised,
    detailHtml: 'a\u202eb\u0000c',
  });
  for (const out of [title, text]) {
    assert.doesNotMatch(out, /[[\p{Cc}\u202a-\u202e\u2066-\u2069\u200b]--\n]/v);
    assert.ok(out.isWellFormed());
  }
  assert.doesNotMatch(title, /\n/);
  assert.doesNotMatch(text, /^Bcc:/m);
  assert.doesNotMatch(html, /[[\p{Cc}\u202e\u2066]--\n]/v);
});

test('HTML in any field is shown, never obeyed', () => {
  const evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>';
  const facts = { summary: evil, subject: evil, source: evil, alertId: evil, by: evil, note: evil };
  for (const kind of ['raised', 're-raised', 'acknowledged', 'cleared', 'reminder'] as const) {
    const { html } = render({ kind, facts });
    assert.doesNotMatch(html, /<script|<img/i);
    assert.match(html, /&lt;script&gt;/);
  }
});

test('the detail that the caller sanitised is kept as it is in HTML, and told in plain text', () => {
  const detailHtml =
    '<p>Only <b>3&nbsp;GB</b> left &amp; falling</p><ul><li>one</li><li>two</li></ul><pre>a  b\n c</pre>';
  const { html, text } = render({ detailHtml });
  assert.ok(html.includes(detailHtml));
  assert.ok(text.endsWith('Detail:\n\nOnly 3 GB left & falling\n\none\n\ntwo\n\na  b\n c\n'), text);
  assert.doesNotMatch(render().text, /Detail/);
});

test('everything has a limit, however much was sent', () => {
  const long = '🌵'.repeat(66_000);
  const { title, text, html } = render({
    facts: { summary: long, subject: long, source: long, alertId: long, note: long, by: long },
    kind: 'acknowledged',
    detailHtml: `<p>${'x &lt; '.repeat(20_000)}</p>`,
  });
  assert.ok([...title].length <= titleMax);
  assert.ok([...text].length < summaryMax + noteMax + detailTextMax + 1500);
  assert.ok(html.length < 30_000, `${html.length}`);
  assert.match(title, /…$/);
  assert.ok(text.isWellFormed() && html.isWellFormed());
});

test('64 KB of hostile detail is rendered quickly', () => {
  for (const piece of ['<', ' ', '&', '<p', '&#', '\n', '\t ', '<br>', '&#x1f335;']) {
    const started = performance.now();
    render({ detailHtml: piece.repeat(65_535 / piece.length) });
    assert.ok(performance.now() - started < 500, JSON.stringify(piece));
  }
});

test('what a sender left empty is filled with what is known', () => {
  assert.equal(render({ facts: { summary: '' } }).title, 'URGENT raised: db1: disk');
  assert.equal(render({ facts: { subject: ' \n' } }).title, 'URGENT raised: db1: disk is 97% full');
  assert.match(render({ kind: 'cleared', facts: { raisedAt: null } }).text, /Cleared at 03:01 today\.\n\n/);
});

test('the link leads to the alert, and each message on each channel has one key for all its tries', () => {
  const first = render();
  assert.equal(first.link, 'https://mauve.example/alerts/17');
  assert.ok(first.html.includes('href="https://mauve.example/alerts/17"'));
  assert.equal(render({ now: '2026-08-01T09:00:00Z' }).idempotencyKey, first.idempotencyKey);
  assert.match(first.idempotencyKey, /17\/1\/raised\/johnny#email/);
});

test('a receiver is told when their limit is reached, until when, and what was held back before', () => {
  const full = render({ limit: { heldBack: 0, until: at('2026-08-01T02:11:00Z') } });
  const words = 'Your limit is reached: further messages are held back until 03:11 today.';
  assert.ok(full.text.replace(/\s+/g, ' ').includes(words));
  assert.ok(full.html.includes(words));
  const after = render({ limit: { heldBack: 3, until: null } });
  const before = '3 messages were held back before this one: what still stands of them follows.';
  assert.ok(after.text.replace(/\s+/g, ' ').includes(before));
  assert.match(render({ limit: { heldBack: 1, until: null } }).text, /One message was held back/);
  assert.doesNotMatch(render().text, /limit|held/);
});

test('text from outside: one line, cut at a character, wrapped at words, entities read once', () => {
  assert.equal(oneLine(' a\r\n b\u2028c\u0000 '), 'a b c');
  assert.equal(cut('👍👍👍', 3), '👍👍👍');
  assert.equal(cut('👍👍👍👍', 3), '👍👍…');
  assert.equal(cut('abc', 3), 'abc');
  assert.ok(
    wrap('word '.repeat(50).trim())
      .split('\n')
      .every((line) => line.length <= 72),
  );
  const address = `https://example.com/${'x'.repeat(100)}`;
  assert.ok(wrap(`see ${address} there`).split('\n').includes(address));
  assert.equal(detailAsText('&amp;lt;b&gt; &#65;&#x42;&#xd800;&unknown;'), '&lt;b> AB&unknown;');
});
