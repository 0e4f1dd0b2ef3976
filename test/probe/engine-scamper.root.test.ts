/** The real scamper on the laboratory: 11 hops, 2 ms for each link and way. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Address, Method, TraceRecord } from '../../src/probe/core/record.ts';
import type { Engine } from '../../src/probe/engine/engine.ts';
import { type Opened, openScamper, openScamperAt } from '../../src/probe/engine/scamper.ts';
import { milliseconds, minutes, systemClock } from '../../src/time.ts';
import { eventually, projectFolder } from '../kit/process.ts';
import { Lab, mainPath, processesWith } from '../lab/lab.ts';
import { measured, pinged, pingTask, quiet, target4, target6, traceTask } from './engine-kit.ts';

const nobody = { uid: 65_534, gid: 65_534 };
const quick = { first: milliseconds(50), most: milliseconds(200), good: minutes(1) };

let lab: Lab;
let engine: Engine;
let runs: string;

async function open(name: string): Promise<Engine> {
  runs = join(lab.folder, name);
  mkdirSync(runs);
  const options = {
    clock: systemClock,
    log: quiet,
    restarts: quick,
    pulse: milliseconds(300),
    owner: nobody,
  };
  const opened = await openScamper({ ...options, program: lab.inside('/usr/bin/scamper'), runBase: runs });
  assert.ok(opened.ok, opened.ok ? '' : opened.why);
  return opened.engine;
}

before(async () => {
  lab = new Lab(2);
  engine = await open('main');
});
after(async () => {
  await engine?.close();
  lab?.close();
});
afterEach(() => lab.run('path', 'main'));

const addresses = ({ hops }: TraceRecord) => hops.map(({ probes }) => probes.map(({ address }) => address));
const leastTimes = ({ hops }: TraceRecord): number[] =>
  hops.map(({ probes }) => Math.min(...probes.map(({ rtt }) => rtt ?? Number.POSITIVE_INFINITY)));
const target = (n: number): Address => `198.51.100.${n}` as Address;
const versions = [4, 6] as const;
const at = (version: 4 | 6): Address => (version === 4 ? target4 : target6);

/** Those of its two daemons that do the probing, not the helpers that open sockets for them. */
const daemons = (folder = runs) =>
  processesWith(folder).filter(({ name, uid }) => name === 'scamper' && uid !== 0);

describe('on a path that works', () => {
  test('pings of both versions take the time of 22 links', async () => {
    for (const version of versions) {
      const times: number[] = [];
      for (let n = 0; n < 5 || (n < 50 && Math.min(...times) >= 64); n++) {
        const { outcome } = pinged(await engine.ping(pingTask({ address: at(version) })));
        assert.ok(outcome.kind === 'reply');
        times.push(outcome.rtt);
      }
      const least = Math.min(...times);
      assert.ok(least >= 44 && least < 64, `${times}`);
    }
  });

  for (const method of ['udp', 'icmp', 'tcp'] as const) {
    test(`traces by ${method}, of both versions, name every hop, each later than the one before`, async () => {
      for (const version of versions) {
        const task = traceTask({ method, address: at(version), probesPerHop: 3 });
        const last = version === 6 && method === 'udp' ? '2001:db8:0:14::2' : at(version);
        const expected = [...mainPath(version), last].map((address) => [address, address, address]);
        const best: number[] = expected.map(() => Number.POSITIVE_INFINITY);
        // On a busy machine the links take longer: of each hop the least of several traces.
        const record = await eventually(
          async () => {
            const traced = measured(await engine.trace(task));
            leastTimes(traced).forEach((least, index) => {
              best[index] = Math.min(best[index] ?? 0, least);
            });
            return traced;
          },
          () => best.every((least, index) => least < 4 * (index + 1) + 20),
          60_000,
        );
        assert.equal(record.end, 'reached');
        assert.deepEqual(addresses(record), expected);
        assert.ok(
          leastTimes(record).every((least, index) => least >= 4 * (index + 1)),
          `${leastTimes(record)}`,
        );
      }
    });
  }

  test('first hop and last hop are kept, and a hop that says nothing has its place', async () => {
    lab.run('silent', 'r6', 'on');
    try {
      const some = measured(await engine.trace(traceTask({ firstHop: 7, maxHops: 9, retries: 0 })));
      assert.equal(some.end, 'max-hops');
      assert.deepEqual(
        some.hops.map(({ ttl }) => ttl),
        [7, 8, 9],
      );
      assert.deepEqual(addresses(some), [['192.0.2.19'], [null], ['192.0.2.35']]);
    } finally {
      lab.run('silent', 'r6', 'off');
    }
  });

  test('200 targets at once, each pinged and traced', async () => {
    const targets = Array.from({ length: 200 }, (_, n) => target(n + 20));
    const pings = Promise.all(targets.map((address) => engine.ping(pingTask({ address }))));
    const traces = Promise.all(
      targets.map((address, flow) => engine.trace(traceTask({ address, flow, firstHop: 3, retries: 2 }))),
    );
    for (const record of (await traces).map((answer) => measured(answer))) {
      assert.equal(record.end, 'reached');
      const seen = addresses(record).map((probes) => probes.at(-1));
      assert.deepEqual(seen, [...mainPath(4).slice(2), record.address]);
    }
    const lost = (await pings)
      .map((answer) => pinged(answer))
      .filter(({ outcome }) => outcome.kind !== 'reply');
    assert.deepEqual(lost, []);
    assert.ok((engine.cpuSeconds() ?? 0) > 0);
  });
});

describe('on a path that does not', () => {
  test('a blackhole is silence, and pings go on while a trace waits for nothing', async () => {
    lab.run('path', 'blackhole');
    const trace = engine.trace(traceTask({ firstHop: 6, retries: 0 }));
    const begun = Date.now();
    assert.deepEqual(pinged(await engine.ping(pingTask())).outcome, { kind: 'lost' });
    assert.ok(Date.now() - begun < 2500, 'the ping did not wait for the trace');
    const record = measured(await trace);
    assert.equal(record.end, 'silent');
    assert.deepEqual(addresses(record), [['192.0.2.17'], ['192.0.2.19'], [null], [null], [null]]);
  });

  test('a router that refuses is named with its words', async () => {
    lab.run('path', 'reject');
    const words = { 4: 'host unreachable', 6: 'no route to the destination' };
    const from = { 4: '192.0.2.21', 6: '2001:db8:0:b::2' };
    for (const version of versions) {
      const record = measured(await engine.trace(traceTask({ address: at(version), firstHop: 7 })));
      assert.equal(record.end, 'unreachable');
      assert.equal(record.said, words[version]);
      assert.equal(addresses(record).at(-1)?.at(-1), from[version]);
      // Linux says it five times, and then once a second.
      const outcome = await eventually(
        async () => pinged(await engine.ping(pingTask({ address: at(version) }))).outcome,
        ({ kind }) => kind === 'error',
      );
      assert.deepEqual(outcome, { kind: 'error', from: from[version], why: words[version] });
    }
  });

  test('a loop is one', async () => {
    lab.run('path', 'loop');
    for (const version of versions) {
      const record = measured(
        await engine.trace(traceTask({ address: at(version), firstHop: 7, retries: 2 })),
      );
      assert.equal(record.end, 'loop');
      const seen = addresses(record).map((probes) => probes.at(-1));
      assert.equal(seen.at(-1), seen.at(-3));
    }
  });

  test('where there is no route from here, nothing is said of the target', async () => {
    const [to4, to6] = ['192.0.2.1', '2001:db8:0:1::2'];
    lab.run('exec', 'ip', 'route', 'del', 'default');
    lab.run('exec', 'ip', '-6', 'route', 'del', 'default');
    try {
      for (const version of versions) {
        const { outcome } = pinged(await engine.ping(pingTask({ address: at(version) })));
        assert.equal(outcome.kind, 'unsent');
        const trace = await engine.trace(traceTask({ address: at(version) }));
        assert.ok(!trace.ok && trace.why === 'refused');
      }
    } finally {
      lab.run('exec', 'ip', 'route', 'add', 'default', 'via', to4);
      lab.run('exec', 'ip', '-6', 'route', 'add', 'default', 'via', to6);
    }
    assert.equal(pinged(await engine.ping(pingTask())).outcome.kind, 'reply');
  });
});

test('under load sharing by flow, each target shows one path, and both ways are in use', async () => {
  lab.run('ecmp', 'flow');
  try {
    const way = async (method: Method, version: 4 | 6, flow: number): Promise<string> => {
      const task = traceTask({ method, address: at(version), firstHop: 3, maxHops: 3, retries: 4, flow });
      return addresses(measured(await engine.trace(task)))[0]?.at(-1) ?? 'nobody';
    };
    for (const version of versions) {
      for (const method of ['udp', 'icmp', 'tcp'] as const) {
        const ways = new Set<string>();
        for (let n = 0; n < (method === 'udp' ? 50 : 15); n++) ways.add(await way(method, version, 7));
        assert.equal(ways.size, 1, `${method} ${version}: ${[...ways]}`);
      }
    }
    const all = new Set<string>();
    for (let flow = 0; flow < 16; flow++) all.add(await way('udp', 4, flow));
    assert.equal(all.size, 2);
  } finally {
    lab.run('ecmp', 'off');
  }
});

describe('when it is ill-treated', () => {
  const inFlight = async (harm: (pid: number) => void): Promise<void> => {
    lab.run('path', 'blackhole');
    // One after the other, as many as there are daemons.
    const [ping, trace] = [engine.ping(pingTask()), engine.trace(traceTask({ firstHop: 6 }))];
    await eventually(daemons, (found) => found.length === 2);
    const before = daemons();
    for (const { pid } of before) harm(pid);
    for (const answer of await Promise.all([ping, trace])) {
      assert.ok(!answer.ok && answer.why === 'engine-lost', JSON.stringify(answer));
    }
    lab.run('path', 'main');
    await eventually(
      () => engine.problem(),
      (problem) => problem === null,
    );
    assert.equal(pinged(await engine.ping(pingTask())).outcome.kind, 'reply');
    assert.equal(measured(await engine.trace(traceTask())).end, 'reached');
    const now = daemons();
    assert.equal(now.length, 2);
    assert.ok(now.every(({ pid }) => before.every((old) => old.pid !== pid)));
  };

  test('killed in mid-flight, what was in flight is lost, and it works again', () =>
    inFlight((pid) => process.kill(pid, 'SIGKILL')));

  test('stopped, it is found out, and works again', () => inFlight((pid) => process.kill(pid, 'SIGSTOP')));

  test('with its keeper killed as well, it works again', () =>
    inFlight((pid) => {
      for (const keeper of processesWith(runs)) if (keeper.name === 'sh') process.kill(keeper.pid, 'SIGKILL');
      process.kill(pid, 'SIGKILL');
    }));

  test('closed, it leaves no process, no socket and no folder', async () => {
    const [mine, other] = [runs, await open('closing')];
    assert.equal(pinged(await other.ping(pingTask())).outcome.kind, 'reply');
    const waiting = [
      other.trace(traceTask({ address: target(9) })),
      other.ping(pingTask({ address: target(9) })),
    ];
    assert.equal(readdirSync(runs).length, 1);
    await other.close();
    for (const answer of await Promise.all(waiting)) assert.ok(!answer.ok && answer.why === 'engine-lost');
    assert.deepEqual(readdirSync(runs), []);
    await eventually(
      () => processesWith(runs),
      (left) => left.length === 0,
    );
    runs = mine;
    assert.equal(daemons().length, 2, 'the other engine goes on');
  });

  test('a program that does not start says why', async () => {
    const options = { clock: systemClock, log: quiet, owner: null, runBase: lab.folder };
    for (const program of ['/usr/bin/false', '/nonexistent/scamper', '/usr/bin/ip']) {
      const opened = await openScamper({ ...options, program });
      assert.ok(!opened.ok && opened.why.includes('does not start'), program);
    }
    const nowhere = await openScamper({ ...options, program: '/usr/bin/scamper', runBase: '/nonexistent' });
    assert.ok(!nowhere.ok && nowhere.why.includes('ENOENT'));
  });
});

test('without any delay, 600 pings at once, again and again: not one is lost', async () => {
  const near = new Lab(0);
  const options = { clock: systemClock, log: quiet, owner: null, runBase: near.folder };
  const opened: Opened = await openScamper({ ...options, program: near.inside('/usr/bin/scamper') });
  assert.ok(opened.ok, opened.ok ? '' : opened.why);
  const far = opened.engine;
  try {
    for (let round = 0; round < 3; round++) {
      const tasks = Array.from({ length: 600 }, (_, n) =>
        pingTask({ address: `10.99.${n >> 8}.${n & 255}` as Address }),
      );
      const answers = await Promise.all(tasks.map((task) => far.ping(task)));
      assert.deepEqual(
        answers.map((answer) => pinged(answer)).filter(({ outcome }) => outcome.kind !== 'reply'),
        [],
      );
    }
  } finally {
    await far.close();
    near.close();
  }
});

/** A program of its own with an engine: its privilege can be dropped, and it can be killed. */
function agent(story: string, folder: string) {
  mkdirSync(folder, { recursive: true });
  const source = (name: string): string => JSON.stringify(join(projectFolder, 'src', name));
  const code = `
    import { openScamper } from ${source('probe/engine/scamper.ts')};
    import { dropPrivileges, findOwner } from ${source('probe/engine/privilege.ts')};
    import { systemClock, seconds, milliseconds, minutes } from ${source('time.ts')};
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const { owner } = findOwner('nobody');
    const options = { clock: systemClock, log, owner, pulse: milliseconds(700) };
    const program = ${JSON.stringify(lab.inside('/usr/bin/scamper'))};
    const { engine } = await openScamper({ ...options, program, runBase: ${JSON.stringify(folder)} });
    const ping = async () => {
      const answer = await engine.ping({ address: '198.51.100.7', timeout: seconds(1), count: 1, every: seconds(1) });
      return answer.ok ? answer.record[0].outcome.kind : answer.why;
    };
    ${story}`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
}

test('an agent that has dropped its privilege still has an engine, even one that was killed', async () => {
  const folder = join(lab.folder, 'dropped');
  const child = agent(
    `
    console.log(JSON.stringify(dropPrivileges(owner)), process.getuid(), process.getgid(), process.getgroups().join());
    try { process.setuid(0); console.log('root again'); } catch { console.log('never root again'); }
    console.log(await ping());
    process.stdin.once('data', async () => {
      let said = '';
      for (let n = 0; n < 40 && said !== 'reply'; n++) said = await ping();
      console.log(said);
      await engine.close();
      console.log('closed');
      process.exit(0);
    });`,
    folder,
  );
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await eventually(
    () => said,
    (text) => text.includes('reply'),
  );
  assert.match(said, /^\{"ok":true,"dropped":true\} 65534 65534 65534\nnever root again\nreply\n$/);
  for (const { pid } of daemons(folder)) process.kill(pid, 'SIGKILL');
  child.stdin.write('go on\n');
  assert.equal(await ended, 0);
  assert.match(said, /reply\nclosed\n$/);
  assert.deepEqual(readdirSync(folder), []);
});

test('an agent that is killed leaves no process, no socket and no folder', async () => {
  const folder = join(lab.folder, 'killed');
  const child = agent(
    `dropPrivileges(owner); console.log(await ping()); setInterval(() => 0, 1000);`,
    folder,
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  assert.equal(daemons(folder).length, 2);
  child.kill('SIGKILL');
  await eventually(
    () => [processesWith(folder), existsSync(folder) ? readdirSync(folder) : []],
    ([processes, files]) => processes?.length === 0 && files?.length === 0,
  );
});

test('another scamper is used by its socket', async () => {
  const path = join(lab.folder, 'elsewhere');
  const args = ['-p', '1000', '-w', '0', '-U', path, '-O', 'json', '-o', '/dev/null'];
  const daemon = spawn(lab.inside('/usr/bin/scamper'), args, { stdio: 'ignore' });
  try {
    await eventually(() => existsSync(path), Boolean);
    const opened = await openScamperAt(path, { clock: systemClock, log: quiet });
    assert.ok(opened.ok);
    assert.equal(pinged(await opened.engine.ping(pingTask())).outcome.kind, 'reply');
    assert.equal(measured(await opened.engine.trace(traceTask())).end, 'reached');
    assert.equal(opened.engine.cpuSeconds(), null);
    await opened.engine.close();
    assert.equal(daemon.exitCode, null, 'it belongs to somebody else');
  } finally {
    daemon.kill('SIGKILL');
  }
});

test('the user of the agent, and nobody else, may use its engine', () => {
  const [folder = ''] = readdirSync(runs);
  const socket = join(runs, folder, 'ping');
  const connects = (uid: number): number | null => {
    const as = ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', 'test', '-w', socket];
    return spawnSync('setpriv', as).status;
  };
  assert.equal(connects(nobody.uid), 0);
  assert.equal(connects(33), 1);
});
