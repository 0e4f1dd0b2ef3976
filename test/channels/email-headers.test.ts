/**
 * What a mail says of itself, read as a mail program and a filter read it, from
 * what a real SMTP server received.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../src/station/channels/channel.ts';
import { headerTextMax } from '../../src/station/channels/email-headers.ts';
import type { AlertData } from '../../src/station/core/message.ts';
import { channel, header, mailServer, message, type Part, partsOf, rawHeader, secure } from './mail-kit.ts';

const alert: AlertData = {
  event: 'raised',
  key: 17,
  code: 4,
  source: 'db1',
  id: 'disk',
  subject: 'db1.example.net',
  summary: 'disk is 97% full',
  level: 'urgent',
  raised_at: '2026-07-01T03:01:00Z',
  at: '2026-07-01T03:01:00Z',
  by: null,
  acknowledged_until: null,
  note: '',
  link: 'http://127.0.0.1:1288/alerts/17',
};
const about = (...alerts: readonly AlertData[]): Pick<Message, 'data'> => ({
  data: { ...message.data, alerts, event: alerts.length > 1 ? 'digest' : 'raised', total: alerts.length },
});

/** The mails that arrive of these messages, in their order. */
async function mailed(...messages: readonly Partial<Message>[]): Promise<readonly string[]> {
  const { port, received } = await mailServer();
  const mail = channel(port, { ...secure, concurrency: 1 });
  for (const one of messages) {
    const { kind, why } = await mail.send('johnny@example.com', { ...message, ...one });
    assert.equal(kind, 'delivered', why);
  }
  return received.map(({ content }) => content);
}

test('an email says what it is to people and to robots', async () => {
  const [content = ''] = await mailed({});
  assert.equal(header(content, 'Subject'), message.title);
  assert.equal(header(content, 'From'), 'Mauve <mauve@example.net>');
  assert.equal(header(content, 'To'), 'johnny@example.com');
  assert.equal(header(content, 'Auto-Submitted'), 'auto-generated');
  assert.equal(header(content, 'X-Auto-Response-Suppress'), 'All');
  assert.match(header(content, 'List-Id') ?? '', /<alerts\.example\.net>/);
  assert.match(header(content, 'Message-ID') ?? '', /^<[0-9a-f]{40}@example\.net>$/);
  assert.ok(Number.isFinite(Date.parse(header(content, 'Date') ?? '')));
});

test('what is urgent is marked so in each way that mail programs know, and nothing else is', async () => {
  const [urgent = '', normal = ''] = await mailed({ urgent: true }, { urgent: false });
  const marks = (content: string) =>
    ['Importance', 'Priority', 'X-Priority'].map((name) => header(content, name)?.toLowerCase());
  assert.deepEqual(marks(urgent), ['high', 'urgent', '1 (highest)']);
  assert.deepEqual(marks(normal), [undefined, undefined, undefined]);
});

test('a second try at the same message has the same Message-ID, another message or station has another', async () => {
  const mails = await mailed(
    {},
    { text: 'rendered again a minute later', link: 'http://127.0.0.1:1288/a/another-token' },
    { idempotencyKey: '17/2/raised/johnny#email' },
    { link: 'https://other.example/alerts/17' },
  );
  const ids = mails.map((content) => header(content, 'Message-ID'));
  assert.equal(ids[0], ids[1]);
  assert.equal(new Set(ids).size, 3);
});

test('the messages of one alert are a thread from the first on, and those of others are not in it', async () => {
  const mails = await mailed(
    {},
    { idempotencyKey: '17/1/acknowledged/johnny#email', title: 'Acknowledged: db1' },
    { idempotencyKey: '18/1/raised/johnny#email', thread: '18' },
    { idempotencyKey: 'a b', thread: 'digest 2026-07-01' },
    { link: 'https://other.example/alerts/17' },
  );
  const roots = mails.map((content) => header(content, 'References'));
  assert.deepEqual(
    roots,
    mails.map((content) => header(content, 'In-Reply-To')),
  );
  for (const root of roots) assert.match(root ?? '', /^<[0-9a-f]{40}@example\.net>$/);
  assert.equal(roots[0], roots[1]);
  assert.equal(new Set(roots).size, 4);
  // No message is an answer to itself.
  for (const [n, content] of mails.entries()) assert.notEqual(header(content, 'Message-ID'), roots[n]);
});

test('people can filter by source, subject, level, event, code and alert', async () => {
  const [content = ''] = await mailed(about(alert));
  const shown = ['Event', 'Alert', 'Code', 'Source', 'Id', 'Subject', 'Level', 'Alerts'].map((name) =>
    header(content, `X-Mauve-${name}`),
  );
  assert.deepEqual(shown, ['raised', '17', '4', 'db1', 'disk', 'db1.example.net', 'urgent', '1']);
  const [without = ''] = await mailed(about({ ...alert, code: null, subject: '' }));
  assert.equal(header(without, 'X-Mauve-Code'), undefined);
  assert.equal(header(without, 'X-Mauve-Subject'), undefined);
});

test('a message about several says what they have in common, and the highest level', async () => {
  const [content = ''] = await mailed(
    about({ ...alert, level: 'low' }, { ...alert, key: 18, code: 5, id: 'load', level: 'normal' }),
  );
  const shown = ['Event', 'Alert', 'Code', 'Source', 'Id', 'Subject', 'Level', 'Alerts'].map((name) =>
    header(content, `X-Mauve-${name}`),
  );
  assert.deepEqual(shown, [
    'digest',
    undefined,
    undefined,
    'db1',
    undefined,
    'db1.example.net',
    'normal',
    '2',
  ]);
});

test('what a sender wrote stays one bounded header, whatever it is', async () => {
  const wild = [
    'x\r\nBcc: eve@example.com\r\n\r\nhello',
    'línea \u202e reversed ✓ 数据库',
    `${'long '.repeat(400)}`,
    '数'.repeat(1000),
    '=?utf-8?B?Qmxpbms=?= decoded',
    'quote " and \\ and \u0000 nul',
  ];
  for (const written of wild) {
    const [content = ''] = await mailed({
      ...about({ ...alert, source: written, subject: written, id: written }),
      title: written,
    });
    const head = content.split('\r\n\r\n')[0] ?? '';
    assert.doesNotMatch(head, /^Bcc:/im);
    for (const line of head.split('\r\n')) assert.ok(line.length <= 998, `a line of ${line.length}`);
    assert.match(head, /^[\x20-\x7e\r\n\t]*$/, 'a header that is not ASCII');
    for (const name of ['Subject', 'X-Mauve-Source', 'X-Mauve-Subject', 'X-Mauve-Id']) {
      const shown = header(content, name) ?? '';
      assert.ok([...shown].length <= headerTextMax + 10, `${name} is ${shown.length} long`);
      assert.ok(!shown.includes('Blink'), 'an encoded word of a sender was decoded');
      const beginning = written
        .replace('=?', '= ?')
        .replace(/[\s\p{Cc}\u202e]+/gu, '')
        .slice(0, 8);
      assert.ok(shown.replace(/\s/g, '').startsWith(beginning), `${name}: ${shown}`);
    }
  }
});

test('a subject with line ends cannot add a header or a recipient', async () => {
  const { port, received } = await mailServer();
  const mail = channel(port, secure);
  await mail.send('johnny@example.com', { ...message, title: 'x\r\nBcc: eve@example.com\r\n\r\nhello' });
  assert.deepEqual(received[0]?.to, ['johnny@example.com']);
  assert.doesNotMatch(received[0]?.content ?? '', /^Bcc:/im);
});

const kinds = (parts: readonly Part[]): readonly string[] =>
  parts.map(({ type }) => type.split(';')[0] ?? '');

test('plain text and HTML arrive side by side, the richer one last, whole in any script and with any line', async () => {
  const texts = [
    'db1: disk is 97% full\n\nRaised at 03:01 today.\n',
    `Größe der Datenbank: 97 %\n${'x'.repeat(3000)}\n.\n..\nFrom here on\n`,
    '磁盘已满 97%\n数据库服务器\n',
    'a line with spaces at its end   \n\tand = a tab\n',
    '🔥'.repeat(500),
  ];
  for (const text of texts) {
    const page = `<!doctype html><meta charset="utf-8"><p>${text}</p>`;
    const [content = ''] = await mailed({ text, html: page });
    assert.match(rawHeader(content, 'Content-Type') ?? '', /^multipart\/alternative;/);
    const parts = partsOf(content);
    assert.deepEqual(kinds(parts), ['text/plain', 'text/html']);
    for (const { type } of parts) assert.match(type, /charset=utf-8/i);
    assert.equal(parts[0]?.text.trimEnd(), text.trimEnd());
    assert.equal(parts[1]?.text, page);
    assert.match(content, /^[\t\r\n\x20-\x7e]*$/, 'bytes that an old relay may break');
    const longest = Math.max(...content.split('\r\n').map((line) => line.length));
    assert.ok(longest <= 998, `a line of ${longest}`);
  }
});

test('a message without HTML is plain text and nothing else', async () => {
  const [content = ''] = await mailed({ html: '' });
  assert.match(rawHeader(content, 'Content-Type') ?? '', /^text\/plain;/);
  assert.match(content, /Raised at 03:01 today\./);
});
