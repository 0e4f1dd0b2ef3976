/**
 * Webhooks against real HTTP and HTTPS servers on loopback, and against servers
 * that misbehave: what arrives and how it is signed, what is tried again, what
 * is given up, and that no secret is in any of the words.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import type { SendResult } from '../../src/station/channels/channel.ts';
import { retryAfterMax } from '../../src/station/channels/webhook-results.ts';
import { type Clock, milliseconds, minutes, seconds, systemClock } from '../../src/time.ts';
import {
  answers,
  channel,
  closeLast,
  fixture,
  message,
  type Request,
  rawServer,
  secret,
  send,
  webServer,
} from './web-kit.ts';

const ca = fixture('ca.pem');
const certificate = { cert: fixture('server.pem'), key: fixture('server-key.pem') };
const tight = { timeout: milliseconds(400) };

/** The outcome, and that the words name the server and say so much. Whatever fails, it is about this address. */
function expectResult(result: SendResult, kind: SendResult['kind'], port: number, words: RegExp): void {
  assert.equal(result.kind, kind, result.why);
  assert.match(result.why, new RegExp(`^localhost:${port} `));
  assert.match(result.why, words);
  assert.ok(result.why.length < 500, `${result.why.length} characters`);
  assert.doesNotMatch(result.why, /\p{Cc}/u);
  if (result.kind === 'retry') assert.equal(result.fault, 'message');
}

/** What a receiver who knows the secret works out. */
const signatureOf = ({ headers, body }: Request): string => {
  const written = `${headers['mauve-signature']}`;
  const at = /^t=(\d+),v1=[0-9a-f]{64}$/.exec(written)?.[1] ?? 'none';
  return `t=${at},v1=${createHmac('sha256', secret)
    .update(`${at}.${body.toString('utf8')}`)
    .digest('hex')}`;
};

test('a message arrives as it is, signed, and says what it is', async () => {
  const { url, port, requests } = await webServer(answers(202));
  expectResult(await send(`${url}/hook?a=b`), 'delivered', port, /took it: 202 Accepted$/);
  const [request] = requests;
  assert.ok(request !== undefined && requests.length === 1);
  assert.equal(request.method, 'POST');
  assert.equal(request.path, '/hook?a=b');
  assert.equal(request.body.toString('utf8'), message.text);
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.headers['mauve-event'], 'raised');
  assert.match(request.headers['user-agent'] ?? '', /^Mauve\/\S+$/);
  assert.match(`${request.headers['idempotency-key']}`, /^[0-9a-f]{64}$/);
  assert.equal(request.headers['mauve-signature'], signatureOf(request));
  const at = Number(/t=(\d+)/.exec(`${request.headers['mauve-signature']}`)?.[1]);
  assert.ok(Math.abs(at - Date.now() / 1000) < 60);
});

test('a text of an administrator’s own is sent as text', async () => {
  const { url, requests } = await webServer();
  await channel().send(url, { ...message, text: 'db1: disk is 97 % full — Größe\n' });
  assert.equal(requests[0]?.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(requests[0]?.body.toString('utf8'), 'db1: disk is 97 % full — Größe\n');
  assert.ok(requests[0] !== undefined);
  assert.equal(requests[0].headers['mauve-signature'], signatureOf(requests[0]));
});

test('a user and a password in the address are what the server is given, and are not shown', async () => {
  const { url, requests } = await webServer(answers(401, 'no johnny with open:sesame here'));
  const result = await send(`${url.replace('://', '://johnny:open%3Asesame@')}/`);
  assert.equal(requests[0]?.headers.authorization, `Basic ${btoa('johnny:open:sesame')}`);
  assert.equal(result.kind, 'failed');
  assert.ok(!result.why.includes('sesame'), result.why);
});

test('a second try has the same idempotency key, another message or station has another', async () => {
  const { url, requests } = await webServer();
  const hook = channel();
  await hook.send(url, message);
  await hook.send(url, { ...message, text: '{}', link: 'http://127.0.0.1:1288/a/another-token' });
  await hook.send(url, { ...message, idempotencyKey: '17/2/raised/johnny#webhook' });
  await hook.send(url, { ...message, link: 'https://other.example/alerts/17' });
  const keys = requests.map(({ headers }) => headers['idempotency-key']);
  assert.equal(keys[0], keys[1]);
  assert.equal(new Set(keys).size, 3);
});

test('over TLS a certificate must hold: of the CA that is named, and for the server’s name', async () => {
  const good = await webServer(answers(200), certificate);
  expectResult(await send(good.url, { ca }), 'delivered', good.port, /200/);
  expectResult(await send(good.url), 'retry', good.port, /certificate .*tls_ca_file/);
  const other = await webServer(answers(200), { cert: fixture('other.pem'), key: fixture('other-key.pem') });
  expectResult(
    await send(other.url, { ca }),
    'retry',
    other.port,
    /does not hold for localhost.*other\.test/,
  );
  assert.deepEqual([good.requests.length, other.requests.length], [1, 0]);
});

test('a server that speaks no TLS, or no HTTP, is tried again, in words', async () => {
  const plain = await webServer();
  const tls = await send(plain.url.replace('http:', 'https:'));
  expectResult(tls, 'retry', plain.port, /offers no TLS that works/);
  const mail = await rawServer((socket) => socket.write('220 mail.example.net ESMTP\r\n'));
  expectResult(await send(mail.url), 'retry', mail.port, /no HTTP/);
});

test('many messages share few connections', async () => {
  const seen = new Set<unknown>();
  const { url, requests } = await webServer((response, _request, socket) => {
    seen.add(socket);
    response.writeHead(200).end('fine');
  });
  const hook = channel();
  for (let n = 0; n < 10; n++) assert.equal((await hook.send(url, message)).kind, 'delivered');
  assert.equal(requests.length, 10);
  assert.ok(seen.size <= 3, `${seen.size} connections`);
});

test('a connection that has been idle is given up before the server does, a busy one is not', async () => {
  const closed: Promise<void>[] = [];
  const { url, requests } = await webServer((response, _request, socket) => {
    closed.push(new Promise((resolve) => socket.on('close', () => resolve())));
    setTimeout(() => response.end(), 300);
  });
  const hook = channel({}, { idle: milliseconds(100) });
  assert.equal((await hook.send(url, message)).kind, 'delivered');
  await closed[0];
  assert.equal((await hook.send(url, message)).kind, 'delivered');
  assert.equal(requests.length, 2);
});

test('a server that restarted meanwhile gets the next message on a new connection', async () => {
  const { url, port, sockets } = await webServer();
  const hook = channel();
  assert.equal((await hook.send(url, message)).kind, 'delivered');
  const gone = [...sockets].map((socket) => new Promise((resolve) => socket.on('close', resolve)));
  for (const socket of sockets) socket.end();
  await Promise.all(gone);
  expectResult(await hook.send(url, message), 'delivered', port, /200/);
});

test('what is no address of a web server is given up', async () => {
  for (const address of [
    '',
    'example.com',
    'ftp://localhost/x',
    'file:///etc/passwd',
    'http://a%zz:b@localhost/',
  ]) {
    assert.equal((await send(address)).kind, 'failed', address);
  }
});

test('what the server says no to for good is failed, with the beginning of its words', async () => {
  for (const status of [400, 401, 403, 404, 405, 410, 413, 422]) {
    const { url, port } = await webServer(answers(status, 'because\u0007 of\r\nthis'));
    const result = await send(url);
    expectResult(result, 'failed', port, new RegExp(`refuses it for good: ${status} .*: because of this$`));
  }
  const page = '<html><head><title>404</title><style>b{}</style></head><h1>Nothing <b>here</b></h1></html>';
  const html = await webServer(answers(404, page, { 'content-type': 'text/html' }));
  expectResult(await send(html.url), 'failed', html.port, /404 Not Found: Nothing here$/);
  const empty = await webServer(answers(404));
  expectResult(await send(empty.url), 'failed', empty.port, /404 Not Found$/);
});

test('what the server says no to for now is tried again', async () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    const { url, port } = await webServer(answers(status, 'later'));
    const result = await send(url);
    expectResult(result, 'retry', port, new RegExp(`refuses it for now: ${status} .*: later$`));
    assert.ok(result.kind === 'retry' && result.notBefore === null);
  }
});

test('a server that asks to wait is asked again then, but an alert waits for nobody for a day', async () => {
  const wait = async (written: string): Promise<unknown> => {
    const { url } = await webServer(answers(429, '', { 'retry-after': written }));
    const result = await send(url);
    return result.kind === 'retry' ? result.notBefore : result;
  };
  assert.equal(await wait('90'), seconds(90));
  assert.equal(await wait('86400'), retryAfterMax);
  const inTwoMinutes = await wait(new Date(Date.now() + minutes(2)).toUTCString());
  assert.ok(typeof inTwoMinutes === 'number' && inTwoMinutes > seconds(60) && inTwoMinutes <= minutes(2));
  for (const none of ['0', '-5', 'soon', '1e9', 'Thu, 01 Jan 1970 00:00:00 GMT', '']) {
    assert.equal(await wait(none), null, none);
  }
});

test('a redirect is not followed: what is signed goes nowhere else', async () => {
  const elsewhere = await webServer();
  for (const status of [301, 302, 303, 307, 308]) {
    const { url, port } = await webServer(answers(status, '', { location: `${elsewhere.url}/token-abc` }));
    const result = await send(`${url}/hook`);
    expectResult(result, 'failed', port, new RegExp(`moved to http://localhost:${elsewhere.port}/…`));
    assert.ok(!result.why.includes('token-abc'));
  }
  assert.equal(elsewhere.requests.length, 0);
  for (const [location, words] of [
    ['/hook/', /moved to the same address with \/ at its end/],
    ['/other', /moved to another path of the same server/],
    ['https://example.net/hook', /moved to https:\/\/example\.net, the same path/],
    ['http://[', /moved to an address that is none/],
  ] as const) {
    const { url, port } = await webServer(answers(301, '', { location }));
    expectResult(await send(`${url}/hook`), 'failed', port, words);
  }
  const odd = await webServer(answers(304));
  expectResult(await send(odd.url), 'failed', odd.port, /304/);
});

test('a server that is down is tried again, and found when it is back', async () => {
  const { url, port } = await webServer();
  await closeLast();
  const hook = channel();
  expectResult(await hook.send(url, message), 'retry', port, /refuses connections: does a web server run/);
  const { requests } = await webServer(answers(200), undefined, port);
  expectResult(await hook.send(url, message), 'delivered', port, /200/);
  assert.equal(requests.length, 1);
});

test('a host that nobody knows is named', async () => {
  const result = await send('https://hook.invalid/x');
  assert.equal(result.kind, 'retry');
  assert.match(result.why, /^hook\.invalid (is not known|could not be looked up)/);
});

test('a server that hangs, before or amid its answer, is given up in time', async () => {
  const mute = await rawServer(() => undefined);
  expectResult(await send(mute.url, tight), 'retry', mute.port, /did not answer within 400ms/);
  const stuck = await rawServer((socket) => void socket.write('HTTP/1.1 200'));
  expectResult(await send(stuck.url, tight), 'retry', stuck.port, /did not answer within 400ms/);
});

test('a server that trickles its headers for ever is given up in time', async () => {
  const { url, port } = await rawServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('x-more: yes\r\n'), 30);
    socket.on('close', () => clearInterval(timer));
  });
  expectResult(await send(url, tight), 'retry', port, /did not answer within/);
});

test('a server that trickles its words has said enough with its status', async () => {
  const trickling = (status: number) =>
    webServer((response) => {
      response.writeHead(status);
      response.write('beginning ');
      const timer = setInterval(() => response.write('and more '), 30);
      response.on('close', () => clearInterval(timer));
    });
  const taken = await trickling(200);
  // The usual time is far too long for this test: that a message is taken must not wait for the rest.
  expectResult(await send(taken.url), 'delivered', taken.port, /200/);
  const refused = await trickling(503);
  expectResult(
    await send(refused.url, { timeout: milliseconds(1500) }),
    'retry',
    refused.port,
    /503 Service Unavailable: beginning and/,
  );
});

test('a slow server is waited for', async () => {
  const { url, port } = await webServer((response) => void setTimeout(() => response.end(), 400));
  expectResult(await send(url), 'delivered', port, /200/);
});

test('a connection lost after the body may mean it arrived or not: it is sent again with the same key', async () => {
  let tries = 0;
  const { url, port, requests } = await webServer((response, _request, socket) => {
    tries += 1;
    if (tries === 1) socket.destroy();
    else response.end();
  });
  const hook = channel();
  expectResult(await hook.send(url, message), 'retry', port, /broke the connection off/);
  // Not again by itself: how often a message may be doubled is for the station to decide.
  assert.equal(requests.length, 1);
  expectResult(await hook.send(url, message), 'delivered', port, /200/);
  assert.equal(requests[0]?.headers['idempotency-key'], requests[1]?.headers['idempotency-key']);
});

test('a connection lost amid the answer changes nothing about what the status said', async () => {
  const cutOff = (status: number) =>
    webServer((response, _request, socket) => {
      response.writeHead(status, { 'content-length': '1000' });
      response.write('the beginning', () => socket.destroy());
    });
  const taken = await cutOff(200);
  expectResult(await send(taken.url), 'delivered', taken.port, /200/);
  const refused = await cutOff(404);
  expectResult(await send(refused.url), 'failed', refused.port, /404 Not Found: the beginning$/);
});

test('of a huge answer only the beginning is read', async () => {
  let written = 0;
  const huge = (status: number) =>
    webServer((response) => {
      response.writeHead(status);
      const more = (): void => {
        if (response.destroyed || written > 200_000_000) return;
        written += 65_536;
        response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      more();
    });
  for (const [status, kind] of [
    [200, 'delivered'],
    [500, 'retry'],
  ] as const) {
    const { url, port } = await huge(status);
    expectResult(await send(url), kind, port, new RegExp(`${status}`));
  }
  assert.ok(written < 100_000_000, `${written} bytes`);
});

test('garbage, binary or without an end, becomes words of bearable length', async () => {
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, n) => (n * 7919) % 256));
  const binary = await webServer((response) => void response.writeHead(418, { 'x-a': 'b' }).end(bytes));
  expectResult(await send(binary.url), 'failed', binary.port, /418/);
  const headers = await rawServer(
    (socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`),
  );
  expectResult(await send(headers.url), 'retry', headers.port, /no HTTP/);
});

test('a server that repeats what it was sent, or what it expected, gives nothing away', async () => {
  const token = 'T0ken-of-the-address';
  const { url, port } = await webServer((response, { path, headers }) => {
    response.writeHead(404, `no ${secret}`);
    response.end(
      `Cannot POST ${path} ${decodeURIComponent(path)} with ${secret}, got ${headers['user-agent']}`,
    );
  });
  const result = await send(`${url}/hook/${token}?key=another%20secret%21`);
  expectResult(result, 'failed', port, /Cannot POST \/hook\/….* with …, got Mauve/);
  for (const hidden of [token, 'another secret', 'another%20secret', secret]) {
    assert.ok(!result.why.includes(hidden), result.why);
  }
});

test('what is set about pace and number is told to whoever sends', () => {
  const hook = channel({ rate: { count: 5, per: seconds(1) }, concurrency: 3, timeout: seconds(20) });
  assert.deepEqual([hook.name, hook.concurrency, hook.rate], ['webhook', 3, { count: 5, per: 1000 }]);
  assert.ok(hook.timeout > seconds(20));
  assert.equal(channel().rate, undefined);
});

test('at the end of the station what is under way is finished, and nothing new begins', async () => {
  let begun = (): void => undefined;
  const arrived = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { url, requests } = await webServer((response) => {
    begun();
    setTimeout(() => response.end(), 200);
  });
  const hook = channel();
  const underWay = hook.send(url, message);
  await arrived;
  await hook.close();
  assert.equal((await underWay).kind, 'delivered');
  assert.equal((await hook.send(url, message)).kind, 'retry');
  assert.equal(requests.length, 1);
});

test('at the end of the station a server that hangs is waited for no longer than a moment', async () => {
  let begun = (): void => undefined;
  const arrived = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { url } = await webServer(() => begun());
  // A clock on which three seconds are over soon.
  const after: Clock['after'] = (wait, run) => systemClock.after(milliseconds(wait / 20), run);
  const hook = channel({ timeout: minutes(2) }, { clock: { ...systemClock, after } });
  const underWay = hook.send(url, message);
  await arrived;
  await hook.close();
  const result = await underWay;
  assert.equal(result.kind, 'retry');
  assert.match(result.why, /the station is ending/);
});

test('an answer in a protocol that nobody asked for is tried again', async () => {
  const { url, port } = await rawServer(
    (socket) =>
      void socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
  );
  const result = await send(url, { timeout: seconds(5) });
  expectResult(result, 'retry', port, /ended the connection without an answer/);
});
