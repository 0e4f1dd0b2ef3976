/**
 * The main job, as a person meets it: an alert from a shell script, the message
 * by email and in the inbox, the page in a browser, the acknowledgement that
 * stops the reminders, the clear. Real programs, a real SMTP server, Chromium.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { SMTPServer } from 'smtp-server';
import { eventually, pause, RunningStation, run } from '../kit/process.ts';

const chromiumFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe('the main job', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-e2e-'));
  const mails: { to: string; subject: string; text: string }[] = [];
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (chunk) => {
        text += chunk;
      });
      stream.on('end', () => {
        const subject =
          /^Subject: ((?:.*\r\n)(?:[ \t].*\r\n)*)/m.exec(text)?.[1]?.replace(/\r\n/g, '').trim() ?? '';
        for (const { address } of session.envelope.rcptTo) mails.push({ to: address, subject, text });
        done();
      });
    },
  });
  let station: RunningStation;
  let browser: Browser;
  let page: Page;
  const told = (word: string): string[] =>
    mails.filter(({ subject }) => subject.includes(word)).map(({ to }) => to);

  before(async () => {
    await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
    const { port } = smtp.server.address() as AddressInfo;
    const config = join(folder, 'station.yaml');
    const policy = join(folder, 'policy.yaml');
    writeFileSync(
      config,
      `channels:\n  email: {smtp: "smtp://127.0.0.1:${port}", from: mauve@example.net}\n`,
    );
    writeFileSync(
      policy,
      `version: 1
people:
  ann: {name: Ann, email: ann@example.net, channels: {low: [inbox], normal: [email, inbox], urgent: [email]}}
groups:
  - {name: default, level: normal, notify: [{to: ann, every: 2s}]}
settings: {digest: 0s}
`,
    );
    station = await new RunningStation({
      args: ['--config', config, '--policy', policy, '--welcome'],
    }).start();
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: chromiumFlags });
    page = await (await browser.newContext({ viewport: { width: 360, height: 740 } })).newPage();
  });

  after(async () => {
    await browser?.close();
    await station?.close();
    await new Promise<void>((resolve) => smtp.close(() => resolve()));
    rmSync(folder, { recursive: true, force: true });
  });

  it('the printed link logs the first person in, once', async () => {
    const link = /Log in: +(\S+)/.exec(station.stdout)?.[1] ?? '';
    await page.goto(link);
    await page.goto(station.page);
    await page
      .getByText(/no alerts|nothing is raised|all is well/i)
      .first()
      .waitFor();
    const again = await (await browser.newContext()).newPage();
    await again.goto(link);
    await again
      .getByText(/used|expired/i)
      .first()
      .waitFor();
  });

  it('an alert from the shell is on the open page within a second, and in the mailbox', async () => {
    const began = Date.now();
    const sent = station.send('-i', 'disk', '-s', 'disk is 97% full', '-u', 'db1');
    assert.deepEqual([sent.code, sent.stdout, sent.stderr], [0, '', '']);
    await page.getByText('disk is 97% full').first().waitFor({ timeout: 5000 });
    assert.ok(Date.now() - began < 2500, `${Date.now() - began} ms with the start of two programs`);
    await eventually(
      () => told('disk is 97% full'),
      (to) => to.includes('ann@example.net'),
    );
    const mail = mails.find(({ subject }) => subject.includes('disk is 97% full'));
    assert.match(mail?.text ?? '', new RegExp(`${station.page}/a/[\\w-]+`));
  });

  it('the inbox shows the message', async () => {
    await page.goto(`${station.page}/inbox`);
    await page.getByText('disk is 97% full').first().waitFor();
  });

  it('reminders come until somebody acknowledges on the page', async () => {
    await eventually(
      () => mails.length,
      (count) => count >= 2,
    );
    await page.goto(station.page);
    await page.getByText('disk is 97% full').first().click();
    await page
      .getByRole('button', { name: /acknowledge/i })
      .first()
      .click();
    await page
      .getByText(/acknowledged/i)
      .first()
      .waitFor();
    await eventually(
      () => station.alerts('acknowledged'),
      (alerts) => alerts.length === 1,
    );
    await pause(1000);
    const before = mails.length;
    await pause(4500);
    assert.equal(mails.length, before, 'no reminder after the acknowledgement');
  });

  it('clearing from the shell tells those who were told', async () => {
    const already = mails.length;
    assert.equal(station.send('-i', 'disk', '-c').code, 0);
    await eventually(
      () => station.alerts('cleared'),
      (alerts) => alerts.length === 1,
    );
    const mail = await eventually(
      () => mails.slice(already),
      (news) => news.length === 1,
    );
    assert.equal(mail[0]?.to, 'ann@example.net');
    assert.match(mail[0]?.subject ?? '', /cleared/i);
    await page.goto(`${station.page}/inbox`);
    await page
      .getByText(/cleared/i)
      .first()
      .waitFor();
  });

  it('the history on the alert’s page tells it all, to the end', async () => {
    await page.goto(`${station.page}/alerts/1`);
    const text = (await page.locator('body').innerText()).toLowerCase();
    for (const word of ['raised', 'acknowledged', 'cleared', 'ann', 'email'])
      assert.ok(text.includes(word), word);
  });

  it('a token made beside the running station works at once, and not after it is removed', async () => {
    const made = run('mauvectl', ['token', 'add', 'ci', '--data', station.data]);
    assert.match(made.stdout, /^[A-Za-z0-9_-]{32,}\n$/);
    const ask = async (): Promise<number> =>
      (
        await fetch(`${station.page}/api/v1/alerts`, {
          headers: { authorization: `Bearer ${made.stdout.trim()}` },
        })
      ).status;
    assert.equal(await ask(), 200);
    assert.equal(run('mauvectl', ['token', 'remove', 'ci', '--data', station.data]).code, 0);
    assert.equal(await ask(), 401);
  });

  it('SIGTERM ends it in good order', async () => {
    assert.equal(await station.end(), 0);
  });
});
