/** Live pages over server-sent events: what a page is told, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plus } from '../../src/time.ts';
import { beatEvery, clientsPerUserMax } from '../../src/web/live.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { eventually, openSite, type Site, Visitor } from './site.ts';

type Told = { readonly event: string; readonly id: string; readonly data: string };

/** A page that listens. */
class Stream {
  readonly told: Told[] = [];
  ended = false;
  readonly status: number;
  private readonly abort: AbortController;

  private constructor(answer: Response, abort: AbortController) {
    this.abort = abort;
    this.status = answer.status;
    this.read(answer).catch(() => {
      this.ended = true;
    });
  }

  static async open(visitor: Visitor, query = '', headers: Record<string, string> = {}): Promise<Stream> {
    const abort = new AbortController();
    const cookie = [...visitor.cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(`${visitor.site.base}/events${query}`, {
      headers: { cookie, ...headers },
      signal: abort.signal,
    });
    return new Stream(answer, abort);
  }

  changes(): Told[] {
    return this.told.filter(({ event }) => event === 'change');
  }

  close(): void {
    this.abort.abort();
  }

  private async read(answer: Response): Promise<void> {
    let text = '';
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string): string => new RegExp(`^${name}:(.*)$`, 'm').exec(block)?.[1] ?? '';
        if (field('event') !== '')
          this.told.push({ event: field('event'), id: field('id'), data: field('data') });
      }
    }
    this.ended = true;
  }
}

async function live(
  story: (site: Site, visitor: Visitor, clock: SimulatedClock) => Promise<void>,
): Promise<void> {
  const site = await openSite();
  try {
    const visitor = new Visitor(site);
    await visitor.logIn();
    assert.ok(site.clock instanceof SimulatedClock);
    await story(site, visitor, site.clock);
  } finally {
    await site.close();
  }
}

test('a page is told of a new alert at once, by its key and with the number to come back with', () =>
  live(async (site, visitor) => {
    const stream = await Stream.open(visitor);
    await eventually(() => stream.told.some(({ event }) => event === 'beat'), 'the first beat');
    const began = performance.now();
    const key = await site.say({ id: 'new' });
    await eventually(() => stream.changes().length > 0, 'a change');
    assert.ok(performance.now() - began < 1000);
    const [change] = stream.changes();
    assert.deepEqual(JSON.parse(change?.data ?? ''), { alerts: [key] });
    assert.match(change?.id ?? '', /^\d+$/);
    assert.ok(stream.told.filter(({ event }) => event === 'beat').every(({ id }) => id === ''));
    stream.close();
  }));

test('a burst is told in few events, and none of it is lost', () =>
  live(async (site, visitor, clock) => {
    const stream = await Stream.open(visitor);
    await eventually(() => stream.told.length > 0, 'the first beat');
    const keys = new Set<number>();
    for (let i = 0; i < 40; i++) keys.add(await site.say({ id: `burst${i}` }));
    const told = (): Set<number> => new Set(stream.changes().flatMap(({ data }) => JSON.parse(data).alerts));
    await eventually(async () => {
      await clock.advanceTo(plus(clock.now(), beatEvery));
      return told().size === keys.size;
    }, 'all of the burst');
    assert.ok(stream.changes().length < 20, `${stream.changes().length} events`);
    stream.close();
  }));

test('a page that was away hears what it missed; one that was away too long looks at everything', () =>
  live(async (site, visitor) => {
    const before = await site.reads.lastSeq();
    const key = await site.say({ id: 'missed' });
    for (const [query, headers] of [
      [`?after=${before}`, {}],
      ['', { 'last-event-id': String(before) }],
    ] as const) {
      const stream = await Stream.open(visitor, query, headers);
      await eventually(() => stream.changes().length > 0, 'what was missed');
      assert.deepEqual(JSON.parse(stream.changes()[0]?.data ?? ''), { alerts: [key] });
      stream.close();
    }
    const future = await Stream.open(visitor, '?after=999999999');
    await eventually(() => future.changes().length > 0, 'an answer to a number from another database');
    assert.deepEqual(JSON.parse(future.changes()[0]?.data ?? ''), { alerts: 'all' });
    future.close();
    for (let i = 0; i < 400; i++) await site.say({ id: `long-ago-${i}` });
    await eventually(async () => {
      const { pending, leased } = await site.reads.outboxCounts();
      return pending + leased === 0;
    }, 'the last message, which makes history too');
    const long = await Stream.open(visitor, `?after=${before}`);
    await eventually(() => long.changes().length > 0, 'what was missed in a long time');
    assert.deepEqual(JSON.parse(long.changes()[0]?.data ?? ''), { alerts: 'all' });
    assert.equal(long.changes()[0]?.id, String(await site.reads.lastSeq()));
    long.close();
  }));

test('the beat goes on while nothing happens, and ends for whoever has logged out', () =>
  live(async (_site, visitor, clock) => {
    const stream = await Stream.open(visitor);
    const beats = (): number => stream.told.filter(({ event }) => event === 'beat').length;
    await eventually(() => beats() === 1, 'the first beat');
    await clock.advanceTo(plus(clock.now(), beatEvery));
    await eventually(() => beats() === 2, 'the second beat');
    await visitor.get('/account');
    await visitor.post('/logout');
    await clock.advanceTo(plus(clock.now(), beatEvery));
    await eventually(() => stream.ended, 'the end of the stream');
  }));

test('the beat says when the station stops taking alerts, which problems there are, and what a page should have seen', () =>
  live(async (site, visitor, clock) => {
    const stream = await Stream.open(visitor);
    const beats = (): { ready: boolean; problems: string; seq: number; now: number }[] =>
      stream.told.filter(({ event }) => event === 'beat').map(({ data }) => JSON.parse(data));
    await eventually(() => beats().length === 1, 'the first beat');
    site.view.listening = false;
    await clock.advanceTo(plus(clock.now(), beatEvery));
    await eventually(() => beats().length === 2, 'the second beat');
    const [well, ill] = beats();
    assert.equal(well?.ready, true);
    assert.equal(ill?.ready, false);
    assert.notEqual(ill?.problems, well?.problems);
    assert.equal(ill?.now, clock.now());
    const page = await visitor.get('/');
    assert.match(page.text, new RegExp(`data-problems="${ill?.problems}"`));
    site.view.listening = true;
    await site.say({ id: 'beaten' });
    await eventually(() => stream.changes().length > 0, 'a change');
    await clock.advanceTo(plus(clock.now(), beatEvery));
    await eventually(() => beats().length === 3, 'the third beat');
    assert.ok((beats()[2]?.seq ?? 0) > (ill?.seq ?? 0));
    stream.close();
  }));

test('asking for the head of the stream is answered', () =>
  live(async (site, visitor) => {
    const cookie = [...visitor.cookies].map((pair) => pair.join('=')).join('; ');
    const signal = AbortSignal.timeout(5000);
    const answer = await fetch(`${site.base}/events`, { method: 'HEAD', headers: { cookie }, signal });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /event-stream/);
  }));

test('streams opened all at once count like those opened one by one', () =>
  live(async (_site, visitor) => {
    const many = Array.from({ length: clientsPerUserMax + 5 }, () => Stream.open(visitor));
    const streams = await Promise.all(many);
    assert.equal(streams.filter(({ status }) => status === 200).length, clientsPerUserMax);
    for (const stream of streams) stream.close();
  }));

test('one person holds so many streams, no more, and gets one again after closing one', () =>
  live(async (_site, visitor) => {
    const streams: Stream[] = [];
    for (let i = 0; i < clientsPerUserMax; i++) streams.push(await Stream.open(visitor));
    assert.ok(streams.every(({ status }) => status === 200));
    const refused = await Stream.open(visitor);
    assert.equal(refused.status, 503);
    streams[0]?.close();
    await eventually(async () => {
      const again = await Stream.open(visitor);
      streams.push(again);
      return again.status === 200;
    }, 'a place for one more');
    const metrics = await (await fetch(`${visitor.site.base}/metrics`)).text();
    assert.match(metrics, new RegExp(`^mauve_sse_clients ${clientsPerUserMax}$`, 'm'));
    for (const stream of streams) stream.close();
    await eventually(
      async () => /^mauve_sse_clients 0$/m.test(await (await fetch(`${visitor.site.base}/metrics`)).text()),
      'the count at nought',
    );
  }));
