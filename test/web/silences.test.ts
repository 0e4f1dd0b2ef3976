/** Silences: made on an alert's page, looked through, ended by a tap; and the same for scripts. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AlertKey } from '../../src/station/core/alert.ts';
import { silenceReasonMax } from '../../src/station/door.ts';
import { minutes, plus } from '../../src/time.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { openSite, type Site, token, Visitor } from './site.ts';

let site: Site;
let visitor: Visitor;
before(async () => {
  site = await openSite();
  visitor = new Visitor(site);
  await visitor.logIn();
});
after(() => site.close());

const notice = (text: string): string => /class="notice \w+" role="\w+">([^<]*)/.exec(text)?.[1] ?? '';
const plain = (text: string): string =>
  text
    .replace(/<\/?(?:li|div|p|h2|section)\b[^>]*>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ');
const banner = (text: string): string =>
  plain(/<div class="notice muted".*?<\/p>/s.exec(text)?.[0] ?? '').trim();
const once = (): string => /name="once" value="([^"]+)"/.exec(visitor.page.text)?.[1] ?? '';

/** Sends the form of the page that was looked at last. */
async function silence(key: AlertKey, more: Record<string, string | readonly string[]> = {}) {
  const fields = { alert: String(key), once: once(), source_is: 'db1', subject_is: 'db1', id_is: 'disk' };
  const rest = { match: ['source', 'subject', 'id'], count: '2', unit: 'h', reason: 'growing the volume' };
  return visitor.post('/silences', { ...fields, ...rest, ...more });
}

/** The station takes up what a silence changed right after its commit. */
const settled = (): Promise<void> => advance(0);
const all = () => site.reads.silences(site.clock.now(), 1000);
const advance = async (length: number): Promise<void> => {
  assert.ok(site.clock instanceof SimulatedClock);
  await site.clock.advanceTo(plus(site.clock.now(), minutes(length)));
};

test('an alert is silenced from its page: the page says by whom, until when and why, and one tap ends it', async () => {
  const key = await site.say({ id: 'shelf', subject: 'nas' });
  const page = await visitor.get(`/alerts/${key}`);
  assert.match(page.text, /name="subject_is" value="nas"/);
  assert.equal(banner(page.text), '');
  const sent = await silence(key, { id_is: 'shelf', subject_is: 'nas' });
  assert.equal(sent.headers.get('location'), `/alerts/${key}`);
  const after = await visitor.follow();
  assert.equal(notice(after.text), 'Silenced until 05:00 (for 2h): nobody is told of alerts that match.');
  await settled();
  const quiet = await visitor.get(`/alerts/${key}`);
  assert.equal(
    banner(quiet.text),
    'Nobody is told of it: silenced by ann until 05:00 (in 2h): growing the volume.',
  );
  assert.match(quiet.text, /nobody is told<\/b>: silenced until/);
  assert.match((await visitor.get('/')).text, /silenced<span class="sr">: nobody is told<\/span>/);
  const shown = plain((await visitor.get('/silences')).text);
  assert.match(shown, /source is db1 and subject is nas and id is shelf until 05:00 \(in 2h\), made by ann/);
  const [made] = await all();
  await visitor.post(`/silences/${made?.id}/end`, { alert: String(key) });
  const ended = await visitor.follow();
  assert.match(notice(ended.text), /The silence is ended/);
  await settled();
  const told = await visitor.get(`/alerts/${key}`);
  assert.equal(banner(told.text), '');
  assert.match(told.text, /no longer silenced/);
  assert.match(plain((await visitor.get('/silences')).text), /Ended .*id is shelf ended by ann 03:00/);
});

test('a form that is sent twice makes one silence, and an end that is tapped twice is no error', async () => {
  const key = await site.say({ id: 'twice' });
  await visitor.get(`/alerts/${key}`);
  const before = (await all()).length;
  const word = once();
  const both = await Promise.all([silence(key, { once: word }), silence(key, { once: word })]);
  assert.deepEqual(
    both.map(({ status }) => status),
    [303, 303],
  );
  await silence(key, { once: word });
  assert.match(notice((await visitor.follow()).text), /^Silenced until/);
  assert.equal((await all()).length, before + 1);
  const [made] = await all();
  await visitor.post(`/silences/${made?.id}/end`);
  await visitor.get('/');
  await visitor.post(`/silences/${made?.id}/end`);
  const page = await visitor.follow();
  assert.match(page.text, /class="notice good" role="status">This silence has ended already\./);
});

test('what is wrong with the form is said, nothing is silenced, and what was typed is still there', async () => {
  const key = await site.say({ id: 'wrong' });
  const before = (await all()).length;
  for (const [more, why] of [
    [{ match: [] }, /Tick at least one/],
    [{ match: ['detail'] }, /Tick at least one/],
    [{ match: ['subject'], subject_is: '  ' }, /Which subject\?/],
    [{ match: ['subject'], subject_is: 'x'.repeat(513) }, /at most 512 characters/],
    [{ reason: '  ' }, /^Why\?/],
    [{ reason: 'x'.repeat(silenceReasonMax + 1) }, /A reason has at most 1000 characters/],
    [{ count: '' }, /How long\?/],
    [{ count: '0' }, /How long\?/],
    [{ unit: 'working' }, /How long\?/],
    [{ match: ['id'], id_is: '/(a+)+$/' }, /./],
  ] as const) {
    await visitor.get(`/alerts/${key}`);
    const sent = await silence(key, more);
    assert.equal(sent.headers.get('location'), `/alerts/${key}#silence`);
    const page = await visitor.follow();
    assert.match(notice(page.text), why);
    assert.match(page.text, /<details id="silence" open>/);
    // Beside what is wrong, too: the top of the page is a long way up.
    assert.match(
      /<form[^>]* id="silence-form".*?<fieldset>/s.exec(page.text)?.[0] ?? '',
      /class="notice bad"/,
    );
  }
  await visitor.get(`/alerts/${key}`);
  await silence(key, { reason: '', match: ['id'], id_is: 'di*', count: '7' });
  const { text } = await visitor.follow();
  assert.match(text, /name="id_is" value="di\*"/);
  assert.match(text, /value="id" checked/);
  assert.doesNotMatch(text, /value="source" checked/);
  assert.match(text, /id="silence-form".*name="count"[^>]* value="7"/s);
  assert.equal((await all()).length, before);
});

test('a silence longer than the policy allows says so', async () => {
  const key = await site.say({ id: 'long' });
  await visitor.get(`/alerts/${key}`);
  await silence(key, { count: '99', unit: 'd', id_is: 'long' });
  assert.match(
    notice((await visitor.follow()).text),
    /^Silenced until Sun 6 Dec, 03:00 \(for 15d, as long as the policy allows\)/,
  );
});

test('a silence that does not match the alert it was made for says so', async () => {
  const key = await site.say({ id: 'slip' });
  await visitor.get(`/alerts/${key}`);
  await silence(key, { id_is: 'silp' });
  assert.match(
    notice((await visitor.follow()).text),
    /^Silenced until .* But this alert does not match: people are told of it as before\.$/,
  );
  await silence(key, { id_is: 'slip' });
  assert.match(notice((await visitor.follow()).text), /nobody is told of alerts that match\.$/);
});

test('an alert’s own texts mean themselves, and what a person changed may have stars', async () => {
  const id = '/var/*.log/';
  const key = await site.say({ id, subject: 'web1' });
  await visitor.get(`/alerts/${key}`);
  await silence(key, { match: ['id'], id_is: id });
  const other = await site.say({ id: 'x/var/y.log/', subject: 'web1' });
  assert.equal((await site.reads.alert(other))?.muted, null);
  await advance(16);
  assert.equal((await site.reads.alert(key))?.muted?.kind, 'silenced');
  await visitor.get(`/alerts/${other}`);
  await silence(other, { match: ['id'], id_is: 'x/*' });
  await advance(16);
  assert.equal((await site.reads.alert(other))?.muted?.kind, 'silenced');
});

test('those of the policy are on the page, and silences from elsewhere read well', async () => {
  const match = {
    any: [{ source: 'web*' }, { id: ['/^http/i', 'ssh'] }],
    not: { importance: { at_least: 80 } },
  };
  const answer = await call('/silences', { match, for: '20m', reason: 'deploy' });
  assert.equal(answer.status, 201);
  const text = plain((await visitor.get('/silences')).text);
  assert.match(text, /sunday-backups: sun 02:00-04:00 full backups restart the databases/);
  assert.match(
    text,
    /\(source is like web\* or id matches \/\^http\/i or is ssh\) and not \(importance at least 80\)/,
  );
  assert.match(text, /made by token:script at/);
});

test('to a reader in another zone, the hours of the policy are said to be its own', async () => {
  assert.doesNotMatch((await visitor.get('/silences')).text, /hours of/);
  await site.addLink('bobs-link', 'bob');
  const bob = new Visitor(site);
  await bob.get('/welcome/bobs-link');
  const { text } = await bob.get('/silences');
  assert.match(text, /Times are those of America\/New_York/);
  assert.match(
    text,
    /In the policy <span class="quiet">hours of Europe\/Paris, where no other zone is named/,
  );
});

test('forms from elsewhere, unknown silences and a station that cannot write are met', async () => {
  const key = await site.say({ id: 'csrf' });
  await visitor.get(`/alerts/${key}`);
  assert.equal((await visitor.post('/silences', { match: ['id'], id_is: 'csrf' }, 'x')).status, 403);
  await visitor.get(`/alerts/${key}`);
  const unknown = await visitor.post('/silences/9999/end');
  assert.equal(unknown.status, 404);
  assert.match(unknown.text, /No such silence/);
  await visitor.get(`/alerts/${key}`);
  assert.equal((await visitor.post('/silences/x/end')).status, 404);
  await visitor.get(`/alerts/${key}`);
  const { handle } = site.view;
  const word = once();
  site.view.handle = async () => [{ ok: false, why: 'store-unavailable', message: 'The disk is full.' }];
  try {
    const lost = await silence(key, { once: word });
    assert.equal(lost.status, 503);
    assert.match(lost.text, /NOT recorded/);
  } finally {
    site.view.handle = handle;
  }
  // Sent again by the browser, it is tried again.
  await visitor.get(`/alerts/${key}`);
  await silence(key, { once: word, id_is: 'csrf' });
  assert.match(notice((await visitor.follow()).text), /^Silenced until/);
});

test('whoever was logged out meanwhile comes back to the silences', async () => {
  const stranger = new Visitor(site);
  assert.equal((await stranger.post('/silences/1/end')).headers.get('location'), '/login?next=%2Fsilences');
  assert.equal((await stranger.get('/silences')).status, 302);
});

// ---------------------------------------------------------------- for scripts

type Answer = { status: number; body: Record<string, unknown> };

async function call(
  path: string,
  body?: unknown,
  method = body === undefined ? 'GET' : 'POST',
): Promise<Answer> {
  const answer = await fetch(`${site.base}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const code = ({ body }: Answer): unknown => (body.error as { code?: unknown } | undefined)?.code;

test('a script makes a silence, finds it, and ends it once', async () => {
  const match = { source: 'db1', id: 'api' };
  const made = await call('/silences', { match, for: '90m', reason: 'moved' });
  assert.equal(made.status, 201);
  const { id, ...rest } = made.body;
  assert.deepEqual(rest, {
    ...{ match, reason: 'moved', author: 'token:script' },
    ...{ from: '2026-11-21T02:32:00Z', until: '2026-11-21T04:02:00Z', in_force: true },
    ...{ ended_at: null, ended_by: null },
  });
  const list = await call('/silences');
  const silences = list.body.silences as { id: unknown }[];
  assert.deepEqual(
    silences.find((each) => each.id === id),
    made.body,
  );
  assert.deepEqual(list.body.recurring, [
    { name: 'sunday-backups', when: 'sun 02:00-04:00', reason: 'full backups restart the databases' },
  ]);
  const ended = await call(`/silences/${id}/end`, {});
  assert.equal(ended.status, 200);
  assert.equal(ended.body.in_force, false);
  assert.equal(ended.body.ended_by, 'token:script');
  assert.equal(code(await call(`/silences/${id}/end`, {})), 'silence-ended');
  assert.equal((await call('/silences/9999/end', {})).status, 404);
  assert.equal((await call('/silences/x/end', {})).status, 404);
});

test('a muted alert says so to scripts, in its shape and its history', async () => {
  const key = await site.say({ id: 'told-script' });
  const made = await call('/silences', { match: { id: 'told-script' }, for: '1h', reason: 'quiet' });
  await settled();
  const alert = (await call(`/alerts/${key}`)).body;
  assert.deepEqual(alert.muted, {
    ...{ kind: 'silenced', silence: String(made.body.id), why: 'quiet' },
    ...{ since: '2026-11-21T02:32:00Z', until: '2026-11-21T03:32:00Z' },
  });
  const { history } = (await call(`/alerts/${key}/history`)).body as { history: Record<string, unknown>[] };
  const muted = history.find((entry) => entry.kind === 'muted');
  assert.equal(muted?.cause, 'silenced');
  assert.equal(muted?.until, '2026-11-21T03:32:00Z');
  assert.equal(muted?.by, null);
});

/** As deep as a body can hold: it is refused before it is more than the station can take. */
const nested = (times: number): unknown =>
  JSON.parse(`${'{"not":'.repeat(times)}{"id":"x"}${'}'.repeat(times)}`);

test('what makes no sense is refused, and names what is wrong', async () => {
  const good = { match: { id: 'x' }, for: '1h', reason: 'x' };
  for (const [more, why, words] of [
    [{ match: 'x' }, 'bad-body', /match/],
    [{ match: null }, 'bad-body', /match/],
    [{ match: {} }, 'bad-match', /./],
    [{ match: { colour: 'red' } }, 'bad-match', /./],
    [{ match: { id: '/(a+)+$/' } }, 'bad-match', /./],
    [{ match: nested(9) }, 'bad-match', /deep/],
    [{ match: nested(1900) }, 'bad-match', /deep/],
    [
      { match: { any: [{ id: Array.from({ length: 11 }, (_, n) => `/^a*a*${n}/`) }] } },
      'bad-match',
      /patterns/,
    ],
    [{ for: undefined }, 'bad-body', /"for"/],
    [{ for: '2h working' }, 'bad-body', /"for"/],
    [{ for: 5 }, 'bad-body', /"for"/],
    [{ reason: ' ' }, 'bad-body', /Why/],
    [{ reason: 5 }, 'bad-body', /"reason"/],
    [{ reason: 'x'.repeat(silenceReasonMax + 1) }, 'bad-body', /at most 1000/],
    [{ until: '1h' }, 'bad-body', /Unknown field "until": there are "match", "for" and "reason"/],
  ] as const) {
    const answer = await call('/silences', { ...good, ...more });
    assert.equal(answer.status, 400, JSON.stringify(more).slice(0, 60));
    assert.equal(code(answer), why, JSON.stringify(more).slice(0, 60));
    assert.match((answer.body.error as { message: string }).message, words);
  }
  assert.equal(code(await call('/silences?state=x')), 'bad-parameter');
  assert.equal(code(await call('/silences', {}, 'PUT')), 'method-not-allowed');
  assert.equal(code(await call('/silences/1/end', { reason: 'x' })), 'bad-body');
});
