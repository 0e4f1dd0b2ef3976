/** Mail servers that fail, under the real station: alerts go on coming in, and no message that is owed is forgotten. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { freePort } from '../kit/ports.ts';
import { eventually, RunningStation } from '../kit/process.ts';

type Entry = { kind: string; outcome?: string; why?: string; channel?: string };

function openSmtp(mails: string[], options: Partial<SMTPServerOptions> = {}, port = 0): Promise<SMTPServer> {
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      let text = '';
      stream.on('data', (chunk) => {
        text += chunk;
      });
      stream.on('end', () => {
        mails.push(text);
        done();
      });
    },
    ...options,
  });
  smtp.on('error', () => undefined);
  // A story that fails leaves it open: that must not keep the run from ending.
  smtp.server.unref();
  return new Promise((resolve) => smtp.listen(port, '127.0.0.1', () => resolve(smtp)));
}

const portOf = (server: { server: Server } | Server): number =>
  (('server' in server ? server.server : server).address() as AddressInfo).port;

const refusal = (code: number, message: string): Error =>
  Object.assign(new Error(message), { responseCode: code });

/** A station that mails to ann@example.net through `port`. */
async function withMail(port: number, story: (station: RunningStation) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-mail-'));
  const config = join(folder, 'station.yaml');
  const policy = join(folder, 'policy.yaml');
  writeFileSync(config, `channels:\n  email: {smtp: "smtp://127.0.0.1:${port}", from: mauve@example.net}\n`);
  writeFileSync(
    policy,
    'version: 1\npeople:\n  ann: {email: ann@example.net}\ngroups:\n  - {name: default, level: normal, notify: [{to: ann}]}\nsettings: {digest: 0s}\n',
  );
  const station = await new RunningStation({ args: ['--config', config, '--policy', policy] }).start();
  try {
    await story(station);
  } finally {
    await station.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const receipts = async (station: RunningStation): Promise<readonly Entry[]> => {
  const { json } = await station.api<{ history: Entry[] }>('/alerts/1/history');
  return json.history.filter((entry) => entry.kind === 'receipt');
};

/** Whatever the mail server does, this must not take long. */
async function intakeGoesOn(station: RunningStation): Promise<void> {
  const began = Date.now();
  station.send('-i', 'another');
  await eventually(
    () => station.alerts(),
    (alerts) => alerts.some((alert) => alert.alert_id === 'another'),
  );
  assert.ok(Date.now() - began < 3000);
}

const closed = (smtp: SMTPServer): Promise<void> => new Promise((resolve) => smtp.close(() => resolve()));

describe('a mail server', () => {
  it('that is down: the station is killed meanwhile, and the message arrives when the server is back', async () => {
    const mails: string[] = [];
    const port = await freePort();
    await withMail(port, async (station) => {
      station.send('-i', 'disk', '-s', 'disk full');
      await eventually(
        () => receipts(station),
        (all) => all.some(({ outcome }) => outcome === 'will-retry'),
      );
      await intakeGoesOn(station);
      await station.end('SIGKILL');
      await station.start();
      const second = await openSmtp(mails, {}, port);
      await eventually(
        () => mails.filter((mail) => mail.includes('disk full')).length,
        (count) => count === 1,
        30_000,
      );
      await eventually(
        () => receipts(station),
        (all) => all.some(({ outcome }) => outcome === 'delivered'),
      );
      await station.end();
      await closed(second);
    });
  });

  it('that refuses the recipient for good: said in the history, not tried again', async () => {
    const mails: string[] = [];
    const smtp = await openSmtp(mails, {
      onRcptTo: (_address, _session, done) => done(refusal(550, 'no such mailbox')),
    });
    await withMail(portOf(smtp), async (station) => {
      station.send('-i', 'disk');
      const all = await eventually(
        () => receipts(station),
        (found) => found.some(({ outcome }) => outcome === 'failed'),
      );
      assert.equal(all.length, 1);
      assert.match(all[0]?.why ?? '', /550/);
      await intakeGoesOn(station);
      await station.end();
    });
    await closed(smtp);
  });

  it('that takes a message only at the second time (451): tried again, delivered once', async () => {
    const mails: string[] = [];
    let asked = 0;
    const smtp = await openSmtp(mails, {
      onRcptTo: (_address, _session, done) => {
        asked += 1;
        done(asked === 1 ? refusal(451, 'greylisted, try later') : null);
      },
    });
    await withMail(portOf(smtp), async (station) => {
      station.send('-i', 'disk', '-s', 'disk full');
      await eventually(
        () => mails.length,
        (count) => count === 1,
        30_000,
      );
      const all = await eventually(
        () => receipts(station),
        (found) => found.some(({ outcome }) => outcome === 'delivered'),
      );
      assert.ok(all.some(({ outcome, why }) => outcome === 'will-retry' && why?.includes('451')));
      await station.end();
    });
    await closed(smtp);
  });

  it('that drops the connection after DATA: the message is sent again, with the same Message-ID', async () => {
    const mails: string[] = [];
    const smtp = await openSmtp(mails, {
      onData(stream, session, done) {
        let text = '';
        stream.on('data', (chunk) => {
          text += chunk;
        });
        stream.on('end', () => {
          mails.push(text);
          if (mails.length > 1) done();
          else for (const connection of smtp.connections) connection._socket.destroy();
          void session;
        });
      },
    } as Partial<SMTPServerOptions>);
    await withMail(portOf(smtp), async (station) => {
      station.send('-i', 'disk', '-s', 'disk full');
      await eventually(
        () => mails.length,
        (count) => count === 2,
        30_000,
      );
      const ids = mails.map((mail) => /^Message-ID: (.*)$/im.exec(mail)?.[1]);
      assert.equal(ids[0], ids[1]);
      assert.ok(ids[0]);
      await eventually(
        () => receipts(station),
        (found) => found.some(({ outcome }) => outcome === 'delivered'),
      );
      await station.end();
    });
    await closed(smtp);
  });

  it('that takes the connection and says nothing: alerts go on coming in, and the station ends in good order', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    await withMail(portOf(silent), async (station) => {
      station.send('-i', 'disk');
      await eventually(
        () => station.alerts(),
        (alerts) => alerts.length === 1,
      );
      await intakeGoesOn(station);
      assert.equal(await station.end(), 0);
    });
    silent.close();
  });
});

describe('a channel that nobody set up', () => {
  it('is replaced by the inbox; the start, the page and the history say so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mauve-mail-'));
    const policy = join(folder, 'policy.yaml');
    writeFileSync(
      policy,
      'version: 1\npeople:\n  ann: {email: ann@example.net}\ngroups:\n  - {name: default, level: normal, notify: [{to: ann}]}\n',
    );
    const station = await new RunningStation({ args: ['--policy', policy] }).start();
    try {
      assert.match(
        station.stderr,
        /the policy names the channel email, but the station file does not set it up/,
      );
      const ready = await fetch(`${station.page}/readyz`);
      assert.equal(ready.status, 200);
      assert.match(await ready.text(), /channel email/);
      station.send('-i', 'disk');
      const all = await eventually(
        () => receipts(station),
        (found) => found.length === 1,
      );
      assert.equal(all[0]?.outcome, 'delivered');
      assert.match(all[0]?.why ?? '', /email is not set up in the station file: in the inbox/);
    } finally {
      await station.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
