/** Logging in: what gets somebody in, what keeps others out, and what the browser is told to keep. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minutes, plus, seconds } from '../../src/time.ts';
import { openThrottle } from '../../src/web/throttle.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { at, password, type Site, start, token, Visitor } from './site.ts';

/** The name of the session's cookie of a site that has no base URL. */
const sessionCookie = ({ site }: Visitor): string => `mauve-${new URL(site.base).port}`;

const clockOf = (site: Site): SimulatedClock => {
  assert.ok(site.clock instanceof SimulatedClock);
  return site.clock;
};

test('a person logs in and is led to where they wanted to go', () =>
  at({}, async (site, visitor) => {
    const key = await site.say({ subject: 'web1' });
    const asked = await visitor.get(`/alerts/${key}?x=1`);
    assert.equal(asked.status, 302);
    const login = asked.headers.get('location') ?? '';
    assert.equal(login, `/login?next=${encodeURIComponent(`/alerts/${key}?x=1`)}`);
    await visitor.follow();
    const form = /name="next" value="([^"]*)"/.exec(visitor.page.text)?.[1] ?? '';
    const answer = await visitor.post('/login', { name: 'ann', password, next: form });
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.get('location'), `/alerts/${key}?x=1`);
    assert.equal((await visitor.follow()).status, 200);
  }));

test('a wrong password, an unknown name and a person without a password look the same', () =>
  at({}, async (_site, visitor) => {
    const texts = new Set<string>();
    for (const [name, word] of [
      ['ann', 'wrong'],
      ['nobody', password],
      ['bob', ''],
    ] as const) {
      const answer = await visitor.logIn(name, word);
      assert.equal(answer.status, 401);
      texts.add(/role="alert"[^>]*>([^<]*)/.exec(answer.text)?.[1] ?? '');
    }
    assert.deepEqual([...texts], ['That name and password do not go together.']);
    assert.equal((await visitor.get('/')).status, 302);
  }));

test('guessing is slowed down, more each time, and says how long to wait; elsewhere the person gets in', () =>
  at({ trustProxy: true }, async (site, visitor) => {
    for (let i = 0; i < 4; i++) assert.equal((await visitor.logIn('ann', 'wrong')).status, 401);
    const slowed = await visitor.logIn('ann', password);
    assert.equal(slowed.status, 429);
    assert.match(slowed.text, /Try again in 2s\./);
    assert.equal(slowed.headers.get('retry-after'), '2');
    await clockOf(site).advanceTo(plus(site.clock.now(), seconds(3)));
    assert.equal((await visitor.logIn('ann', 'wrong')).status, 401);
    assert.match((await visitor.logIn('ann', password)).text, /Try again in 4s\./);
    await clockOf(site).advanceTo(plus(site.clock.now(), seconds(5)));
    assert.equal((await visitor.logIn('ann', password)).status, 303);
  }));

test('one network that tries many names is slowed down for all of them, and an IPv6 /64 is one network', () => {
  const throttle = openThrottle(new SimulatedClock(start));
  for (let i = 0; i < 20; i++) {
    assert.equal(throttle.wait(`name${i}`, `2001:db8:1:2::${i}`), null);
    throttle.attempt(`name${i}`, `2001:db8:1:2::${i}`);
  }
  assert.ok(throttle.wait('fresh', '2001:db8:1:2:ffff::1'));
  assert.equal(throttle.wait('fresh', '2001:db8:1:3::1'), null);
  for (let i = 0; i < 200; i++) throttle.attempt('ann', '192.0.2.1');
  assert.equal(throttle.wait('ann', '192.0.2.1'), minutes(15));
  assert.equal(throttle.wait('ann', '192.0.2.2'), null);
});

test('a login form from elsewhere is refused and shown again', () =>
  at({}, async (_site, visitor) => {
    await visitor.get('/login');
    const answer = await visitor.post('/login', { name: 'ann', password }, 'made-up');
    assert.equal(answer.status, 403);
    assert.match(answer.text, /too old/);
    assert.equal((await visitor.post('/login', { name: 'ann', password })).status, 303);
  }));

test('after a login nobody is led to another site', () =>
  at({}, async (_site, visitor) => {
    for (const next of [
      '//evil.example/',
      '/\\evil.example',
      'https://evil.example/',
      'javascript:alert(1)',
      '/%09/evil.example',
      '/\t/evil.example',
      '/..//evil.example',
      '/.//evil.example',
      '',
    ]) {
      const answer = await visitor.logIn('ann', password, next);
      const to = new URL(answer.headers.get('location') ?? '/', visitor.site.base);
      assert.equal(to.origin, visitor.site.base, next);
      visitor.cookies.clear();
    }
  }));

test('over plain http the cookie is HttpOnly and Lax; over https it is also Secure and bound to the host', async () => {
  await at({}, async (_site, visitor) => {
    await visitor.logIn();
    const [cookie = ''] = visitor.setCookies;
    assert.ok(cookie.startsWith(`mauve-${new URL(visitor.site.base).port}=`), cookie);
    assert.match(cookie, /HttpOnly/);
    assert.match(cookie, /SameSite=Lax/);
    assert.doesNotMatch(cookie, /Secure/);
  });
  await at({ baseUrl: new URL('https://mauve.example.net') }, async (_site, visitor) => {
    await visitor.logIn();
    const [cookie = ''] = visitor.setCookies;
    assert.match(cookie, /^__Host-mauve=/);
    for (const flag of [/Secure/, /HttpOnly/, /SameSite=Lax/, /Path=\//]) assert.match(cookie, flag);
    assert.doesNotMatch(cookie, /Domain/i);
    assert.equal((await visitor.get('/')).status, 200);
  });
  await at({ trustProxy: true }, async (site) => {
    const answer = await fetch(`${site.base}/login`, { headers: { 'x-forwarded-proto': 'https' } });
    assert.match(answer.headers.getSetCookie().join(), /^__Host-mauve-form=.*Secure/);
  });
});

test('logging in changes the session id, so that one planted before is worthless', () =>
  at({}, async (_site, visitor) => {
    const name = sessionCookie(visitor);
    await visitor.get('/login');
    visitor.cookies.set(name, 'planted');
    await visitor.post('/login', { name: 'ann', password });
    const before = visitor.cookies.get(name);
    assert.notEqual(before, 'planted');
    await visitor.site.addLink('again', 'ann');
    await visitor.get('/welcome/again');
    assert.notEqual(visitor.cookies.get(name), before);
    visitor.cookies.set(name, before ?? '');
    assert.equal((await visitor.get('/')).status, 302);
    visitor.cookies.set(name, 'planted');
    assert.equal((await visitor.get('/')).status, 302);
  }));

test('logging out ends the session, for a copy of its cookie too', () =>
  at({}, async (_site, visitor) => {
    await visitor.logIn();
    await visitor.get('/account');
    const cookie = visitor.cookies.get(sessionCookie(visitor));
    assert.equal((await visitor.post('/logout')).status, 303);
    visitor.cookies.set(sessionCookie(visitor), cookie ?? '');
    assert.equal((await visitor.get('/')).status, 302);
  }));

test('a login link works once, says so politely the second time, and is not used up by a look ahead', () =>
  at({}, async (site, visitor) => {
    await site.addLink('secret-of-the-link', 'bob');
    assert.equal((await fetch(`${site.base}/welcome/secret-of-the-link`, { method: 'HEAD' })).status, 200);
    assert.equal((await visitor.get('/welcome/secret-of-the-link')).status, 303);
    const home = await visitor.follow();
    assert.match(home.text, /Welcome, bob\. Set a password/);
    const second = await new Visitor(site).get('/welcome/secret-of-the-link');
    assert.equal(second.status, 410);
    assert.match(second.text, /works once/);
    assert.equal((await new Visitor(site).get('/welcome/never-made')).status, 410);
  }));

test('who came by a link sets a password, and logs in with it; other sessions end', () =>
  at({}, async (site, visitor) => {
    await site.addLink('first', 'bob');
    await site.addLink('second', 'bob');
    const other = new Visitor(site);
    await other.get('/welcome/second');
    await visitor.get('/welcome/first');
    await visitor.get('/account');
    const short = await visitor.post('/account/password', { new: 'short', again: 'short' });
    assert.equal(short.status, 400);
    assert.match(short.text, /at least \d+ characters/);
    const unlike = await visitor.post('/account/password', {
      new: 'a long new one',
      again: 'a long new two',
    });
    assert.match(unlike.text, /not the same/);
    const set = await visitor.post('/account/password', { new: 'a long new one', again: 'a long new one' });
    assert.equal(set.status, 303);
    assert.match((await visitor.follow()).text, /new password is set/);
    assert.equal((await other.get('/')).status, 302);
    assert.equal((await new Visitor(site).logIn('bob', 'a long new one')).status, 303);
    await visitor.get('/account');
    const wrong = await visitor.post('/account/password', {
      old: 'no',
      new: 'yet another one',
      again: 'yet another one',
    });
    assert.match(wrong.text, /present password is wrong/);
  }));

test('a visitor who only looks at the login form costs no write', () =>
  at({}, async (site, visitor) => {
    let writes = 0;
    const { saveSession } = site.port.accounts;
    site.port.accounts.saveSession = (...all) => {
      writes += 1;
      return saveSession(...all);
    };
    await visitor.get('/login');
    await visitor.get('/login');
    assert.equal(writes, 0);
    await visitor.post('/login', { name: 'ann', password });
    await visitor.get('/');
    await visitor.get('/');
    assert.equal(writes, 1);
    await clockOf(site).advanceTo(plus(start, minutes(11)));
    await visitor.get('/');
    await visitor.get('/');
    assert.equal(writes, 2);
  }));

test('a person who was removed is out at once', () =>
  at({}, async (site, visitor) => {
    await visitor.logIn();
    assert.equal((await visitor.get('/')).status, 200);
    await site.port.accounts.removeUser('ann');
    assert.equal((await visitor.get('/')).status, 302);
  }));

test('health, readiness and metrics are open; everything else is not', () =>
  at({}, async (site) => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      assert.equal((await fetch(site.base + path)).status, 200, path);
    }
    for (const path of ['/', '/inbox', '/account', '/alerts/1', '/nothing']) {
      const answer = await fetch(site.base + path, { redirect: 'manual' });
      assert.equal(answer.status, 302, path);
    }
    assert.equal((await fetch(`${site.base}/events`)).status, 401);
    assert.equal((await fetch(`${site.base}/api/v1/alerts`)).status, 401);
    const bearer = { authorization: `Bearer ${token}` };
    assert.equal((await fetch(`${site.base}/`, { headers: bearer, redirect: 'manual' })).status, 302);
    const post = await fetch(`${site.base}/acknowledge`, {
      method: 'POST',
      headers: bearer,
      redirect: 'manual',
    });
    assert.equal(post.headers.get('location'), '/login');
  }));

test('metrics have both parts, and readiness says what is wrong', () =>
  at({}, async (site, visitor) => {
    await visitor.logIn('ann', 'wrong');
    const text = await (await fetch(`${site.base}/metrics`)).text();
    assert.match(text, /^mauve_updates_total 0$/m);
    assert.match(text, /^mauve_login_failures_total\{why="wrong"\} 1$/m);
    assert.match(text, /^mauve_http_requests_total\{route="\/login",method="POST",status="401"\} 1$/m);
    assert.match(text, /^mauve_sse_clients 0$/m);
    assert.match(text, /^mauve_station_answers 1$/m);
    site.view.listening = false;
    const answer = await fetch(`${site.base}/readyz`);
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /cannot come in/);
    assert.equal((await fetch(`${site.base}/healthz`)).status, 200);
  }));

test('nothing inline is allowed, nor is the page in a frame', () =>
  at({}, async (site) => {
    const answer = await fetch(`${site.base}/login`);
    const policy = answer.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|upgrade-insecure/);
    assert.equal(answer.headers.get('x-powered-by'), null);
    assert.equal(answer.headers.get('strict-transport-security'), null);
  }));
