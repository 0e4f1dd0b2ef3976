/** The pages in a real browser: Debian's Chromium, which as root needs to be told to run without its sandbox. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { systemClock } from '../../src/time.ts';
import { openSite, password, type Site } from './site.ts';

let site: Site;
let browser: Browser;
before(async () => {
  site = await openSite({ clock: systemClock });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
});
after(async () => {
  await browser.close();
  await site.close();
});

type Look = { readonly width?: number; readonly scheme?: 'light' | 'dark'; readonly script?: boolean };

/** A new browser, logged in as ann by the form; any error on a page fails the test. */
async function visit(look: Look, story: (page: Page) => Promise<void>): Promise<void> {
  const context: BrowserContext = await browser.newContext({
    viewport: { width: look.width ?? 1280, height: 800 },
    colorScheme: look.scheme ?? 'light',
    javaScriptEnabled: look.script ?? true,
    timezoneId: 'America/New_York',
  });
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
    assert.match(await page.title(), /^\(\d+\) Mauve$/);
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
    await site.say({ id: 'interrupts', subject: 'core-interrupts' });
    await page.waitForSelector(row('core-interrupts'));
    assert.equal(await page.isChecked(`${row('core-kept')} input`), true);
    assert.equal(await page.inputValue('.bar [name=note]'), 'half a sen');
    await page.keyboard.type('tence');
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
  for (const width of [360, 1280]) {
    for (const scheme of ['light', 'dark'] as const) {
      await visit({ width, scheme }, async (page) => {
        const paths = [
          '/',
          '/?state=acknowledged',
          '/?state=cleared',
          `/alerts/${key}`,
          `/alerts/${kept}`,
          '/inbox',
          '/account',
          '/nothing',
        ];
        for (const path of [...paths, '/login']) {
          if (path === '/login') await page.context().clearCookies();
          await page.goto(site.base + path);
          if (path === '/') await page.check(`${row('core-axe')} input`);
          const { violations } = await new AxeBuilder({ page }).analyze();
          const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
          const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
          assert.deepEqual(told, [], `${path} at ${width}, ${scheme}`);
          const over = Number(
            await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
          );
          assert.ok(over <= 0, `${path} at ${width}: ${over} px too wide`);
        }
      });
    }
  }
});

test('what a thumb must hit is at least 44 px high', () =>
  visit({ width: 360 }, async (page) => {
    const key = await site.say({ id: 'thumb', subject: 'core-thumb' });
    for (const path of ['/', `/alerts/${key}`, '/inbox', '/account']) {
      await page.goto(site.base + path);
      const small = await page.evaluate(`
        [...document.querySelectorAll('button, nav a, .alerts a, .pick, input:not([type=hidden], [type=checkbox]), select, summary')]
          .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 43.5)
          .map((each) => each.outerHTML.slice(0, 100))`);
      assert.deepEqual(small, [], path);
    }
  }));
