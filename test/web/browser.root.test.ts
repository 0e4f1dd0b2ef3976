/** The pages in a real browser: Debian's Chromium, which as root needs to be told to run without its sandbox. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { hours, systemClock } from '../../src/time.ts';
import { eventually, openSite, password, type Site } from './site.ts';

let site: Site;
let browser: Browser;
const launch = (...more: string[]): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync', ...more],
    ],
  });
before(async () => {
  site = await openSite({ clock: systemClock });
  browser = await launch();
});
after(async () => {
  await browser.close();
  await site.close();
});

type Look = {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly script?: boolean;
};

/** A new browser, logged in as ann by the form; any error on a page fails the test. */
async function visit(look: Look, story: (page: Page) => Promise<void>, by: Browser = browser): Promise<void> {
  const context: BrowserContext = await by.newContext({
    viewport: { width: look.width ?? 1280, height: look.height ?? 800 },
    colorScheme: look.scheme ?? 'light',
    javaScriptEnabled: look.script ?? true,
    timezoneId: 'America/New_York',
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/40[14]|503|ERR_/.test(message.text())) errors.push(message.text());
  });
  try {
    await page.goto(`${site.base}/`);
    await page.fill('[name=name]', 'ann');
    await page.fill('[name=password]', password);
    await page.click('text="Log in" >> visible=true >> nth=-1');
    await page.waitForSelector('.tabs');
    await story(page);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
  }
}

const row = (subject: string): string => `.alerts li:has-text("${subject}")`;

test('a new alert shows within a second of its commit, without a reload, and the title counts it', () =>
  visit({}, async (page) => {
    await page.waitForSelector('.light.on');
    const began = performance.now();
    await site.say({ id: 'seen', subject: 'core-seen', summary: 'down' });
    await page.waitForSelector(row('core-seen'), { timeout: 1000 });
    const took = performance.now() - began;
    assert.ok(took < 1000, `${took} ms`);
    assert.match(await page.title(), /^\(\d+\) \d+ urgent · Mauve$/);
  }));

test('a person acknowledges by clicking; another person’s page follows', () =>
  visit({ width: 360 }, async (page) => {
    await site.say({ id: 'click', subject: 'core-click' });
    await visit({}, async (other) => {
      await other.waitForSelector(row('core-click'));
      await page.click(row('core-click'));
      await page.waitForSelector('#acknowledge');
      assert.match((await page.textContent('output[data-until]')) ?? '', /^until \d\d:\d\d$/);
      await page.click('summary:has-text("Note")');
      await page.fill('#acknowledge [name=note]', 'on my way');
      await page.click('button:has-text("Acknowledge")');
      await page.waitForSelector('.notice.good');
      assert.match(
        (await page.textContent('.notice.good')) ?? '',
        /^Acknowledged until \d\d:\d\d \(for (2h|1h 59m)\)/,
      );
      await other.waitForSelector(row('core-click'), { state: 'detached', timeout: 2000 });
    });
  }));

test('news take nothing out of anybody’s hands: what is ticked, typed and opened stays', () =>
  visit({}, async (page) => {
    const key = await site.say({ id: 'kept', subject: 'core-kept' });
    await page.waitForSelector(row('core-kept'));
    await page.check(`${row('core-kept')} input`);
    await page.click('.bar summary');
    await page.fill('.bar [name=note]', 'half a sen');
    await site.say({ id: 'kept', subject: 'core-kept', summary: 'worse' });
    await page.waitForSelector(`${row('core-kept')}:has-text("worse")`);
    assert.equal(await page.isChecked(`${row('core-kept')} input`), true);
    assert.equal(await page.inputValue('.bar [name=note]'), 'half a sen');
    await page.keyboard.type('tence');
    assert.equal(await page.inputValue('.bar [name=note]'), 'half a sentence');
    await site.say({ id: 'interrupts', subject: 'core-interrupts' });
    await page.click('text="Show 1 new, 1 urgent"');
    await page.waitForSelector(row('core-interrupts'));
    assert.equal(await page.isChecked(`${row('core-kept')} input`), true);
    assert.equal(await page.inputValue('.bar [name=note]'), 'half a sentence');
    await page.click('.bar button');
    await page.waitForSelector('.notice.good');
    const alert = await site.reads.alert(key);
    assert.ok(alert?.phase.kind === 'acknowledged' && alert.phase.note === 'half a sentence');
  }));

test('the light does not claim to be live once the line is cut, and comes back', () =>
  visit({}, async (page) => {
    await page.waitForSelector('.light.on');
    await page.context().setOffline(true);
    await page.waitForSelector('.light.off', { timeout: 5000 });
    assert.match((await page.textContent('#light')) ?? '', /not live, as of \d\d:\d\d/);
    await site.say({ id: 'meanwhile', subject: 'core-meanwhile' });
    await page.context().setOffline(false);
    await page.waitForSelector(row('core-meanwhile'), { timeout: 15_000 });
    await page.waitForSelector('.light.on');
  }));

test('a line that dies in silence is noticed: a page that hears no beat stops claiming to be live', () =>
  visit({}, async (page) => {
    await page.clock.install();
    await page.goto(`${site.base}/`);
    await page.waitForSelector('.light.on');
    await page.route('**/events*', (route) => route.abort());
    await page.clock.fastForward(46_000);
    await page.waitForSelector('.light.off', { timeout: 5000 });
    await page.unroute('**/events*');
    await page.clock.fastForward(11_000);
    await page.waitForSelector('.light.on', { timeout: 5000 });
  }));

test('with JavaScript off a person acknowledges several all the same, and the page says that it is not live', () =>
  visit({ script: false, width: 360 }, async (page) => {
    await site.say({ id: 'off1', subject: 'core-off1' });
    await site.say({ id: 'off2', subject: 'core-off2' });
    await page.reload();
    assert.match((await page.textContent('#light')) ?? '', /not live/);
    await page.check(`${row('core-off1')} input`);
    await page.check(`${row('core-off2')} input`);
    await page.click('.bar button');
    assert.match((await page.textContent('.notice')) ?? '', /^Acknowledged 2 alerts/);
  }));

test('every page is free of serious barriers, narrow and wide, in light and in dark, and never wider than the screen', async () => {
  const detail = '<p>Peer <b>down</b></p><table><tr><th>Peer</th></tr><tr><td>192.0.2.1</td></tr></table>';
  const key = await site.say({
    id: 'axe',
    subject: 'core-axe',
    summary: 'BGP down',
    detail: `${detail}<a href="https://x.example">Runbook</a>`,
  });
  const long = 'a-name-as-long-as-they-get.'.repeat(6);
  await site.say({ id: 'axe2', subject: long, summary: long });
  const now = systemClock.now();
  const kept = await site.say({ id: 'axe3', subject: 'build-axe' });
  await site.port.handle([{ kind: 'acknowledge', alert: kept, by: 'ann', for: null, note: 'mine', at: now }]);
  const quiet = await site.say({ id: 'axe4', subject: 'quiet-axe' });
  const silence = { kind: 'silence', by: 'bob', for: hours(1), reason: 'moved', at: now } as const;
  await site.port.handle([{ ...silence, match: { id: 'axe4', subject: long } }]);
  await site.port.handle([{ ...silence, match: { id: 'axe4' } }]);
  await eventually(async () => (await site.reads.alert(quiet))?.muted?.kind === 'silenced', 'silenced');
  const looks = [
    { width: 360, scheme: 'light' },
    { width: 1280, scheme: 'light' },
    { width: 360, scheme: 'dark' },
  ] as const;
  for (const { width, scheme } of looks) {
    await visit({ width, scheme }, async (page) => {
      const paths = [
        '/',
        '/?state=acknowledged',
        '/?state=cleared',
        `/alerts/${key}`,
        `/alerts/${kept}`,
        `/alerts/${quiet}`,
        '/silences',
        '/inbox',
        '/account',
        '/nothing',
      ];
      // Each thing once at each width and in each scheme, though not in all together.
      const few = ['/', `/alerts/${key}`, `/alerts/${quiet}`, '/silences', '/inbox'];
      const some = width === 360 && scheme === 'light' ? paths : few;
      for (const path of [...some, '/login']) {
        if (path === '/login') await page.context().clearCookies();
        await page.goto(site.base + path);
        if (path === '/') await page.check(`${row('core-axe')} input`);
        if (path === `/alerts/${key}`) await page.click('#silence summary');
        const { violations } = await new AxeBuilder({ page }).analyze();
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
        assert.deepEqual(told, [], `${path} at ${width}, ${scheme}`);
        const over = Number(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'));
        assert.ok(over <= 0, `${path} at ${width}: ${over} px too wide`);
      }
    });
  }
});

test('what a thumb must hit is at least 44 px high', () =>
  visit({ width: 360 }, async (page) => {
    const key = await site.say({ id: 'thumb', subject: 'core-thumb' });
    const at = systemClock.now();
    const silence = { kind: 'silence', by: 'bob', for: hours(1), reason: 'x', at } as const;
    await site.port.handle([{ ...silence, match: { id: 'thumb' } }]);
    await eventually(async () => (await site.reads.alert(key))?.muted !== null, 'silenced');
    for (const path of ['/', `/alerts/${key}`, '/silences', '/inbox', '/account']) {
      await page.goto(site.base + path);
      if (path === `/alerts/${key}`) await page.click('#silence summary');
      const small = await page.evaluate(`
        [...document.querySelectorAll('button, nav a, .alerts a, .pick, .tick, input:not([type=hidden], [type=checkbox]), select, summary')]
          .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 43.5)
          .map((each) => each.outerHTML.slice(0, 100))`);
      assert.deepEqual(small, [], path);
    }
  }));

test('the light does not say live while the station takes no alerts', () =>
  visit({}, async (page) => {
    await page.waitForSelector('.light.on');
    site.view.listening = false;
    try {
      await page.context().setOffline(true);
      await page.context().setOffline(false);
      await page.waitForSelector('.light:has-text("takes no alerts")', { timeout: 5000 });
      await page.waitForSelector('#problems.bad');
    } finally {
      site.view.listening = true;
    }
  }));

/** Answers the looks of the page's script otherwise than the station would. */
const lookAnswers = (page: Page, status: number): Promise<unknown> =>
  page.route(`${site.base}/**`, (route) =>
    route.request().headers()['x-mauve-live'] === undefined
      ? route.fallback()
      : route.fulfill({ status, body: 'no' }),
  );

test('after a look that failed the page does not say live, tries again, and is live once it succeeded', () =>
  visit({}, async (page) => {
    await page.waitForSelector('.light.on');
    await lookAnswers(page, 503);
    await site.say({ id: 'unseen', subject: 'core-unseen' });
    await page.waitForSelector('.light.off', { timeout: 2000 });
    await site.say({ id: 'unseen-too', subject: 'core-too' });
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.match((await page.textContent('#light')) ?? '', /not live, as of/);
    await page.unrouteAll();
    await page.waitForSelector(row('core-unseen'), { timeout: 6000 });
    await page.waitForSelector('.light.on');
  }));

test('the page of an alert that the station dropped says so', () =>
  visit({}, async (page) => {
    const key = await site.say({ id: 'dropped', subject: 'core-dropped' });
    await page.goto(`${site.base}/alerts/${key}`);
    await page.waitForSelector('.light.on');
    await lookAnswers(page, 404);
    await site.say({ id: 'dropped', subject: 'core-dropped', summary: 'other' });
    await page.waitForSelector('.notice:has-text("no longer has this page")');
    assert.match((await page.textContent('#light')) ?? '', /gone, as of/);
  }));

test('eight windows follow over one line, clicks still work, and when its holder goes another takes over', () =>
  visit({}, async (page) => {
    const pages: Page[] = [page];
    for (let i = 0; i < 7; i++) {
      const other = await page.context().newPage();
      await other.goto(`${site.base}/`);
      pages.push(other);
    }
    for (const each of pages) await each.waitForSelector('.light.on', { timeout: 5000 });
    await eventually(async () => {
      const metrics = await (await fetch(`${site.base}/metrics`)).text();
      return /^mauve_sse_clients 1$/m.test(metrics);
    }, 'one line for all');
    const key = await site.say({ id: 'shared', subject: 'core-shared' });
    for (const each of pages) await each.waitForSelector(row('core-shared'), { timeout: 3000 });
    await page.goto(`${site.base}/alerts/${key}`);
    await page.click('button:has-text("Acknowledge")');
    await page.waitForSelector('.notice.good');
    for (const each of pages.slice(1))
      await each.waitForSelector(row('core-shared'), { state: 'detached', timeout: 3000 });
    await pages[0]?.close();
    await pages[1]?.close();
    await site.say({ id: 'shared2', subject: 'core-after' });
    await pages[7]?.waitForSelector(row('core-after'), { timeout: 3000 });
  }));

test('a form that was stopped does not freeze the page', () =>
  visit({}, async (page) => {
    const key = await site.say({ id: 'stopped', subject: 'core-stopped' });
    await page.clock.install();
    await page.goto(`${site.base}/alerts/${key}`);
    await page.waitForSelector('.light.on');
    await page.route('**/acknowledge', (route) => route.abort('aborted'));
    await page.click('#acknowledge button');
    await site.say({ id: 'stopped', subject: 'core-stopped', summary: 'much worse' });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(await page.locator('.lead').count(), 0);
    await page.clock.fastForward(26_000);
    await page.waitForSelector('.lead:has-text("much worse")', { timeout: 3000 });
  }));

test('the page does not move between a press and its click, nor while text is marked', () =>
  visit({}, async (page) => {
    await site.say({ id: 'press', subject: 'core-press' });
    const link = page.locator(`${row('core-press')} a`);
    await link.hover();
    await page.mouse.down();
    await site.say({ id: 'pushes', subject: 'core-pushes' });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(await page.locator(row('core-pushes')).count(), 0);
    await page.mouse.up();
    await page.waitForSelector('h1:has-text("core-press")');
    await page.goto(`${site.base}/alerts/${await site.say({ id: 'marked', subject: 'core-marked' })}`);
    await page.waitForSelector('.light.on');
    await page.evaluate('getSelection().selectAllChildren(document.querySelector("h1"))');
    await site.say({ id: 'marked', subject: 'core-marked', summary: 'text' });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(await page.evaluate('String(getSelection()).trim()'), 'core-marked');
    await page.evaluate('getSelection().collapseToEnd()');
    await page.waitForSelector('.lead:has-text("text")', { timeout: 3000 });
  }));

test('once something is ticked the rows stay where they are, and the button says how many', () =>
  visit({}, async (page) => {
    await site.say({ id: 'tick1', subject: 'web-tick1' });
    await site.say({ id: 'tick2', subject: 'web-tick2' });
    await page.waitForSelector(row('web-tick1'));
    await page.waitForSelector(row('web-tick2'));
    const names = (): Promise<string[]> => page.locator('.alerts .line b').allTextContents();
    const before = await names();
    await page.check(`${row('web-tick1')} input`);
    assert.equal(await page.textContent('button[data-chosen]'), 'Acknowledge 1');
    await site.say({ id: 'tick3', subject: 'core-tick3' });
    await site.say({ id: 'tick2', subject: 'web-tick2', clear: true });
    await page.waitForSelector(`${row('web-tick2')} .tag:has-text("no longer here")`, { timeout: 4000 });
    await page.waitForSelector('text="Show 1 new, 1 urgent"');
    assert.deepEqual(await names(), before);
    await page.uncheck(`${row('web-tick1')} input`);
    await page.waitForSelector(row('core-tick3'), { timeout: 4000 });
    assert.equal(await page.locator(row('web-tick2')).count(), 0);
    await page.check('text="Select this page"');
    const all = await page.locator('.pick input').count();
    assert.equal(await page.textContent('button[data-chosen]'), `Acknowledge ${all}`);
    await page.uncheck('text="Select this page"');
    assert.equal(await page.locator('.pick :checked').count(), 0);
  }));

test('distances and the end of an acknowledgement go on while the page stands still', () =>
  visit({}, async (page) => {
    const key = await site.say({ id: 'ages', subject: 'core-ages' });
    await page.clock.install();
    await page.goto(`${site.base}/alerts/${key}`);
    await page.waitForSelector('.light.on');
    const until = await page.textContent('output[data-until]');
    assert.match((await page.textContent('.facts')) ?? '', /in (15|14)m/);
    await page.context().setOffline(true);
    await page.clock.fastForward(250_000);
    const facts = (await page.textContent('.facts')) ?? '';
    assert.match(facts, /4m ago/);
    assert.match(facts, /in 10m/);
    assert.notEqual(await page.textContent('output[data-until]'), until);
  }));

test('what is typed into the account page stays when the window is looked at again', () =>
  visit({}, async (page) => {
    await page.goto(`${site.base}/account`);
    await page.fill('[name=new]', 'half a password');
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(await page.inputValue('[name=new]'), 'half a password');
  }));

test('what a refused form brings back stays when the page changes', () =>
  visit({}, async (page) => {
    const key = await site.say({ id: 'refused', subject: 'core-refused' });
    await page.goto(`${site.base}/alerts/${key}`);
    await page.fill('#acknowledge [name=count]', '0');
    await page.click('summary:has-text("Note")');
    await page.fill('#acknowledge [name=note]', 'a long story');
    await page.click('#acknowledge button');
    await page.waitForSelector('.notice.bad');
    assert.equal(await page.inputValue('#acknowledge [name=note]'), 'a long story');
    assert.equal(await page.inputValue('#acknowledge [name=unit]'), 'h');
    await site.say({ id: 'refused', subject: 'core-refused', summary: 'news' });
    await page.waitForSelector('.lead:has-text("news")');
    assert.equal(await page.inputValue('#acknowledge [name=note]'), 'a long story');
    assert.equal(await page.inputValue('#acknowledge [name=count]'), '0');
    assert.equal(await page.inputValue('#acknowledge [name=unit]'), 'h');
  }));

test('a silence that is refused comes back into view, says why, and changes no length of time anywhere', () =>
  visit({ width: 360 }, async (page) => {
    const key = await site.say({ id: 'refused-hush', subject: 'core-refused-hush' });
    await page.goto(`${site.base}/alerts/${key}`);
    await page.click('#silence summary');
    for (const field of ['source', 'subject', 'id']) await page.uncheck(`#silence [value=${field}]`);
    await page.fill('#silence [name=reason]', 'new disk');
    await page.click('#silence button');
    const why = page.locator('#silence .notice.bad');
    await why.waitFor();
    assert.match((await why.textContent()) ?? '', /Tick at least one/);
    const place = await why.boundingBox();
    assert.ok(place !== null && place.y >= 0 && place.y + place.height < 600, JSON.stringify(place));
    for (const form of ['#silence', '#acknowledge']) {
      assert.equal(await page.inputValue(`${form} [name=count]`), '2');
      assert.equal(await page.inputValue(`${form} [name=unit]`), 'h');
    }
  }));

test('what the last click did is said once, not anew with each change', () =>
  visit({}, async (page) => {
    const key = await site.say({ id: 'flash', subject: 'core-flash' });
    await page.goto(`${site.base}/alerts/${key}`);
    await page.click('#acknowledge button');
    await page.waitForSelector('.notice.good');
    await page.evaluate('document.querySelector(".notice.good").same = true');
    await site.say({ id: 'flash', subject: 'core-flash', summary: 'news' });
    await page.waitForSelector('.lead:has-text("news")', { timeout: 4000 });
    assert.equal(await page.evaluate('document.querySelector(".notice.good").same'), true);
  }));

test('letters twice as large leave the page within the screen, and the bar out of the way', async () => {
  const key = await site.say({ id: 'large', subject: 'core-large' });
  const large = await launch('--blink-settings=defaultFontSize=32');
  try {
    const story = async (page: Page): Promise<void> => {
      for (const path of ['/', `/alerts/${key}`, '/inbox', '/account']) {
        await page.goto(site.base + path);
        assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= 360, path);
      }
      await page.goto(`${site.base}/alerts/${key}`);
      const place = await page.evaluate('getComputedStyle(document.querySelector(".bar")).position');
      assert.equal(place, 'static');
    };
    await visit({ width: 360, height: 740 }, story, large);
  } finally {
    await large.close();
  }
});

test('what an acknowledgement would change follows its length while that is being chosen', () =>
  visit({ width: 360 }, async (page) => {
    const key = await site.say({ id: 'ahead', subject: 'core-ahead' });
    await page.goto(`${site.base}/alerts/${key}`);
    await page.waitForSelector('#if:has-text("for 2h")');
    assert.equal(await page.isVisible('#try'), false);
    await page.fill('#acknowledge [name=count]', '3');
    await page.waitForSelector('#if:has-text("for 3h")');
    await page.selectOption('#acknowledge [name=unit]', 'working');
    await page.waitForSelector('#if:has-text("3 working hours")');
    await page.waitForFunction(
      `/^until .*\\d\\d:\\d\\d$/.test(document.querySelector('output').textContent)`,
    );
    // News bring a fresh page: what is being chosen stays, and so does what it would change.
    await page.waitForSelector('.light.on');
    await site.say({ id: 'ahead', subject: 'core-ahead', summary: 'worse' });
    await page.waitForSelector('.lead:has-text("worse")');
    assert.equal(await page.inputValue('#acknowledge [name=count]'), '3');
    assert.match((await page.textContent('#if h3')) ?? '', /3 working hours/);
    await page.fill('#acknowledge [name=count]', '');
    await page.waitForSelector('#if:has-text("for 2h")');
    assert.equal(await page.textContent('output[data-until]'), 'as the policy says');
  }));

test('with JavaScript off, a length is tried by a form of its own', () =>
  visit({ script: false, width: 360 }, async (page) => {
    const key = await site.say({ id: 'ahead-off', subject: 'core-ahead-off' });
    await page.goto(`${site.base}/alerts/${key}`);
    await page.fill('#try [name=count]', '5');
    await page.click('#try button');
    await page.waitForSelector('#if:has-text("for 5h")');
    assert.equal(await page.inputValue('#acknowledge [name=count]'), '5');
  }));

test('an alert is silenced and the silence ended by hand; what was unticked and typed stays when news come', () =>
  visit({ width: 360 }, async (page) => {
    const key = await site.say({ id: 'hush', subject: 'core-hush' });
    await page.goto(`${site.base}/alerts/${key}`);
    await page.waitForSelector('.light.on');
    await page.click('#silence summary');
    await page.uncheck('#silence [value=subject]');
    await page.fill('#silence [name=reason]', 'new disk');
    await site.say({ id: 'hush', subject: 'core-hush', summary: 'worse' });
    await page.waitForSelector('.lead:has-text("worse")');
    assert.equal(await page.isChecked('#silence [value=subject]'), false);
    assert.equal(await page.isChecked('#silence [value=id]'), true);
    assert.equal(await page.inputValue('#silence [name=reason]'), 'new disk');
    await page.dblclick('#silence button');
    await page.waitForSelector('.notice.good:has-text("Silenced until")');
    await page.waitForSelector('#muted:has-text("silenced by ann")');
    const made = await site.reads.silences(systemClock.now(), 100);
    const own = made.filter(({ reason }) => reason === 'new disk');
    assert.deepEqual(
      own.map(({ match }) => JSON.parse(match)),
      [{ source: 'db1', id: 'hush' }],
    );
    await page.click('#muted button');
    await page.waitForSelector('.notice.good:has-text("ended")');
    await page.waitForSelector('#muted', { state: 'detached' });
  }));
