/** What each channel says by itself: of one alert, of several at once, of what stands unacknowledged. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { notificationKinds } from '../../src/station/core/alert.ts';
import { type RenderContext, renderMessage, type ToSay } from '../../src/station/core/message.ts';
import { chatListMax } from '../../src/station/core/message-chat.ts';
import { listedMax } from '../../src/station/core/message-content.ts';
import { ackLink, at, base, contextOf, type Given, one, owed, several, standing } from './kit.ts';

const said = (say: ToSay, channel: string, more: Partial<RenderContext> = {}): string =>
  renderMessage(say, contextOf(channel, more)).text;
const link = ackLink(17);
const later = { now: at('02:40') };
const channels = ['email', 'sms', 'xmpp', 'webhook', 'inbox', 'pigeon'];

describe('one alert', () => {
  const acknowledged: Given = {
    kind: 'acknowledged',
    facts: { by: 'mia', at: at('02:10'), acknowledgedUntil: at('05:00'), note: 'on it' },
  };

  test('an SMS is made for a lock screen: how bad, what, where to go, how to answer', () => {
    const texts: readonly (readonly [Given, string, Partial<RenderContext>?])[] = [
      [{}, `URGENT db1: disk is 97% full ${link} ack 12`],
      [{ level: 'low' }, `Raised: db1: disk is 97% full ${link} ack 12`],
      [{ code: null }, `URGENT db1: disk is 97% full ${link}`],
      [{ kind: 're-raised' }, `URGENT again: db1: disk is 97% full ${link} ack 12`],
      [{ kind: 'reminder' }, `URGENT still: db1: disk is 97% full, raised 03:01 ${link} ack 12`, later],
      // Told late, as by a rule that opens later: then since when is news.
      [{}, `URGENT db1: disk is 97% full, raised 03:01 ${link} ack 12`, later],
      [acknowledged, `Acknowledged by mia until 06:00: db1: disk is 97% full ${base}/alerts/17\n"on it"`],
      [{ kind: 'cleared', facts: { by: 'mia' } }, `Cleared by mia: db1: disk is 97% full ${base}/alerts/17`],
    ];
    for (const [given, text, more] of texts) assert.equal(said(one(given), 'sms', more), text);
  });

  test('a chat says it in a few lines, with the words to answer with', () => {
    assert.equal(
      said(one(), 'xmpp'),
      `URGENT raised: db1: disk is 97% full\nRaised at 03:01 today.\n${link}\nAnswer "ack 12" or "ack 12 2h".`,
    );
    const cleared = said(one({ kind: 'cleared' }), 'xmpp');
    assert.doesNotMatch(cleared, /ack 12/);
    assert.ok(cleared.endsWith(`\n${base}/alerts/17`));
    assert.match(said(one(acknowledged), 'xmpp'), /\nNote: on it\n/);
  });

  test('a mail links to the page that acknowledges, and warns that an answer to it is lost', () => {
    const { text, html, link: shown } = renderMessage(one(), contextOf('email'));
    assert.equal(shown, link);
    assert.ok(
      text.includes(`${link}\nCode 12 is for answers by SMS or chat: a reply to this mail is not read.`),
    );
    assert.ok(html.includes(`href="${link}"`) && html.includes('a reply to this mail is not read'));
    assert.doesNotMatch(said(one({ kind: 'cleared' }), 'email'), /Code|TOKEN/);
  });

  test('what has a colour in a mail has its ground with it, and is read on it in any scheme', () => {
    const light = (hex: string): number => {
      const channel = (at: number): number => {
        const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      };
      return 0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4);
    };
    for (const kind of notificationKinds) {
      for (const level of ['urgent', 'low'] as const) {
        const { html } = renderMessage(one({ kind, level }), contextOf('email'));
        const pairs = [...html.matchAll(/background:#([0-9a-f]{6});color:#([0-9a-f]{6})/g)];
        assert.equal(pairs.length, 2);
        assert.equal(html.match(/[;"]color:/g)?.length, pairs.length);
        for (const [, ground = '', ink = ''] of pairs) {
          assert.ok((light(ink) + 0.05) / (light(ground) + 0.05) >= 4.5, `${ink} on ${ground}`);
        }
        assert.match(html, /<meta name="color-scheme" content="light dark">/);
      }
    }
  });

  test('the inbox, and a channel that nobody knows, say what a mail says, without HTML', () => {
    for (const channel of ['inbox', 'pigeon']) {
      const { text, html } = renderMessage(one(), contextOf(channel));
      assert.match(text, /^db1: disk is 97% full\n\nRaised at 03:01 today\.\n/);
      assert.match(text, /Code 12 is for answers by SMS or chat\.\n/);
      assert.equal(html, '');
    }
    const fits = (text: string): boolean => text.length <= 80;
    assert.equal(said(one(), 'pigeon', { fits }), `URGENT db1: disk is 97% full ${link} ack 12`);
  });

  test('a webhook gets everything as JSON, under the key of the message', () => {
    const message = renderMessage(one({ channel: 'webhook' }), contextOf('webhook'));
    const body = JSON.parse(message.text);
    assert.deepEqual(Object.keys(body), [
      ...['id', 'event', 'person', 'title', 'text', 'link', 'urgent', 'total', 'alerts'],
    ]);
    assert.equal(body.id, message.idempotencyKey);
    assert.equal(body.text, 'URGENT db1: disk is 97% full');
    assert.deepEqual([body.event, body.link, body.urgent, body.total], ['raised', link, true, 1]);
    assert.deepEqual(body.alerts, message.data.alerts);
    assert.equal(body.alerts[0]?.raised_at, '2026-08-01T02:01:00Z');
  });

  test('without a link that acknowledges, it is the page of the alert', () => {
    for (const channel of channels) {
      const { text } = renderMessage(one(), contextOf(channel, { ackLink: null }));
      assert.ok(text.includes(`${base}/alerts/17`), channel);
    }
  });

  test('a test message says in every channel that nothing is wrong, and who asked for it', () => {
    const say = one({ kind: 'test', level: 'normal', facts: { by: 'mia' } });
    for (const channel of channels) {
      const { title, text, html, urgent } = renderMessage(say, contextOf(channel));
      assert.equal(title, 'Test message from Mauve');
      const words = 'This is a test message from Mauve, asked for by mia: nothing is wrong';
      assert.ok(text.replace(/\s+/g, ' ').includes(words), `${channel}: ${text}`);
      if (channel === 'email') assert.ok(html.includes(words));
      if (channel !== 'webhook') assert.doesNotMatch(text, /disk is 97%|ack 12/);
      assert.equal(urgent, false);
    }
  });

  test('every channel with room says what the limit does', () => {
    const limit = { heldBack: 3, until: at('02:11') };
    for (const channel of channels) {
      const text = said(one(), channel, { limit });
      assert.match(text, /3 (messages were )?held back/, channel);
      assert.match(text, /until 03:11/, channel);
    }
    const fits = (text: string): boolean => text.length <= 80;
    assert.equal(said(one(), 'sms', { limit, fits }), `URGENT db1: disk is 97% full ${link} ack 12`);
  });
});

describe('several at once', () => {
  const digest = (count: number, given?: (n: number) => Given): ToSay => ({
    kind: 'digest',
    messages: several(count, given),
  });

  test('the title counts them: by level, or by what happened', () => {
    const title = (count: number, given: (n: number) => Given): string =>
      renderMessage(digest(count, given), contextOf('email')).title;
    assert.equal(
      title(3, (n) => ({ level: n === 2 ? 'urgent' : 'normal' })),
      '3 alerts: 1 urgent, 2 normal',
    );
    assert.equal(
      title(2, () => ({ level: 'low' })),
      '2 alerts: 2 low',
    );
    assert.equal(
      title(3, (n) => ({ kind: n === 3 ? 'cleared' : 'raised' })),
      '2 raised, 1 cleared',
    );
    const mixed = title(4, (n) => ({ level: 'urgent', kind: n < 3 ? 'raised' : 'acknowledged' }));
    assert.equal(mixed, '2 raised (2 urgent), 2 acknowledged');
    assert.equal(
      title(2, () => ({ kind: 'cleared', level: 'urgent' })),
      '2 cleared',
    );
    assert.equal(
      title(2, () => ({ kind: 'reminder' })),
      '2 alerts still raised: 2 normal',
    );
  });

  test('each is there with what happened, its code and its link, urgent ones first and in their order', () => {
    const say = digest(4, (n) => ({
      level: n === 3 ? 'urgent' : 'normal',
      kind: n === 4 ? 'cleared' : 'raised',
    }));
    for (const channel of ['email', 'xmpp', 'inbox', 'webhook']) {
      const text = said(say, channel);
      const places = [3, 1, 2, 4].map((n) => text.indexOf(`host${n}`));
      assert.deepEqual(
        [...places].sort((a, b) => a - b),
        places,
        channel,
      );
      for (const n of [1, 2, 3]) assert.ok(text.includes(ackLink(n)), channel);
      assert.ok(text.includes(`${base}/alerts/4`), channel);
    }
    assert.equal(
      said(say, 'sms'),
      [
        '3 raised (1 urgent), 1 cleared',
        '3 URGENT host3: disk is 97% full',
        '1 Raised: host1: disk is 97% full',
        '2 Raised: host2: disk is 97% full',
        '4 Cleared: host4: disk is 97% full',
        `${base}/ ack 3`,
      ].join('\n'),
    );
  });

  test('a mail lists 500 of them, each with one link, and says how many more there are', () => {
    const { text, html, data } = renderMessage(digest(502), contextOf('email'));
    for (const n of [1, 250, listedMax]) {
      assert.ok(text.includes(`host${n}: `) && text.includes(`${ackLink(n)}\n`));
      assert.equal(html.split(`href="${ackLink(n)}"`).length, 2);
    }
    assert.doesNotMatch(text, /host501/);
    assert.match(text, /\nand 2 more\n/);
    assert.match(html, /and 2 more/);
    assert.equal(data.total, 502);
    assert.ok(html.length < 400_000, `${html.length}`);
  });

  test('an SMS lists as many as fit, and says how many it leaves out', () => {
    const text = said(digest(40), 'sms', { fits: (one) => one.length <= 160 });
    assert.ok(text.length <= 160);
    assert.equal(
      text,
      [
        '40 alerts: 40 normal',
        '1 Raised: host1: disk is 97% full',
        '2 Raised: host2: disk is 97% full',
        '3 Raised: host3: disk is 97% full',
        '+37 more',
        `${base}/ ack 1`,
      ].join('\n'),
    );
    const tight = (most: number): string => said(digest(40), 'sms', { fits: (one) => one.length <= most });
    assert.equal(tight(45), `40 alerts: 40 normal\n${base}/`);
    assert.equal(tight(30), `40 alerts ${base}/`);
    assert.equal(tight(20), `${base}/`);
  });

  test('a chat lists twenty, and says how many it leaves out', () => {
    const text = said(digest(30), 'xmpp');
    assert.equal(text.match(/^- /gm)?.length, chatListMax);
    assert.match(text, /^\+10 more$/m);
    assert.match(text, /^Answer "ack 1" or "ack 1 2h"\.$/m);
  });

  test('its key is short, the same for the same messages, and another for others; its thread is its own', () => {
    const message = (count: number) => renderMessage(digest(count), contextOf('sms'));
    const { idempotencyKey, thread, covers } = message(500);
    assert.match(idempotencyKey, /^digest\/[a-z0-9]{22}#sms$/);
    assert.equal(message(500).idempotencyKey, idempotencyKey);
    assert.notEqual(message(499).idempotencyKey, idempotencyKey);
    assert.equal(covers.length, 500);
    const alone = renderMessage({ kind: 'one', message: owed({ n: 1 }) }, contextOf('sms'));
    assert.equal(alone.thread, '1');
    assert.ok(thread !== alone.thread && thread !== message(499).thread);
  });

  test('it is urgent where one of them is', () => {
    const urgent = (given: (n: number) => Given): boolean =>
      renderMessage(digest(2, given), contextOf('sms')).urgent;
    assert.equal(
      urgent((n) => ({ level: n === 2 ? 'urgent' : 'normal' })),
      true,
    );
    assert.equal(
      urgent(() => ({ level: 'normal' })),
      false,
    );
    assert.equal(
      urgent(() => ({ level: 'urgent', kind: 'cleared' })),
      false,
    );
  });
});

describe('what stands unacknowledged', () => {
  const summary = (listed: number, urgent: number, total: number): ToSay => ({
    kind: 'summary',
    messages: [owed({ kind: 'reminder', level: 'normal' })],
    standing: standing(listed, urgent),
    total,
  });

  test('the title counts them', () => {
    const title = (say: ToSay): string => renderMessage(say, contextOf('sms')).title;
    assert.equal(title(summary(23, 4, 23)), '23 alerts are unacknowledged, 4 urgent');
    assert.equal(title(summary(23, 0, 23)), '23 alerts are unacknowledged');
    assert.equal(title(summary(1, 0, 1)), '1 alert is unacknowledged');
    assert.equal(title(summary(5, 5, 23)), '23 alerts are unacknowledged, at least 5 urgent');
  });

  test('each is there with since when, its code and its link; the rest is counted; all can be acknowledged', () => {
    const say = summary(5, 1, 23);
    const mail = said(say, 'email', later);
    assert.match(mail, /\nURGENT still raised, 39 min: host1: disk is 97% full\n {2}since 03:01, code 1\n/);
    assert.ok(mail.includes(`  ${ackLink(5)}\n`));
    assert.match(mail, /\nand 18 more\n\nAll of them, to acknowledge together:\nhttps:\/\/m\.example\/\n/);
    const chat = said(say, 'xmpp', later);
    assert.match(chat, /^\+18 more$/m);
    assert.match(chat, /^Answer "ack all", "ack 1" or "ack 1 2h"\.$/m);
    assert.equal(
      said(summary(3, 1, 23), 'sms', later),
      [
        '23 alerts are unacknowledged, 1 urgent',
        '1 URGENT host1: disk is 97% full (03:01)',
        '2 host2: disk is 97% full (03:01)',
        '3 host3: disk is 97% full (03:01)',
        '+20 more',
        `${base}/ ack all`,
      ].join('\n'),
    );
  });

  test('a program is told what stands, and of how many', () => {
    const { data, thread } = renderMessage(summary(5, 1, 23), contextOf('webhook'));
    assert.deepEqual([data.event, data.total, data.alerts.length], ['summary', 23, 5]);
    assert.deepEqual(
      data.alerts.map(({ code }) => code),
      [1, 2, 3, 4, 5],
    );
    assert.match(thread, /^summary\//);
  });
});

describe('whatever a sender wrote', () => {
  const nasty = 'disk\r\nBcc: eve@example.com\u0000\u001b[31m \u202egnp.exe\u2066\u200b\ud800';
  const facts = { summary: nasty, subject: nasty, source: nasty, alertId: nasty, by: nasty, note: nasty };
  const says: readonly ToSay[] = [
    ...notificationKinds.map((kind) => one({ kind, facts })),
    { kind: 'digest', messages: several(3, () => ({ facts })) },
    {
      kind: 'summary',
      messages: [owed({ facts })],
      standing: standing(3, 1).map((one) => ({ ...one, ...facts })),
      total: 3,
    },
  ];

  test('no control character, line of its own or reading direction reaches any channel', () => {
    for (const channel of channels) {
      for (const say of says) {
        const { title, text, html } = renderMessage(say, contextOf(channel));
        for (const out of [title, text, html]) {
          assert.doesNotMatch(out, /[[\p{Cc}\u202a-\u202e\u2066-\u2069\u200b]--\n]/v);
          assert.ok(out.isWellFormed());
          assert.doesNotMatch(out, /^\s*Bcc:/m);
        }
        assert.doesNotMatch(title, /\n/);
      }
    }
  });

  test('every text has a limit, however much was sent', () => {
    const long = '🌵'.repeat(66_000);
    const much = { summary: long, subject: long, source: long, alertId: long, note: long, by: long };
    for (const channel of channels) {
      for (const kind of notificationKinds) {
        const { text, html } = renderMessage(one({ kind, facts: much }), contextOf(channel));
        assert.ok(text.length < 16_000 && html.length < 30_000, `${channel} ${kind} ${text.length}`);
      }
    }
  });
});
