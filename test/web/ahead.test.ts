/** What happens next: on an alert's page, without a script, and for scripts; and acknowledging for working hours. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AlertKey, PersonId } from '../../src/station/core/alert.ts';
import type { Forecast, ForecastEntry } from '../../src/station/core/forecast.ts';
import { hours, minutes, plus } from '../../src/time.ts';
import { openSite, type Site, start, token, Visitor } from './site.ts';

let site: Site;
let visitor: Visitor;
before(async () => {
  site = await openSite({ log: () => undefined });
  visitor = new Visitor(site);
  await visitor.logIn();
});
after(() => site.close());

const notice = (text: string): string => /class="notice \w+" role="\w+">([^<]*)/.exec(text)?.[1] ?? '';
const plain = (text: string): string =>
  text
    .replace(/<\/?(?:li|div|p|h[123]|section)\b[^>]*>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ');
const part = (text: string, from: RegExp, to: string): string => {
  const at = text.search(from);
  return plain(text.slice(at, text.indexOf(to, at))).trim();
};
const next = (text: string): string => part(text, /<section id="ahead"/, '<div id="if"');
const ifAcknowledged = (text: string): string => part(text, /<div id="if"/, '<form method="get"');

/** Lets the station say something else of what comes. */
async function saying(forecast: Forecast | Error, story: () => Promise<void>): Promise<void> {
  const kept = site.view.forecast;
  site.view.forecast = () =>
    forecast instanceof Error ? Promise.reject(forecast) : Promise.resolve(forecast);
  try {
    await story();
  } finally {
    site.view.forecast = kept;
  }
}

const forecastOf = (entries: readonly ForecastEntry[], cut = false): Forecast => ({
  ...{ group: 'default', level: 'normal', from: start, until: plus(start, hours(24)) },
  ...{ entries, cut },
});

const told = (at: number, person: string, of: 'raised' | 'reminder' = 'reminder'): ForecastEntry => ({
  ...{ kind: 'told', at: plus(start, minutes(at)), person: person as PersonId, of },
  ...{ rule: null, channels: ['sms', 'email'], level: 'normal' },
});

test('the page says who hears when, and what an acknowledgement would change', async () => {
  const key = await site.say({ id: 'ahead', subject: 'core-ahead' });
  const { text } = await visitor.get(`/alerts/${key}`);
  assert.match(
    next(text),
    /^What happens next if nobody acts, within a day 03:15 ann by inbox: reminder, then every 15m$/,
  );
  assert.match(
    ifAcknowledged(text),
    /^If you acknowledge it for 2h 03:00 acknowledged 03:00 ann by inbox: acknowledged 05:00 raised again: the acknowledgement is over 05:00 ann by inbox: raised again 05:15 ann by inbox: reminder, then every 15m$/,
  );
});

test('without a script, another length is tried through the address, and stands in the form then', async () => {
  const key = await site.say({ id: 'try', subject: 'core-try' });
  const { text } = await visitor.get(`/alerts/${key}?count=3&unit=h`);
  assert.match(ifAcknowledged(text), /^If you acknowledge it for 3h .*06:00 raised again/);
  assert.match(text, /id="acknowledge".*name="count"[^>]* value="3"/s);
  assert.match(text, new RegExp(`<form method="get" action="/alerts/${key}#if"`));
  const counted = await visitor.get(`/alerts/${key}?count=3&unit=working`);
  assert.match(ifAcknowledged(counted.text), /for 3 working hours .*Mon 23 Nov, 12:00 raised again/);
  for (const query of ['count=x&unit=h', 'count=0&unit=h', 'count=3&unit=y', 'count=3']) {
    const odd = await visitor.get(`/alerts/${key}?${query}`);
    assert.equal(odd.status, 200, query);
    assert.match(ifAcknowledged(odd.text), /How long\? Give a number/, query);
  }
  assert.match(
    ifAcknowledged((await visitor.get(`/alerts/${key}?count=3&unit=daytime`)).text),
    /no such hours/,
  );
});

test('a cleared alert has nothing to try', async () => {
  const key = await site.say({ id: 'over' });
  await site.say({ id: 'over', clear: true });
  const { text } = await visitor.get(`/alerts/${key}`);
  assert.match(text, /Nobody is told of anything/);
  assert.doesNotMatch(text, /id="if"/);
});

test('people told alike share a line, reminders a run, and a long list is folded', async () => {
  const key = await site.say({ id: 'lines' });
  const both = forecastOf([
    told(1, 'ann', 'raised'),
    told(1, 'bob', 'raised'),
    ...[30.001, 60, 90].map((at) => told(at, 'ann')),
    {
      kind: 'not-told',
      at: plus(start, minutes(95)),
      person: 'bob' as PersonId,
      of: 'reminder',
      why: 'away: holiday',
      until: null,
    },
    { kind: 'muted', at: plus(start, minutes(96)), by: 'settling', why: 'links', until: null },
    { kind: 'unmuted', at: plus(start, minutes(97)), by: 'settling' },
    { kind: 'cleared', at: plus(start, minutes(98)) },
  ]);
  await saying(both, async () => {
    const { text } = await visitor.get(`/alerts/${key}`);
    const words = next(text);
    assert.match(words, /03:01 ann, bob by sms, email: raised \(was told before\)/);
    assert.match(words, /03:30 ann by sms, email: reminder \(was told before\), then every 30m until 04:30/);
    assert.match(words, /04:35 not bob \(reminder\): away: holiday/);
    assert.match(words, /04:36 nobody: held back, as new alerts of the group links must last/);
    assert.match(words, /04:37 no longer held back 04:38 cleared, as planned/);
  });
  const overnight = forecastOf([5, 660, 720, 780].map((at) => told(at, 'ann')));
  await saying(overnight, async () => {
    const words = next((await visitor.get(`/alerts/${key}`)).text);
    assert.match(
      words,
      /03:05 ann by sms, email: reminder \(was told before\) (Sat )?.*14:00 ann .*, then every 1h/,
    );
    assert.doesNotMatch(words, /every 10h/, 'two are no run');
  });
  const many = Array.from({ length: 25 }, (_, i) => told(i * i, 'ann'));
  await saying(forecastOf(many, true), async () => {
    const { text } = await visitor.get(`/alerts/${key}`);
    assert.match(text, /<details id="later"><summary>\d+ more/);
    assert.match(text, /only the first 25 are worked out/);
  });
});

test('a station that does not say leaves the page whole', async () => {
  const key = await site.say({ id: 'unsaid' });
  await saying(new Error('busy'), async () => {
    const page = await visitor.get(`/alerts/${key}`);
    assert.equal(page.status, 200);
    assert.match(next(page.text), /The station did not say in time/);
    const answer = await ask(key, '');
    assert.equal(answer.status, 503);
  });
});

test('times are those of the reader’s own zone', async () => {
  const key = await site.say({ id: 'zone', subject: 'core-zone' });
  await site.addLink('zone-link', 'bob');
  const bob = new Visitor(site);
  await bob.get('/welcome/zone-link');
  const { text } = await bob.get(`/alerts/${key}`);
  assert.match(text, /Times are those of America\/New_York/);
  assert.match(next(text), /21:15 ann by inbox: reminder/);
  // The station words it by the policy's clock.
  const held: ForecastEntry = {
    ...{ kind: 'not-told', at: plus(start, minutes(1)), person: 'ann' as PersonId, of: 'reminder' },
    ...{ why: 'over the limit of 5 in 10m, held back until 03:10 today', until: plus(start, minutes(10)) },
  };
  await saying(forecastOf([held]), async () => {
    const page = await bob.get(`/alerts/${key}`);
    assert.match(
      next(page.text),
      /21:01 not ann \(reminder\): over the limit of 5 in 10m, held back until 21:10$/,
    );
  });
});

test('however many ask, the station works out two forecasts at once and takes alerts in between', async () => {
  const key = await site.say({ id: 'many', subject: 'core-many' });
  const kept = site.view.forecast;
  let now = 0;
  let most = 0;
  site.view.forecast = async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 2));
    now -= 1;
    return forecastOf([]);
  };
  try {
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(key, '')));
    assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([200]));
    assert.equal(most, 2);
  } finally {
    site.view.forecast = kept;
  }
});

test('why nobody is told is said for each reason there is', async () => {
  const banner = async (key: AlertKey): Promise<string> => {
    const { text } = await visitor.get(`/alerts/${key}`);
    return part(text, /<div class="notice muted"/, '</div>');
  };
  const link = await site.say({ id: 'flap', subject: 'link-1' });
  assert.equal(
    await banner(link),
    'Nobody is told of it: held back until 03:02 (in 2m), as new alerts of the group flapping links must last before anybody is told.',
  );
  await site.say({ id: 'host-down', subject: 'web7' });
  const ping = await site.say({ id: 'ping', subject: 'web7' });
  assert.equal(
    await banner(ping),
    'Nobody is told of it: host-down of web7 is raised. If this still stands when that clears, people are told then.',
  );
  assert.match((await visitor.get('/')).text, /inhibited<span class="sr">: nobody is told<\/span>/);
  const flood = await site.say({ id: 'suppressed' });
  const at = site.clock.now();
  await site.port.handle([{ kind: 'suppress', alert: flood, by: 'ann', for: hours(1), at }]);
  assert.equal(await banner(flood), 'Nobody is told of it: suppressed until 04:00 (in 1h).');
  assert.match((await visitor.get(`/alerts/${flood}`)).text, /nobody is told<\/b>: suppressed until/);
});

// ---------------------------------------------------------------- working hours

test('an acknowledgement for working hours ends in them', async () => {
  const key = await site.say({ id: 'work', subject: 'core-work' });
  await visitor.get(`/alerts/${key}`);
  await visitor.post(`/alerts/${key}/acknowledge`, { count: '2', unit: 'working' });
  assert.equal(
    notice((await visitor.follow()).text),
    'Acknowledged until Mon 23 Nov, 11:00 (for 2 working hours).',
  );
  await visitor.get(`/alerts/${key}`);
  await visitor.post(`/alerts/${key}/acknowledge`, { count: '2', unit: 'daytime', note: 'x' });
  const refused = await visitor.follow();
  assert.match(notice(refused.text), /no hours of that name/);
  assert.match(refused.text, /<option value="daytime" selected>/);
  const other = await site.say({ id: 'work2', subject: 'core-work2' });
  await visitor.get('/');
  await visitor.post('/acknowledge', { alert: [String(other)], count: '1', unit: 'working', back: 'raised' });
  assert.match(notice((await visitor.follow()).text), /^Acknowledged 1 alert until Mon 23 Nov, 10:00/);
});

type Answer = { status: number; body: Record<string, unknown> };

async function api(path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${site.base}/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}
const ask = (key: AlertKey, query: string): Promise<Answer> => api(`/alerts/${key}/forecast${query}`);
const errorOf = ({ body }: Answer) => body.error as { code: string; message: string };

test('a script acknowledges for working hours, written either way', async () => {
  const key = await site.say({ id: 'api-work' });
  const ends = '2026-11-23T10:00:00Z';
  for (const body of [{ for: '2h working' }, { for: '2h', hours: 'working' }]) {
    assert.equal((await api(`/alerts/${key}/acknowledge`, body)).body.acknowledged_until, ends);
  }
  for (const [body, why] of [
    [{ hours: 'working' }, 'bad-body'],
    [{ for: '2h', hours: 5 }, 'bad-body'],
    [{ for: '2h working', hours: 'working' }, 'bad-body'],
    [{ for: '2h  working' }, 'bad-body'],
    [{ for: '2h', hours: 'no-such' }, 'no-such-hours'],
    [{ for: '2h no-such' }, 'no-such-hours'],
  ] as const) {
    const answer = await api(`/alerts/${key}/acknowledge`, body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.equal(errorOf(answer).code, why);
  }
});

test('a script asks what happens next, and what would', async () => {
  const key = await site.say({ id: 'api-ahead', subject: 'core-api' });
  const { status, body } = await ask(key, '?for=1h');
  assert.equal(status, 200);
  const { entries, ...rest } = body;
  assert.deepEqual(rest, {
    ...{ alert: key, group: 'core routers', level: 'urgent', cut: false },
    ...{ from: '2026-11-21T02:00:00Z', until: '2026-11-21T03:00:00Z' },
  });
  const all = entries as Record<string, unknown>[];
  assert.equal(all.length, 4);
  assert.deepEqual(all[0], {
    ...{ kind: 'told', at: '2026-11-21T02:15:00Z', person: 'ann', of: 'reminder' },
    ...{ rule: 'core routers/1', channels: ['inbox'], level: 'urgent' },
    text: 'ann is told by inbox: reminder',
  });
  const tried = (await ask(key, '?acknowledge_for=2h')).body.entries as Record<string, unknown>[];
  assert.equal(tried.find(({ kind }) => kind === 're-raised')?.at, '2026-11-21T04:00:00Z');
  const counted = await ask(key, `?for=4d&acknowledge_for=${encodeURIComponent('2h working')}`);
  const end = (counted.body.entries as Record<string, unknown>[]).find(({ kind }) => kind === 're-raised');
  assert.equal(end?.at, '2026-11-23T10:00:00Z');
  assert.equal((await site.reads.alert(key))?.phase.kind, 'raised');
});

test('bad parameters of a forecast get a 400 that names them', async () => {
  const key = await site.say({ id: 'api-bad' });
  for (const [query, code, name] of [
    ['?for=soon', 'bad-for', /for/],
    ['?for=0', 'bad-for', /for/],
    ['?for=32d', 'bad-for', /31d/],
    ['?for=1h&for=2h', 'bad-for', /for/],
    ['?acknowledge_for=', 'bad-acknowledge-for', /acknowledge_for/],
    ['?acknowledge_for=-2h', 'bad-acknowledge-for', /acknowledge_for/],
    ['?acknowledge_for=2h+no-such', 'bad-acknowledge-for', /no-such/],
    ['?acknowledge=2h', 'bad-parameter', /"acknowledge": there are for, acknowledge_for/],
  ] as const) {
    const answer = await ask(key, query);
    assert.equal(answer.status, 400, query);
    assert.equal(errorOf(answer).code, code, query);
    assert.match(errorOf(answer).message, name, query);
  }
  assert.equal((await ask(999_999 as AlertKey, '')).status, 404);
  await site.say({ id: 'api-bad', clear: true });
  assert.equal((await ask(key, '?acknowledge_for=2h')).status, 409);
  assert.equal((await ask(key, '')).status, 200);
});
