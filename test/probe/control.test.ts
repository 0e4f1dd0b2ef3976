/** The control socket, over real UDP on loopback. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { openControl } from '../../src/probe/control.ts';
import { defaultRules } from '../../src/probe/core/rules.ts';
import type { Lookup } from '../../src/probe/targets.ts';
import { minutes, seconds, systemClock } from '../../src/time.ts';
import { eventually } from '../kit/process.ts';
import { address, rig, targetOf } from './kit.ts';

const answerMax = 10_000;

type Reply = { readonly [key: string]: unknown } & { readonly status?: string; readonly message?: string };

/** A probe with a control socket, and a way to talk to it. */
async function controlled(t: TestContext, lookup: Lookup = async () => ['192.0.2.1', '2001:db8::1']) {
  const probe = rig({ lookup });
  const { agent, targets, log } = probe;
  const { word: _word, labels: _labels, ...fresh } = targetOf('');
  const options = { agent, targets, log, clock: systemClock, fresh: () => fresh };
  const control = await openControl({ host: '127.0.0.1', port: 0 }, options);
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  t.after(async () => {
    socket.close();
    await control.close();
  });
  const say = (bytes: string | Uint8Array): void => socket.send(bytes, control.address.port, '127.0.0.1');
  const heard = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('no answer')), answerMax);
      socket.once('message', (message) => {
        clearTimeout(late);
        resolve(message.toString());
      });
    });
  const ask = async (command: unknown): Promise<Reply> => {
    const answer = heard();
    say(typeof command === 'string' ? command : JSON.stringify(command));
    return JSON.parse(await answer);
  };
  return { ...probe, ask, say, heard, socket };
}

test('noop says that it is there, and so does what socat sends, with its newline', async (t) => {
  const { ask } = await controlled(t);
  assert.deepEqual(await ask({ cmd: 'noop' }), { status: 'ok' });
  assert.deepEqual(await ask('{"cmd":"noop"}\n'), { status: 'ok' });
});

test('list is an object keyed by address; with reset the figures are zero afterwards', async (t) => {
  const probe = await controlled(t);
  probe.start(targetOf('198.51.100.7', { pingEvery: seconds(2) }));
  await probe.pass(seconds(21));
  const listed = await probe.ask({ cmd: 'list', reset: true });
  assert.deepEqual(Object.keys(listed), ['198.51.100.7']);
  const row = listed['198.51.100.7'] as Record<string, unknown>;
  const keys = ['name', 'addr', 'itv', 'sent', 'recv', 'errs', 'outd', 'loss', 'last', 'min', 'avg', 'max'];
  assert.deepEqual(Object.keys(row), keys);
  assert.equal(row.itv, 2);
  assert.ok(Number(row.sent) >= 10 && row.recv === row.sent && row.errs === 0 && row.loss === 0);
  assert.deepEqual([row.last, row.min, row.avg, row.max], [10.5, 10.5, 10.5, 10.5]);
  const again = (await probe.ask({ cmd: 'list', reset: false }))['198.51.100.7'] as Record<string, unknown>;
  assert.equal(again.sent, 0);
  assert.equal(again.last, null);
});

test('add watches all addresses of a name at once; remove takes all of them away', async (t) => {
  const probe = await controlled(t);
  probe.start();
  const added = await probe.ask({ cmd: 'add', name: 'www.example.net', itv: 5 });
  assert.deepEqual(added, { status: 'ok', addresses: ['192.0.2.1', '2001:db8::1'] });
  assert.equal(probe.agent.find(address('2001:db8::1'))?.target.pingEvery, seconds(5));
  await probe.pass(minutes(1));
  assert.ok(probe.of('ping') >= 20);
  const removed = await probe.ask({ cmd: 'remove', name: 'www.example.net' });
  assert.deepEqual(removed, { status: 'ok', addresses: ['192.0.2.1', '2001:db8::1'] });
  assert.equal(probe.agent.size, 0);
});

test('an address is added and removed by itself', async (t) => {
  const probe = await controlled(t);
  assert.deepEqual(await probe.ask({ cmd: 'add', addr: '2001:DB8:0::9' }), {
    status: 'ok',
    addresses: ['2001:db8::9'],
  });
  assert.deepEqual(await probe.ask({ cmd: 'remove', addr: '2001:db8::9' }), {
    status: 'ok',
    addresses: ['2001:db8::9'],
  });
});

test('an address that is removed is not watched any more, whatever else leads to it', async (t) => {
  const probe = await controlled(t);
  await probe.ask({ cmd: 'add', name: 'www.example.net' });
  await probe.ask({ cmd: 'add', addr: '192.0.2.1' });
  await probe.ask({ cmd: 'remove', addr: '192.0.2.1' });
  assert.deepEqual(Object.keys(await probe.ask({ cmd: 'list' })), ['2001:db8::1']);
});

test('a target that is added once more has another interval, and keeps all else that it was given', async (t) => {
  const probe = await controlled(t);
  const given = {
    labels: { site: 'berlin' },
    rules: { ...defaultRules, loss: null },
    traceEvery: minutes(5),
  };
  probe.start(targetOf('192.0.2.1', given));
  await probe.ask({ cmd: 'add', addr: '192.0.2.1', itv: 5 });
  const target = probe.agent.find(address('192.0.2.1'))?.target;
  assert.deepEqual(target, targetOf('192.0.2.1', { ...given, pingEvery: seconds(5) }));
});

test('what cannot be added or removed is an error in words', async (t) => {
  const failing: Lookup = async () => {
    throw Object.assign(new Error('x'), { code: 'ENOTFOUND' });
  };
  const probe = await controlled(t, failing);
  const words = async (command: object): Promise<string> => {
    const { status, message = '' } = await probe.ask(command);
    assert.equal(status, 'error');
    return message;
  };
  assert.match(await words({ cmd: 'add', name: 'nowhere.example.net' }), /no such host/);
  assert.deepEqual([...probe.targets.list()], [], 'a mistyped name is not tried for ever');
  assert.match(await words({ cmd: 'add', addr: '224.0.0.1' }), /multicast/);
  assert.match(await words({ cmd: 'add', addr: 'www.example.net' }), /no IP address/);
  assert.match(await words({ cmd: 'add', name: 'a b' }), /not a host name/);
  assert.match(await words({ cmd: 'add', name: 'a.example', itv: 0 }), /itv: at least 0\.1 is expected/);
  assert.match(await words({ cmd: 'add', name: 'a.example', itv: 'soon' }), /itv: seconds are expected/);
  assert.match(await words({ cmd: 'add' }), /needs "name" or "addr"/);
  assert.match(await words({ cmd: 'remove', name: 'www.example.net' }), /not watched/);
  assert.match(await words({ cmd: 'remove', addr: '192.0.2.99' }), /not watched/);
  assert.match(await words({ cmd: 'histogram', addr: '192.0.2.99' }), /not watched/);
  assert.match(await words({ cmd: 'list', adr: 'x' }), /unknown key "adr" \(did you mean "addr"\?\)/);
  assert.match(await words({ cmd: 'lsit' }), /"cmd" is to be one of noop, list, add, remove, histogram/);
});

test('a look-up that takes long does not keep the asker waiting', async (t) => {
  const probe = await controlled(t, () => new Promise(() => undefined));
  const { status, message } = await probe.ask({ cmd: 'add', name: 'slow.example.net' });
  assert.equal(status, 'ok');
  assert.match(message ?? '', /still being looked up/);
});

test('histogram shows the answers of each hour by their delays', async (t) => {
  const probe = await controlled(t);
  probe.start(targetOf('198.51.100.7', { pingEvery: seconds(60), traceEvery: minutes(60) }));
  await probe.pass(minutes(90));
  const { name, addr, hours } = await probe.ask({ cmd: 'histogram', addr: '198.51.100.7' });
  assert.deepEqual([name, addr], ['198.51.100.7', '198.51.100.7']);
  assert.deepEqual(Object.keys(hours as object), ['2026-06-01T12:00:00Z', '2026-06-01T13:00:00Z']);
  const [[bound, count] = ['', 0]] = Object.entries(
    Object.values(hours as Record<string, Record<string, number>>)[0] ?? {},
  );
  assert.ok(Number(bound) >= 10.5 && Number(bound) < 10.5 * 2 ** 0.1, bound);
  assert.ok(count >= 58 && count <= 61);
});

test('an answer larger than a datagram is an error that says how to narrow it, and resets nothing', async (t) => {
  const probe = await controlled(t);
  for (let n = 0; n < 1_000; n++) probe.targets.add(targetOf(`10.0.${n >> 8}.${n & 255}`));
  probe.agent.start();
  await probe.pass(seconds(3));
  const { status, message } = await probe.ask({ cmd: 'list', reset: true });
  assert.equal(status, 'error');
  assert.match(message ?? '', /takes \d+ bytes, and a datagram holds 65507: ask for one target/);
  const one = await probe.ask({ cmd: 'list', addr: '10.0.0.1' });
  assert.ok(Number((one['10.0.0.1'] as Record<string, unknown>).recv) >= 1);
});

test('garbage is answered with words or not at all, and never ends it', async (t) => {
  const probe = await controlled(t);
  const garbage: readonly (string | Uint8Array)[] = [
    '',
    '{',
    'null',
    '[]',
    '42',
    '"noop"',
    '{}',
    '{"cmd":1}',
    '{"cmd":"__proto__"}',
    '{"cmd":"constructor"}',
    '{"cmd":"list","reset":"yes"}',
    '{"cmd":"list","name":[]}',
    '{"cmd":"add","name":{"a":1}}',
    '{"cmd":"add","addr":"fe80::1%\\u0000"}',
    `{"cmd":"add","name":"${'x'.repeat(60_000)}"}`,
    '{"__proto__":{"cmd":"noop"}}',
    `${'['.repeat(30_000)}`,
    `${'{"cmd":'.repeat(9_000)}`,
    new Uint8Array([0xff, 0xfe, 0x00, 0x80]),
  ];
  for (const bytes of garbage) {
    const answer = probe.heard();
    probe.say(bytes);
    const { status } = JSON.parse(await answer);
    assert.equal(status, 'error', String(bytes).slice(0, 40));
  }
  // What looks like an answer gets none: two probes would talk for ever.
  probe.say('{"status":"error","message":"x"}');
  probe.say(Uint8Array.from({ length: 50_000 }, (_, n) => (n * 7919) & 255));
  assert.match(await probe.heard(), /a JSON object in UTF-8 is expected/);
  assert.deepEqual(await probe.ask({ cmd: 'noop' }), { status: 'ok' });
  assert.ok(!probe.logged.some(({ level }) => level === 'error'));
});

test('a thousand commands at once are answered', async (t) => {
  const probe = await controlled(t);
  let answers = 0;
  probe.socket.on('message', () => {
    answers += 1;
  });
  for (let n = 0; n < 1_000; n++) {
    probe.say('{"cmd":"noop"}');
    if (n % 50 === 0) await new Promise((turn) => setImmediate(turn));
  }
  await eventually(
    () => answers,
    (count) => count > 200,
  );
  await eventually(
    () => probe.ask({ cmd: 'noop' }),
    ({ status }) => status === 'ok',
  );
});
