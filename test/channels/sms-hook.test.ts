/**
 * What Twilio asks of the station: reports of messages, and what people answer.
 * Nothing without a right signature is believed, nothing is taken twice, and
 * what could not be recorded is brought again.
 */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { HookAnswer } from '../../src/station/channels/channel.ts';
import { formMax, rememberedMax } from '../../src/station/channels/sms-hook.ts';
import { eventually } from '../kit/process.ts';
import { newSid, type TwilioStandIn } from '../kit/twilio.ts';
import { signatureOf } from '../kit/twilio-rules.ts';
import { channel, cleanUp, johnny, message, type Opened, page, standIn } from './sms-kit.ts';

afterEach(cleanUp);

const publicUrl = 'https://mauve.example.net';

type Asked = { readonly path?: string; readonly url?: string; readonly token?: string };

/** Asks the channel as Twilio does, without a network in between. */
async function ask(
  { sms, twilio }: Opened,
  form: Readonly<Record<string, string>>,
  { path = 'status', url = `${publicUrl}/hooks/sms/${path}`, token = twilio.authToken }: Asked = {},
): Promise<HookAnswer> {
  const headers = { 'x-twilio-signature': signatureOf(token, url, form) };
  const answer = await sms.hook?.({ path, form, headers });
  assert.ok(answer !== undefined);
  assert.ok(!answer.body.includes(twilio.authToken), answer.body);
  return answer;
}

const opened = (twilio: TwilioStandIn): Opened => channel(twilio, { publicUrl });
const status = (MessageStatus: string, more: Readonly<Record<string, string>> = {}) => ({
  MessageSid: newSid('SM'),
  MessageStatus,
  ...more,
});
const written = (Body: string, From = johnny, MessageSid = newSid('SM')) => ({ MessageSid, From, Body });
const inbound = { path: 'inbound' };

test('a report that is signed is passed on, in words', async () => {
  const one = opened(await standIn());
  const cases = [
    ['accepted', 'queued', /in its queue/],
    ['sending', 'queued', /handing it to the carrier/],
    ['sent', 'sent', /the carrier took it/],
    ['delivered', 'delivered', /the handset has it/],
    ['read', 'delivered', /it was read/],
    ['canceled', 'failed', /cancelled at Twilio/],
    ['undelivered', 'undelivered', /Twilio gives no reason/],
  ] as const;
  for (const [said, state, words] of cases) {
    const form = status(said);
    assert.deepEqual(await ask(one, form), { status: 204, type: 'text/plain', body: '' });
    const report = one.reports.at(-1);
    assert.equal(report?.reference, form.MessageSid);
    assert.equal(report?.state, state);
    assert.match(report?.why ?? '', words);
  }
  await ask(one, status('undelivered', { ErrorCode: '30007' }));
  assert.match(one.reports.at(-1)?.why ?? '', /not delivered: the carrier or Twilio filtered it out .*30007/);
});

test('what is not signed, or signed wrongly, is refused and changes nothing', async () => {
  const twilio = await standIn();
  const one = opened(twilio);
  const form = status('delivered');
  const wrong: readonly Asked[] = [
    { token: 'guessed' },
    { url: `${publicUrl}/hooks/sms/inbound` },
    { url: 'https://elsewhere.example/hooks/sms/status' },
  ];
  for (const asked of wrong) assert.equal((await ask(one, form, asked)).status, 403);
  for (const signature of ['', 'x', 'ü'.repeat(20)]) {
    const headers: Record<string, string> = signature === '' ? {} : { 'x-twilio-signature': signature };
    assert.equal((await one.sms.hook?.({ path: 'status', form, headers }))?.status, 403);
    assert.equal((await one.sms.hook?.({ path: 'inbound', form: written('ack'), headers }))?.status, 403);
  }
  const url = `${publicUrl}/hooks/sms/status`;
  const headers = { 'x-twilio-signature': signatureOf(twilio.authToken, url, form) };
  const changed = { ...form, MessageStatus: 'failed' };
  assert.equal((await one.sms.hook?.({ path: 'status', form: changed, headers }))?.status, 403);
  assert.deepEqual([one.reports, one.heard], [[], []]);
  assert.ok(one.log.some((line) => line.includes('wrong signature')));
});

test('a thousand forged requests are a dozen lines of the log, which say how many', async () => {
  const one = opened(await standIn());
  const forged = { path: 'status', form: status('delivered'), headers: { 'x-twilio-signature': 'x' } };
  for (let n = 0; n < 1000; n++) await one.sms.hook?.(forged);
  const lines = one.log.filter((line) => line.includes('wrong signature'));
  assert.equal(lines.length, 10);
  assert.match(lines.at(-1) ?? '', /512/);
});

test('without a public address nothing can be genuine', async () => {
  const one = channel(await standIn());
  const answer = await ask(one, status('delivered'));
  assert.equal(answer.status, 403);
  assert.match(answer.body, /base_url/);
});

test('what lacks a field, or has one that cannot be, is refused in words', async () => {
  const one = opened(await standIn());
  const sid = newSid('SM');
  const cases: readonly (readonly [form: Readonly<Record<string, string>>, path: string, words: RegExp])[] = [
    [{ MessageStatus: 'sent' }, 'status', /MessageSid/],
    [{ MessageSid: 'SM1', MessageStatus: 'sent' }, 'status', /MessageSid/],
    [{ MessageSid: sid }, 'status', /MessageStatus/],
    [status('x'.repeat(100)), 'status', /MessageStatus/],
    [status('received'), 'status', /"received" is no status/],
    [status('__proto__'), 'status', /no status/],
    [{ From: johnny, Body: 'ack' }, 'inbound', /MessageSid/],
    [{ MessageSid: sid, Body: 'ack' }, 'inbound', /From/],
    [written('ack', `+44${'7'.repeat(100)}`), 'inbound', /From/],
    [{ MessageSid: sid, From: johnny }, 'inbound', /Body/],
    [written('x'.repeat(3000)), 'inbound', /Body has more than/],
  ];
  for (const [form, path, words] of cases) {
    const answer = await ask(one, form, { path });
    assert.equal(answer.status, 400, answer.body);
    assert.match(answer.body, words);
  }
  assert.equal((await ask(one, { ...status('sent'), more: 'x'.repeat(formMax) })).status, 413);
  for (const path of ['', 'voice', 'status/x', '__proto__']) {
    assert.equal((await ask(one, status('sent'), { path })).status, 404);
  }
  assert.deepEqual([one.reports, one.heard], [[], []]);
});

test('a report that could not be recorded is asked for again', async () => {
  const one = opened(await standIn());
  one.records = async () => {
    throw new Error('the disk is full');
  };
  assert.equal((await ask(one, status('delivered'))).status, 503);
  assert.ok(one.log.some((line) => line.includes('the disk is full')));
});

test('Twilio brings a report again until it is recorded', async () => {
  const twilio = await standIn();
  const { url, serve } = await page();
  const one = channel(twilio, { publicUrl: url });
  serve(one.sms);
  let refusals = 2;
  one.records = async () => {
    refusals -= 1;
    if (refusals >= 0) throw new Error('not now');
  };
  await one.sms.send(johnny, message);
  await eventually(
    () => one.reports.map(({ state }) => state),
    (states) => states.length === 3,
  );
  assert.deepEqual(
    twilio.callbacks.map(({ status: said, answer }) => `${said} ${answer}`),
    ['queued 503', 'queued 503', 'queued 204', 'sent 204', 'delivered 204'],
  );
});

test('a handset that is off for hours is reported when the carrier gives up', async () => {
  const twilio = await standIn();
  const { url, serve } = await page();
  const one = channel(twilio, { publicUrl: url });
  serve(one.sms);
  twilio.behave({ kind: 'takes', fate: { kind: 'held' } });
  const result = await one.sms.send(johnny, message);
  assert.ok(result.kind === 'accepted', result.why);
  assert.deepEqual(one.reports, []);
  await twilio.settle(result.reference, { kind: 'undelivered', code: 30003 });
  const { reference } = result;
  const why = 'not delivered: the handset could not be reached: it may be off or out of coverage';
  assert.deepEqual(one.reports.at(-1), {
    reference,
    state: 'undelivered',
    why: `${why} (Twilio's error 30003)`,
  });
});

test('an answer of somebody is heard, and answered as Twilio wants it', async () => {
  const twilio = await standIn();
  const { url, serve } = await page();
  const one = channel(twilio, { publicUrl: url });
  serve(one.sms);
  one.answers = async () => 'Acknowledged “db1” until 05:00 <you & Bob> hear next.';
  const at = `${url}/hooks/sms/inbound`;
  const answer = await twilio.inbound(at, { from: johnny, text: 'ack 12 2h on my way' });
  assert.deepEqual(one.heard, [{ channel: 'sms', from: johnny, room: null, text: 'ack 12 2h on my way' }]);
  assert.equal(answer.status, 200);
  assert.match(answer.type, /^text\/xml/);
  assert.equal(
    answer.body,
    '<?xml version="1.0" encoding="UTF-8"?><Response><Message>Acknowledged "db1" until 05:00 &lt;you &amp; Bob&gt; hear next.</Message></Response>',
  );
  one.answers = async () => null;
  const nothing = await twilio.inbound(at, { from: johnny, text: 'thanks' });
  assert.match(nothing.body, /<Response\/>$/);
});

test('a long answer goes whole as far as Twilio takes it, without what XML cannot hold', async () => {
  const one = opened(await standIn());
  one.answers = async () => `one\u0000\u0008 two\n${'é'.repeat(5000)}`;
  const { status: code, body } = await ask(one, written('list'), inbound);
  const said = /<Message>([^<]*)<\/Message>/.exec(body)?.[1] ?? '';
  assert.equal(code, 200);
  assert.match(said, /^one two\né+\.\.\.$/);
  assert.equal(said.length, 1530, 'ten segments');
});

test('the same SMS brought twice acts once, and gets the same answer, even at the same time', async () => {
  const one = opened(await standIn());
  let said = 0;
  one.answers = async () => {
    said += 1;
    return `done ${said}`;
  };
  const form = written('ack 12');
  const both = await Promise.all([ask(one, form, inbound), ask(one, form, inbound)]);
  const again = await ask(one, form, inbound);
  assert.equal(one.heard.length, 1);
  for (const { body } of [...both, again]) assert.match(body, /<Message>done 1</);
  assert.match((await ask(one, written('ack 12'), inbound)).body, /<Message>done 2</);
});

test('an SMS that could not be acted on is brought again, and then acted on', async () => {
  const one = opened(await standIn());
  one.answers = async () => {
    throw new Error('the disk is full');
  };
  const form = written('ack 12');
  assert.equal((await ask(one, form, inbound)).status, 503);
  one.answers = async () => 'done';
  assert.match((await ask(one, form, inbound)).body, /<Message>done</);
  assert.equal(one.heard.length, 2);
});

test('of very many SMS only the latest are remembered', async () => {
  const one = opened(await standIn());
  const first = written('ack 1');
  await ask(one, first, inbound);
  const others = Array.from({ length: rememberedMax }, () => written('who'));
  for (const form of others) await ask(one, form, inbound);
  await ask(one, others.at(-1) ?? first, inbound);
  assert.equal(one.heard.length, rememberedMax + 1);
  await ask(one, first, inbound);
  assert.equal(one.heard.length, rememberedMax + 2);
});

test('a machine that writes, or somebody who unsubscribes, gets no answer', async () => {
  const one = opened(await standIn());
  one.answers = async () => 'who are you?';
  for (const from of ['85258', 'BANK', 'whatsapp:+447700900123']) {
    assert.match((await ask(one, written('hello', from), inbound)).body, /<Response\/>$/);
  }
  const stop = { ...written('STOP'), OptOutType: 'STOP' };
  assert.match((await ask(one, stop, inbound)).body, /<Response\/>$/);
  assert.deepEqual(one.heard, []);
  assert.ok(one.log.some((line) => line.includes(johnny) && line.includes('unsubscribed')));
});
