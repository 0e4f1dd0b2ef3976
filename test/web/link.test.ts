/** The links of messages: one button without a login, which nothing but a tap presses. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AlertKey, PersonId } from '../../src/station/core/alert.ts';
import type { Outcome } from '../../src/station/door.ts';
import { days, hours, minutes, plus } from '../../src/time.ts';
import { badLinksPace } from '../../src/web/links.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { openSite, type Site, type SiteOptions, start, Visitor } from './site.ts';

const ann = 'ann' as PersonId;
const bob = 'bob' as PersonId;

type Linked = {
  readonly site: Site;
  readonly visitor: Visitor;
  readonly key: AlertKey;
  readonly path: string;
};

/** A raised alert, and ann's link to it. */
async function linked(story: (linked: Linked) => Promise<void>, options: SiteOptions = {}): Promise<void> {
  const site = await openSite(options);
  try {
    const detail = '<p>Peer <b>down</b></p><script>alert(1)</script>';
    const key = await site.say({ subject: 'core-1', summary: 'BGP down', detail });
    await story({ site, visitor: new Visitor(site), key, path: pathOf(site, key) });
  } finally {
    await site.close();
  }
}

const pathOf = (site: Site, key: AlertKey, person = ann): string =>
  `/a/${site.links.make(key, person, start)}`;
const later = (site: Site, to: number): void => {
  assert.ok(site.clock instanceof SimulatedClock);
  site.clock.jumpTo(plus(start, to as never));
};

async function phaseOf(site: Site, key: AlertKey) {
  const alert = await site.reads.alert(key);
  assert.ok(alert !== null);
  return alert.phase;
}

describe('a link', () => {
  test('shows the alert without a login, in its person’s time, with one big button', () =>
    linked(async ({ visitor, key, path }) => {
      const page = await visitor.get(path);
      assert.equal(page.status, 200);
      assert.match(page.text, /<h1>core-1<\/h1>/);
      assert.match(page.text, /BGP down/);
      assert.match(page.text, /urgent/);
      assert.match(page.text, /Raised <time[^>]*>03:00<\/time>/);
      assert.match(page.text, /Peer <b>down<\/b>/);
      assert.doesNotMatch(page.text, /<script/, 'neither of ours nor of the sender');
      assert.equal(page.text.match(/class="primary big"/g)?.length, 1);
      assert.match(page.text, /<button class="primary big">Acknowledge for 2h<\/button>/);
      assert.match(page.text, /as Ann Archer, until <time[^>]*>05:00/);
      assert.match(page.text, new RegExp(`href="/alerts/${key}"`));
      assert.match(page.text, /#1</);
    }));

  test('is kept from caches, search engines and other sites, and sets no cookie', () =>
    linked(async ({ visitor, path }) => {
      for (const page of [
        await visitor.get(path),
        await visitor.post(path),
        await visitor.get('/a/nonsense'),
      ]) {
        assert.equal(page.headers.get('cache-control'), 'no-store');
        assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
        assert.match(page.headers.get('x-robots-tag') ?? '', /noindex/);
        assert.equal(page.headers.get('set-cookie'), null);
      }
    }));

  test('GET and HEAD never acknowledge, however often, whatever the address says', () =>
    linked(async ({ site, visitor, key, path }) => {
      for (const more of ['', '?for=2h', '?acknowledge=1', '/']) await visitor.get(path + more);
      for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await fetch(site.base + path, { method });
        assert.equal(answer.status, method === 'HEAD' ? 200 : 405, method);
      }
      assert.equal((await phaseOf(site, key)).kind, 'raised');
      assert.equal((await site.reads.history(key, 100)).filter(({ by }) => by !== null).length, 0);
    }));

  test('POST acknowledges as that person, for as long as the group says, and shows it', () =>
    linked(async ({ site, visitor, key, path }) => {
      const done = await visitor.post(path);
      assert.deepEqual([done.status, done.headers.get('location')], [303, path]);
      const phase = await phaseOf(site, key);
      assert.ok(phase.kind === 'acknowledged' && phase.by === 'ann' && phase.until === plus(start, hours(2)));
      const page = await visitor.follow();
      assert.match(page.text, /Acknowledged by you until <time[^>]*>05:00/);
      assert.doesNotMatch(page.text, /<form|<button/);
    }));

  test('another length can be chosen, among those that the policy allows; nonsense does nothing', () =>
    linked(async ({ site, visitor, key, path }) => {
      const page = await visitor.get(path);
      const offered = [...page.text.matchAll(/<option value="(\w+)"/g)].map(([, value]) => value);
      assert.deepEqual(offered, ['30m', '1h', '4h', '8h', '1d']);
      const refused = await visitor.post(path, { for: 'a while' });
      assert.equal(refused.status, 400);
      assert.match(refused.text, /How long\?/);
      assert.equal((await phaseOf(site, key)).kind, 'raised');
      await visitor.post(path, { for: '30m' });
      const phase = await phaseOf(site, key);
      assert.ok(phase.kind === 'acknowledged' && phase.until === plus(start, minutes(30)));
    }));

  test('twice is harmless: the end does not move, whoever presses, also at the same moment', () =>
    linked(async ({ site, visitor, key, path }) => {
      await Promise.all([visitor.post(path), new Visitor(site).post(path), new Visitor(site).post(path)]);
      const first = await phaseOf(site, key);
      later(site, minutes(10));
      assert.equal((await visitor.post(path)).status, 303);
      assert.equal((await visitor.post(path, { for: '8h' })).status, 303);
      assert.equal((await visitor.post(pathOf(site, key, bob))).status, 303);
      assert.deepEqual(await phaseOf(site, key), first);
      assert.match(
        (await visitor.get(pathOf(site, key, bob))).text,
        /Acknowledged by Ann Archer until <time[^>]*>23:00/,
      );
      const acts = (await site.reads.history(key, 100)).filter(
        ({ change }) => change.kind === 'acknowledged',
      );
      assert.equal(acts.length, 1);
    }));

  test('works again once the acknowledgement has run out or was taken back', () =>
    linked(async ({ site, visitor, key, path }) => {
      await visitor.post(path, { for: '30m' });
      await site.port.handle([{ kind: 'unacknowledge', alert: key, by: 'bob', at: site.clock.now() }]);
      assert.match((await visitor.get(path)).text, /primary big/);
      await visitor.post(path);
      assert.equal((await phaseOf(site, key)).kind, 'acknowledged');
    }));

  test('of a cleared alert says so, and a tap on an old page does nothing', () =>
    linked(async ({ site, visitor, key, path }) => {
      await site.say({ subject: 'core-1', clear: true });
      assert.equal((await visitor.post(path)).status, 303);
      const page = await visitor.follow();
      assert.match(page.text, /Cleared\.<\/b> There is nothing to do/);
      assert.doesNotMatch(page.text, /<form/);
      assert.equal((await phaseOf(site, key)).kind, 'cleared');
    }));

  test('cleared between the look and the tap: the tap is answered with how it stands', () =>
    linked(async ({ site, visitor, key, path }) => {
      await visitor.get(path);
      await site.port.handle([{ kind: 'clear', alert: key, by: 'bob', at: site.clock.now() }]);
      await visitor.post(path);
      assert.match((await visitor.follow()).text, /There is nothing to do/);
    }));
});

describe('a link that does not work says why, and what to do', () => {
  const cases: readonly (readonly [string, (linked: Linked) => string | Promise<string>, number, RegExp])[] =
    [
      ['cut', ({ path }) => path.slice(0, -3), 404, /not whole/],
      ['of another station', () => '/a/AQEwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM', 404, /not whole/],
      ['of nonsense', () => '/a/%2e%2e%2f', 404, /not whole/],
      [
        'of somebody who left',
        ({ site, key }) => pathOf(site, key, 'zed' as PersonId),
        403,
        /no longer in the policy/,
      ],
      [
        'to an alert that is gone',
        ({ site }) => pathOf(site, 999 as AlertKey),
        404,
        /has been dropped since/,
      ],
    ];
  for (const [name, make, status, words] of cases) {
    test(name, () =>
      linked(async (given) => {
        const path = await make(given);
        const { visitor } = given;
        for (const page of [await visitor.get(path), await visitor.post(path)]) {
          assert.equal(page.status, status);
          assert.match(page.text, words);
          assert.match(page.text, /href="\/login/);
          assert.doesNotMatch(page.text, /<form|core-1/);
        }
      }),
    );
  }

  test('too old: the way to the alert leads over the login', () =>
    linked(async ({ site, visitor, key, path }) => {
      later(site, days(8));
      const page = await visitor.post(path);
      assert.equal(page.status, 410);
      assert.match(page.text, /too old/);
      assert.match(page.text, new RegExp(`href="/login\\?next=%2Falerts%2F${key}"`));
      assert.equal((await phaseOf(site, key)).kind, 'raised');
    }));

  test('the store refuses, or the station does not answer: never shown as if it were done', async () => {
    const full: Outcome = { ok: false, why: 'store-unavailable', message: 'the disk is full' };
    await linked(
      async ({ site, visitor, key, path }) => {
        const page = await visitor.post(path);
        assert.equal(page.status, 503);
        assert.match(page.text, /This was NOT recorded/);
        assert.match(page.text, new RegExp(`href="${path}"`));
        assert.equal((await phaseOf(site, key)).kind, 'raised');
      },
      { instead: { handle: async (events) => events.map(() => full) } },
    );
    const logged: string[] = [];
    await linked(
      async ({ visitor, path }) => {
        const page = await visitor.get(path);
        assert.equal(page.status, 503);
        assert.match(page.text, /does not answer/);
      },
      { instead: { readLink: () => Promise.reject(new Error('gone')) }, log: (line) => logged.push(line) },
    );
    assert.equal(logged.length, 1);
  });
});

test('the token stands in no log and in no metrics', async () => {
  const logged: string[] = [];
  const keep = (line: string): void => void logged.push(line);
  await linked(
    async ({ site, visitor, path }) => {
      const token = path.slice(3);
      await visitor.get(path);
      await visitor.post(path, { for: 'x' });
      await visitor.get(`${path}x`);
      await visitor.get(`${path}%zz`);
      const metrics = (await visitor.get('/metrics')).text;
      assert.doesNotMatch(metrics + logged.join(''), new RegExp(token.slice(0, 16)));
      assert.match(metrics, /route="\/a\/:token"/);
      assert.equal((await fetch(`${site.base}/a/${'A'.repeat(5000)}`)).status, 404);
    },
    { log: keep, warned: keep },
  );
});

test('bad links from one network are not read for long, and others are not held up by them', () =>
  linked(
    async ({ site, visitor, path }) => {
      const from = (address: string) => ({ 'x-forwarded-for': address });
      for (let i = 0; i < badLinksPace.count; i++) {
        assert.equal((await visitor.get(`/a/nonsense${i}`, from('192.0.2.1'))).status, 404);
      }
      const late = await visitor.get('/a/nonsense', from('192.0.2.1'));
      assert.equal(late.status, 429);
      assert.ok(Number(late.headers.get('retry-after')) > 0);
      assert.equal((await visitor.get(path, from('192.0.2.2'))).status, 200);
      later(site, minutes(2));
      assert.equal((await visitor.get(path, from('192.0.2.1'))).status, 200);
    },
    { trustProxy: ['loopback'] },
  ));

test('the list and the page of an alert show its code, by which people name it on the telephone', () =>
  linked(async ({ site, visitor, key }) => {
    await visitor.logIn();
    assert.match((await visitor.get('/')).text, /<span class="meta"><time[^>]*>0s<\/time> · #1<\/span>/);
    const page = await visitor.get(`/alerts/${key}`);
    assert.match(page.text, /<span class="code"><span class="sr">code <\/span>#1<\/span>/);
    assert.deepEqual(await site.reads.codes([key, 999 as AlertKey]), new Map([[key, 1]]));
  }));
