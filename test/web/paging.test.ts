/** Lists of more alerts than a page holds: what is urgent comes first, and nobody loses their place. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSite, type Site, token, Visitor } from './site.ts';

let site: Site;
let visitor: Visitor;
before(async () => {
  site = await openSite();
  visitor = new Visitor(site);
  await visitor.logIn();
  for (const i of [1, 2, 3]) await site.say({ id: `u${i}`, subject: `core-${i}` });
  for (let i = 0; i < 240; i++)
    await site.say({ id: `n${i}`, subject: i % 2 === 0 ? `web${i}` : `build${i}` });
});
after(() => site.close());

const subjectsOf = (text: string): string[] =>
  [...text.matchAll(/<li class="\w+">.*?<b>([^<]*)<\/b>/g)].map(([, subject = '']) => subject);
const nextOf = (text: string): string | null => {
  const links = [...text.matchAll(/href="(\/\?[^"]*cursor=[^"]+)"/g)].map(([, to = '']) => to);
  return links.at(-1)?.replaceAll('&amp;', '&') ?? null;
};

async function walk(first: string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let at: string | null = first; at !== null && pages.length < 20; ) {
    const { text } = await visitor.get(at);
    pages.push(subjectsOf(text));
    at = nextOf(text);
  }
  return pages;
}

test('urgent alerts lead the first page, though all others changed later; paging meets each alert once', async () => {
  const pages = await walk('/');
  assert.deepEqual(
    pages.map(({ length }) => length),
    [100, 100, 43],
  );
  assert.deepEqual(pages[0]?.slice(0, 3), ['core-3', 'core-2', 'core-1']);
  assert.deepEqual(pages[0]?.slice(3, 5), ['build239', 'web238']);
  assert.equal(new Set(pages.flat()).size, 243);
});

test('the urgent may fill several pages, and the others follow them without a gap', async () => {
  const read = async (limit: number): Promise<string[]> => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await site.reads.urgentFirst({ state: 'raised', limit, cursor });
      assert.ok(page !== null);
      seen.push(...page.alerts.map(({ subject }) => subject));
      cursor = page.next;
    } while (cursor !== null);
    return seen;
  };
  const all = await read(1000);
  assert.equal(all.length, 243);
  for (const limit of [1, 2, 3, 4, 242, 243]) assert.deepEqual(await read(limit), all, String(limit));
  const foreign = (await site.reads.alerts({ state: 'raised', limit: 1, cursor: null }))?.next ?? null;
  assert.notEqual(foreign, null);
  assert.equal(await site.reads.urgentFirst({ state: 'raised', limit: 1, cursor: foreign }), null);
});

test('the API goes on giving the newest change first', async () => {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${site.base}/api/v1/alerts?state=raised&limit=2`, { headers });
  const { alerts } = (await answer.json()) as { alerts: { subject: string }[] };
  assert.deepEqual(
    alerts.map(({ subject }) => subject),
    ['build239', 'web238'],
  );
});

test('acknowledging on a later page stays on that page, whatever it says of the click', async () => {
  const second = nextOf((await visitor.get('/')).text) ?? '';
  const { text } = await visitor.get(second);
  const cursor = /name="cursor" value="([^"]*)"/.exec(text)?.[1] ?? '';
  const [key = ''] = [...text.matchAll(/name="alert" value="(\d+)"/g)].map(([, each = '']) => each);
  assert.notEqual(cursor, '');
  for (const alert of [[key], []]) {
    const answer = await visitor.post('/acknowledge', {
      alert,
      count: '',
      unit: 'h',
      back: 'raised',
      cursor,
    });
    assert.equal(answer.headers.get('location'), second);
    await visitor.follow();
  }
  assert.ok(subjectsOf(visitor.page.text).length === 100);
  assert.doesNotMatch(visitor.page.text, new RegExp(`name="alert" value="${key}"`));
});

test('after acknowledging all of the last page there is the first one, and no word of nothing being raised', async () => {
  let last = '/';
  for (let at: string | null = '/'; at !== null; at = nextOf(visitor.page.text)) {
    last = at;
    await visitor.get(at);
  }
  const { text } = visitor.page;
  const cursor = /name="cursor" value="([^"]*)"/.exec(text)?.[1] ?? '';
  const alert = [...text.matchAll(/name="alert" value="(\d+)"/g)].map(([, each = '']) => each);
  const answer = await visitor.post('/acknowledge', { alert, count: '', unit: 'h', back: 'raised', cursor });
  assert.equal(answer.headers.get('location'), last);
  const page = await visitor.follow();
  assert.doesNotMatch(page.text, /Nothing is raised/);
  assert.equal(subjectsOf(page.text)[0], 'core-3');
});
