/** Whatever senders write and however little room there is, an SMS fits, and its link and code are whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SegmentedMessage } from 'sms-segments-calculator';
import { type NotificationKind, notificationKinds } from '../../src/station/core/alert.ts';
import { renderMessage, type ToSay } from '../../src/station/core/message.ts';
import { ackLink, at, base, contextOf, one, owed, several, standing } from './kit.ts';

/** Such as the providers know, and some that take many times the room. */
const anyText = fc.oneof(
  fc.string({ maxLength: 1200 }),
  fc.string({ unit: 'grapheme', maxLength: 600 }),
  fc.constantFrom('disk', '', '€[]{}'.repeat(80), '🌵'.repeat(300), 'x'.repeat(1500), 'é '.repeat(300)),
);
const anyKind = fc.constantFrom<NotificationKind>(...notificationKinds);
const segments = (text: string): number => new SegmentedMessage(text).segmentsCount;
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const limit = { heldBack: 3, until: at('02:11') };
const asks = (kind: NotificationKind): boolean => ['raised', 're-raised', 'reminder'].includes(kind);

test('one alert: in any number of segments, with the link and the code whole', () => {
  fc.assert(
    fc.property(
      fc.record({
        subject: anyText,
        summary: anyText,
        note: anyText,
        by: fc.option(anyText),
        kind: anyKind,
        most: fc.integer({ min: 1, max: 5 }),
      }),
      ({ subject, summary, note, by, kind, most }) => {
        const context = contextOf('sms', { fits: (text) => segments(text) <= most, limit });
        const { text, link } = renderMessage(one({ kind, facts: { subject, summary, note, by } }), context);
        assert.ok(segments(text) <= most, text);
        const reply = asks(kind) ? ' ack 12' : '';
        assert.match(`${text}\n`, new RegExp(`(^|\\s)${escaped(link)}${reply}\\s`));
      },
    ),
    { numRuns: 100 },
  );
});

test('one alert: down to the link alone, and without it where nothing else fits', () => {
  const link = ackLink(17);
  fc.assert(
    fc.property(anyText, anyText, fc.integer({ min: 6, max: 200 }), (subject, summary, most) => {
      const context = contextOf('sms', { fits: (text) => text.length <= most });
      const { text } = renderMessage(one({ facts: { subject, summary } }), context);
      if (most >= `${link} ack 12`.length) assert.ok(text.includes(`${link} ack 12`), text);
      else if (most >= link.length) assert.ok(text.includes(link), text);
      else assert.ok(text.includes('ack 12') && !text.includes('http'), text);
      assert.ok(text.length <= most, text);
    }),
  );
});

test('the summary goes before the subject, and what is cut says so', () => {
  const text = (most: number): string =>
    renderMessage(one(), contextOf('sms', { fits: (one) => one.length <= most, limit })).text;
  const link = ackLink(17);
  assert.equal(text(200).split('\n').length, 3);
  assert.equal(text(80), `URGENT db1: disk is 97% full ${link} ack 12`);
  assert.equal(text(62), `URGENT db1: disk is 97%... ${link} ack 12`);
  assert.equal(text(52), `URGENT db1 ${link} ack 12`);
  assert.equal(text(44), `${link} ack 12`);
  assert.equal(text(30), link);
  assert.equal(text(20), 'URGENT db1 ack 12');
});

test('several: never one dropped without being counted, and the link to all of them whole', () => {
  const digest = (count: number, summary: string): ToSay => ({
    kind: 'digest',
    messages: several(count, () => ({ facts: { summary } })),
  });
  const summary = (count: number, text: string): ToSay => ({
    kind: 'summary',
    messages: [owed({ kind: 'reminder' })],
    standing: standing(Math.min(count, 50), 1).map((one) => ({ ...one, summary: text })),
    total: count,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 120 }),
      anyText,
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(digest, summary),
      (count, summaryText, most, make) => {
        const context = contextOf('sms', { fits: (text) => segments(text) <= most, limit });
        const { text } = renderMessage(make(count, summaryText), context);
        assert.ok(segments(text) <= most, text);
        assert.match(text, new RegExp(`(^|\\s)${escaped(`${base}/`)}(\\s|$)`));
        const listed = text.split('\n').filter((line) => /^\d+ .*host\d+/.test(line)).length;
        const more = Number(/^\+(\d+) more$/m.exec(text)?.[1] ?? (listed === 0 ? count : 0));
        assert.equal(listed + more, count, text);
        if (listed === 0) assert.match(text, new RegExp(`^${count} alerts`));
      },
    ),
    { numRuns: 60 },
  );
});

test('a list does not ask to acknowledge what it says is over', () => {
  const messages = [
    owed({ n: 1, code: 1, kind: 'raised' }),
    owed({ n: 1, code: 1, kind: 'cleared' }),
    owed({ n: 2, code: 2, kind: 'raised' }),
  ];
  for (const channel of ['sms', 'xmpp']) {
    const { text } = renderMessage({ kind: 'digest', messages }, contextOf(channel));
    assert.match(text, /ack 2\b/, channel);
    assert.doesNotMatch(text, /ack 1\b/, channel);
    const over = renderMessage({ kind: 'digest', messages: messages.slice(0, 2) }, contextOf(channel));
    assert.doesNotMatch(over.text, /ack \d/, channel);
  }
});
