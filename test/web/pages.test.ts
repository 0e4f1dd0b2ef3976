/** The pages with JavaScript off: everything a person does, by plain forms. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { openSite, type Site, Visitor } from './site.ts';

let site: Site;
let visitor: Visitor;
before(async () => {
  site = await openSite();
  visitor = new Visitor(site);
  await visitor.logIn();
});
after(() => site.close());

const notice = (text: string): string => /class="notice \w+" role="\w+">([^<]*)/.exec(text)?.[1] ?? '';

test('the list shows what is raised, the urgent first, with the count in the title', async () => {
  await site.say({ id: 'a', subject: 'web1', summary: 'slow' });
  await site.say({ id: 'b', subject: 'core-1', summary: 'down' });
  await site.say({ id: 'c', subject: 'build1', summary: 'full' });
  const { text } = await visitor.get('/');
  assert.match(text, /<title>\(3\) 1 urgent · Mauve<\/title>/);
  const order = ['core-1', 'web1', 'build1'].map((subject) => text.indexOf(`<b>${subject}</b>`));
  assert.deepEqual(
    order,
    order.toSorted((x, y) => x - y),
  );
  assert.match(
    text,
    /<time datetime="2026-11-21T02:00:00Z" title="Sat, 21 Nov 2026, 03:00:00 CET" data-age>/,
  );
  assert.match(text, /not live/);
});

test('acknowledging with a note says until when; the alert moves to the other list', async () => {
  const key = await site.say({ id: 'ack', subject: 'core-ack' });
  await visitor.get(`/alerts/${key}`);
  assert.match(visitor.page.text, /name="count"[^>]*value="2"/);
  const answer = await visitor.post(`/alerts/${key}/acknowledge`, {
    count: '1.5',
    unit: 'h',
    note: 'ticket 12',
  });
  assert.equal(answer.status, 303);
  const page = await visitor.follow();
  assert.equal(notice(page.text), 'Acknowledged until 04:30 (for 1h 30m).');
  assert.match(page.text, /by <b>ann<\/b>/);
  assert.match(page.text, /<q>ticket 12<\/q>/);
  assert.equal(notice((await visitor.get(`/alerts/${key}`)).text), '');
  assert.doesNotMatch((await visitor.get('/')).text, /core-ack/);
  assert.match((await visitor.get('/?state=acknowledged')).text, /core-ack/);
  await visitor.get(`/alerts/${key}`);
  await visitor.post(`/alerts/${key}/unacknowledge`);
  assert.match(notice((await visitor.follow()).text), /raised again/);
});

test('an acknowledgement longer than the policy allows says how long it is', async () => {
  const key = await site.say({ id: 'long' });
  await visitor.get(`/alerts/${key}`);
  await visitor.post(`/alerts/${key}/acknowledge`, { count: '100', unit: 'd' });
  assert.match(
    notice((await visitor.follow()).text),
    /^Acknowledged until Sun 6 Dec, 03:00 \(for 15d, as long/,
  );
});

test('clearing by hand, a note, and acts that make no sense', async () => {
  const key = await site.say({ id: 'hand' });
  await visitor.get(`/alerts/${key}`);
  await visitor.post(`/alerts/${key}/note`, { text: 'called the provider' });
  assert.match((await visitor.follow()).text, /<q>called the provider<\/q>/);
  await visitor.post(`/alerts/${key}/note`, { text: '   ' });
  assert.match(notice((await visitor.follow()).text), /empty note/);
  await visitor.post(`/alerts/${key}/note`, { text: 'x'.repeat(1001) });
  assert.match(notice((await visitor.follow()).text), /at most 1000/);
  for (const count of ['-1', '0', 'x', '1e9', '99999999']) {
    await visitor.post(`/alerts/${key}/acknowledge`, { count, unit: 'h' });
    assert.match(notice((await visitor.follow()).text), /How long/, count);
  }
  await visitor.post(`/alerts/${key}/clear`);
  const cleared = await visitor.follow();
  assert.equal(notice(cleared.text), 'Cleared by hand.');
  assert.doesNotMatch(cleared.text, /id="acknowledge"/);
  await visitor.post(`/alerts/${key}/acknowledge`, { count: '1', unit: 'h' });
  assert.match(notice((await visitor.follow()).text), /Only a raised alert/);
  assert.equal((await visitor.post('/alerts/999999/clear')).status, 404);
  assert.equal((await visitor.get('/alerts/999999')).status, 404);
});

test('several are acknowledged at once, and what could not be is said', async () => {
  const keys: string[] = [];
  for (let i = 0; i < 3; i++) keys.push(String(await site.say({ id: `many${i}`, subject: `many${i}` })));
  await site.say({ id: 'many2', clear: true });
  await visitor.get('/');
  await visitor.post('/acknowledge', { alert: keys, count: '', unit: 'h', back: 'raised' });
  const text = notice((await visitor.follow()).text);
  assert.match(text, /^Acknowledged 2 alerts until 04:00\. 1 alert was not acknowledged/);
  await visitor.post('/acknowledge', { count: '', unit: 'h', back: 'raised' });
  assert.match(notice((await visitor.follow()).text), /Nothing was selected/);
});

test('a form from elsewhere does nothing', async () => {
  const key = await site.say({ id: 'csrf' });
  await visitor.get(`/alerts/${key}`);
  for (const bad of ['', 'x'.repeat(48)]) {
    const answer = await visitor.post(`/alerts/${key}/clear`, {}, bad);
    assert.equal(answer.status, 403);
    assert.match(answer.text, /Nothing was done/);
  }
  assert.equal((await site.reads.alert(key))?.phase.kind, 'raised');
});

test('the inbox shows a message and what became of it, one’s own or everybody’s', async () => {
  const key = await site.say({ id: 'inbox', subject: 'core-inbox' });
  const { text } = await visitor.get('/inbox');
  assert.match(text, /core-inbox/);
  assert.match(text, new RegExp(`href="/alerts/${key}"`));
  assert.match(text, /delivered/);
  await site.addLink('inbox-link', 'bob');
  const bob = new Visitor(site);
  await bob.get('/welcome/inbox-link');
  assert.match((await bob.get('/inbox')).text, /Nothing for bob yet/);
  assert.match((await bob.get('/inbox?all=1')).text, /core-inbox/);
});

test('the page of an alert says what is planned and who was told', async () => {
  const key = await site.say({ id: 'heart', heartbeat: true, subject: 'cron' });
  const { text } = await visitor.get(`/alerts/${key}`);
  assert.match(text, /Will raise/);
  assert.match(text, /unless heard from again/);
  const told = await site.say({ id: 'told', subject: 'core-told' });
  const page = await visitor.get(`/alerts/${told}`);
  assert.match(page.text, /<b>ann<\/b> by inbox, raised/);
  assert.match(page.text, /Next reminder.*>03:15<.*in 15m/);
});

const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'\`\${1}`;

test('text from strangers stays text, wherever it is shown', async () => {
  const other = await openSite();
  try {
    const reader = new Visitor(other);
    await reader.logIn();
    // Markup is stripped at intake; what is no tag there must still be harmless here.
    const nearly = `a"b'c<d&e</title></script ><svg/onload=alert(1) <img src=x onerror=alert(1) `;
    for (const text of [evil, nearly]) {
      const key = await other.say({ source: text, id: text, subject: text, summary: text, detail: text });
      await reader.get(`/alerts/${key}`);
      await reader.post(`/alerts/${key}/note`, { text: evil });
      await reader.post(`/alerts/${key}/acknowledge`, { count: '1', unit: 'h', note: evil });
      for (const path of [
        `/alerts/${key}`,
        '/?state=acknowledged',
        '/inbox',
        '/',
        `/login?next=${encodeURIComponent(evil)}`,
      ]) {
        const page = await reader.get(path);
        const scripts = page.text.match(/<script\b[^>]*>/g) ?? [];
        assert.ok(
          scripts.every((tag) => /^<script src="\/assets\/\w+\/mauve\.js" type="module">$/.test(tag)),
          path,
        );
        assert.doesNotMatch(page.text, /<(img|svg|iframe|form[^>]*action="(?!\/))/i, path);
        assert.doesNotMatch(page.text, /<[^>"]*("[^"]*"[^>"]*)*\son\w+\s*=/i, path);
      }
    }
  } finally {
    await other.close();
  }
});

test('addresses that make no sense get a page that says so', async () => {
  for (const path of [
    '/?state=open',
    '/?cursor=nonsense',
    '/alerts/x',
    '/alerts/1/2/3',
    '/nothing',
    '/%ff',
  ]) {
    const answer = await visitor.get(path);
    assert.ok(answer.status === 404 || answer.status === 400, `${path}: ${answer.status}`);
    assert.match(answer.headers.get('content-type') ?? '', /html/);
    assert.doesNotMatch(answer.text, /at .*\.ts:/);
  }
});

test('a page of a hundred alerts is small, the next one is a click away, and long ages read well', async () => {
  const other = await openSite();
  try {
    const reader = new Visitor(other);
    await reader.logIn();
    for (let i = 0; i < 130; i++) {
      const summary = `disk is ${i}% full on /var/lib/postgresql`;
      await other.say({ id: `check-${i}`, subject: `db-replica-${i}.example.net`, summary });
    }
    const page = await reader.get('/');
    assert.equal(page.text.match(/<li class/g)?.length, 100);
    assert.ok(page.text.length < 50_000, `${page.text.length} bytes`);
    assert.ok(gzipSync(page.text).length < 8_000);
    const next = /href="(\/\?cursor=[^"]+)"/.exec(page.text)?.[1] ?? '';
    assert.equal((await reader.get(next)).text.match(/<li class/g)?.length, 30);
  } finally {
    await other.close();
  }
});

test('when the station does not answer, the page says so and still comes', async () => {
  site.view.listening = false;
  const { text } = await visitor.get('/');
  assert.match(text, /The station has a problem/);
  assert.match(text, /cannot come in/);
  site.view.listening = true;
});

test('style and script may be kept for ever, under a name that changes with them', async () => {
  const { text } = await visitor.get('/');
  const [address = ''] = /\/assets\/\w+\/mauve\.css/.exec(text) ?? [];
  const answer = await fetch(site.base + address);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('cache-control') ?? '', /immutable/);
  assert.equal((await visitor.get('/')).headers.get('cache-control'), 'no-store');
});

test('what shows nothing is called by its id, and what shows is said whole to who cannot see it', async () => {
  const key = await site.say({ id: 'nameless', subject: ' \u200b', summary: 'quite so' });
  const { text } = await visitor.get('/');
  assert.match(text, new RegExp(`<a id="a${key}" href="/alerts/${key}"[^>]*>.*<b>nameless</b>`));
  assert.match(text, new RegExp(`value="${key}" aria-labelledby="a${key}"`));
  assert.match(text, /aria-label="Raised, \d+, \d+ urgent"/);
  assert.match(text, /Times are those of Europe\/Paris/);
});

test('the inbox says the level and the headline once, and nothing of its own channel', async () => {
  await site.say({ id: 'once', subject: 'core-once', summary: 'no doubles' });
  const { text } = await visitor.get('/inbox');
  const row = /<li[^>]*>(?:(?!<\/li>).)*core-once(?:(?!<\/li>).)*<\/li>/s.exec(text)?.[0] ?? '';
  assert.equal(row.match(/core-once/g)?.length, 1);
  assert.doesNotMatch(row, /URGENT/);
  assert.doesNotMatch(row, /in the inbox on/);
});

test('what only needs a look is not said like what keeps alerts out', async () => {
  site.view.policyRefused = 'line 3';
  try {
    const { text } = await visitor.get('/');
    assert.match(text, /class="notice" id="problems" role="status">The station takes alerts, but/);
  } finally {
    site.view.policyRefused = null;
  }
});
