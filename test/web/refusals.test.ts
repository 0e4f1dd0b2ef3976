/** What must not get in, and what a station in trouble says at its door. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { minutes, plus } from '../../src/time.ts';
import { openThrottle } from '../../src/web/throttle.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { at, password, type Site, start, token } from './site.ts';

async function advance(site: Site, by: number): Promise<void> {
  assert.ok(site.clock instanceof SimulatedClock);
  await site.clock.advanceTo(plus(site.clock.now(), minutes(by)));
}

const alertText = (text: string): string => /role="alert"[^>]*>([^<]*)/.exec(text)?.[1] ?? '';

// ---------------------------------------------------------------- forms from elsewhere

test('no Authorization header makes up for the token of a form, not even a good one', () =>
  at({}, async (site, visitor) => {
    const key = await site.say({});
    await visitor.logIn();
    await visitor.get(`/alerts/${key}`);
    for (const authorization of ['Basic YTpi', 'x', 'Bearer made-up-made-up-made-up', `Bearer ${token}`]) {
      const answer = await visitor.post(`/alerts/${key}/clear`, {}, 'made-up', { authorization });
      assert.equal(answer.status, 403, authorization);
      assert.match(answer.text, /Nothing was done/);
    }
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const basic = { cookie, authorization: 'Basic YTpi' };
    const call = await fetch(`${site.base}/api/v1/alerts/${key}/clear`, { method: 'POST', headers: basic });
    assert.equal(call.status, 401);
    assert.equal((await site.reads.alert(key))?.phase.kind, 'raised');
    // A proxy's own password, sent with everything, does no harm.
    await visitor.get(`/alerts/${key}`);
    const done = await visitor.post(`/alerts/${key}/clear`, {}, visitor.csrf(), {
      authorization: 'Basic YTpi',
    });
    assert.equal(done.status, 303);
    assert.equal((await site.reads.alert(key))?.phase.kind, 'cleared');
  }));

test('with a token a script acts without a form, and a cookie beside it changes nothing', () =>
  at({}, async (site, visitor) => {
    const key = await site.say({});
    await visitor.logIn();
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, authorization: `Bearer ${token}` };
    const answer = await fetch(`${site.base}/api/v1/alerts/${key}/acknowledge`, { method: 'POST', headers });
    assert.equal(answer.status, 200);
    const alert = await site.reads.alert(key);
    assert.ok(alert?.phase.kind === 'acknowledged');
    assert.equal(alert.phase.by, 'token:script');
  }));

test('what the browser says came from another site is refused, whatever token it brings', () =>
  at({}, async (site, visitor) => {
    const foreign = { 'sec-fetch-site': 'cross-site' };
    await visitor.get('/login');
    const login = await visitor.post('/login', { name: 'ann', password }, visitor.csrf(), foreign);
    assert.equal(login.status, 403);
    await visitor.logIn();
    const key = await site.say({});
    await visitor.get(`/alerts/${key}`, foreign);
    assert.equal(visitor.page.status, 200);
    const clear = await visitor.post(`/alerts/${key}/clear`, {}, visitor.csrf(), foreign);
    assert.equal(clear.status, 403);
    assert.equal((await site.reads.alert(key))?.phase.kind, 'raised');
  }));

test('a login form is remembered by the browser alone: strangers cannot crowd it out, nor a restart spoil it', async () => {
  const baseUrl = new URL('https://mauve.example.net');
  await at({ baseUrl }, async (_before, visitor) => {
    await visitor.get('/login');
    const csrf = visitor.csrf();
    const { cookies } = visitor;
    // A station that never saw this visitor, as one is after a restart or a flood of others.
    await at({ baseUrl }, async (_site, later) => {
      for (const [name, value] of cookies) later.cookies.set(name, value);
      assert.equal((await later.post('/login', { name: 'ann', password }, csrf)).status, 303);
    });
    await at({ baseUrl }, async (_site, later) => {
      assert.equal((await later.post('/login', { name: 'ann', password }, csrf)).status, 403);
    });
  });
});

test('two tabs with a login form both work', () =>
  at({}, async (_site, visitor) => {
    await visitor.get('/login');
    const first = visitor.csrf();
    await visitor.get('/login');
    assert.equal((await visitor.post('/login', { name: 'ann', password }, first)).status, 303);
  }));

test('two stations on one host do not log each other out', () =>
  at({}, async (site, visitor) => {
    await visitor.logIn();
    await at({}, async (_other, second) => {
      for (const [name, value] of visitor.cookies) second.cookies.set(name, value);
      await second.logIn();
      for (const [name, value] of second.cookies) visitor.cookies.set(name, value);
      assert.equal((await second.get('/')).status, 200);
    });
    assert.equal((await visitor.get('/')).status, 200, site.base);
  }));

// ---------------------------------------------------------------- guessing

test('people who log in rightly, however many of one network, slow nobody down', () => {
  const clock = new SimulatedClock(start);
  const throttle = openThrottle(clock);
  for (let i = 0; i < 100; i++) {
    assert.equal(throttle.wait(`name${i}`, '192.0.2.1'), null, `name${i}`);
    throttle.attempt(`name${i}`, '192.0.2.1').succeeded();
  }
  for (let i = 0; i < 19; i++) throttle.attempt(`guess${i}`, '192.0.2.1');
  // Side by side: one right, and the guess that is one too many.
  const right = throttle.attempt('ann', '192.0.2.1');
  throttle.attempt('guess', '192.0.2.1');
  right.succeeded();
  assert.ok(throttle.wait('bob', '192.0.2.1'));
});

test('a right login leaves what its network did before as it was', async () => {
  const clock = new SimulatedClock(start);
  const throttle = openThrottle(clock);
  for (let i = 0; i < 26; i++) throttle.attempt(`guess${i}`, '192.0.2.1');
  assert.ok(throttle.wait('ann', '192.0.2.1'));
  await clock.advanceTo(plus(start, minutes(5)));
  assert.equal(throttle.wait('ann', '192.0.2.1'), null);
  throttle.attempt('ann', '192.0.2.1').succeeded();
  assert.equal(throttle.wait('bob', '192.0.2.1'), null);
  throttle.attempt('guess', '192.0.2.1');
  assert.ok(throttle.wait('bob', '192.0.2.1'));
});

test('guessing the present password on the account page is slowed down like a login', () =>
  at({}, async (_site, visitor) => {
    await visitor.logIn();
    await visitor.get('/account');
    const change = (old: string) =>
      visitor.post('/account/password', { old, new: 'another long one', again: 'another long one' });
    for (let i = 0; i < 4; i++) assert.match(alertText((await change('wrong')).text), /is wrong/);
    const slowed = await change(password);
    assert.equal(slowed.status, 429);
    assert.match(alertText(slowed.text), /Try again in 2s\./);
    assert.equal(slowed.headers.get('retry-after'), '2');
  }));

test('a login link lets its person choose a password for a while, not for the life of the session', () =>
  at({}, async (site, visitor) => {
    await site.addLink('for-ann', 'ann');
    await visitor.get('/welcome/for-ann');
    assert.doesNotMatch((await visitor.get('/account')).text, /Present password/);
    await advance(site, 16);
    assert.match((await visitor.get('/account')).text, /Present password/);
    const change = { new: 'another long one', again: 'another long one' };
    assert.match(alertText((await visitor.post('/account/password', change)).text), /is wrong/);
    assert.equal((await visitor.post('/account/password', { ...change, old: password })).status, 303);
  }));

// ---------------------------------------------------------------- a station in trouble

test('a login that cannot be kept says so, and logs nobody in', () =>
  at({ log: () => undefined }, async (site, visitor) => {
    const { accounts } = site.port;
    const { saveSession } = accounts;
    accounts.saveSession = async () => {
      throw new Error('database or disk is full');
    };
    await site.addLink('full', 'bob');
    const answer = await visitor.logIn('ann', password, '/inbox');
    assert.equal(answer.status, 503);
    assert.match(alertText(answer.text), /are right, but the station cannot write/);
    assert.doesNotMatch(visitor.setCookies.join(), new RegExp(`mauve-${new URL(site.base).port}=`));
    assert.equal((await visitor.get('/')).status, 302);
    const link = await visitor.get('/welcome/full');
    assert.equal(link.status, 503);
    assert.match(link.text, /cannot write/);
    accounts.saveSession = saveSession;
    await visitor.get('/login?next=/inbox');
    const later = await visitor.post('/login', { name: 'ann', password, next: '/inbox' });
    assert.equal(later.headers.get('location'), '/inbox');
  }));

test('who is logged in can go on reading when the session cannot be extended', async () => {
  const failures: string[] = [];
  await at({ log: (message) => void failures.push(message) }, async (site, visitor) => {
    await visitor.logIn();
    site.port.accounts.saveSession = async () => {
      throw new Error('database or disk is full');
    };
    await advance(site, 11);
    for (let i = 0; i < 3; i++) assert.match((await visitor.get('/')).text, /Nothing is raised/);
  });
  // A failure after the answer would cut the connection.
  assert.deepEqual(failures, []);
});

test('a password that cannot be kept is said to be unchanged', () =>
  at({ log: () => undefined }, async (site, visitor) => {
    await visitor.logIn();
    await visitor.get('/account');
    site.port.accounts.setPassword = async () => {
      throw new Error('database or disk is full');
    };
    const change = { old: password, new: 'another long one', again: 'another long one' };
    const answer = await visitor.post('/account/password', change);
    assert.equal(answer.status, 503);
    assert.match(alertText(answer.text), /cannot write at present/);
    assert.equal((await visitor.get('/')).status, 200);
  }));

test('the login form says what the station cannot do', () =>
  at({}, async (site, visitor) => {
    assert.doesNotMatch((await visitor.get('/login')).text, /cannot come in/);
    site.view.listening = false;
    assert.match((await visitor.get('/login')).text, /cannot come in/);
  }));

// ---------------------------------------------------------------- small things that mislead or hang

test('a forgotten trust_proxy is in the log: once from the settings, once from a request that shows it', async () => {
  const said: string[] = [];
  const warned = (message: string): void => void said.push(message);
  const ask = (site: Site) => fetch(`${site.base}/healthz`, { headers: { 'x-forwarded-for': '192.0.2.1' } });
  await at({ warned, baseUrl: new URL('https://mauve.example.net') }, async (site) => {
    assert.match(said.join(), /base_url is https, so there is a proxy: set trust_proxy/);
    said.length = 0;
    await ask(site);
    await ask(site);
    assert.equal(said.length, 1);
    assert.match(said.join(), /X-Forwarded-For came from an address that is not trusted.*set trust_proxy/);
  });
  said.length = 0;
  await at(
    { warned, baseUrl: new URL('https://mauve.example.net'), trustProxy: ['loopback'] },
    async (site) => {
      await ask(site);
    },
  );
  await at({ warned }, async (site) => void (await fetch(`${site.base}/healthz`)));
  assert.deepEqual(said, []);
});

test('HEAD of the stream is answered', () =>
  at({}, async (site, visitor) => {
    await visitor.logIn();
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`${site.base}/events`, { method: 'HEAD', headers: { cookie }, signal });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
  }));

test('who was logged out meanwhile comes back, after logging in, to the page of the form', () =>
  at({}, async (_site, visitor) => {
    for (const [path, next] of [
      ['/alerts/17/acknowledge', '?next=%2Falerts%2F17'],
      ['/account/password', '?next=%2Faccount'],
      ['/acknowledge', ''],
    ] as const) {
      assert.equal((await visitor.post(path)).headers.get('location'), `/login${next}`);
    }
  }));

test('what could not be read is named: the address, or the body', () =>
  at({}, async (site, visitor) => {
    const bearer = { authorization: `Bearer ${token}` };
    const address = await fetch(`${site.base}/api/v1/alerts/%ff`, { headers: bearer });
    assert.equal(address.status, 400);
    assert.match(await address.text(), /Is the address right/);
    await visitor.logIn();
    assert.match((await visitor.get('/alerts/%ff')).text, /Is the address right/);
    const key = await site.say({});
    const body = await fetch(`${site.base}/api/v1/alerts/${key}/acknowledge`, {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json' },
      body: '{',
    });
    assert.equal(body.status, 400);
    assert.match(await body.text(), /A body must be/);
  }));

test('a connection that says nothing is closed in seconds, so that it takes nobody’s place for long', () =>
  at({}, async (site) => {
    const began = performance.now();
    const socket = connect(Number(new URL(site.base).port), '127.0.0.1').resume();
    await once(socket, 'close', { signal: AbortSignal.timeout(15_000) });
    assert.ok(performance.now() - began < 12_000);
  }));

test('an acknowledgement says how long it is from its beginning, though the page comes a moment later', () =>
  at({}, async (site, visitor) => {
    const key = await site.say({});
    await visitor.logIn();
    await visitor.get(`/alerts/${key}`);
    const { handle } = site.view;
    site.view.handle = async (acts) => {
      const outcomes = await handle.call(site.view, acts);
      await advance(site, 0.1);
      return outcomes;
    };
    await visitor.post(`/alerts/${key}/acknowledge`, { count: '1', unit: 'h' });
    assert.match((await visitor.follow()).text, /Acknowledged until 04:00 \(for 1h\)\./);
  }));

test('what was typed into a form that was refused is there to be mended', () =>
  at({}, async (site, visitor) => {
    const key = await site.say({});
    const other = await site.say({ id: 'other' });
    await visitor.logIn();
    await visitor.get(`/alerts/${key}`);
    const note = 'called <them> "twice"';
    const shown = 'value="called &lt;them&gt; &quot;twice&quot;"';
    await visitor.post(`/alerts/${key}/acknowledge`, { count: '0', unit: 'd', note });
    const page = (await visitor.follow()).text;
    assert.match(page, /How long\?/);
    assert.match(page, /name="count"[^>]* value="0"/);
    assert.match(page, /<option value="d" selected>/);
    assert.ok(page.includes(shown));
    assert.ok(!(await visitor.get(`/alerts/${key}`)).text.includes(shown));
    const long = 'x'.repeat(1001);
    await visitor.post(`/alerts/${key}/note`, { text: long });
    const again = (await visitor.follow()).text;
    assert.ok(again.includes(`name="text" value="${long}"`));
    assert.match(again, /name="count"[^>]* value="1"/);
    await visitor.get('/');
    const alert = [String(other)];
    await visitor.post('/acknowledge', { alert, count: '0', unit: 'm', note, back: 'raised', cursor: '' });
    const list = (await visitor.follow()).text;
    assert.match(list, new RegExp(`value="${other}" checked`));
    assert.doesNotMatch(list, new RegExp(`value="${key}" checked`));
    assert.ok(list.includes(shown));
  }));
