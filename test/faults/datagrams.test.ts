/** Whatever arrives, the station goes on: bad datagrams are refused by name, good ones are taken. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, it } from 'node:test';
import { encode, type UpdateAlert } from '../../src/wire/update.ts';
import { eventually, RunningStation, withStation } from '../kit/process.ts';

const plain = {
  subject: '',
  summary: '',
  detail: '',
  importance: 0,
  raiseTime: 0n,
  clearTime: 0n,
  suppressUntil: 0n,
};

function update(
  alerts: readonly Partial<UpdateAlert>[],
  transmissionId: bigint,
  source = 'test',
): Uint8Array {
  return encode({
    transmissionId,
    source,
    replace: false,
    signature: new Uint8Array(),
    transmissionTime: 0n,
    alerts: alerts.map((alert) => ({ id: 'x', ...plain, ...alert })),
  });
}

async function sendAll(station: RunningStation, datagrams: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const datagram of datagrams) {
    await new Promise<void>((resolve, reject) =>
      socket.send(datagram, station.port, '127.0.0.1', (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
  }
  socket.close();
}

function randomBytes(seed: number): Uint8Array {
  let state = seed;
  const next = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state;
  };
  return Uint8Array.from({ length: (next() % 300) + 1 }, () => next() % 256);
}

/** Ids of two bytes each, so that 10,000 fit into one datagram. */
function shortId(index: number): string {
  const letters = 90;
  const letter = (n: number): string => String.fromCharCode(33 + n + (33 + n >= 60 ? 1 : 0));
  return index < 8000
    ? letter(Math.floor(index / letters)) + letter(index % letters)
    : String.fromCharCode(0x80 + index - 8000);
}

describe('bad datagrams', () => {
  it('random bytes, cut and oversized ones are refused by name, and good ones between them are taken', async () => {
    await withStation({}, async (station) => {
      const good = update([{ id: 'disk', summary: 'full' }], 1n);
      const bad = Array.from({ length: 500 }, (_, index) => randomBytes(index + 1));
      for (let length = 0; length < good.length; length++) bad.push(good.subarray(0, length));
      bad.push(new Uint8Array(65_507).fill(255));
      await sendAll(station, [...bad.slice(0, 300), good, ...bad.slice(300)]);
      await eventually(
        () => station.alerts(),
        (alerts) => alerts.length === 1,
      );
      const text = await eventually(
        async () => await (await fetch(`${station.page}/metrics`)).text(),
        (metrics) =>
          [...metrics.matchAll(/^mauve_updates_refused_total\{reason="[^"]+"\} (\d+)/gm)].reduce(
            (sum, one) => sum + Number(one[1]),
            0,
          ) >=
          bad.length - 5,
      );
      for (const reason of ['empty', 'truncated', 'missing-field'])
        assert.match(text, new RegExp(`reason="${reason}"`));
      const lines = station.stderr.split('\n').filter((line) => line.includes('refused a datagram'));
      assert.ok(lines.length >= 1 && lines.length < 20, `${lines.length} lines for one sender`);
    });
  });

  it('10,000 alerts in one update are all taken', async () => {
    await withStation({}, async (station) => {
      const minimal = [0x08, 0x01, 0x12, 0x01, 0x73, 0x18, 0x00];
      const alerts = Array.from({ length: 10_000 }, (_, index) => [
        ...new TextEncoder().encode(shortId(index)),
      ]);
      const bytes = alerts.flatMap((id) => [0x22, id.length + 2, 0x0a, id.length, ...id]);
      const datagram = Uint8Array.from([...minimal, ...bytes]);
      assert.ok(datagram.length <= 65_507, `${datagram.length} bytes`);
      await sendAll(station, [datagram, update([{}], 2n)]);
      await eventually(
        () => station.metric('mauve_update_alerts_total'),
        (count) => count === 10_001,
        30_000,
      );
      assert.equal(await station.metric('mauve_alerts{state="raised"}'), 10_001);
    });
  });

  it('many huge updates in a row are taken in small batches: the page answers meanwhile', async () => {
    await withStation({}, async (station) => {
      const alerts = Array.from({ length: 2000 }, (_, index) => ({ id: `a${index}` }));
      await sendAll(
        station,
        Array.from({ length: 40 }, (_, index) => update(alerts, BigInt(index + 1))),
      );
      let slowest = 0;
      const taken = async (): Promise<number> => {
        const began = Date.now();
        const count = await station.metric('mauve_updates_total');
        slowest = Math.max(slowest, Date.now() - began);
        return count;
      };
      await eventually(taken, (count) => count === 40, 60_000);
      assert.ok(slowest < 4000, `${slowest} ms for one answer`);
    });
  });

  it('an alert whose time is too far away is refused by itself', async () => {
    await withStation({}, async (station) => {
      const far = update([{ id: 'far', raiseTime: 2n ** 64n - 1n }, { id: 'near' }], 3n);
      await sendAll(station, [far]);
      await eventually(
        () => station.alerts(),
        (alerts) => alerts.length === 1 && alerts[0]?.alert_id === 'near',
      );
      assert.equal(await station.metric('mauve_updates_refused_total{reason="time-too-far"}'), 1);
    });
  });

  it('a second copy of a transmission is counted, not taken, also after a restart', async () => {
    const station = await new RunningStation().start();
    try {
      const raise = update([{ id: 'disk' }], 77n);
      await sendAll(station, [raise, raise]);
      await eventually(
        () => station.metric('mauve_update_copies_total'),
        (count) => count === 1,
      );
      const [alert] = await station.alerts();
      await station.api(`/alerts/${alert?.id}/clear`, {});
      assert.equal(await station.end(), 0);
      await station.start();
      await sendAll(station, [raise]);
      await eventually(
        () => station.metric('mauve_update_copies_total'),
        (count) => count === 1,
      );
      assert.deepEqual(await station.alerts('raised'), []);
    } finally {
      await station.close();
    }
  });
});
