/** The sender library: what it reports of each destination, and what it leaves behind (nothing). Loopback only. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { newTransmissionId, send } from '../../src/send/sender.ts';
import { type Clock, instant, plus, since } from '../../src/time.ts';
import { lookupMax } from '../../src/wire/resolve.ts';
import { datagramMax } from '../../src/wire/update.ts';

const receivers: { socket: Socket; to: string; heard: string[] }[] = [];

before(async () => {
  for (const host of ['127.0.0.1', '::1']) {
    const socket = createSocket(host === '::1' ? 'udp6' : 'udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    const { port } = socket.address();
    const receiver = {
      socket,
      to: host === '::1' ? `[::1]:${port}` : `${host}:${port}`,
      heard: [] as string[],
    };
    socket.on('message', (data) => receiver.heard.push(data.toString()));
    receivers.push(receiver);
  }
});
after(() => {
  for (const { socket } of receivers) socket.close();
});

/** A clock whose every timer is due at once. */
const hasty: Clock = {
  now: () => instant(0),
  wake(at, run) {
    assert.equal(since(instant(0), at), lookupMax);
    run();
    return () => {};
  },
  after(wait, run) {
    return hasty.wake(plus(instant(0), wait), run);
  },
};

describe('send', () => {
  test('reports each destination in its order, the bad ones beside the good', async () => {
    const [four, six] = receivers.map(({ to }) => to);
    assert.ok(four !== undefined && six !== undefined);
    const deliveries = await send(Buffer.from('hello'), ['127.0.0.1:0', four, 'not a host', six]);
    assert.deepEqual(deliveries, [
      {
        destination: '127.0.0.1:0',
        sent: [],
        failed: [{ where: '127.0.0.1:0', why: 'malformed', detail: 'port 0 is not from 1 to 65535' }],
      },
      { destination: four, sent: [four], failed: [] },
      {
        destination: 'not a host',
        sent: [],
        failed: [{ where: 'not a host', why: 'malformed', detail: '"not a host" is not a host name' }],
      },
      { destination: six, sent: [six], failed: [] },
    ]);
    for (const { socket, heard } of receivers) {
      if (heard.length === 0) await once(socket, 'message');
      assert.deepEqual(heard, ['hello']);
    }
  });
  test('what is too long for a datagram goes nowhere', async () => {
    const [delivery] = await send(new Uint8Array(datagramMax + 1), [receivers[0]?.to ?? '']);
    assert.deepEqual([delivery?.sent, delivery?.failed[0]?.why], [[], 'oversized']);
  });
  test('a look-up that takes too long is given up', async () => {
    const [delivery] = await send(Buffer.from('x'), ['localhost:9'], hasty);
    assert.deepEqual(delivery?.failed, [
      { where: 'localhost', why: 'unknown-host', detail: 'the name look-up took too long' },
    ]);
  });
  test('to nobody is no error', async () => assert.deepEqual(await send(Buffer.from('x'), []), []));
  test('leaves no socket open', async () => {
    const open = (): number => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length;
    const before = open();
    for (let i = 0; i < 20; i++) await send(Buffer.from('x'), ['127.0.0.1:9', '[::1]:9']);
    // A closed socket is gone some turns of the loop later.
    for (let turn = 0; turn < 1000 && open() > before; turn++) await setImmediate();
    assert.ok(open() <= before, `${open()} sockets open`);
  });
});

test('transmission ids have 63 bits, are never 0, and do not repeat', () => {
  const ids = new Set(Array.from({ length: 10_000 }, newTransmissionId));
  assert.equal(ids.size, 10_000);
  for (const id of ids) assert.ok(id > 0n && id < 2n ** 63n);
  assert.ok([...ids].some((id) => id > 2n ** 62n) && [...ids].some((id) => id % 2n === 1n));
});
