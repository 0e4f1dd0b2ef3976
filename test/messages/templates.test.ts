/** Templates of a policy: what they put into words, what is wrong with them, and that they never cost a message. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { notificationKinds } from '../../src/station/core/alert.ts';
import {
  type Message,
  type RenderContext,
  renderMessage,
  type ToSay,
  wordsOf,
} from '../../src/station/core/message.ts';
import { contentOf } from '../../src/station/core/message-content.ts';
import { templateMax } from '../../src/station/messages/engine.ts';
import { openRenderer } from '../../src/station/messages/renderer.ts';
import { templateFilesMax } from '../../src/station/messages/templates.ts';
import { variablesOf } from '../../src/station/messages/variables.ts';
import { loadFrom, toldOf } from '../policy/kit.ts';
import { ackLink, at, base, contextOf, one, owed, several, standing } from './kit.ts';

type Texts = Readonly<Record<string, string>>;

const faults: string[] = [];
const renderer = openRenderer({ onFault: ({ file, message }) => faults.push(`${file}: ${message}`) });

/** The message, and what was told of templates that failed. */
function rendered(
  texts: Texts,
  say: ToSay,
  channel: string,
  more: Partial<RenderContext> = {},
): Message & { readonly faults: readonly string[] } {
  faults.length = 0;
  const message = renderer.render(say, contextOf(channel, more), new Map(Object.entries(texts)));
  return { ...message, faults: [...faults] };
}

const policy = `version: 1
timezone: Europe/London
people: {ann: {}}
groups: [{name: all, notify: [{to: ann}]}]
settings: {templates: words}
`;
const inFolder = (texts: Texts): Texts =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [`words/${name}`, text]));
const loaded = (texts: Texts) => loadFrom({ 'policy.yaml': policy, ...inFolder(texts) });
const told = (texts: Texts): readonly string[] => {
  const found = loaded(texts);
  // A policy of one line has its warnings; those are not meant here.
  return found.ok ? [] : toldOf(found);
};

const digest: ToSay = { kind: 'digest', messages: several(3) };
const summary: ToSay = {
  kind: 'summary',
  messages: [owed({ kind: 'reminder' })],
  standing: standing(3, 1),
  total: 23,
};

describe('what a template says', () => {
  test('takes the place of that part alone; the more specific name wins', () => {
    const texts = {
      'email/any.subject.liquid': '[ops] {{ title }}',
      'email/cleared.subject.liquid': 'over: {{ alert.subject }}',
      'email/raised.text.liquid': 'Hello {{ person.name }}, {{ alert.summary }}.\n\n\n\n{{ link }}\n',
    };
    const own = renderMessage(one(), contextOf('email'));
    const message = rendered(texts, one(), 'email');
    assert.equal(message.title, '[ops] URGENT raised: db1: disk is 97% full');
    assert.equal(message.text, `Hello Johnny, disk is 97% full.\n\n${ackLink(17)}`);
    assert.equal(message.html, own.html);
    assert.equal(message.data.title, message.title);
    assert.deepEqual(message.faults, []);
    assert.equal(rendered(texts, one({ kind: 'cleared' }), 'email').title, 'over: db1');
    assert.equal(rendered(texts, digest, 'email').title, '[ops] 3 alerts: 3 normal');
    assert.deepEqual(rendered(texts, one(), 'sms').text, renderMessage(one(), contextOf('sms')).text);
  });

  test('can add to the words of the channel, and put in pieces that others share', () => {
    const texts = {
      'xmpp/any.text.liquid': "{{ text }}\n{% render 'partials/foot' %}{% include 'partials/foot.liquid' %}",
      'partials/foot.liquid': '-- {{ person.id }}, call 112\n',
    };
    const { text } = rendered(texts, one(), 'xmpp');
    assert.equal(
      text,
      `${renderMessage(one(), contextOf('xmpp')).text}\n-- johnny, call 112\n-- johnny, call 112`,
    );
  });

  test('knows every value by its name, in words and for programs', () => {
    const names = [
      ...['event', 'channel', 'title', 'headline', 'level', 'urgent', 'asks', 'person.timezone'],
      ...['alert.what', 'alert.raised', 'alert.raised_at', 'alert.page', 'alert.until', 'alert.by'],
      ...['total', 'more', 'story', 'limit', 'note', 'by', 'code', 'link', 'now', 'base_url', 'detail_text'],
    ];
    const texts = { 'xmpp/any.text.liquid': names.map((name) => `${name}={{ ${name} }}`).join('\n') };
    const facts = { by: 'mia', note: 'on it', acknowledgedUntil: at('05:00') };
    const say = one({ kind: 'acknowledged', facts, detailHtml: '<p>Only <b>3 GB</b></p>' });
    const limit = { heldBack: 1, until: null };
    assert.deepEqual(rendered(texts, say, 'xmpp', { limit }).text.split('\n'), [
      'event=acknowledged',
      'channel=xmpp',
      'title=Acknowledged by mia: db1: disk is 97% full',
      'headline=db1: disk is 97% full',
      'level=urgent',
      'urgent=false',
      'asks=false',
      'person.timezone=Europe/London',
      'alert.what=Acknowledged by mia',
      'alert.raised=03:01 today',
      'alert.raised_at=2026-08-01T02:01:00Z',
      `alert.page=${base}/alerts/17`,
      'alert.until=06:00 today',
      'alert.by=mia',
      'total=1',
      'more=0',
      'story=Acknowledged by mia until 06:00 today; no reminders meanwhile. Raised at 03:01 today.',
      'limit=One message was held back before this one: what still stands of them follows.',
      'note=on it',
      'by=mia',
      'code=12',
      `link=${base}/alerts/17`,
      'now=2026-08-01T02:01:00Z',
      `base_url=${base}`,
      'detail_text=Only 3 GB',
    ]);
  });

  test('lists what a digest or a summary is about', () => {
    const texts = {
      'xmpp/any.text.liquid':
        '{% for alert in alerts %}{{ alert.what }} {{ alert.subject }} ({{ alert.code }}) {{ alert.link }}\n{% endfor %}{% if more > 0 %}and {{ more }} more{% endif %}',
    };
    assert.equal(
      rendered(texts, digest, 'xmpp').text,
      [1, 2, 3].map((n) => `Raised host${n} (${n}) ${ackLink(n)}`).join('\n'),
    );
    assert.match(rendered(texts, summary, 'xmpp').text, /\nand 20 more$/);
  });

  test('tells times in the zone of the person, and now is when the message is made', () => {
    const texts = {
      'xmpp/raised.text.liquid':
        '{{ alert.raised_at | date: "%H:%M" }} {{ "now" | date: "%Y-%m-%d %H:%M" }} {{ alert.raised_at | date: "%H:%M", "UTC" }}',
    };
    assert.equal(rendered(texts, one(), 'xmpp', { now: at('02:40') }).text, '03:01 2026-08-01 03:40 02:01');
  });

  test('of an SMS is said again in fewer words until it fits', () => {
    const texts = {
      'sms/any.text.liquid': '{{ alert.subject }}: {{ alert.summary }} {{ link }} #{{ code }}',
    };
    const fits = (most: number) => ({ fits: (text: string) => text.length <= most });
    const say = one({ facts: { summary: 'disk is 97% full and will be full within the hour' } });
    const text = (most: number): string => rendered(texts, say, 'sms', fits(most)).text;
    assert.equal(text(60), `db1: disk is 97% full and... ${ackLink(17)} #12`);
    assert.equal(text(40), `db1: ${ackLink(17)} #12`);
    assert.equal(text(35), `: ${ackLink(17)} #12`);
    const tooTight = rendered(texts, say, 'sms', fits(30));
    assert.equal(tooTight.text, ackLink(17));
    assert.match(tooTight.faults.join(), /sms\/any\.text\.liquid: does not fit into one message of sms/);
    const added = { 'sms/any.text.liquid': '{{ text }} -- NOC' };
    assert.equal(
      rendered(added, say, 'sms', fits(64)).text,
      `URGENT db1: disk is... ${ackLink(17)} ack 12 -- NOC`,
    );
  });

  test('of an SMS about several lists as many as fit, and can say how many more there are', () => {
    const texts = {
      'sms/digest.text.liquid':
        '{{ title }}{% for a in alerts %} {{ a.subject }}{% endfor %}{% if more > 0 %} +{{ more }}{% endif %} {{ link }}',
    };
    const say: ToSay = { kind: 'digest', messages: several(40) };
    const { text } = rendered(texts, say, 'sms', { fits: (one) => one.length <= 70 });
    assert.equal(text, `40 alerts: 40 normal host1 host2 host3 host4 +36 ${base}/`);
  });

  test('as JSON escapes every value for where it stands', () => {
    const texts = {
      'webhook/any.json.liquid':
        '{"text": "{{ title }} {{ alerts[0].summary }}", "code": {{ code | json }}, "urgent": {{ urgent }}, "all": {{ alerts | json }}}',
    };
    const summaryText = 'say "hi" \\ <b>';
    const { text, faults: found } = rendered(texts, one({ facts: { summary: summaryText } }), 'webhook');
    const body = JSON.parse(text);
    assert.equal(body.text, `URGENT raised: db1: ${summaryText} ${summaryText}`);
    assert.deepEqual([body.code, body.urgent, body.all[0].summary], [12, true, summaryText]);
    assert.deepEqual(found, []);
  });
});

describe('whatever a sender wrote', () => {
  const evil = '"><script>alert(1)</script>{{ title }}{% include "x" %}\r\nBcc: eve@example.com\u202e';
  const facts = { summary: evil, subject: evil, source: evil, alertId: evil, by: evil, note: evil };

  test('is shown in HTML and never obeyed, raw or not; only the sanitised detail goes in as it is', () => {
    const texts = {
      'email/any.html.liquid':
        '<p>{{ alert.summary }}{{ alert.subject | raw }}{{ note | append: "<script>" | raw }}{{ alert | json }}</p>{{ detail_html | raw }}{{ detail_html }}',
    };
    for (const kind of notificationKinds) {
      const { html, faults: found } = rendered(
        texts,
        one({ kind, facts, detailHtml: '<b>3 GB</b>' }),
        'email',
      );
      assert.doesNotMatch(html, /<script|\u202e/i);
      assert.ok(html.endsWith('</p><b>3 GB</b><b>3 GB</b>'), html);
      assert.deepEqual(found, []);
    }
  });

  test('is no template, no second line of a subject and no control character', () => {
    const texts = {
      'email/any.subject.liquid': '{{ alert.subject }}\n{{ alert.summary }}',
      'email/any.text.liquid': '{{ alert.subject }}\u0007',
    };
    const { title, text } = rendered(texts, one({ facts }), 'email');
    assert.doesNotMatch(title, /[\p{Cc}\u202e]/u);
    assert.match(title, /\{\{ title \}\}/);
    assert.doesNotMatch(text, /[\p{Cc}\u202e]/u);
  });
});

describe('a template that fails never costs the message', () => {
  const own = renderMessage(one(), contextOf('xmpp')).text;
  const failing: readonly (readonly [string, string, RegExp])[] = [
    [
      'takes too long',
      '{% for i in (1..900000) %}{% for j in (1..900) %}{{ j }}{% endfor %}{% endfor %}',
      /takes too long or too much memory/,
    ],
    [
      'takes too much',
      '{% assign x = "0123456789" %}{% for i in (1..99) %}{% assign x = x | append: x %}{% endfor %}{{ x }}',
      /takes too long or too much memory/,
    ],
    ['says too much', '{% for i in (1..100000) %}0123456789abcdef{% endfor %}', /renders more than/],
    ['puts itself in', '{% include "xmpp/any.text" %}', /puts itself in, again and again/],
    ['has a name wrong', '{{ alert.sumary }}', /undefined variable: alert\.sumary/],
    ['is broken', '{% if %}', /liquid: /],
    ['wants a file', '{% include "/etc/hostname" %}', /there is no \/etc\/hostname\.liquid/],
    ['wants the process', '{{ alert.constructor.constructor }}', /undefined variable: alert\.constructor/],
    ['says nothing', '  \n{{ note }}', /says nothing of raised/],
  ];
  for (const [what, template, words] of failing) {
    test(`one that ${what}`, () => {
      const started = performance.now();
      const { text, faults: found } = rendered({ 'xmpp/any.text.liquid': template }, one(), 'xmpp');
      assert.equal(text, own);
      assert.match(found.join('\n'), words);
      assert.ok(performance.now() - started < 5000);
    });
  }

  test('JSON that is none', () => {
    const texts = { 'webhook/any.json.liquid': '{"note": {{ note }} }' };
    const { text, faults: found } = rendered(texts, one(), 'webhook');
    assert.equal(JSON.parse(text).event, 'raised');
    assert.match(found.join(), /renders no valid JSON/);
  });
});

describe('the documentation', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/messages.md'), 'utf8');

  test('has templates that are right', () => {
    const blocks = [...page.matchAll(/^`([a-z]+\/[^`]+\.liquid)`[^\n]*\n\n```liquid\n(.*?)^```$/gms)];
    assert.ok(blocks.length >= 7);
    assert.equal(page.split('```liquid').length - 1, blocks.length);
    const texts = Object.fromEntries(blocks.map(([, name = '', text = '']) => [name, text]));
    assert.deepEqual(told(texts), []);
    const sms = rendered(texts, { kind: 'digest', messages: several(40) }, 'sms', {
      fits: (text) => text.length <= 72,
    });
    assert.equal(sms.text, `40 alerts: 40 normal\n1 host1\n2 host2\n3 host3\n+37 more\n${base}/`);
  });

  test('names every variable', () => {
    const context = contextOf('email');
    const content = contentOf(one(), context);
    const variables = variablesOf(content, wordsOf(one(), content, context), context);
    const [first] = variables.alerts as readonly Record<string, unknown>[];
    const rows = (heading: string): readonly string[] => {
      const table = page.split(`| ${heading} |`)[1]?.split('\n\n')[0] ?? '';
      const cells = table.split('\n').map((line) => line.split('|')[1] ?? '');
      return cells.flatMap((cell) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name)).sort();
    };
    assert.deepEqual(rows('name'), Object.keys(variables).sort());
    assert.deepEqual(rows('of an alert'), Object.keys(first ?? {}).sort());
  });
});

describe('the check of a policy', () => {
  test('takes templates that are right, as data that changes no meaning', () => {
    const texts = {
      'email/any.subject.liquid': '[ops] {{ title }}',
      'email/raised.html.liquid':
        '{% if note != "" %}{{ note }}{% endif %}<b>{{ alert.subject }}</b>{{ detail_html }}',
      'sms/any.text.liquid': '{{ text }} NOC',
      'xmpp/digest.text.liquid': '{{ title }}{% for a in alerts %}{{ a.subject }}{% endfor %}',
      'webhook/any.json.liquid': '{"text": "{{ title }}"}',
      'partials/foot.liquid': '{{ name }}',
    };
    const others = {
      ...texts,
      'sms/any.text.liquid': '{{ text }}',
      'sms/.hidden.swp': 'x',
      'README.md': 'x',
      'sms/any.text.liquid~': '{{',
    };
    const [first, second] = [loaded(texts), loaded(others)];
    if (!first.ok || !second.ok) throw new Error([...toldOf(first), ...toldOf(second)].join('\n'));
    assert.deepEqual([...first.policy.templates.keys()].sort(), Object.keys(texts).sort());
    assert.equal(first.policy.templates.get('sms/any.text.liquid'), '{{ text }} NOC');
    assert.equal(first.policy.version, second.policy.version);
  });

  test('without the setting there are none', () => {
    const found = loadFrom({ 'policy.yaml': policy.replace(/settings.*\n/, '') });
    assert.ok(found.ok && found.policy.templates.size === 0);
  });

  const wrong: readonly (readonly [string, Texts, readonly string[]])[] = [
    [
      'a folder or a file that means nothing',
      {
        'emial/raised.text.liquid': 'x',
        'sms/rised.text.liquid': 'x',
        'sms/raised.html.liquid': 'x',
        'email/raised.liquid': 'x',
        'xmpp/any.text.txt': 'x',
      },
      [
        'words/email/raised.liquid:1:1: raised.subject.liquid or raised.text.liquid or raised.html.liquid is expected',
        'words/emial:1:1: no channel has templates in emial (did you mean "email"?)',
        'words/sms/raised.html.liquid:1:1: raised.text.liquid is expected',
        'words/sms/rised.text.liquid:1:1: no event is called "rised" (did you mean "raised"?)',
        'words/xmpp/any.text.txt:1:1: a name that ends in .liquid is expected',
      ],
    ],
    [
      'a mistake in the language',
      {
        'sms/raised.text.liquid': 'x\n {{ alert.subject',
        'email/any.text.liquid': '{{ title | shout }}{% fi %}',
      },
      [
        'words/email/any.text.liquid:1:1: undefined filter: shout',
        'words/sms/raised.text.liquid:2:2: output "{{ alert.subject" not closed',
      ],
    ],
    [
      'a name that nobody has, wherever it stands',
      {
        'sms/raised.text.liquid': 'x\n{% if code == 99 %}{{ persn.name }}{% endif %}{{ alert.subjekt }}',
        'email/any.text.liquid': "{{ title }}{% render 'partials/foot' %}",
        'partials/foot.liquid': '\n\n  {{ tilte }}',
      },
      [
        'words/sms/raised.text.liquid:2:23: there is no variable "persn" (did you mean "person"?)',
        'words/sms/raised.text.liquid:2:50: there is no variable "alert.subjekt" (did you mean "subject"?)',
        'words/partials/foot.liquid:3:6: there is no variable "tilte" (did you mean "title"?)',
      ],
    ],
    [
      'a piece that is not there',
      { 'sms/raised.text.liquid': "{{ title }}{% render 'partials/foot' %}" },
      ['words/sms/raised.text.liquid:1:12: there is no partials/foot.liquid'],
    ],
    [
      'one alert in what is about several',
      { 'sms/any.text.liquid': '{{ alert.subject }} {{ link }}' },
      [
        'words/sms/any.text.liquid:1:4: there is no variable "alert", in a digest: a digest and a summary are about several, which are in "alerts"',
      ],
    ],
    [
      'a list that would drop some silently',
      { 'xmpp/summary.text.liquid': '{% for a in alerts %}{{ a.subject }}\n{% endfor %}' },
      [
        'words/xmpp/summary.text.liquid:1:1: does not say how many alerts a summary leaves out where not all fit: "more", "total" or "title" does',
      ],
    ],
    [
      'nothing to say where something is empty',
      { 'email/raised.text.liquid': '{{ detail_text }}' },
      ['words/email/raised.text.liquid:1:1: says nothing of raised'],
    ],
    [
      'an SMS that never fits',
      { 'sms/raised.text.liquid': `{{ title }}${'x'.repeat(1601)}` },
      [
        'words/sms/raised.text.liquid:1:1: does not fit into one message of sms, however little it says of raised',
      ],
    ],
    [
      'a webhook in two ways',
      { 'webhook/any.json.liquid': '{}', 'webhook/any.text.liquid': 'x' },
      [
        'words/webhook/any.json.liquid:1:1: there is webhook/any.text.liquid as well: one of them is expected',
      ],
    ],
    [
      'one that is too large',
      { 'sms/raised.text.liquid': 'x'.repeat(templateMax + 1) },
      [`words/sms/raised.text.liquid:1:1: at most ${templateMax} characters are expected`],
    ],
  ];
  for (const [what, texts, lines] of wrong) {
    test(`refuses ${what}, with its place`, () => {
      assert.deepEqual([...told(texts)].sort(), [...lines].sort());
    });
  }

  test('refuses JSON that is none for some alert', () => {
    const [line = '', ...more] = told({ 'webhook/raised.json.liquid': '{"code": {{ code }}}' });
    assert.match(line, /^words\/webhook\/raised\.json\.liquid:1:1: renders no valid JSON: /);
    assert.deepEqual(more, []);
  });

  test('refuses too many of them, a folder that is not there, and an address', () => {
    const many = Object.fromEntries(
      Array.from({ length: templateFilesMax + 1 }, (_, n) => [`partials/p${n}.liquid`, 'x']),
    );
    assert.deepEqual(told(many), [
      `policy.yaml:5:23: at most ${templateFilesMax} templates are expected in words`,
    ]);
    const missing = loadFrom(
      { 'policy.yaml': policy },
      { list: () => ({ ok: false, why: 'there is no such folder' }) },
    );
    assert.deepEqual(toldOf(missing), [
      'policy.yaml:5:23: the templates in words cannot be read: there is no such folder',
    ]);
    const address = loadFrom({ 'policy.yaml': policy.replace('words', 'https://example.com/words') });
    assert.match(toldOf(address).join(), /5:23: the name of a folder of this machine is expected/);
  });

  test('refuses a template that takes too long', () => {
    const loop = '{% for i in (1..900000) %}{% for j in (1..900) %}{{ j }}{% endfor %}{% endfor %}';
    assert.match(told({ 'sms/raised.text.liquid': loop }).join(), /1:\d+: takes too long or too much memory/);
  });

  test('is found besides other faults of the policy', () => {
    const both = loadFrom({
      'policy.yaml': policy.replace('to: ann', 'to: anne'),
      ...inFolder({ 'sms/raised.text.liquid': '{{ tilte }}' }),
    });
    assert.equal(toldOf(both).length, 2);
  });
});
