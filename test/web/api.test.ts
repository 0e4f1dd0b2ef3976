/** The JSON API, as a script meets it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openSite, type Site, token, Visitor } from './site.ts';

let site: Site;
before(async () => {
  site = await openSite();
});
after(() => site.close());

type Answer = { status: number; headers: Headers; body: Record<string, unknown> };

async function call(path: string, init: RequestInit & { bearer?: string | null } = {}): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (init.bearer !== null) headers.set('authorization', `Bearer ${init.bearer ?? token}`);
  const answer = await fetch(`${site.base}/api/v1${path}`, { ...init, headers, redirect: 'manual' });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
}

const post = (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  call(path, {
    method: 'POST',
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });

const code = ({ body }: Answer): unknown => (body.error as { code?: unknown } | undefined)?.code;
const alertsOf = ({ body }: Answer): Record<string, unknown>[] => body.alerts as Record<string, unknown>[];

test('without a token, or with one that nobody has, the answer is 401 and says how', async () => {
  const none = await call('/alerts', { bearer: null });
  assert.equal(none.status, 401);
  assert.match(none.headers.get('www-authenticate') ?? '', /^Bearer/);
  assert.equal(code(none), 'token-missing');
  const unknown = await call('/alerts', { bearer: 'x'.repeat(40) });
  assert.equal(unknown.status, 401);
  assert.equal(code(unknown), 'unknown-token');
  assert.equal((await call('/nothing', { bearer: null })).status, 401);
  const basic = await call('/alerts', { bearer: null, headers: { authorization: 'Basic YTpi' } });
  assert.equal(basic.status, 401);
});

test('an alert has the shape that the reference names', async () => {
  const id = await site.say({
    source: 'db1',
    id: 'disk',
    subject: 'core-db',
    summary: '97% full',
    detail: '<b>x</b><script>y</script>',
  });
  const [alert] = alertsOf(await call('/alerts?state=raised'));
  assert.ok(alert);
  assert.deepEqual(Object.keys(alert), [
    ...[
      'id',
      'alert_id',
      'source',
      'subject',
      'summary',
      'importance',
      'level',
      'group',
      'state',
      'suppressed',
    ],
    ...['raised_at', 'cleared_at', 'acknowledged_at', 'acknowledged_by', 'acknowledged_until', 'note'],
    ...[
      'will_raise_at',
      'will_clear_at',
      'suppress_until',
      'muted',
      'episode',
      'first_seen_at',
      'heard_at',
      'changed_at',
      'url',
    ],
  ]);
  assert.equal(alert.id, id);
  assert.equal(alert.alert_id, 'disk');
  assert.equal(alert.level, 'urgent');
  assert.equal(alert.raised_at, '2026-11-21T02:00:00Z');
  assert.equal(alert.cleared_at, null);
  assert.equal(alert.url, `${site.base}/alerts/${id}`);
  const one = await call(`/alerts/${id}`);
  assert.equal(one.body.detail, '<b>x</b>');
});

test('acknowledging, taking it back and clearing answer with the alert as it is then', async () => {
  const id = await site.say({ id: 'acts' });
  const acknowledged = await post(`/alerts/${id}/acknowledge`, { for: '2h', note: 'on it' });
  assert.equal(acknowledged.status, 200);
  assert.equal(acknowledged.body.state, 'acknowledged');
  assert.equal(acknowledged.body.acknowledged_by, 'token:script');
  assert.equal(acknowledged.body.acknowledged_until, '2026-11-21T04:00:00Z');
  assert.equal(acknowledged.body.note, 'on it');
  assert.equal((await post(`/alerts/${id}/unacknowledge`)).body.state, 'raised');
  assert.equal((await post(`/alerts/${id}/acknowledge`)).body.acknowledged_until, '2026-11-21T03:00:00Z');
  const cleared = await post(`/alerts/${id}/clear`, {});
  assert.equal(cleared.body.state, 'cleared');
  assert.equal(cleared.body.acknowledged_by, null);
  assert.ok(cleared.body.cleared_at);
  const { history } = (await call(`/alerts/${id}/history?limit=1000`)).body as {
    history: Record<string, unknown>[];
  };
  assert.deepEqual(
    history.filter((entry) => entry.quiet === false).map((entry) => [entry.kind, entry.by]),
    [
      ['cleared', 'token:script'],
      ['acknowledged', 'token:script'],
      ['re-raised', 'token:script'],
      ['acknowledged', 'token:script'],
      ['raised', null],
    ],
  );
  const first = history.findLast((entry) => entry.kind === 'acknowledged');
  assert.equal(first?.until, '2026-11-21T04:00:00Z');
  assert.equal(first?.note, 'on it');
});

test('what cannot be done is refused with 409, what is not there with 404', async () => {
  const id = await site.say({ id: 'refusals' });
  assert.equal(code(await post(`/alerts/${id}/unacknowledge`)), 'not-acknowledged');
  await post(`/alerts/${id}/clear`);
  for (const act of ['clear', 'acknowledge'])
    assert.equal((await post(`/alerts/${id}/${act}`)).status, 409, act);
  for (const none of ['999999', '0', 'x', '-1', '1e3', '99999999999999999999']) {
    assert.equal((await call(`/alerts/${none}`)).status, 404, none);
    assert.equal((await call(`/alerts/${none}/history`)).status, 404, none);
    assert.equal((await post(`/alerts/${none}/acknowledge`)).status, 404, none);
  }
  assert.equal(code(await call('/alert')), 'no-such-address');
});

test('questions that make no sense are refused with 400 and say what would', async () => {
  for (const [query, why] of [
    ['state=open', 'bad-state'],
    ['state=', 'bad-state'],
    ['state=raised&state=cleared', 'bad-state'],
    ['limit=0', 'bad-limit'],
    ['limit=1001', 'bad-limit'],
    ['limit=ten', 'bad-limit'],
    ['limit=1.5', 'bad-limit'],
    ['cursor=nonsense', 'bad-cursor'],
    ['cursor=%00', 'bad-cursor'],
    ['stat=raised', 'bad-parameter'],
    ['state=raised&Limit=5', 'bad-parameter'],
    ['__proto__=x', 'bad-parameter'],
  ] as const) {
    const answer = await call(`/alerts?${query}`);
    assert.equal(answer.status, 400, query);
    assert.equal(code(answer), why, query);
  }
});

test('every address refuses parameters that it does not know, and names those it does', async () => {
  const id = await site.say({ id: 'parameters' });
  const history = await call(`/alerts/${id}/history?limit=5&state=raised`);
  assert.equal(history.status, 400);
  assert.match(JSON.stringify(history.body), /Unknown parameter \\"state\\": there are limit/);
  assert.equal(code(await call(`/alerts/${id}?detail=no`)), 'bad-parameter');
  assert.equal(code(await post(`/alerts/${id}/acknowledge?for=2h`)), 'bad-parameter');
  assert.equal((await call(`/alerts/${id}`)).body.state, 'raised');
});

test('bodies that make no sense are refused, and nothing is done', async () => {
  const id = await site.say({ id: 'bodies' });
  const address = `/alerts/${id}/acknowledge`;
  for (const body of [
    ...[
      { for: 'soon' },
      { for: 7200 },
      { for: '-1h' },
      { for: '0' },
      { note: 5 },
      { note: 'x'.repeat(1001) },
      { until: '2h' },
    ],
    ...['[]', '"2h"', '{', '{"for":}', 'null'],
  ]) {
    const answer = await post(address, body);
    assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 40));
    assert.ok(code(answer));
  }
  const form = await post(address, 'for=2h', { 'content-type': 'application/x-www-form-urlencoded' });
  assert.equal(form.status, 415);
  assert.equal((await post(address, { note: 'x'.repeat(20_000) })).status, 413);
  assert.equal((await call(`/alerts/${id}`)).body.state, 'raised');
});

test('other methods get 405 with what is allowed, and HEAD works', async () => {
  const id = await site.say({ id: 'methods' });
  const put = await call('/alerts', { method: 'PUT' });
  assert.equal(put.status, 405);
  assert.equal(put.headers.get('allow'), 'GET, HEAD');
  const get = await call(`/alerts/${id}/acknowledge`);
  assert.equal(get.status, 405);
  assert.equal(get.headers.get('allow'), 'POST');
  assert.equal((await call('/alerts', { method: 'HEAD' })).status, 200);
  assert.equal((await call('/alerts')).headers.get('access-control-allow-origin'), null);
});

test('paging through `next` gives each alert once, the newest change first', async () => {
  for (let i = 0; i < 25; i++) await site.say({ source: 'pager', id: `a${i}` });
  const seen: unknown[] = [];
  let next: unknown = null;
  let pages = 0;
  do {
    const cursor = next === null ? '' : `&cursor=${encodeURIComponent(String(next))}`;
    const answer = await call(`/alerts?limit=7${cursor}`);
    seen.push(...alertsOf(answer).map(({ id }) => id));
    next = answer.body.next;
    pages += 1;
  } while (next !== null && pages < 50);
  const all = alertsOf(await call('/alerts?limit=1000'));
  assert.equal(new Set(seen).size, seen.length);
  assert.deepEqual(
    seen,
    all.map(({ id }) => id),
  );
  assert.deepEqual((await call('/alerts')).body, { alerts: all, next: null });
});

test('a session may read, and acts only with its token in the header', async () => {
  const id = await site.say({ id: 'session' });
  const visitor = new Visitor(site);
  await visitor.logIn();
  const page = await visitor.get('/');
  assert.equal((await visitor.get('/api/v1/alerts')).status, 200);
  const cookie = [...visitor.cookies].map((pair) => pair.join('=')).join('; ');
  const without = await call(`/alerts/${id}/acknowledge`, {
    method: 'POST',
    bearer: null,
    headers: { cookie },
  });
  assert.equal(without.status, 403);
  assert.equal(code(without), 'bad-csrf-token');
  const csrf = /name="csrf-token" content="(\w+)"/.exec(page.text)?.[1] ?? '';
  const headers = { cookie, 'x-csrf-token': csrf };
  const done = await call(`/alerts/${id}/acknowledge`, { method: 'POST', bearer: null, headers });
  assert.equal(done.status, 200);
  assert.equal(done.body.acknowledged_by, 'ann');
});

test('when the store cannot write, 503 says that nothing was recorded', async () => {
  const id = await site.say({ id: 'unwritable' });
  const { handle } = site.view;
  site.view.handle = async (events) =>
    events.map(() => ({
      ok: false,
      why: 'store-unavailable',
      message: 'The disk is full: nothing was recorded.',
    }));
  try {
    const answer = await post(`/alerts/${id}/acknowledge`);
    assert.equal(answer.status, 503);
    assert.equal(code(answer), 'store-unavailable');
    const visitor = new Visitor(site);
    await visitor.logIn();
    await visitor.get(`/alerts/${id}`);
    const page = await visitor.post(`/alerts/${id}/acknowledge`, { count: '1', unit: 'h' });
    assert.equal(page.status, 503);
    assert.match(page.text, /NOT recorded/);
  } finally {
    site.view.handle = handle;
  }
});
