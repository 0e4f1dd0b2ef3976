/** What scamper said on the laboratory, as records; and what it must not say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Address, PingRecord, TraceRecord } from '../../src/probe/core/record.ts';
import type { PingTask, TraceTask } from '../../src/probe/engine/engine.ts';
import { icmpWords } from '../../src/probe/engine/icmp.ts';
import { parseJson, readPing, readTrace, userOf } from '../../src/probe/engine/scamper-answers.ts';
import { pingCommand, traceCommand } from '../../src/probe/engine/scamper-commands.ts';
import { instant, milliseconds, minus, plus, seconds } from '../../src/time.ts';
import { mainPath } from '../lab/lab.ts';
import { measured, pinged, pingTask, traceTask } from './engine-kit.ts';

type Case = { readonly name: string; readonly user: number; readonly answer: string } & (
  | { readonly kind: 'ping'; readonly task: PingTask }
  | { readonly kind: 'trace'; readonly task: TraceTask }
);

const file = join(import.meta.dirname, 'fixtures/scamper-answers.json');
const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly Case[];

const startOf = (answer: string): { sec: number; usec: number } => JSON.parse(answer).start;
const spanOf = (answer: string) => {
  const { sec, usec } = startOf(answer);
  const at = instant(sec * 1000 + usec / 1000);
  return { from: minus(at, milliseconds(20)), to: plus(at, seconds(20)) };
};

function find(name: string): Case {
  const found = cases.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

function ping(name: string): PingRecord {
  const { kind, task, answer } = find(name);
  assert.equal(kind, 'ping');
  return pinged(readPing(parseJson(answer), pingTask(task), spanOf(answer)));
}

function traceOf(one: Case): TraceRecord {
  assert.ok(one.kind === 'trace');
  return measured(readTrace(parseJson(one.answer), one.task, spanOf(one.answer)));
}
const trace = (name: string): TraceRecord => traceOf(find(name));

const addresses = ({ hops }: TraceRecord): (Address | null)[][] =>
  hops.map(({ probes }) => probes.map(({ address }) => address));

test('a ping has its round trip, and the time when it was sent', () => {
  for (const name of ['ping reply', 'ping reply v6']) {
    const { at, outcome } = ping(name);
    assert.ok(outcome.kind === 'reply' && outcome.rtt >= 44 && outcome.rtt < 80, name);
    const { sec, usec } = startOf(find(name).answer);
    assert.ok(Math.abs(at - (sec * 1000 + usec / 1000)) < 5);
  }
});

test('a ping that a router refuses is an error with its words, not loss', () => {
  const said = (name: string) => ping(name).outcome;
  assert.deepEqual(said('ping reject'), { kind: 'error', from: '192.0.2.21', why: 'host unreachable' });
  const from6 = '2001:db8:0:b::2';
  assert.deepEqual(said('ping reject v6'), {
    kind: 'error',
    from: from6,
    why: 'no route to the destination',
  });
  const loop = said('ping loop');
  assert.ok(loop.kind === 'error' && loop.why === 'time exceeded');
  const loop6 = said('ping loop v6');
  assert.ok(loop6.kind === 'error' && loop6.why === 'time exceeded');
  const refuses = said('ping target refuses');
  assert.ok(refuses.kind === 'error' && refuses.from === '198.51.100.66');
  assert.deepEqual(said('ping lost'), { kind: 'lost' });
});

/** Linux says `port unreachable` over IPv6 from the address of its interface, unless the target is one of its own. */
const lastOf = (method: string, version: 4 | 6): string =>
  version === 4 ? '198.51.100.7' : method === 'udp' ? '2001:db8:0:14::2' : '2001:db8:ffff::7';

test('a trace by each method, of both versions, names every hop', () => {
  for (const method of ['udp', 'icmp', 'tcp']) {
    for (const version of [4, 6] as const) {
      const record = trace(`trace ${method} ${version}`);
      assert.equal(record.method, method);
      assert.equal(record.end, 'reached');
      assert.equal(record.said, '');
      const seen = addresses(record);
      // At the time of recording load was shared at the second router: hops 3 to 5 are either side's.
      const expected = [...mainPath(version), lastOf(method, version)].map((address) => [address]);
      assert.deepEqual(
        [...seen.slice(0, 2), ...seen.slice(5)],
        [...expected.slice(0, 2), ...expected.slice(5)],
      );
      assert.deepEqual(
        record.hops.map(({ ttl }) => ttl),
        expected.map((_, index) => index + 1),
      );
    }
  }
});

test('several probes of a hop, and hops that say nothing, are in their places', () => {
  assert.deepEqual(
    trace('trace three probes').hops.map(({ probes }) => probes.filter(({ rtt }) => rtt !== null).length),
    [3, 3, 3, 3],
  );
  const nobody = [null, null];
  assert.deepEqual(addresses(trace('trace silent hop')), [
    ['192.0.2.21'],
    ['192.0.2.35'],
    nobody,
    ['198.51.100.7'],
  ]);
  assert.deepEqual(addresses(trace('trace silent hop three probes v6 icmp'))[2], [null, null, null]);
});

test('each end of a trace is told', () => {
  const end = (name: string) => {
    const record = trace(name);
    return [record.end, record.said, record.hops.length];
  };
  assert.deepEqual(end('trace max hops'), ['max-hops', '', 4]);
  assert.deepEqual(end('trace blackhole'), ['silent', '', 4]);
  assert.deepEqual(end('trace blackhole v6'), ['silent', '', 4]);
  assert.deepEqual(end('trace reject'), ['unreachable', 'host unreachable', 2]);
  assert.deepEqual(end('trace reject v6 icmp three probes'), [
    'unreachable',
    'no route to the destination',
    2,
  ]);
  assert.deepEqual(end('trace loop'), ['loop', '', 5]);
  assert.deepEqual(end('trace loop v6'), ['loop', '', 5]);
});

test('a target that refuses has been reached', () => {
  const record = trace('trace target refuses');
  assert.equal(record.end, 'reached');
  assert.equal(record.said, '');
  assert.equal(record.hops.at(-1)?.probes[0]?.address, '198.51.100.66');
});

test('what was halted, or could not be sent, was not measured', () => {
  const halted = find('trace halted');
  assert.ok(halted.kind === 'trace');
  const answer = readTrace(parseJson(halted.answer), halted.task, spanOf(halted.answer));
  assert.ok(!answer.ok && answer.why === 'refused' && answer.detail.includes('halted'));
  // As scamper says it when another program holds the source port.
  const error = { type: 'trace', dst: '198.51.100.7', stop_reason: 'ERROR', stop_data: 2, hop_count: 0 };
  const inUse = readTrace(error, traceTask(), spanOf(halted.answer));
  assert.ok(!inUse.ok && inUse.detail.includes('port'));
  const unsent = readPing(
    { type: 'ping', dst: '198.51.100.7', ping_sent: 0, responses: [] },
    pingTask(),
    spanOf(halted.answer),
  );
  assert.ok(!unsent.ok && unsent.detail.includes('not sent'));
});

test("an answer that came after the task's own timeout came too late", () => {
  const { answer } = find('ping reply');
  const late = readPing(parseJson(answer), pingTask({ timeout: milliseconds(20) }), spanOf(answer));
  assert.deepEqual(pinged(late).outcome, { kind: 'lost' });
});

test('a clock that was set meanwhile makes no round trip and no time of it', () => {
  const { answer } = find('ping reply');
  const json = JSON.parse(answer);
  for (const rtt of [-3, 5_000_000, null]) {
    json.responses[0].rtt = rtt;
    assert.ok(!readPing(json, pingTask(), spanOf(answer)).ok);
  }
  const now = instant(Date.UTC(2011, 7, 1));
  const record = pinged(readPing(parseJson(answer), pingTask(), { from: now, to: now }));
  assert.equal(record.at, now);
  const traced = find('trace udp 4');
  const hops = JSON.parse(traced.answer);
  hops.hops[3].rtt = -1;
  const { probes } = measured(readTrace(hops, traceTask(), spanOf(traced.answer))).hops[3] ?? { probes: [] };
  assert.ok(probes[0]?.address !== null && probes[0]?.rtt === null);
});

test('an answer belongs to the task whose number it bears', () => {
  for (const { answer, user } of cases) assert.equal(userOf(parseJson(answer)), user);
  for (const none of [null, 7, [], {}, { type: 'cycle-start', userid: 1 }, { type: 'ping', userid: -1 }]) {
    assert.equal(userOf(none), null);
  }
});

test('a truncated answer, or one in which anything is something else, is refused or believed, never a crash', () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.integer(),
    fc.constantFrom(null, -1, 1e300, '1.2.3.4', [], {}, '__proto__', 'toString', 'COMPLETED'),
  );
  const read = (one: Case, json: unknown): boolean =>
    one.kind === 'ping'
      ? readPing(json, one.task, spanOf(one.answer)).ok
      : readTrace(json, one.task, spanOf(one.answer)).ok;
  fc.assert(
    fc.property(fc.constantFrom(...cases), fc.nat(), anything, (one, place, value) => {
      const cut = one.answer.slice(0, place % one.answer.length);
      assert.equal(read(one, parseJson(cut)), false);
      const json = JSON.parse(one.answer);
      const list = one.kind === 'ping' ? json.responses : json.hops;
      const inside =
        Array.isArray(list) && list.length > 0 && place % 2 === 0 ? list[place % list.length] : json;
      const keys = Object.keys(inside);
      inside[keys[place % keys.length] ?? ''] = value;
      read(one, json);
      read(one, value);
    }),
    { numRuns: 2000 },
  );
});

test('more hops or probes than were asked for are refused', () => {
  const one = find('trace udp 4');
  const refuses = (change: (json: Record<string, unknown>) => void): void => {
    const json = JSON.parse(one.answer);
    change(json);
    assert.ok(!readTrace(json, traceTask(), spanOf(one.answer)).ok);
  };
  refuses((json) => Object.assign(json, { hop_count: 31 }));
  refuses((json) => Object.assign(json, { hops: Array(1000).fill((json.hops as unknown[])[0]) }));
  refuses((json) => Object.assign((json.hops as object[])[0] ?? {}, { probe_ttl: 0 }));
  refuses((json) => Object.assign((json.hops as object[])[0] ?? {}, { probe_id: 3 }));
  refuses((json) => Object.assign((json.hops as object[])[0] ?? {}, { addr: 'x'.repeat(10_000) }));
  refuses((json) => Object.assign(json, { dst: '198.51.100.8' }));
});

test('ports follow from the flow alone, and are always given', () => {
  for (const method of ['udp', 'icmp', 'tcp'] as const) {
    const flow = (n: number, user: number) =>
      traceCommand(traceTask({ method, flow: n }), user).replace(/-U \d+/, '');
    assert.equal(flow(5, 1), flow(5, 2));
    assert.match(flow(5, 1), /-s \d+ -d \d+/);
    const different = new Set(Array.from({ length: 64 }, (_, n) => flow(n, 1)));
    assert.ok(different.size > 40, `${method}: ${different.size} of 64`);
  }
});

test('a command is one line of safe words, whatever the task holds', () => {
  const number = fc.oneof(fc.double(), fc.integer());
  fc.assert(
    fc.property(number, number, number, number, number, number, number, (a, b, c, d, e, f, g) => {
      const numbers = { firstHop: a, maxHops: b, probesPerHop: c, retries: d, gapLimit: e, flow: f };
      const command = traceCommand(
        traceTask({ ...numbers, timeout: milliseconds(Number.isFinite(g) ? g : 1) }),
        9,
      );
      const text =
        /^trace -U 9 -P udp-paris -s (\d+) -d 33500 -f (\d+) -m (\d+) -g (\d+) (-Q )?-q (\d+) -w (\d+) \S+$/;
      const [, source, first, last] = text.exec(command) ?? assert.fail(command);
      assert.ok(Number(source) >= 61_000 && Number(source) < 61_256 && Number(first) <= Number(last));
    }),
  );
});

test('each ping has a sequence number of its own, in the same flow', () => {
  const commands = [1, 2, 3].map((user) => pingCommand(pingTask(), user));
  assert.equal(new Set(commands.map((command) => /-d (\d+)/.exec(command)?.[1])).size, 3);
  assert.equal(new Set(commands.map((command) => /-F \d+ -C \d+/.exec(command)?.[0])).size, 1);
});

test('every type and code of ICMP has words', () => {
  assert.equal(icmpWords(4, { type: 3, code: 13 }), 'administratively prohibited');
  assert.equal(icmpWords(6, { type: 1, code: 3 }), 'address unreachable');
  for (const version of [4, 6] as const) {
    for (let type = 0; type < 256; type++)
      assert.match(icmpWords(version, { type, code: type }), /^[A-Za-z][\w ]+$/);
  }
});

test('several pings together: those that nobody answered have their places, and their times', () => {
  const { answer } = find('ping reply');
  const json = JSON.parse(answer);
  const [reply] = json.responses;
  const { sec, usec } = json.start;
  const answers = (...seqs: readonly number[]) => seqs.map((seq) => ({ ...reply, tx: undefined, seq }));
  const of = (sent: number, responses: unknown) =>
    readPing(
      { ...json, ping_sent: sent, responses },
      pingTask({ count: 4, every: milliseconds(100) }),
      spanOf(answer),
    );
  const records = measured(of(4, answers(1, 3, 3)));
  assert.deepEqual(
    records.map(({ outcome }) => outcome.kind),
    ['lost', 'reply', 'lost', 'reply'],
  );
  const begun = sec * 1000 + usec / 1000;
  assert.deepEqual(
    records.map(({ at }) => Math.round((at - begun) / 10) * 10 + 0),
    [0, 100, 200, 300],
  );
  // Somebody answered twice, and so it was over before all were sent.
  assert.deepEqual(
    measured(of(3, answers(0, 0, 1, 2))).map(({ outcome }) => outcome.kind),
    ['reply', 'reply', 'reply', 'unsent'],
  );
  for (const seq of [4, -1, 0.5, null]) assert.ok(!of(4, [{ ...reply, seq }]).ok);
  assert.ok(!of(5, []).ok);
});

test('several pings are a tenth of a second apart at least, written so that scamper reads it', () => {
  const every = (ms: number): string =>
    / -c 8 .* -i (\S+) /.exec(pingCommand(pingTask({ count: 8, every: milliseconds(ms) }), 1))?.[1] ?? '';
  assert.deepEqual([10, 100, 125, 1000, 2500].map(every), ['0.1', '0.1', '0.1', '1', '2.5']);
});
