/** What providers report: carried to the channel as it came, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HookAnswer, HookRequest } from '../../src/station/channels/channel.ts';
import { minutes, plus, seconds } from '../../src/time.ts';
import { hookBodyMax, hooksPace } from '../../src/web/hooks.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { eventually, openSite, type Site, type SiteOptions, start } from './site.ts';

const ok: HookAnswer = { status: 200, type: 'text/xml', body: '<Response/>' };

async function hooked(
  story: (site: Site, heard: readonly HookRequest[]) => Promise<void>,
  options: SiteOptions = {},
): Promise<void> {
  const heard: HookRequest[] = [];
  const hook = async (request: HookRequest): Promise<HookAnswer> => {
    heard.push(request);
    return ok;
  };
  const site = await openSite({ hook, ...options });
  try {
    await story(site, heard);
  } finally {
    await site.close();
  }
}

const post = (site: Site, path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(site.base + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });

test('a form reaches its channel as it came, and the channel’s answer goes back, without login or token', () =>
  hooked(async (site, heard) => {
    const answer = await post(
      site,
      '/hooks/sms/inbound/a%20b?x=1',
      'From=%2B447700900001&Body=ack+12&Empty=',
      {
        'X-Twilio-Signature': 'abc=',
        cookie: 'mauve=secret',
        'sec-fetch-site': 'cross-site',
        origin: 'https://provider.example',
      },
    );
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/xml; charset=utf-8');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('set-cookie'), null);
    assert.equal(await answer.text(), '<Response/>');
    const [request] = heard;
    assert.equal(request?.path, 'inbound/a%20b');
    assert.deepEqual(request.form, { From: '+447700900001', Body: 'ack 12', Empty: '' });
    assert.equal(request.headers['x-twilio-signature'], 'abc=');
    assert.equal(request.headers.cookie, undefined);
    await post(site, '/hooks/sms', 'a=1');
    assert.equal(heard[1]?.path, '');
  }));

test('an unknown channel, and one that takes no reports, are not there', () =>
  hooked(async (site, heard) => {
    for (const channel of ['fax', 'email', 'constructor', '__proto__']) {
      assert.equal((await post(site, `/hooks/${channel}/x`, 'a=1')).status, 404, channel);
    }
    assert.equal(heard.length, 0);
  }));

test('only POST, and only forms: what is none is refused before the channel sees it', () =>
  hooked(async (site, heard) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await fetch(`${site.base}/hooks/sms/inbound`, { method });
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'POST'], method);
    }
    const refused: readonly (readonly [string, string, number])[] = [
      ['{"a":1}', 'application/json', 415],
      ['<x/>', 'text/xml', 415],
      ['a=1', 'multipart/form-data; boundary=x', 415],
      ['a=1', 'application/x-www-form-urlencoded; charset=klingon', 415],
      ['a=1&a=2', 'application/x-www-form-urlencoded', 400],
      [`a=${'x'.repeat(hookBodyMax)}`, 'application/x-www-form-urlencoded', 413],
      [Array.from({ length: 600 }, (_, i) => `a${i}=1`).join('&'), 'application/x-www-form-urlencoded', 413],
    ];
    for (const [body, type, status] of refused) {
      const answer = await post(site, '/hooks/sms/inbound', body, { 'content-type': type });
      assert.equal(answer.status, status, `${type} ${body.slice(0, 20)}`);
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
    }
    assert.equal((await fetch(`${site.base}/hooks/sms/inbound`, { method: 'POST' })).status, 415);
    assert.equal((await post(site, `/hooks/sms/${'x'.repeat(1000)}`, 'a=1')).status, 400);
    assert.equal(heard.length, 0);
    await post(site, '/hooks/sms/inbound', '__proto__=x&constructor=y&a=%ff%zz');
    assert.deepEqual(Object.keys(heard[0]?.form ?? {}), ['constructor', 'a']);
  }));

test('a station that says nothing is not waited for: the provider is asked to come again', async () => {
  const clock = new SimulatedClock(start);
  let asked = false;
  const silent = (): Promise<HookAnswer> => {
    asked = true;
    return new Promise(() => undefined);
  };
  await hooked(
    async (site) => {
      const answer = post(site, '/hooks/sms/inbound', 'a=1');
      await eventually(() => asked, 'the channel was asked');
      await clock.advanceTo(plus(start, seconds(10)));
      assert.equal((await answer).status, 503);
    },
    { hook: silent, clock },
  );
  const logged: string[] = [];
  await hooked(
    async (site) => {
      const answer = await post(site, '/hooks/sms/inbound', 'a=1');
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
    },
    { hook: () => Promise.reject(new Error('a bug')), log: (line) => logged.push(line) },
  );
  assert.equal(logged.length, 1);
});

test('so many a minute from one network, and then later', () =>
  hooked(
    async (site, heard) => {
      const from = (address: string) =>
        post(site, '/hooks/sms/status', 'a=1', { 'x-forwarded-for': address });
      for (let i = 0; i < hooksPace.count; i += 50) {
        await Promise.all(Array.from({ length: 50 }, () => from('192.0.2.1')));
      }
      const late = await from('192.0.2.1');
      assert.equal(late.status, 429);
      assert.ok(Number(late.headers.get('retry-after')) > 0);
      assert.equal((await from('192.0.2.2')).status, 200);
      assert.equal(heard.length, hooksPace.count + 1);
      if (site.clock instanceof SimulatedClock) site.clock.jumpTo(plus(start, minutes(1)));
      assert.equal((await from('192.0.2.1')).status, 200);
    },
    { trustProxy: ['loopback'] },
  ));
