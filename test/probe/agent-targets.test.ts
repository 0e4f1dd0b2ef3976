/** From names to addresses, and what may not be watched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesMax, parseTarget, splitInterval } from '../../src/probe/target.ts';
import { refreshEvery } from '../../src/probe/targets.ts';
import { alertId } from '../../src/probe/updates.ts';
import { minutes, seconds } from '../../src/time.ts';
import { address, noon, rig, targetOf } from './kit.ts';

const failed = (code: string): Error => Object.assign(new Error(code), { code });
const watchedBy = (probe: ReturnType<typeof rig>): readonly string[] =>
  [...probe.agent.watched()].map((one) => one.address);

test('a name is watched at all its addresses, IPv4 and IPv6, once each', async () => {
  const probe = rig({ lookup: async () => ['192.0.2.7', '2001:DB8:0::7', '192.0.2.7', '::ffff:192.0.2.7'] });
  probe.start('www.example.net');
  await probe.pass(seconds(5));
  assert.deepEqual(watchedBy(probe), ['192.0.2.7', '2001:db8::7']);
  assert.equal(probe.agent.find(address('2001:db8::7'))?.target.word, 'www.example.net');
});

test('addresses come and go with the name', async () => {
  let found = ['192.0.2.1', '192.0.2.2'];
  const probe = rig({ lookup: async () => found });
  probe.start('www.example.net');
  await probe.pass(seconds(5));
  found = ['192.0.2.2', '192.0.2.3'];
  await probe.pass(refreshEvery);
  await probe.pass(seconds(90));
  assert.deepEqual(
    [...watchedBy(probe)].sort(),
    ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
    'one answer drops none',
  );
  await probe.pass(minutes(15));
  assert.deepEqual([...watchedBy(probe)].sort(), ['192.0.2.2', '192.0.2.3']);
});

test('a name server that fails changes nothing, and is named once', async () => {
  let answer: () => Promise<readonly string[]> = async () => ['192.0.2.1'];
  const probe = rig({ lookup: () => answer() });
  probe.start(targetOf('www.example.net', { pingEvery: seconds(60), traceEvery: minutes(5) }));
  await probe.pass(seconds(5));
  answer = async () => {
    throw failed('EAI_AGAIN');
  };
  await probe.pass(minutes(60));
  assert.deepEqual(watchedBy(probe), ['192.0.2.1']);
  assert.equal(probe.logged.filter(({ text }) => /name servers do not answer/.test(text)).length, 1);
});

test('a name that leads nowhere is tried again, and watched once it does', async () => {
  let known = false;
  const probe = rig({
    lookup: async () => {
      if (known) return ['192.0.2.1'];
      throw failed('ENOTFOUND');
    },
  });
  probe.start('www.example.net');
  await probe.pass(seconds(10));
  assert.deepEqual(watchedBy(probe), []);
  assert.equal([...probe.targets.list()][0]?.problem, 'there is no such host');
  known = true;
  await probe.pass(minutes(3));
  assert.deepEqual(watchedBy(probe), ['192.0.2.1']);
});

/** What is said of names, as lines. */
const namesTold = (probe: ReturnType<typeof rig>): readonly string[] =>
  probe.records.flatMap((record) =>
    record.kind === 'name' ? `${record.target.word} ${record.change.state}: ${record.change.summary}` : [],
  );

test('a name that goes on leading nowhere is said to the stations, and that it leads somewhere again', async () => {
  let answer: () => Promise<readonly string[]> = async () => {
    throw failed('EAI_AGAIN');
  };
  const probe = rig({ lookup: () => answer() });
  probe.start('DB.example.org');
  await probe.pass(seconds(150));
  assert.deepEqual(namesTold(probe), [], 'not at the first failure');
  await probe.pass(seconds(60));
  const raised = 'no address found (the name servers do not answer), since 12:00 UTC';
  assert.deepEqual(namesTold(probe), [`DB.example.org raised: ${raised}`]);
  await probe.pass(minutes(30));
  assert.equal(namesTold(probe).length, 1, 'told once');
  const [standing, ...others] = probe.targets.standing();
  assert.ok(standing !== undefined && others.length === 0);
  assert.equal(alertId(standing), 'unresolved db.example.org');
  assert.equal(standing.change.at, noon, 'it stands since the first failure');
  answer = async () => {
    throw failed('ENOTFOUND');
  };
  await probe.pass(minutes(2));
  assert.match(
    namesTold(probe).at(-1) ?? '',
    /raised: no address found \(there is no such host\), since 12:00/,
  );
  answer = async () => ['192.0.2.1'];
  await probe.pass(minutes(2));
  assert.match(namesTold(probe).at(-1) ?? '', /cleared: its name leads to an address again, after 3\dm$/);
  assert.deepEqual(probe.targets.standing(), []);
  assert.equal(namesTold(probe).length, 3);
});

test('a name that leads nowhere any more is said after a longer while, for it is still watched', async () => {
  let answer: () => Promise<readonly string[]> = async () => ['192.0.2.1', '192.0.2.2'];
  const probe = rig({ lookup: () => answer() });
  probe.start(targetOf('www.example.net', { pingEvery: minutes(1), traceEvery: minutes(5) }));
  await probe.pass(seconds(30));
  answer = async () => {
    throw failed('ENOTFOUND');
  };
  await probe.pass(minutes(45));
  assert.deepEqual(namesTold(probe), []);
  await probe.pass(minutes(30));
  assert.deepEqual(namesTold(probe), [
    'www.example.net raised: no address found (there is no such host), since 12:05 UTC; still watched at 192.0.2.1 and 1 more',
  ]);
  assert.equal(watchedBy(probe).length, 2);
});

test('a name that leads nowhere and is removed is cleared; one that loses a family is no alert', async () => {
  let found = ['192.0.2.1', '2001:db8::1'];
  const probe = rig({
    lookup: async (host) => {
      if (host === 'www.example.net') return found;
      throw failed('ENOTFOUND');
    },
  });
  probe.start('www.example.net', 'gone.example.net');
  await probe.pass(minutes(4));
  assert.equal(namesTold(probe).length, 1);
  probe.targets.remove('gone.example.net');
  assert.equal(namesTold(probe).at(-1), 'gone.example.net cleared: gone.example.net is not watched any more');
  assert.deepEqual(probe.targets.standing(), []);
  found = ['192.0.2.1'];
  await probe.pass(minutes(80));
  assert.equal(namesTold(probe).length, 2);
});

test('a name with hundreds of addresses is watched at a bounded number of them, always the same', async () => {
  const many = Array.from({ length: 300 }, (_, n) => `203.0.113.${n % 250}`);
  const probe = rig({ lookup: async () => many.toSorted(() => Math.random() - 0.5) });
  probe.start(targetOf('many.example.net', { pingEvery: seconds(60), traceEvery: minutes(10) }));
  await probe.pass(seconds(5));
  const before = watchedBy(probe);
  assert.equal(before.length, addressesMax);
  assert.ok(probe.logged.some(({ text }) => /250 addresses, of which 16 are watched/.test(text)));
  await probe.pass(minutes(60));
  assert.deepEqual(watchedBy(probe), before);
});

test('a name that leads to this machine or to a group is refused in words', async () => {
  const answers: Record<string, readonly string[]> = {
    'sink.example.net': ['127.0.0.1', '::1'],
    'group.example.net': ['224.0.0.1', 'ff02::1'],
    'any.example.net': ['0.0.0.0', '::'],
    'mixed.example.net': ['127.0.0.1', '192.0.2.9'],
    localhost: ['127.0.0.1'],
  };
  const probe = rig({ lookup: async (host) => answers[host] ?? [] });
  probe.start(...Object.keys(answers));
  await probe.pass(seconds(10));
  assert.deepEqual([...watchedBy(probe)].sort(), ['127.0.0.1', '192.0.2.9'], 'localhost says what it is');
  const words = [...probe.targets.list()].map(({ problem }) => problem ?? '').join('\n');
  assert.match(words, /127\.0\.0\.1 is this machine itself \(loopback\)/);
  assert.match(words, /224\.0\.0\.1 is the address of a group \(multicast\)/);
  assert.match(words, /0\.0\.0\.0 is the address of no machine/);
});

test('what can be no target is refused with a reason', () => {
  const why = (word: string): string => {
    const parsed = parseTarget(word);
    return parsed.ok ? 'taken' : parsed.why;
  };
  assert.match(why('224.0.0.5'), /multicast/);
  assert.match(why('ff02::1'), /multicast/);
  assert.match(why('255.255.255.255'), /broadcast/);
  assert.match(why('0.0.0.0'), /no machine/);
  assert.match(why('::'), /no machine/);
  assert.match(why('240.0.0.1'), /no machine/);
  assert.match(why('fe80::1'), /one link/);
  assert.match(why('fe80::1%eth0'), /one link/);
  assert.match(why('127.1'), /not an IPv4 address/);
  assert.match(why('2130706433'), /not an IPv4 address/);
  assert.match(why('example.net:80'), /no port/);
  assert.match(why('192.0.2.1:80'), /no port/);
  assert.match(why('http://example.net/'), /./);
  assert.match(why('a b'), /not a host name/);
  assert.match(why('-x.example.net'), /not a host name/);
  for (const bad of ['a\u0000b', 'a\u001bb', '\u202eexample.net', '\ud800'])
    assert.match(why(bad), /control character/);
  assert.match(why(''), /empty/);
  assert.match(why('x'.repeat(10_000)), /more than 253/);
  for (const good of ['127.0.0.1', '::1', '[2001:db8::1]', '169.254.1.1', 'localhost', 'a_b.example.net']) {
    assert.equal(why(good), 'taken', good);
  }
});

test('TARGET/SECONDS says how often it is pinged', () => {
  assert.deepEqual(splitInterval('google.de/60'), { word: 'google.de', every: seconds(60) });
  assert.deepEqual(splitInterval('google.de/0.5'), { word: 'google.de', every: seconds(0.5) });
  assert.deepEqual(splitInterval('2001:db8::1/2m'), { word: '2001:db8::1', every: minutes(2) });
  for (const wrong of ['x/0', 'x/', 'x/-1', 'x/1e3', 'x/999999', 'x/0.01']) {
    assert.ok('fault' in splitInterval(wrong), wrong);
  }
});

test('two targets that lead to one address watch it once, and it stays until both are gone', async () => {
  const probe = rig({ lookup: async () => ['192.0.2.1'] });
  probe.start('a.example.net', 'b.example.net', '192.0.2.1');
  await probe.pass(seconds(5));
  assert.deepEqual(watchedBy(probe), ['192.0.2.1']);
  const owner = (): string | undefined => probe.agent.find(address('192.0.2.1'))?.target.word;
  assert.equal(owner(), '192.0.2.1', 'the address was there before the names were looked up');
  probe.targets.remove('192.0.2.1');
  assert.match(owner() ?? '', /^[ab]\.example\.net$/);
  probe.targets.remove('a.example.net');
  probe.targets.remove('b.example.net');
  assert.deepEqual(watchedBy(probe), []);
});

test('an address of a name that is removed by hand does not come back with the next look-up', async () => {
  const probe = rig({ lookup: async () => ['192.0.2.1', '192.0.2.2'] });
  probe.start('www.example.net');
  await probe.pass(seconds(5));
  assert.deepEqual(probe.targets.remove('192.0.2.1'), ['192.0.2.1']);
  await probe.pass(minutes(20));
  assert.deepEqual(watchedBy(probe), ['192.0.2.2']);
});

test('ten thousand names are looked up a few at a time', async () => {
  let [now, most] = [0, 0];
  const probe = rig({
    lookup: async (host) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((turn) => setImmediate(turn));
      now -= 1;
      return [`10.${host.length}.0.${Number(host.slice(1, 3))}`];
    },
  });
  for (let n = 0; n < 10_000; n++) {
    probe.targets.add(targetOf(`h${n}.example.net`, { pingEvery: minutes(60), traceEvery: minutes(60) }));
  }
  for (let tries = 0; !probe.targets.settled() && tries < 100_000; tries++) {
    await new Promise((turn) => setImmediate(turn));
  }
  assert.ok(probe.targets.settled());
  assert.ok(most <= 2, `${most} at once`);
});

test('a clock that is set back holds up no look-up', async () => {
  let looked = 0;
  const probe = rig({
    lookup: async () => {
      looked += 1;
      return ['192.0.2.1'];
    },
  });
  probe.start(targetOf('www.example.net', { pingEvery: minutes(1), traceEvery: minutes(5) }));
  await probe.pass(minutes(6));
  const before = looked;
  probe.clock.set(minutes(-600));
  await probe.pass(minutes(12));
  assert.ok(looked >= before + 2, `${looked} after ${before}`);
});
