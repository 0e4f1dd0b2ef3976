/** The real mtr-packet on the laboratory, as a user without privilege has it. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Address, TraceRecord } from '../../src/probe/core/record.ts';
import { chooseEngine } from '../../src/probe/engine/choose.ts';
import type { Engine } from '../../src/probe/engine/engine.ts';
import { openMtrPacket } from '../../src/probe/engine/mtr-packet.ts';
import { MtrProcess } from '../../src/probe/engine/mtr-process.ts';
import { milliseconds, minutes, systemClock } from '../../src/time.ts';
import { eventually } from '../kit/process.ts';
import { Lab, mainPath, processesWith } from '../lab/lab.ts';
import { measured, pinged, pingTask, quiet, target4, target6, traceTask } from './engine-kit.ts';

const quick = { first: milliseconds(50), most: milliseconds(200), good: minutes(1) };
const options = { clock: systemClock, log: quiet, owner: null, restarts: quick, slack: milliseconds(2000) };

let lab: Lab;
let engine: Engine;
/** A copy, so that its processes can be told from others. */
let copy: string;

before(async () => {
  lab = new Lab(2);
  copy = join(lab.folder, 'mtr-packet');
  copyFileSync('/usr/bin/mtr-packet', copy);
  chmodSync(copy, 0o755);
  const opened = await openMtrPacket({ ...options, program: lab.inside(copy) });
  assert.ok(opened.ok, opened.ok ? '' : opened.why);
  engine = opened.engine;
});
after(async () => {
  await engine?.close();
  lab?.close();
});
afterEach(() => lab.run('path', 'main'));

const addresses = ({ hops }: TraceRecord) => hops.map(({ probes }) => probes.map(({ address }) => address));
const processes = () => processesWith(copy).filter(({ name }) => name === 'mtr-packet');

test('pings of both versions take the time of 22 links', async () => {
  for (const address of [target4, target6]) {
    const times: number[] = [];
    for (let n = 0; n < 5 || (n < 50 && Math.min(...times) >= 64); n++) {
      const { outcome } = pinged(await engine.ping(pingTask({ address })));
      assert.ok(outcome.kind === 'reply');
      times.push(outcome.rtt);
    }
    assert.ok(Math.min(...times) >= 44 && Math.min(...times) < 64, `${times}`);
  }
});

test('traces name every hop; over IPv6 by any method, and it says that no flow is kept', async () => {
  assert.deepEqual(engine.can(target4), { methods: ['udp'], fixedFlow: ['udp'] });
  assert.deepEqual(engine.can(target6).fixedFlow, []);
  const record = measured(await engine.trace(traceTask({ probesPerHop: 3 })));
  assert.equal(record.end, 'reached');
  assert.deepEqual(
    addresses(record),
    [...mainPath(4), target4].map((address) => [address, address, address]),
  );
  for (const method of ['udp', 'icmp', 'tcp'] as const) {
    const traced = measured(await engine.trace(traceTask({ address: target6, method, retries: 2 })));
    assert.equal(traced.end, 'reached', method);
    assert.deepEqual(
      addresses(traced)
        .slice(0, -1)
        .map((probes) => probes.at(-1)),
      mainPath(6),
    );
  }
  const refused = await engine.trace(traceTask({ method: 'icmp' }));
  assert.ok(!refused.ok && refused.why === 'refused');
});

test('200 targets at once', async () => {
  const targets = Array.from({ length: 200 }, (_, n) => `198.51.100.${n + 20}` as Address);
  const pings = Promise.all(targets.map((address) => engine.ping(pingTask({ address }))));
  const traces = targets.map((address, flow) =>
    engine.trace(traceTask({ address, flow, firstHop: 3, retries: 3 })),
  );
  for (const record of (await Promise.all(traces)).map((answer) => measured(answer))) {
    assert.equal(record.end, 'reached');
    const seen = addresses(record).map((probes) => probes.at(-1));
    assert.deepEqual(seen, [...mainPath(4).slice(2), record.address]);
  }
  const lost = (await pings)
    .map((answer) => pinged(answer))
    .filter(({ outcome }) => outcome.kind !== 'reply');
  assert.deepEqual(lost, []);
  assert.ok((engine.cpuSeconds() ?? -1) >= 0);
});

test('a blackhole, a refusal, a loop, and no route from here', async () => {
  const trace = async () => {
    const record = measured(await engine.trace(traceTask({ firstHop: 7, retries: 0, probesPerHop: 2 })));
    return [record.end, record.said, record.hops.at(-1)?.probes[0]?.address];
  };
  const ping = async () => pinged(await engine.ping(pingTask())).outcome;
  lab.run('path', 'blackhole');
  assert.deepEqual([await trace(), await ping()], [['silent', '', null], { kind: 'lost' }]);
  lab.run('path', 'reject');
  const from = '192.0.2.21';
  assert.deepEqual(await trace(), ['unreachable', 'destination unreachable', from]);
  // Linux says it five times, and then once a second.
  const refused = await eventually(ping, ({ kind }) => kind === 'error');
  assert.deepEqual(refused, { kind: 'error', from, why: 'destination unreachable' });
  lab.run('path', 'loop');
  assert.equal((await trace())[0], 'loop');
  const looped = await ping();
  assert.ok(looped.kind === 'error' && looped.why === 'time exceeded');
  lab.run('path', 'main');
  lab.run('exec', 'ip', 'route', 'del', 'default');
  try {
    assert.equal((await ping()).kind, 'unsent');
    const unsent = await engine.trace(traceTask());
    assert.ok(!unsent.ok && unsent.why === 'refused' && unsent.detail.includes('no route'));
  } finally {
    lab.run('exec', 'ip', 'route', 'add', 'default', 'via', '192.0.2.1');
  }
});

test('under load sharing by flow, a target shows one path, and both ways are in use', async () => {
  lab.run('ecmp', 'flow');
  try {
    const way = async (flow: number): Promise<string> => {
      const task = traceTask({ firstHop: 3, maxHops: 3, retries: 4, flow });
      return addresses(measured(await engine.trace(task)))[0]?.at(-1) ?? 'nobody';
    };
    const [one, all] = [new Set<string>(), new Set<string>()];
    for (let n = 0; n < 50; n++) one.add(await way(7));
    for (let flow = 0; flow < 16; flow++) all.add(await way(flow));
    assert.deepEqual([one.size, all.size], [1, 2]);
  } finally {
    lab.run('ecmp', 'off');
  }
});

describe('when it is ill-treated', () => {
  const inFlight = async (signal: NodeJS.Signals): Promise<void> => {
    lab.run('path', 'blackhole');
    const both = [engine.ping(pingTask()), engine.trace(traceTask({ firstHop: 6 }))];
    const [before] = processes();
    assert.ok(before !== undefined);
    process.kill(before.pid, signal);
    for (const answer of await Promise.all(both)) assert.ok(!answer.ok && answer.why === 'engine-lost');
    lab.run('path', 'main');
    await eventually(
      () => engine.problem(),
      (problem) => problem === null,
    );
    assert.equal(pinged(await engine.ping(pingTask())).outcome.kind, 'reply');
    assert.deepEqual(
      processes().map(({ pid }) => pid === before.pid),
      [false],
    );
  };
  test('killed in mid-flight, what was in flight is lost, and it works again', () => inFlight('SIGKILL'));
  test('stopped, it is found out, and works again', () => inFlight('SIGSTOP'));

  test('a program that does not work says why, and closing leaves no process', async () => {
    for (const program of ['/usr/bin/false', '/nonexistent/mtr-packet']) {
      const opened = await openMtrPacket({ ...options, program });
      assert.ok(!opened.ok, program);
    }
    await engine.close();
    assert.deepEqual(processes(), []);
    const closed = await engine.ping(pingTask());
    assert.ok(!closed.ok && closed.why === 'engine-lost');
  });
});

test('with its file capability a user without privilege has an engine; without, it is found out', async () => {
  const probe = { address: '127.0.0.1' as Address, method: 'udp', ttl: 1, flow: 0, waitSeconds: 1 } as const;
  const hears = async (program: string): Promise<string> => {
    const process = new MtrProcess({ ...options, program });
    const problem = await process.open();
    const kind =
      problem ?? (await new Promise<string>((resolve) => process.send(probe, (came) => resolve(came.kind))));
    await process.close();
    return kind;
  };
  // Debian's package gives it the capability; a copy of the file has none.
  assert.equal(await hears(lab.inside('/usr/bin/mtr-packet', 'nobody')), 'reply');
  assert.notEqual(await hears(lab.inside(copy, 'nobody')), 'reply');
});

test('root has its own scamper without asking, on this very machine', async () => {
  const chosen = await chooseEngine({ choice: 'auto', clock: systemClock, log: quiet, owner: null });
  assert.ok(chosen.ok, chosen.ok ? '' : chosen.say);
  assert.equal(chosen.engine.name, 'scamper');
  assert.equal(
    pinged(await chosen.engine.ping(pingTask({ address: '127.0.0.1' as Address }))).outcome.kind,
    'reply',
  );
  await chosen.engine.close();
  const fallback = await chooseEngine({ choice: 'mtr-packet', clock: systemClock, log: quiet, owner: null });
  assert.ok(fallback.ok, fallback.ok ? '' : fallback.say);
  assert.equal(fallback.engine.name, 'mtr-packet');
  await fallback.engine.close();
});
