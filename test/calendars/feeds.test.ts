import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type FeedLimits, type FeedRef, type Feeds, openFeeds } from '../../src/station/policy/feeds.ts';
import { minutes, plus, seconds } from '../../src/time.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { type FeedServer, good, says, serve, url } from './feed-server.ts';
import { at } from './ics.ts';

const root = mkdtempSync(join(tmpdir(), 'mauve-feeds-'));
after(() => rmSync(root, { recursive: true }));

const start = at('2026-11-20T14:02:00Z');
let clock = new SimulatedClock(start);
let folder = root;
let logged: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'));
  clock = new SimulatedClock(start);
  logged = [];
});

function open(limits: Partial<FeedLimits> = {}): Feeds {
  const write = (...words: readonly unknown[]): void => void logged.push(JSON.stringify(words));
  return openFeeds({ folder: join(folder, 'cache'), clock, log: { warn: write, info: write }, limits });
}

const value = (feeds: Feeds, ref: FeedRef): string => {
  const read = feeds.read(ref, good);
  return read.ok ? `${read.value}${read.problem === null ? '' : ` (${read.problem})`}` : `none: ${read.why}`;
};

describe('a calendar in a file', () => {
  const file = (): FeedRef & { readonly kind: 'file' } => ({
    kind: 'file',
    path: join(folder, 'rota.ics'),
    shown: 'calendars/rota.ics',
  });

  it('is used as it is now', async () => {
    const feeds = open();
    writeFileSync(file().path, 'good one');
    assert.equal(value(feeds, file()), 'good one');
    writeFileSync(file().path, 'good two');
    assert.equal(await feeds.refresh([file()]), true);
    assert.equal(await feeds.refresh([file()]), false);
    assert.equal(value(feeds, file()), 'good two');
    assert.deepEqual(feeds.problems(), []);
  });

  it('that was never there is said so', () => {
    assert.equal(value(open(), file()), 'none: there is no such file');
  });

  it('that is gone keeps its last good content, also across a restart, and says so', async () => {
    const feeds = open();
    writeFileSync(file().path, 'good one');
    value(feeds, file());
    rmSync(file().path);
    await clock.advanceTo(plus(start, minutes(90)));
    const problem =
      'calendars/rota.ics cannot be read: there is no such file; its content of 2026-11-20 14:02 UTC is still used';
    assert.equal(await feeds.refresh([file()]), false);
    assert.equal(value(feeds, file()), `good one (${problem})`);
    assert.deepEqual(feeds.problems(), [problem]);

    const again = open();
    assert.equal(value(again, file()), `good one (${problem})`);
    writeFileSync(file().path, 'good again');
    assert.equal(value(again, file()), 'good again');
    assert.equal(await again.refresh([file()]), false);
    assert.deepEqual(again.problems(), []);
  });

  it('that is spoilt keeps its last good content, and tells the line', async () => {
    const feeds = open();
    writeFileSync(file().path, 'good one');
    await feeds.refresh([file()]);
    value(feeds, file());
    writeFileSync(file().path, 'spoilt');
    assert.equal(await feeds.refresh([file()]), true);
    const problem =
      'calendars/rota.ics is not understood: line 1: "good" expected; its content of 2026-11-20 14:02 UTC is still used';
    assert.equal(value(feeds, file()), `good one (${problem})`);
    assert.deepEqual(feeds.problems(), [problem]);
    assert.equal(value(open(), file()), `good one (${problem})`, 'after a restart');
  });

  it('that is a folder, or larger than may be, is not read', () => {
    const feeds = open({ bytes: 100 });
    mkdirSync(file().path);
    assert.equal(value(feeds, file()), 'none: it is a folder, not a file');
    rmSync(file().path, { recursive: true });
    writeFileSync(file().path, 'good');
    truncateSync(file().path, 101);
    assert.equal(value(feeds, file()), 'none: it is larger than 100 bytes');
  });

  it('is kept so that nobody else can read it, and not more of them than may be', async () => {
    const feeds = open({ kept: 3 });
    const refs = Array.from({ length: 5 }, (_, n): FeedRef => {
      const path = join(folder, `${n}.ics`);
      writeFileSync(path, `good ${n}`);
      return { kind: 'file', path, shown: `${n}.ics` };
    });
    for (const ref of refs) {
      value(feeds, ref);
      await clock.advanceTo(plus(clock.now(), minutes(1)));
    }
    const names = readdirSync(join(folder, 'cache'));
    assert.equal(names.length, 3);
    for (const name of names) assert.equal(statSync(join(folder, 'cache', name)).mode & 0o777, 0o600);
    for (const ref of refs) if (ref.kind === 'file') rmSync(ref.path);
    const kept = refs.map((ref) => open().read(ref, good).ok);
    assert.deepEqual(kept, [false, false, true, true, true], 'the oldest went');
  });

  it('is used although its content cannot be kept, and that is logged', () => {
    writeFileSync(join(folder, 'cache'), 'a file where the folder should be');
    writeFileSync(file().path, 'good one');
    assert.equal(value(open(), file()), 'good one');
    assert.match(logged.join(), /could not be kept/);
  });

  it('whose kept content was damaged is read anew', () => {
    writeFileSync(file().path, 'good one');
    value(open(), file());
    for (const name of readdirSync(join(folder, 'cache')))
      writeFileSync(join(folder, 'cache', name), '{"at":');
    assert.equal(value(open(), file()), 'good one');
    rmSync(file().path);
  });
});

describe('a calendar at a web address', () => {
  let server: FeedServer;
  let feeds: Feeds;
  beforeEach(async () => {
    server = await serve(says('good one', { etag: '"1"', 'last-modified': 'Fri, 20 Nov 2026 12:00:00 GMT' }));
    feeds = open();
  });
  afterEach(() => server.close());
  const ref = (path = '/rota.ics'): FeedRef => url(`${server.origin}${path}`);
  const stillUsed = '; its content of 2026-11-20 14:02 UTC is still used';

  it('is fetched, and asked for only when it changed', async () => {
    assert.equal(value(feeds, ref()), 'none: it was not read yet');
    assert.equal(await feeds.refresh([ref()]), true);
    assert.equal(value(feeds, ref()), 'good one');
    server.answer = says('', {}, 304);
    assert.equal(await feeds.refresh([ref()]), false);
    assert.equal(server.requests[1]?.headers['if-none-match'], '"1"');
    assert.equal(server.requests[1]?.headers['if-modified-since'], 'Fri, 20 Nov 2026 12:00:00 GMT');
    assert.equal(value(feeds, ref()), 'good one');
    assert.equal(await feeds.refresh([ref()], 'files'), false);
    assert.equal(server.requests.length, 2);
    server.answer = says('good two');
    assert.equal(await feeds.refresh([ref()]), true);
    assert.equal(value(feeds, ref()), 'good two');
  });

  it('is known after a restart while its server is down, and asked for with what the server said before it', async () => {
    await feeds.refresh([ref()]);
    value(feeds, ref());
    server.answer = says('', {}, 304);
    const again = open();
    assert.equal(value(again, ref()), 'good one');
    assert.equal(await again.refresh([ref()]), false);
    assert.equal(server.requests[1]?.headers['if-none-match'], '"1"');
    await server.close();
    const third = open();
    assert.equal(await third.refresh([ref()]), false);
    const [problem = ''] = third.problems();
    assert.match(
      problem,
      /rota\.ics cannot be read: its server (refuses|closed) the connection; its content of/,
    );
    assert.equal(value(third, ref()), `good one (${problem})`);
    assert.match(logged.join(), /cannot be read/);
  });

  it('keeps its last good content when its server sends something else, and after a restart too', async () => {
    await feeds.refresh([ref()]);
    value(feeds, ref());
    server.answer = says('<html>Please log in', { etag: '"2"' });
    assert.equal(await feeds.refresh([ref()]), true);
    const problem = `${server.origin}/rota.ics is not understood: line 1: "good" expected${stillUsed}`;
    assert.equal(value(feeds, ref()), `good one (${problem})`);
    const again = open();
    await again.refresh([ref()]);
    assert.equal(value(again, ref()), `good one (${problem})`);
    server.answer = says('good three');
    assert.equal(await again.refresh([ref()]), true);
    assert.equal(value(again, ref()), 'good three');
    assert.deepEqual(again.problems(), []);
  });

  it('is given up when its server hangs, before or in the middle of its content', async () => {
    await feeds.refresh([ref()]);
    value(feeds, ref());
    for (const hang of [
      () => undefined,
      (_: unknown, response: { write(text: string): void }) => response.write('good t'),
    ]) {
      let arrived: () => void = () => undefined;
      const asked = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      server.answer = (request, response) => {
        hang(request, response);
        arrived();
      };
      const refreshed = feeds.refresh([ref()]);
      await asked;
      await clock.advanceTo(plus(clock.now(), seconds(10)));
      assert.equal(await refreshed, false);
      assert.deepEqual(feeds.problems(), [
        `${server.origin}/rota.ics cannot be read: it did not answer within 10s${stillUsed}`,
      ]);
    }
  });

  it('that ends in the middle keeps its last good content', async () => {
    await feeds.refresh([ref()]);
    value(feeds, ref());
    server.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('good t', () => response.destroy());
    };
    assert.equal(await feeds.refresh([ref()]), false);
    assert.match(value(feeds, ref()), /^good one \(.*its server closed the connection/);
  });

  it('is followed where it went, but not in circles, and not to what is no web address', async () => {
    server.answer = (request, response) => {
      if (request.url === '/new.ics') return says('good moved')(request, response);
      says(
        '',
        {
          location:
            request.url === '/rota.ics'
              ? 'new.ics'
              : request.url === '/file'
                ? 'file:///etc/passwd'
                : '/circle',
        },
        302,
      )(request, response);
    };
    const all = [ref(), ref('/circle'), ref('/file')];
    await feeds.refresh(all);
    assert.equal(value(feeds, ref()), 'good moved');
    assert.equal(value(feeds, ref('/circle')), 'none: it redirects more than 5 times');
    assert.equal(value(feeds, ref('/file')), 'none: it leads to something else than http');
    assert.equal(server.requests.filter(({ url: path }) => path === '/circle').length, 6);
  });

  it('may come compressed, but not be larger than may be, however small it came', async () => {
    server.answer = (request, response) => {
      const text = request.url === '/rota.ics' ? 'good small' : `good ${'x'.repeat(6 * 1024 * 1024)}`;
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(text));
    };
    await feeds.refresh([ref(), ref('/bomb')]);
    assert.equal(value(feeds, ref()), 'good small');
    assert.equal(value(feeds, ref('/bomb')), 'none: it is larger than 5242880 bytes');
  });

  it('that is refused says what the server answers', async () => {
    server.answer = says('good no', {}, 404);
    await feeds.refresh([ref()]);
    assert.equal(value(feeds, ref()), 'none: its server answers 404');
  });

  it('sends its password to its own server only, and shows it nowhere', async () => {
    const other = await serve(says('good elsewhere'));
    try {
      const host = server.origin.replace('http://', '');
      const secret = url(`http://ann:s%C3%A9cret@${host}/private-0123456789abcdef0123/rota.ics?token=hidden`);
      server.answer = says('', { location: `${other.origin}/there` }, 307);
      await feeds.refresh([secret]);
      assert.equal(value(feeds, secret), 'good elsewhere');
      const sent = server.requests[0]?.headers.authorization;
      assert.equal(sent, `Basic ${Buffer.from('ann:sécret').toString('base64')}`);
      assert.equal(other.requests[0]?.headers.authorization, undefined);
      server.answer = says('spoilt', {}, 500);
      await feeds.refresh([secret]);
      assert.deepEqual(feeds.problems(), [
        `http://${host}/priv…/rota.ics cannot be read: its server answers 500${stillUsed}`,
      ]);
      assert.doesNotMatch(
        logged.join() + readdirSync(join(folder, 'cache')).join(),
        /cret|hidden|0123456789/,
      );
    } finally {
      await other.close();
    }
  });

  it('that nobody can reach by name says so', async () => {
    const missing = openFeeds({
      folder: null,
      clock,
      log: { warn: () => undefined, info: () => undefined },
      fetch: () =>
        Promise.reject(
          new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ENOTFOUND' }) }),
        ),
    });
    await missing.refresh([url('https://calendar.invalid/rota.ics')]);
    assert.deepEqual(missing.problems(), [
      'https://calendar.invalid/rota.ics cannot be read: its server has no address that the name servers know',
    ]);
  });

  it('that the policy no longer names is no problem any more', async () => {
    server.answer = says('', {}, 500);
    await feeds.refresh([ref()]);
    assert.equal(feeds.problems().length, 1);
    await feeds.refresh([]);
    assert.deepEqual(feeds.problems(), []);
  });

  it('waits for no other: a hanging server does not keep the rest from being fetched', async () => {
    let hanging: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      hanging = resolve;
    });
    const quick = new Promise<void>((resolve) => {
      server.answer = (request, response) => {
        if (request.url === '/slow') return hanging();
        says('good quick')(request, response);
        void once(response, 'finish').then(() => resolve());
      };
    });
    const refreshed = feeds.refresh([ref('/slow'), ref('/quick')]);
    await Promise.all([asked, quick]);
    await clock.advanceTo(plus(clock.now(), seconds(10)));
    assert.equal(await refreshed, true);
    assert.equal(value(feeds, ref('/quick')), 'good quick');
  });
});
