/** The link of a message in a real browser, as a telephone at three in the morning shows it. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { AlertKey, PersonId } from '../../src/station/core/alert.ts';
import { days, minus, systemClock } from '../../src/time.ts';
import { openSite, type Site } from './site.ts';

/** Where to put pictures of each page, for people to look at; none are made without it. */
const pictures = process.env.MAUVE_PICTURES ?? '';
const ann = 'ann' as PersonId;
const thumb = 44;

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

type Look = { readonly width: number; readonly scheme: 'light' | 'dark'; readonly script?: boolean };

async function visit(
  { width, scheme, script = true }: Look,
  story: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 640 : 800 },
    colorScheme: scheme,
    javaScriptEnabled: script,
  });
  context.setDefaultTimeout(10_000);
  try {
    await story(await context.newPage());
  } finally {
    await context.close();
  }
}

const linkTo = (key: AlertKey, from = systemClock.now()): string =>
  `${site.base}/a/${site.links.make(key, ann, from)}`;

async function acknowledge(key: AlertKey): Promise<void> {
  const note = 'on my way, the vendor is called';
  await site.port.handle([
    { kind: 'acknowledge', alert: key, by: 'bob', for: null, note, at: systemClock.now() },
  ]);
}

async function inEveryState(): Promise<readonly (readonly [name: string, address: string])[]> {
  const rows = ['192.0.2.1', '192.0.2.2'].map(
    (peer) => `<tr><td>${peer}</td><td>Idle (hold timer expired)</td></tr>`,
  );
  const detail = `<p>Peers <b>down</b></p><table><tr><th>Peer</th><th>State</th></tr>${rows.join('')}</table>`;
  const raised = await site.say({ id: 'raised', subject: 'core-rtr-1', summary: 'BGP down AS64500', detail });
  const acked = await site.say({ id: 'acked', subject: 'core-rtr-2', summary: 'BGP down AS64501' });
  await acknowledge(acked);
  const cleared = await site.say({ id: 'cleared', subject: 'core-rtr-3', summary: 'BGP down AS64502' });
  await site.say({ id: 'cleared', subject: 'core-rtr-3', clear: true });
  const long = 'a-name-as-long-as-they-get.'.repeat(6);
  const wide = await site.say({ id: 'wide', subject: long, summary: long, detail: 'x'.repeat(3000) });
  return [
    ['raised', linkTo(raised)],
    ['acknowledged', linkTo(acked)],
    ['cleared', linkTo(cleared)],
    ['wide', linkTo(wide)],
    ['expired', linkTo(raised, minus(systemClock.now(), days(9)))],
    ['bad', `${site.base}/a/nonsense`],
  ];
}

test('every state is free of barriers, narrow and wide, in light and dark, and never wider than the screen', async () => {
  const all = await inEveryState();
  for (const width of [360, 1280]) {
    for (const scheme of ['light', 'dark'] as const) {
      await visit({ width, scheme }, async (page) => {
        for (const [name, address] of all) {
          await page.goto(address);
          if (pictures !== '') {
            mkdirSync(pictures, { recursive: true });
            await page.screenshot({ path: join(pictures, `${name}-${width}-${scheme}.png`) });
          }
          const { violations } = await new AxeBuilder({ page }).analyze();
          const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
          assert.deepEqual(told, [], `${name} at ${width}, ${scheme}`);
          const over = Number(
            await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
          );
          assert.ok(over <= 0, `${name} at ${width}: ${over} px too wide`);
        }
      });
    }
  }
});

test('the button lies within the thumb’s reach without scrolling, and what can be hit is high enough', async () => {
  const key = await site.say({ id: 'reach', subject: 'core-reach', detail: 'line\n'.repeat(200) });
  await visit({ width: 360, scheme: 'dark' }, async (page) => {
    await page.goto(linkTo(key));
    const box = await page.locator('button.big').boundingBox();
    assert.ok(box !== null && box.y > 320 && box.y + box.height <= 640, JSON.stringify(box));
    assert.ok(box.width >= 300 && box.height >= thumb, JSON.stringify(box));
    await page.click('summary');
    for (const each of await page.locator('button, select, summary').all()) {
      const size = await each.boundingBox();
      assert.ok(size !== null && size.height >= thumb, `${await each.textContent()}: ${size?.height}`);
    }
    if (pictures !== '') await page.screenshot({ path: join(pictures, 'lengths-360-dark.png') });
  });
});

test('a page that was opened, with scripts, and left alone, acknowledges nothing', async () => {
  const key = await site.say({ id: 'scanned', subject: 'core-scanned' });
  await visit({ width: 1280, scheme: 'light' }, async (page) => {
    await page.goto(linkTo(key), { waitUntil: 'networkidle' });
    await page.hover('button.big');
    assert.equal((await site.reads.alert(key))?.phase.kind, 'raised');
  });
});

test('one tap acknowledges, without a script; going back and tapping again moves nothing', async () => {
  const key = await site.say({ id: 'tapped', subject: 'core-tapped' });
  await visit({ width: 360, scheme: 'light', script: false }, async (page) => {
    await page.goto(linkTo(key));
    await page.click('button.big');
    assert.match((await page.textContent('.notice')) ?? '', /^Acknowledged by you until \d\d:\d\d/);
    const before = (await site.reads.alert(key))?.phase;
    assert.equal(before?.kind, 'acknowledged');
    await page.goBack();
    if ((await page.locator('button.big').count()) > 0) await page.click('button.big');
    assert.match((await page.textContent('.notice')) ?? '', /^Acknowledged by you/);
    assert.deepEqual((await site.reads.alert(key))?.phase, before);
  });
});

test('another length is two taps away', async () => {
  const key = await site.say({ id: 'longer', subject: 'core-longer' });
  await visit({ width: 360, scheme: 'light', script: false }, async (page) => {
    await page.goto(linkTo(key));
    await page.click('summary');
    await page.selectOption('select', '8h');
    await page.click('details button');
    const phase = (await site.reads.alert(key))?.phase;
    assert.ok(phase?.kind === 'acknowledged' && phase.until - phase.since === 8 * 3_600_000);
  });
});
