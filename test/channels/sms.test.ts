/**
 * SMS by Twilio's own SDK against a stand-in that keeps to Twilio's rules: what
 * is taken, what is tried again, what is given up, in which words, and that the
 * auth token is in none of them.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import type { SendResult } from '../../src/station/channels/channel.ts';
import { mendRetryAfter } from '../../src/station/channels/sms-results.ts';
import { type Clock, hours, milliseconds, minutes, seconds, systemClock } from '../../src/time.ts';
import { eventually, projectFolder } from '../kit/process.ts';
import { newSid, type TwilioStandIn } from '../kit/twilio.ts';
import { channel, cleanUp, johnny, message, page, send, sender, standIn } from './sms-kit.ts';

afterEach(cleanUp);

const short = { timeout: milliseconds(400) };

function expectResult(result: SendResult, kind: SendResult['kind'], words: RegExp): void {
  assert.equal(result.kind, kind, result.why);
  assert.match(result.why, words);
}

async function refused(twilio: TwilioStandIn, status: number, code: number): Promise<SendResult> {
  twilio.behave({ kind: 'refuses', status, code });
  return await send(channel(twilio));
}

test('an SMS goes to Twilio, and what it says is the receipt', async () => {
  const twilio = await standIn();
  const result = await send(channel(twilio));
  assert.ok(result.kind === 'accepted', result.why);
  assert.match(result.why, /took it \(queued, one segment\); it will be asked what became of it$/);
  const [taken] = twilio.messages;
  assert.equal(result.reference, taken?.sid);
  assert.deepEqual(
    { to: taken?.to, from: taken?.from, body: taken?.body, callback: taken?.statusCallback },
    { to: johnny, from: sender, body: message.text, callback: null },
  );
});

test('a Messaging Service chooses the sender', async () => {
  const twilio = await standIn();
  const messagingService = newSid('MG');
  const result = await send(channel(twilio, { sender: { messagingService } }));
  assert.equal(result.kind, 'accepted', result.why);
  assert.equal(twilio.messages[0]?.messagingServiceSid, messagingService);
  assert.equal(twilio.messages[0]?.from, null);
});

test('where Twilio can call the station, it is told where', async () => {
  const twilio = await standIn();
  twilio.behave({ kind: 'takes', fate: { kind: 'held' } });
  const result = await send(channel(twilio, { publicUrl: 'https://mauve.example.net' }));
  expectResult(result, 'accepted', /took it \(queued, one segment\)$/);
  const [called = '', again = ''] = twilio.messages[0]?.statusCallback?.split('#') ?? [];
  assert.equal(called, 'https://mauve.example.net/hooks/sms/status');
  assert.match(again, /^rc=5&rp=.*5xx/);
});

test('a message is more than its reports: where Twilio will not call the station, it goes without', async () => {
  const twilio = await standIn();
  twilio.behave({ kind: 'no-callbacks' });
  const opened = channel(twilio, { publicUrl: 'http://mauve' });
  expectResult(await send(opened), 'accepted', /it will be asked/);
  expectResult(await send(opened), 'accepted', /it will be asked/);
  assert.equal(twilio.requests, 3, 'the address was offered again');
  assert.equal(opened.log.filter((line) => /does not want to call base_url/.test(line)).length, 1);
});

test('what is typographic goes as GSM-7, letters stay, and several segments are told', async () => {
  const twilio = await standIn();
  const opened = channel(twilio);
  await send(opened, johnny, { ...message, text: '“db1” – disk is 97% full… Größe é\n' });
  assert.equal(twilio.messages[0]?.body, '"db1" - disk is 97% full... Größe é');
  const two = { ...message, text: 'x'.repeat(200) };
  expectResult(await send(opened, johnny, two), 'accepted', /2 segments/);
});

test('what does not fit is cut before its link, never in it', async () => {
  const twilio = await standIn();
  const opened = channel(twilio, { segments: 1 });
  const text = `${'word '.repeat(100)}${message.link}`;
  assert.equal(opened.sms.fits?.(text), false);
  assert.equal(opened.sms.fits?.(message.text), true);
  await send(opened, johnny, { ...message, text });
  assert.equal(twilio.messages[0]?.segments, 1);
  assert.match(twilio.messages[0]?.body ?? '', /word w?o?r?d?\.\.\. https:\/\/mauve\.example\.net\/a\/Xy$/);
});

test('a message without a text goes with its title', async () => {
  const twilio = await standIn();
  await send(channel(twilio), johnny, { ...message, text: ' \n' });
  assert.equal(twilio.messages[0]?.body, message.title);
});

test('a number that is none is not even tried', async () => {
  const twilio = await standIn();
  for (const number of ['', '447700900123', '+44 7700 900123', 'johnny@example.com', '+44770090012345678']) {
    expectResult(await send(channel(twilio), number), 'failed', /is no telephone number/);
  }
  assert.equal(twilio.requests, 0);
});

test('what Twilio says against a number is final, and in words', async () => {
  const twilio = await standIn();
  const opened = channel(twilio);
  const cases: readonly (readonly [to: string, words: RegExp])[] = [
    ['+15005550001', /refuses it for good: the number is no valid telephone number \(Twilio's error 21211\)/],
    ['+15005550002', /no way leads from this sender to this number/],
    ['+15005550003', /Geo permissions/],
    ['+15005550004', /unsubscribed by answering STOP: they must send START/],
    ['+15005550009', /is no mobile number/],
  ];
  for (const [to, words] of cases) expectResult(await send(opened, to), 'failed', words);
  expectResult(await refused(twilio, 400, 21999), 'failed', /Twilio's error 21999: Refused by 21999/);
});

test('too much at once is tried again, when Twilio says so', async () => {
  const twilio = await standIn();
  const opened = channel(twilio);
  const waits = async (retryAfter?: string): Promise<number | null> => {
    twilio.behave({ kind: 'rate-limited', ...(retryAfter === undefined ? {} : { retryAfter }) });
    const result = await send(opened);
    expectResult(result, 'retry', /asks to wait/);
    assert.ok(result.kind === 'retry' && result.fault === undefined);
    return result.notBefore;
  };
  assert.equal(await waits('7'), seconds(7));
  assert.equal(await waits(), null);
  assert.equal(await waits('soon'), null);
  assert.equal(await waits('999999'), hours(1), 'an hour is the longest wait');
  const date = (await waits(new Date(Date.now() + minutes(5)).toUTCString())) ?? 0;
  assert.ok(date > minutes(4) && date <= minutes(5), `${date}`);
  assert.equal(await waits('Thu, 01 Jan 1970 00:00:00 GMT'), null);
  const full = await send(channel(twilio, { sender: { from: '+15005550008' } }));
  expectResult(full, 'retry', /the queue of the sender is full/);
});

test('an account that Twilio does not accept is tried again, for somebody can mend it', async () => {
  const twilio = await standIn();
  const wrong = await send(channel(twilio, { authToken: () => 'another-secret' }));
  expectResult(
    wrong,
    'retry',
    /does not accept the account .*20003.*: check account_sid and the auth token$/,
  );
  assert.ok(wrong.kind === 'retry' && wrong.notBefore === mendRetryAfter && wrong.fault === undefined);
  assert.ok(!wrong.why.includes('another-secret'));
  expectResult(await send(channel(twilio, { accountSid: newSid('AC') })), 'retry', /check account_sid/);
  expectResult(await refused(twilio, 403, 20005), 'retry', /check account_sid/);
  expectResult(await refused(twilio, 400, 30037), 'retry', /sending is switched off/);
});

test('a sender that Twilio does not accept is tried again; only its own numbers wait', async () => {
  const twilio = await standIn();
  const wrong = await send(channel(twilio, { sender: { from: '+15005550001' } }));
  expectResult(wrong, 'retry', /does not accept the sender: .*21212/);
  const here = await send(channel(twilio, { sender: { from: '+15005550007' } }));
  expectResult(here, 'retry', /for this number: .*21606/);
  assert.ok(here.kind === 'retry' && here.fault === 'message');
});

test('Twilio out of order, or something else in its place, is tried again', async () => {
  const twilio = await standIn();
  expectResult(await refused(twilio, 503, 20503), 'retry', /out of order/);
  const says = async (status: number, body: string, type = 'text/html'): Promise<SendResult> => {
    twilio.behave({ kind: 'says', status, type, body });
    return await send(channel(twilio));
  };
  expectResult(await says(502, '<h1>Bad gateway</h1>'), 'retry', /out of order: HTTP 502/);
  expectResult(await says(200, '<h1>Log in to this WLAN</h1>'), 'retry', /is api_base right/);
  expectResult(await says(201, '{"status":"queued"}', 'application/json'), 'retry', /is api_base right/);
  expectResult(await says(302, ''), 'retry', /HTTP 302.*is api_base right/);
  expectResult(await says(201, 'x'.repeat(1_000_000)), 'retry', /could not be asked/);
});

test('a server that repeats the login does not get it into the words', async () => {
  const twilio = await standIn();
  const login = Buffer.from(`${twilio.accountSid}:${twilio.authToken}`).toString('base64');
  const said = `no ${twilio.authToken} or ${login} here`;
  const body = JSON.stringify({ code: 21211, message: said, status: 400 });
  twilio.behave({ kind: 'says', status: 400, type: 'application/json', body });
  expectResult(await send(channel(twilio)), 'failed', /no … or … here/);
});

test('refused and broken connections are tried again, and it is said where a message may come twice', async () => {
  const twilio = await standIn();
  const opened = channel(twilio);
  twilio.behave({ kind: 'drops' });
  expectResult(await send(opened), 'retry', /broke the connection off; .* arrives twice/);
  twilio.behave({ kind: 'takes-and-drops' });
  expectResult(await send(opened), 'retry', /arrives twice/);
  assert.equal(twilio.messages.length, 1);
  await twilio.refuse();
  expectResult(await send(opened), 'retry', new RegExp(`Twilio at ${twilio.url} refuses connections$`));
  twilio.behave({ kind: 'takes' });
  await twilio.listen();
  expectResult(await send(opened), 'accepted', /took it/);
});

test('a Twilio that hangs, or never comes to an end, is given up in time', async () => {
  const twilio = await standIn();
  const opened = channel(twilio, short);
  for (const kind of ['hangs', 'trickles'] as const) {
    twilio.behave({ kind });
    expectResult(await send(opened), 'retry', /did not answer in time; .* arrives twice/);
  }
  twilio.behave({ kind: 'slow', ms: 50 });
  expectResult(await send(channel(twilio)), 'accepted', /took it/);
});

test('a certificate that does not hold is tried again, and says so', async () => {
  const fixture = (name: string): string =>
    readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
  const twilio = await standIn({ tls: { cert: fixture('server.pem'), key: fixture('server-key.pem') } });
  expectResult(await send(channel(twilio)), 'retry', /shows a certificate that does not hold/);
  assert.equal(twilio.requests, 0);
});

test('a host that there is not is tried again', async () => {
  const twilio = await standIn();
  const result = await send(channel(twilio, { apiBase: 'http://no-such-host.invalid' }));
  expectResult(result, 'retry', /is not known|could not be looked up/);
});

test('a message that Twilio gives up at once is failed, or tried again where its queue was full', async () => {
  const twilio = await standIn();
  const gaveUp = async (code: number): Promise<SendResult> => {
    const body = JSON.stringify({ sid: newSid('SM'), status: 'failed', error_code: code });
    twilio.behave({ kind: 'says', status: 201, type: 'application/json', body });
    return await send(channel(twilio));
  };
  expectResult(await gaveUp(21610), 'failed', /not sent: the person unsubscribed/);
  expectResult(await gaveUp(30001), 'retry', /the queue at Twilio was full/);
});

test('several messages go at once, over few connections', async () => {
  const twilio = await standIn();
  const opened = channel(twilio);
  const results = await Promise.all(Array.from({ length: 20 }, () => send(opened)));
  assert.ok(results.every((result) => result.kind === 'accepted'));
  assert.equal(new Set(twilio.messages.map(({ sid }) => sid)).size, 20);
});

test('asked what became of a message, Twilio answers in all its words', async () => {
  const twilio = await standIn();
  const { sms } = channel(twilio);
  const fates = [
    [{ kind: 'held' }, 'queued', /in its queue/],
    [{ kind: 'sent' }, 'sent', /the carrier took it/],
    [{ kind: 'delivered' }, 'delivered', /the handset has it/],
    [{ kind: 'undelivered', code: 30003 }, 'undelivered', /off or out of coverage \(Twilio's error 30003\)/],
    [{ kind: 'undelivered', code: 30005 }, 'undelivered', /unknown to its carrier/],
    [{ kind: 'undelivered', code: 30006 }, 'undelivered', /landline/],
    [{ kind: 'failed', code: 30034 }, 'failed', /not registered for messages in the US/],
    [{ kind: 'failed', code: 39999 }, 'failed', /not sent: Twilio's error 39999/],
  ] as const;
  for (const [fate, state, words] of fates) {
    twilio.behave({ kind: 'takes', fate });
    const result = await sms.send(johnny, message);
    assert.ok(result.kind === 'accepted', result.why);
    const report = await eventually(
      async () => (await sms.ask?.(result.reference)) ?? null,
      (answer) => answer?.state === state,
    );
    assert.equal(report?.reference, result.reference);
    assert.match(report?.why ?? '', words);
  }
});

test('asked when it cannot say, Twilio is asked again later', async () => {
  const twilio = await standIn();
  const { sms } = channel(twilio, short);
  assert.equal(await sms.ask?.(newSid('SM')), null);
  const before = twilio.requests;
  assert.equal(await sms.ask?.('../Calls/CA1'), null, 'what is no reference is not asked for');
  assert.equal(twilio.requests, before);
  await twilio.refuse();
  assert.equal(await sms.ask?.(newSid('SM')), null);
});

test('a channel that closes gives up what hangs, and takes nothing more', async () => {
  const twilio = await standIn();
  const hurried: Clock = { ...systemClock, wake: (_, run) => systemClock.after(milliseconds(50), run) };
  const { sms } = channel(twilio, {}, hurried);
  twilio.behave({ kind: 'hangs' });
  const hanging = sms.send(johnny, message);
  await eventually(
    () => twilio.requests,
    (requests) => requests === 1,
  );
  await sms.close();
  assert.equal((await hanging).kind, 'retry');
  expectResult(await sms.send(johnny, message), 'retry', /the station is ending/);
  assert.equal(await sms.ask?.(newSid('SM')), null);
});

test("Twilio's SDK is loaded at the first message and not before", () => {
  const open = `
    import { registerHooks } from 'node:module';
    let loaded = false;
    registerHooks({ resolve(name, context, next) { if (name === 'twilio') loaded = true; return next(name, context); } });
    const { openSms } = await import('./src/station/channels/sms.ts');
    const { systemClock, seconds } = await import('./src/time.ts');
    const none = () => undefined;
    const sms = openSms(
      { accountSid: 'AC${'0'.repeat(32)}', authToken: () => 'x', sender: { from: '+15005550006' },
        apiBase: 'http://127.0.0.1:9', publicUrl: null, segments: 3, timeout: seconds(5), concurrency: 1,
        rate: { count: 1, per: seconds(1) } },
      { clock: systemClock, log: { debug: none, info: none, warn: none, error: none }, events: {} });
    sms.fits('some text');
    const before = loaded;
    const result = await sms.send('+447700900123', { text: 'x', title: 'x' });
    console.log(JSON.stringify({ before, after: loaded, kind: result.kind }));
    await sms.close();`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', open], {
    cwd: projectFolder,
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(said), { before: false, after: true, kind: 'retry' });
});

test('the channel says what it can do at once', async () => {
  const twilio = await standIn();
  const { sms } = channel(twilio, { concurrency: 7, rate: { count: 1, per: seconds(2) } });
  assert.equal(sms.name, 'sms');
  assert.equal(sms.concurrency, 7);
  assert.deepEqual(sms.rate, { count: 1, per: seconds(2) });
  assert.ok(sms.timeout > seconds(20), 'its own limit must be the one that ends a send');
});

test('a message sent with a public address is reported on from queued to delivered', async () => {
  const twilio = await standIn();
  const { url, serve } = await page();
  const opened = channel(twilio, { publicUrl: url });
  serve(opened.sms);
  const result = await send(opened);
  assert.ok(result.kind === 'accepted');
  await eventually(
    () => opened.reports.map(({ state }) => state),
    (states) => states.at(-1) === 'delivered',
  );
  assert.deepEqual(
    opened.reports.map(({ state, reference }) => [state, reference === result.reference]),
    [
      ['queued', true],
      ['sent', true],
      ['delivered', true],
    ],
  );
});
