/** The lines of mtr-packet, and traces that are built of single probes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Address, TraceRecord } from '../../src/probe/core/record.ts';
import type { TraceTask } from '../../src/probe/engine/engine.ts';
import { HopByHop, inFlightMax, type ToSend } from '../../src/probe/engine/hop-by-hop.ts';
import { type Came, probeCommand, readLine } from '../../src/probe/engine/mtr-lines.ts';
import { target4, target6, traceTask } from './engine-kit.ts';

test('what mtr-packet said on the laboratory is understood', () => {
  const read = (line: string) => readLine(line);
  assert.deepEqual(read('13 ttl-expired ip-4 192.0.2.9 round-trip-time 23722'), {
    token: 13,
    came: { kind: 'expired', from: '192.0.2.9', rtt: 23.722 },
  });
  assert.deepEqual(read('26 reply ip-6 2001:db8:ffff::7 round-trip-time 49791'), {
    token: 26,
    came: { kind: 'reply', from: '2001:db8:ffff::7', rtt: 49.791 },
  });
  assert.deepEqual(read('19 no-route ip-4 192.0.2.37 round-trip-time 45929'), {
    token: 19,
    came: { kind: 'unreachable', from: '192.0.2.37', rtt: 45.929 },
  });
  assert.deepEqual(read('16 no-reply'), { token: 16, came: { kind: 'nothing' } });
  assert.deepEqual(read('16 probes-exhausted'), { token: 16, came: { kind: 'full' } });
  assert.deepEqual(read('10 invalid-argument'), {
    token: 10,
    came: { kind: 'unsent', why: 'no route from here' },
  });
  assert.deepEqual(read('1 feature-support support 0.95'), { token: 1, feature: '0.95' });
  const labels = 'mpls 24015,0,1,1';
  assert.equal(read(`13 ttl-expired ip-4 192.0.2.9 round-trip-time 5 ${labels}`)?.token, 13);
});

test('any other line is none, and no crash', () => {
  const words = fc.constantFrom(
    '1',
    '-1',
    '99999999999',
    'reply',
    'ttl-expired',
    'ip-4',
    '1.2.3.4',
    'round-trip-time',
  );
  const others = fc.constantFrom(
    'no-route',
    'ip-6',
    'x',
    '',
    'toString',
    '__proto__',
    '1e9',
    '12',
    'nan',
    '::1',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, others, fc.string()), { maxLength: 8 }), (parts) => {
      const line = readLine(parts.join(' '));
      if (line === null || !('came' in line)) return;
      const { came } = line;
      if ('rtt' in came) assert.ok(came.rtt >= 0 && Number.isFinite(came.rtt));
    }),
  );
  for (const none of [
    '',
    '0 command-parse-error',
    '1 reply ip-4 nobody round-trip-time 5',
    '1 reply ip-4 1.2.3.4',
  ]) {
    const line = readLine(none);
    assert.ok(line === null || !('came' in line), none);
  }
});

test('both ports are fixed over IPv4, and below those of its own numbers', () => {
  const command = (flow: number) =>
    probeCommand({ address: target4, method: 'udp', ttl: 3, flow, waitSeconds: 1 }, 5);
  assert.equal(command(7), command(7));
  for (const flow of [0, 7, -7, 1e12, 4095]) {
    const [, port, local] = / port (\d+) local-port (\d+) /.exec(command(flow)) ?? assert.fail(command(flow));
    assert.ok(Number(port) < 33_000 && Number(local) < 33_000 && Number(local) >= 1024);
  }
  assert.doesNotMatch(
    probeCommand({ address: target6, method: 'udp', ttl: 3, flow: 1, waitSeconds: 1 }, 5),
    /local-port/,
  );
});

/** A network for one trace: who is at each TTL. Null: nobody answers. */
type Place = { readonly who: string | null; readonly says?: 'reply' | 'unreachable' };
const router = (n: number): string => `10.0.0.${n}`;

/** Runs a trace to its end; answers come in the order that `pick` chooses. */
function run(
  task: TraceTask,
  places: readonly Place[],
  pick: (n: number) => number = () => 0,
  hears: (which: ToSend) => boolean = () => true,
): { record: Pick<TraceRecord, 'hops' | 'end' | 'said'>; sent: ToSend[]; most: number } {
  const trace = new HopByHop(task);
  const flying: ToSend[] = [];
  const sent: ToSend[] = [];
  let most = 0;
  for (let turn = 0; turn < 100_000; turn++) {
    const record = trace.ended();
    if (record !== null) return { record, sent, most };
    const next = trace.next();
    flying.push(...next);
    sent.push(...next);
    most = Math.max(most, flying.length);
    const [which] = flying.splice(pick(flying.length), 1);
    assert.ok(which !== undefined, 'it waits for nothing');
    trace.came(which, answer(places, which, hears(which)));
  }
  assert.fail('it never ends');
}

function answer(places: readonly Place[], { ttl }: ToSend, heard: boolean): Came {
  const place = places[Math.min(ttl, places.length) - 1];
  if (place === undefined || place.who === null || !heard) return { kind: 'nothing' };
  return { kind: place.says ?? 'expired', from: place.who as Address, rtt: ttl };
}

const straight = [{ who: router(1) }, { who: router(2) }, { who: router(3) }];
const end = (changes: Partial<TraceTask>, places: readonly Place[]) => {
  const { record } = run(traceTask(changes), places);
  return [record.end, record.said, record.hops.length];
};

test('each way in which a trace can end', () => {
  const target: Place = { who: target4, says: 'reply' };
  assert.deepEqual(end({}, [...straight, target]), ['reached', '', 4]);
  assert.deepEqual(end({}, [...straight, { who: router(4), says: 'unreachable' }]), [
    'unreachable',
    'destination unreachable',
    4,
  ]);
  assert.deepEqual(end({}, [...straight, { who: target4, says: 'unreachable' }]), ['reached', '', 4]);
  assert.deepEqual(end({ gapLimit: 3 }, [...straight, { who: null }]), ['silent', '', 6]);
  const loop = [...straight, { who: router(4) }, { who: router(3) }, { who: router(4) }];
  assert.deepEqual(end({}, loop), ['loop', '', 5]);
  assert.deepEqual(end({ maxHops: 3 }, [...straight, target]), ['max-hops', '', 3]);
  assert.deepEqual(end({ firstHop: 3 }, [...straight, target]), ['reached', '', 2]);
  // A router that answers twice in a row is at fault, and no loop.
  assert.deepEqual(end({}, [...straight, { who: router(3) }, target]), ['reached', '', 5]);
});

test('a probe without an answer is repeated, if only one for each hop is wanted', () => {
  const places = [...straight, { who: target4, says: 'reply' as const }];
  const { record, sent } = run(
    traceTask({ retries: 2 }),
    places,
    () => 0,
    ({ ttl, probe }) => ttl !== 2 || probe === 2,
  );
  assert.equal(record.end, 'reached');
  assert.deepEqual(
    record.hops[1]?.probes.map(({ address }) => address),
    [null, null, router(2)],
  );
  assert.equal(sent.filter(({ ttl }) => ttl === 2).length, 3);
  assert.equal(sent.filter(({ ttl }) => ttl === 1).length, 1);
});

test('in any order of answers: it ends, hops are without gaps, few are in flight, and none is sent far behind the target', () => {
  const place = fc.oneof(
    fc.record({ who: fc.nat(6).map(router) }),
    fc.constant({ who: null }),
    fc.record({ who: fc.nat(6).map(router), says: fc.constant('unreachable' as const) }),
  );
  const options = fc.record({
    firstHop: fc.integer({ min: 1, max: 4 }),
    maxHops: fc.integer({ min: 4, max: 20 }),
    probesPerHop: fc.integer({ min: 1, max: 4 }),
    retries: fc.nat(3),
    gapLimit: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(
      fc.array(place, { maxLength: 14 }),
      options,
      fc.infiniteStream(fc.nat(1000)),
      (path, changes, chance) => {
        const places: Place[] = [...path, { who: target4, says: 'reply' }];
        const pick = (n: number): number => (chance.next().value as number) % Math.max(1, n);
        const task = traceTask(changes);
        const { record, sent, most } = run(task, places, pick, () => pick(10) !== 0);
        record.hops.forEach(({ ttl, probes }, index) => {
          assert.equal(ttl, task.firstHop + index);
          assert.ok(probes.length >= 1 && probes.length <= Math.max(task.probesPerHop, task.retries + 1));
        });
        assert.ok(most <= inFlightMax);
        assert.ok(sent.every(({ ttl }) => ttl <= task.maxHops));
        assert.ok(record.hops.length >= 1);
      },
    ),
  );
});

test('what cannot be sent is not measured', () => {
  const trace = new HopByHop(traceTask());
  const [first] = trace.next();
  assert.ok(first !== undefined);
  trace.came(first, { kind: 'unsent', why: 'no route from here' });
  assert.equal(trace.failed(), 'no route from here');
  assert.deepEqual(trace.next(), []);
});
