/**
 * An alert on its way to people, whole: by text message, chat and mail to real
 * peers, Twilio's signed calls through the real page, an answer that
 * acknowledges, and everybody who was told hears of it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../kit/ports.ts';
import { type ApiAlert, eventually, RunningStation, runAside } from '../kit/process.ts';
import { Friend, Prosody } from '../kit/prosody.ts';
import { openTwilio, type TwilioStandIn } from '../kit/twilio.ts';
import { EmailPeer } from './peer-email.ts';

const accounts = { mauve: 'correct-horse-battery', bob: 'bob-secret' };
const ann = '+447700900123';
/** In milliseconds: so soon everybody sees an acknowledgement. */
const soon = 1000;

type History = { readonly kind: string; readonly outcome?: string; readonly channel?: string };
type Shown = {
  readonly state: string;
  readonly acknowledged_by: string | null;
  readonly acknowledged_until: string | null;
  readonly note: string | null;
};

describe('reaching people', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-reach-'));
  const config = join(folder, 'station.yaml');
  let twilio: TwilioStandIn;
  let prosody: Prosody;
  let mail: EmailPeer;
  let bob: Friend;
  let station: RunningStation;

  before(async () => {
    [twilio, prosody, mail] = await Promise.all([
      openTwilio(),
      Prosody.start({ accounts }),
      EmailPeer.open(),
    ]);
    bob = await Friend.connect(prosody, 'bob', accounts.bob);
    const page = `http://127.0.0.1:${await freePort()}`;
    const policy = join(folder, 'policy.yaml');
    writeFileSync(config, JSON.stringify(stationFile(page)));
    writeFileSync(policy, JSON.stringify(policyFor()));
    station = new RunningStation({
      args: ['--config', config, '--policy', policy, '--welcome'],
      env: {
        ...mail.env,
        MAUVE_TWILIO_AUTH_TOKEN: twilio.authToken,
        MAUVE_XMPP_PASSWORD: accounts.mauve,
      },
    });
    station.page = page;
    await station.start();
  });

  after(async () => {
    await station?.close();
    await bob?.close();
    await Promise.all([twilio.close(), prosody.close(), mail.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const stationFile = (page: string): object => ({
    base_url: page,
    channels: {
      sms: { account_sid: twilio.accountSid, from: '+15005550006', api_base: twilio.url },
      xmpp: { jid: prosody.jid('mauve'), service: prosody.service, tls_ca_file: prosody.certificateFile },
      email: mail.settings,
    },
  });

  const policyFor = (): object => ({
    version: 1,
    timezone: 'Europe/London',
    people: {
      ann: { name: 'Ann', sms: ann, limits: 'none' },
      bob: { name: 'Bob', xmpp: prosody.jid('bob'), limits: 'none' },
      cid: { name: 'Cid', email: 'cid@example.net', limits: 'none' },
    },
    groups: [{ name: 'all', level: 'urgent', notify: [{ to: ['ann', 'bob', 'cid'] }] }],
    settings: { digest: '0s' },
  });

  /** The text message about an alert, with its code and its link. */
  async function textOf(words: string): Promise<{ code: string; link: string; sid: string }> {
    const found = await eventually(
      () => twilio.messages.find(({ body, to }) => to === ann && body.includes(words)),
      (message) => message !== undefined,
    );
    const [, link = '', code = ''] = /(http:\S+) ack (\d+)/.exec(found?.body ?? '') ?? [];
    assert.notEqual(code, '', found?.body);
    return { code, link, sid: found?.sid ?? '' };
  }

  const keyOf = async (id: string): Promise<number> => {
    const { json } = await station.api<{ alerts: ApiAlert[] }>('/alerts');
    return json.alerts.find((alert) => alert.alert_id === id)?.id ?? 0;
  };
  const shown = async (key: number): Promise<Shown> => (await station.api<Shown>(`/alerts/${key}`)).json;

  it('the text message, the chat and the mail arrive; what Twilio reports is in the history', async () => {
    station.send('-i', 'disk', '-s', 'disk is 97% full', '-u', 'db1');
    const { sid } = await textOf('disk is 97% full');
    await bob.hears('disk is 97% full');
    await eventually(
      () => mail.received,
      (mails) => mails.some(({ text }) => text.includes('disk is 97% full')),
    );
    const key = await keyOf('disk');
    const history = await eventually(
      async () => (await station.api<{ history: History[] }>(`/alerts/${key}/history`)).json.history,
      (entries) => entries.filter(({ outcome }) => outcome === 'delivered').length === 3,
    );
    const texts = history.filter(({ channel }) => channel === 'sms').map(({ outcome }) => outcome);
    assert.deepEqual(texts.reverse(), ['accepted', 'sent', 'sent', 'delivered']);
    const calls = twilio.callbacks.filter((call) => call.sid === sid);
    assert.deepEqual(
      calls.map(({ status, answer }) => [status, answer]),
      ['queued', 'sent', 'delivered'].map((status) => [status, 204]),
    );
  });

  it('what is not signed by Twilio changes nothing', async () => {
    const { code } = await textOf('disk is 97% full');
    const form = new URLSearchParams({ MessageSid: `SM${'0'.repeat(32)}`, From: ann, Body: `ack ${code}` });
    const answer = await fetch(`${station.page}/hooks/sms/inbound`, { method: 'POST', body: form });
    assert.equal(answer.status, 403);
    assert.equal((await shown(await keyOf('disk'))).state, 'raised');
  });

  it('an answer acknowledges within a second: on the API, on a page that listens, and for all who were told', async () => {
    const { code } = await textOf('disk is 97% full');
    const key = await keyOf('disk');
    const page = await listen(station);
    const began = performance.now();
    const said = { from: ann, text: `ack ${code} 2h on my way` };
    const inbound = twilio.inbound(`${station.page}/hooks/sms/inbound`, said);
    const alert = await eventually(
      () => shown(key),
      ({ state }) => state === 'acknowledged',
    );
    const acknowledged = performance.now() - began;
    const heard = await eventually(
      () => page.changedAfter(key, began),
      (at) => at > 0,
    );
    assert.ok(acknowledged < soon, `on the API after ${acknowledged} ms`);
    assert.ok(heard - began < soon, `on the page after ${heard - began} ms`);
    page.close();
    assert.deepEqual([alert.acknowledged_by, alert.note], ['ann', 'on my way']);
    const { status, body } = await inbound;
    assert.equal(status, 200);
    assert.match(body, new RegExp(`<Message>Acknowledged ${code} .*until`));
    await bob.hears(/acknowledged.*Ann|Ann.*acknowledged/is);
    const mails = await eventually(
      () => mail.received,
      (all) => all.length > 1,
    );
    assert.match(mails[1]?.text ?? '', /acknowledged/i);
    assert.match(mails[1]?.text ?? '', /on my way/);
  });

  it('the link: looking acknowledges nothing, one tap does, a second one moves nothing', async () => {
    station.send('-i', 'raid', '-s', 'the array is degraded', '-u', 'db2');
    const { link } = await textOf('array is degraded');
    const key = await keyOf('raid');
    for (const method of ['GET', 'HEAD', 'GET']) {
      assert.equal((await fetch(link, { method })).status, 200);
    }
    assert.equal((await shown(key)).state, 'raised');
    const tap = (): Promise<Response> =>
      fetch(link, { method: 'POST', redirect: 'manual', body: new URLSearchParams({}) });
    assert.equal((await tap()).status, 303);
    const first = await shown(key);
    assert.deepEqual([first.state, first.acknowledged_by], ['acknowledged', 'ann']);
    assert.equal((await tap()).status, 303);
    assert.deepEqual(await shown(key), first);
  });

  it('mauvectl channel test: a real text message, followed to its receipt', async () => {
    const place = ['--config', config, '--data', station.data, '--web', new URL(station.page).host];
    const ran = await runAside('mauvectl', ['channel', 'test', 'ann', 'sms', ...place], { MAUVE_TOKEN: '' });
    assert.deepEqual([ran.code, ran.stderr], [0, '']);
    assert.match(ran.stdout, /sms to ann: delivered[^\n]*\n$/);
    assert.equal(twilio.messages.filter(({ body }) => /test/i.test(body)).length, 1);
  });
});

type Listening = {
  /** When it heard, after `from`, that this alert has changed; 0: it has not. */
  readonly changedAfter: (key: number, from: number) => number;
  readonly close: () => void;
};

/** A page that follows live, without a browser. */
async function listen(station: RunningStation): Promise<Listening> {
  const welcome = /http:\S+\/welcome\/\S+/.exec(station.stdout)?.[0] ?? '';
  const entered = await fetch(welcome, { redirect: 'manual' });
  const cookie = entered.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const abort = new AbortController();
  const answer = await fetch(`${station.page}/events`, { headers: { cookie }, signal: abort.signal });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /event-stream/);
  let text = '';
  const changes: { readonly key: number; readonly at: number }[] = [];
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, keys = ''] = /^data:.*"alerts":\[([\d,]+)\]/.exec(line) ?? [];
        for (const key of keys.split(',')) changes.push({ key: Number(key), at: performance.now() });
      }
    }
  };
  read().catch(() => undefined);
  // The first beat says that it listens.
  await eventually(
    () => text,
    (all) => all.includes('event:beat'),
  );
  return {
    changedAfter: (key, from) => changes.find((change) => change.key === key && change.at > from)?.at ?? 0,
    close: () => abort.abort(),
  };
}
