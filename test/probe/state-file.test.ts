/** What survives a restart, and what becomes of a file with damage. */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { defaultRules } from '../../src/probe/core/rules.ts';
import { targetLines } from '../../src/probe/metrics-text.ts';
import { Packed } from '../../src/probe/packed.ts';
import { keptFor, keptMax, State } from '../../src/probe/state.ts';
import { behindLinks } from '../../src/probe/state-lock.ts';
import { lineMax, readState } from '../../src/probe/state-read.ts';
import type { Lookup } from '../../src/probe/targets.ts';
import { fullUpdates } from '../../src/probe/updates.ts';
import { days, minutes, plus, seconds, systemClock } from '../../src/time.ts';
import { eventually } from '../kit/process.ts';
import { address, pathOf, pinged, rig, targetOf } from './kit.ts';

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'mauve-state-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const one = '198.51.100.7';

/** A probe that keeps its state there. */
function kept(path: string, lookup?: Lookup) {
  const read = readState(path);
  const holder: { state: State | null } = { state: null };
  const probe = rig({
    recall: (asked) => holder.state?.recall(asked) ?? null,
    recallName: (host) => holder.state?.recallName(host) ?? null,
    keep: (asked, saved) => holder.state?.keep(asked, saved),
    keepName: (host, known) => holder.state?.keepName(host, known),
    ...(lookup === undefined ? {} : { lookup }),
  });
  const { agent, targets, clock, log } = probe;
  const state = new State(
    { path, watched: () => agent.watched(), names: () => targets.names(), clock, log },
    read,
  );
  holder.state = state;
  return { ...probe, state, left: read, warning: read.warning };
}

test('figures, the identity of the path and what is raised survive a restart', async (t) => {
  const path = join(folder(t), 'probe.state');
  const first = kept(path);
  first.start(one);
  await first.pass(seconds(30));
  first.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
  first.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  await first.pass(minutes(2));
  assert.ok(first.verdicts().includes(`unreachable raised ${one}`));
  await first.state.stop();
  const before = first.agent.find(address(one));

  const second = kept(path);
  assert.equal(second.warning, null);
  second.engine.onPing = first.engine.onPing;
  second.engine.onTrace = first.engine.onTrace;
  second.targets.add(targetOf(one));
  const after = second.agent.find(address(one));
  assert.equal(after?.pathId, before?.pathId);
  assert.equal(after?.summary(second.clock.now()).recv, before?.summary(first.clock.now()).recv);
  assert.equal(after?.summary(second.clock.now()).outd, 0, 'what was under way never comes');
  assert.deepEqual(after?.raised, before?.raised);
  assert.equal(second.agent.standing().length, first.agent.standing().length);
  second.agent.start();
  await second.pass(minutes(1));
  assert.deepEqual(second.verdicts(), [], 'people were told already');
});

test('a restart while no name server answers: what stands stays said, until the name leads elsewhere', async (t) => {
  const path = join(folder(t), 'probe.state');
  const host = 'www.example.net';
  const down: Lookup = async () => {
    throw Object.assign(new Error('EAI_AGAIN'), { code: 'EAI_AGAIN' });
  };
  let answer: Lookup = async () => [one, '2001:db8::7'];
  const looked: Lookup = (asked) => answer(asked);
  const first = kept(path, looked);
  const lost = (probe: typeof first): void => {
    probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
    probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  };
  first.start(host, 'gone.example.net');
  await first.pass(seconds(30));
  lost(first);
  await first.pass(minutes(2));
  const stands = first.agent.standing().map(({ address: at }) => at);
  assert.ok(stands.includes(address(one)) && stands.includes(address('2001:db8::7')));
  await first.state.stop();

  answer = down;
  const second = kept(path, looked);
  lost(second);
  second.start(host);
  await second.pass(minutes(6));
  assert.deepEqual(
    second.agent.standing().map(({ address: at }) => at),
    stands,
    'what the next full update says',
  );
  await second.state.stop();

  // Nor is it forgotten by a second restart, or by a name that is not there for a while.
  const third = kept(path, looked);
  third.start('other.example.net');
  await third.pass(minutes(6));
  assert.equal(third.agent.size, 0, 'one that was removed is not watched');
  await third.state.stop();
  const fourth = kept(path, looked);
  lost(fourth);
  fourth.start(host);
  await fourth.pass(seconds(30));
  assert.equal(fourth.agent.standing().length, stands.length);
  answer = async () => ['192.0.2.99'];
  await fourth.pass(minutes(30));
  assert.deepEqual(
    [...fourth.agent.watched()].map((watched) => watched.address),
    ['192.0.2.99'],
  );
  assert.ok(fourth.verdicts().includes(`unreachable cleared ${one}`));
});

test('a name that was said to lead nowhere stays so over a restart, and is cleared once it leads somewhere', async (t) => {
  const path = join(folder(t), 'probe.state');
  let answer: Lookup = async () => [];
  const looked: Lookup = (asked) => answer(asked);
  const first = kept(path, looked);
  first.start('www.example.net');
  await first.pass(minutes(4));
  const [before] = first.targets.standing();
  assert.match(before?.change.summary ?? '', /no address found \(it has no address\)/);
  await first.state.stop();

  const second = kept(path, looked);
  second.start('www.example.net');
  await second.pass(minutes(1));
  assert.deepEqual(second.targets.standing(), [before]);
  assert.equal(second.of('name'), 0, 'people were told already');
  answer = async () => [one];
  await second.pass(minutes(2));
  assert.deepEqual(second.targets.standing(), []);
  assert.equal(second.of('name'), 1);
});

test('what is not watched just now is kept for a week', async (t) => {
  const path = join(folder(t), 'probe.state');
  const first = kept(path);
  first.start(one, '198.51.100.8');
  await first.pass(seconds(5));
  await first.state.stop();

  const second = kept(path);
  second.start(one);
  await second.pass(seconds(5));
  await second.state.save();
  assert.equal(readState(path).entries.size, 2);
  second.clock.set(days(7));
  await second.pass(minutes(1));
  await second.state.save();
  assert.deepEqual([...readState(path).entries.keys()], [one]);
  assert.equal(keptFor, days(7));
});

test('what is let go is kept for a week: figures and the usual path come back, and nothing of it stands', async (t) => {
  const path = join(folder(t), 'probe.state');
  const lost = (probe: ReturnType<typeof kept>): void => {
    probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
    probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  };
  const first = kept(path);
  first.start(one, '198.51.100.8');
  await first.pass(seconds(30));
  lost(first);
  await first.pass(minutes(2));
  const watched = first.agent.find(address(one));
  const { recv } = watched?.summary(first.clock.now()) ?? { recv: 0 };
  assert.ok(recv > 0);
  first.targets.remove(one);
  assert.ok(first.verdicts().includes(`unreachable cleared ${one}`));
  await first.state.stop();
  assert.equal(readState(path).warning, null);
  assert.equal(readState(path).entries.size, 2);

  const second = kept(path);
  lost(second);
  second.targets.add(targetOf(one));
  const again = second.agent.find(address(one));
  assert.equal(again?.pathId, watched?.pathId);
  assert.deepEqual(again?.beginning, watched?.beginning);
  assert.equal(again?.summary(second.clock.now()).recv, recv);
  assert.equal(again?.summary(second.clock.now()).outd, 0);
  assert.deepEqual(second.agent.standing(), []);
  second.agent.start();
  await second.pass(minutes(2));
  assert.deepEqual(second.verdicts(), [`unreachable raised ${one}`], 'it is judged anew');

  // In the same life, too.
  const sent = again?.summary(second.clock.now()).sent ?? 0;
  second.targets.remove(one);
  second.targets.add(targetOf(one));
  assert.notEqual(second.agent.find(address(one)), again);
  assert.ok((second.agent.find(address(one))?.summary(second.clock.now()).sent ?? 0) >= sent - 1);
  assert.deepEqual(second.agent.standing(), []);
});

test('a name that was removed is kept as one that leads somewhere; an address it drops, and returns to, as well', async (t) => {
  const path = join(folder(t), 'probe.state');
  const host = 'www.example.net';
  let found: readonly string[] = [one];
  const first = kept(path, async () => found);
  first.start(host);
  await first.pass(minutes(1));
  const { recv } = first.agent.find(address(one))?.summary(first.clock.now()) ?? { recv: 0 };
  found = ['192.0.2.99'];
  await first.pass(minutes(30));
  assert.equal(first.agent.find(address(one)), null);
  found = [one];
  await first.pass(minutes(6));
  assert.ok((first.agent.find(address(one))?.summary(first.clock.now()).recv ?? 0) > recv + 360);
  first.targets.remove(host);
  await first.state.stop();

  const { names, entries } = readState(path);
  assert.deepEqual([...(names.get(host)?.addresses ?? [])].sort(), ['192.0.2.99', one]);
  assert.equal(names.get(host)?.raised, null);
  assert.equal(entries.size, 2);
});

test('of no more than so many is kept what is not watched: the oldest are forgotten first', async (t) => {
  const path = join(folder(t), 'probe.state');
  const probe = kept(path);
  probe.start(one);
  await probe.pass(seconds(2));
  const saved = probe.agent.find(address(one))?.learnt(probe.clock.now());
  assert.ok(saved);
  const nth = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
  for (let n = 0; n < keptMax + 10; n++) {
    const judged = new Packed({ ...saved.judged.value, address: address(nth(n)) });
    probe.state.keep(address(nth(n)), { ...saved, judged });
    probe.state.keepName(`n${n}.example.net`, { addresses: [], raised: null });
  }
  await probe.state.save();
  const { entries, names } = readState(path);
  assert.equal(entries.size, keptMax + 1);
  assert.equal(names.size, keptMax);
  assert.ok(!entries.has(address(nth(9))) && entries.has(address(nth(10))));
  assert.ok(!names.has('n9.example.net') && names.has('n10.example.net'));
});

test('no file is no warning; an empty one, one of another make, and noise are set aside with words', (t) => {
  const dir = folder(t);
  assert.deepEqual(readState(join(dir, 'none')), {
    entries: new Map(),
    names: new Map(),
    untouchable: false,
    warning: null,
  });
  const wrong: Record<string, string | Uint8Array> = {
    empty: '',
    other: '{"version":9}\n',
    noise: Uint8Array.from({ length: 100_000 }, (_, n) => (n * 7919) & 255),
    deep: '['.repeat(100_000),
  };
  for (const [name, content] of Object.entries(wrong)) {
    const path = join(dir, name);
    writeFileSync(path, content);
    const { entries, warning } = readState(path);
    assert.equal(entries.size, 0);
    assert.match(warning ?? '', /set aside as .*\.damaged/, name);
    assert.ok(!existsSync(path) && existsSync(`${path}.damaged`), name);
  }
});

test('a file that cannot be read is not written over; once it is moved away, the state is saved', async (t) => {
  const path = join(folder(t), 'probe.state');
  // A link in a circle: nobody can read it, not even root.
  symlinkSync(path, path);
  const probe = kept(path);
  assert.match(probe.warning ?? '', /the state cannot be read: ELOOP\. Nothing is saved while it lies there/);
  probe.start(one);
  await probe.pass(seconds(5));
  for (let n = 0; n < 2; n++) await probe.state.save();
  assert.ok(lstatSync(path).isSymbolicLink());
  assert.equal(probe.logged.filter(({ text }) => /is not written over/.test(text)).length, 1, 'said once');
  rmSync(path);
  await probe.state.save();
  assert.equal(readState(path).entries.size, 1);
});

test('links lead to the file that is meant, also before it is there; a circle leads nowhere', (t) => {
  const dir = realpathSync(folder(t));
  const at = (name: string): string => join(dir, name);
  symlinkSync('b.state', at('c.state'));
  symlinkSync('a.state', at('b.state'));
  symlinkSync('round', at('round'));
  for (const name of ['a.state', 'b.state', 'c.state']) assert.equal(behindLinks(at(name)), at('a.state'));
  writeFileSync(at('a.state'), '');
  for (const name of ['a.state', 'b.state', 'c.state']) assert.equal(behindLinks(at(name)), at('a.state'));
  assert.equal(behindLinks(at('round')), at('round'));
});

test('a damaged file that cannot be set aside is not written over', async (t) => {
  const path = join(folder(t), 'probe.state');
  writeFileSync(path, 'noise');
  mkdirSync(`${path}.damaged`);
  const probe = kept(path);
  assert.match(probe.warning ?? '', /cannot be set aside: .*Nothing is saved while it lies there/);
  await probe.state.save();
  assert.equal(readFileSync(path, 'utf8'), 'noise');
});

test('of a damaged file what is sound is used, and the file is set aside', async (t) => {
  const path = join(folder(t), 'probe.state');
  const first = kept(path);
  first.start(...Array.from({ length: 20 }, (_, n) => `10.0.0.${n}`));
  await first.pass(seconds(5));
  await first.state.stop();
  const text = readFileSync(path, 'utf8');
  const lines = text.split('\n');
  const broken = [
    ...lines.slice(0, 5),
    (lines[5] ?? '').replace('10.0.0.', '10.9.9.'),
    ...lines.slice(6, 19),
    'cut of',
  ];
  writeFileSync(path, broken.join('\n'));
  const { entries, warning } = readState(path);
  assert.equal(entries.size, 17);
  assert.match(warning ?? '', /2 of its lines are damaged; 17 are good and are used/);
  assert.ok(existsSync(`${path}.damaged`));
});

const lineOf = (value: object): string => {
  const json = JSON.stringify(value);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
};

/** The values of a state file's lines, the first one aside. */
const linesOf = (path: string): readonly Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line.slice(9)));

const rewrite = (path: string, values: readonly object[]): void => {
  const [head] = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, `${head}\n${values.map(lineOf).join('')}`);
};

/** A state in which something of all kinds is known: two paths, a loss, an outage. */
async function eventful(path: string): Promise<readonly Record<string, unknown>[]> {
  const probe = kept(path, async () => ['198.51.100.9']);
  const slow = { pingEvery: seconds(10), traceEvery: seconds(10), rules: { ...defaultRules, via } };
  for (const word of ['www.example.net', '198.51.100.8', one]) probe.targets.add(targetOf(word, slow));
  probe.agent.start();
  await probe.pass(minutes(5));
  probe.engine.onTrace = (task, at) =>
    pathOf(task, at, ['192.0.2.1', '192.0.2.5', '192.0.2.6', task.address]);
  await probe.pass(minutes(70));
  probe.engine.onPing = (task, at) =>
    pinged(task, at, { kind: 'error', from: address('192.0.2.5'), why: 'no' });
  probe.engine.onTrace = (task, at) => pathOf(task, at, ['192.0.2.1', null, null, null]);
  await probe.pass(minutes(2));
  await probe.state.save();
  return linesOf(path);
}
const via = [{ hop: '192.0.2.77', expect: 'always' }] as const;

test('a line that nothing can be made of costs its target what was learnt, and is named in one line', async (t) => {
  const path = join(folder(t), 'probe.state');
  await eventful(path);
  const lines = linesOf(path);
  const before = lines.length;
  rewrite(
    path,
    lines.map((line) => {
      if (line.address === one) return { ...line, judged: null };
      return line.name === 'www.example.net' ? { ...line, addresses: {} } : line;
    }),
  );
  const probe = kept(path);
  assert.match(
    probe.warning ?? '',
    /what it holds of 198\.51\.100\.7, www\.example\.net cannot be used, and begins anew; \d are good/,
  );
  assert.equal(probe.left.entries.size + probe.left.names.size, before - 2);
  probe.start(one, '198.51.100.8');
  await probe.pass(minutes(1));
  assert.equal(probe.agent.find(address(one))?.raised.length, 0);
  assert.notEqual(probe.agent.find(address('198.51.100.8'))?.raised.length, 0);
  assert.equal(probe.agent.counts.bugs, 0);
});

/** Each value in it, replaced by others or left out: one copy for each. */
function* spoilt(value: unknown, wrong: readonly unknown[]): Generator<unknown> {
  yield* wrong;
  if (typeof value !== 'object' || value === null) return;
  const copy = (key: string, other: unknown): unknown =>
    Array.isArray(value)
      ? value.map((old, n) => (String(n) === key ? other : old))
      : { ...value, [key]: other };
  for (const [key, inner] of Object.entries(value)) {
    yield copy(key, undefined);
    for (const other of spoilt(inner, wrong)) yield copy(key, other);
  }
}

test('whatever stands in a line, the probe starts, judges on, and tells on', async (t) => {
  const path = join(folder(t), 'probe.state');
  const lines = await eventful(path);
  const whole = lines.find((line) => line.address === '198.51.100.8');
  assert.ok(whole !== undefined);
  const text = (one: unknown, n: number): object =>
    JSON.parse(JSON.stringify(one).replaceAll('198.51.100.8', `10.0.${n >> 8}.${n & 255}`)) as object;
  const wrong = [null, 'x', {}, [null], true, 1e300, -7.5];
  // A part of them: all take half a minute.
  const all = [...spoilt(whole.judged, wrong)].filter((_, n) => n % 11 === 0);
  assert.ok(all.length > 300);
  for (let from = 0; from < all.length; from += 500) {
    const some = all.slice(from, from + 500);
    rewrite(
      path,
      some.map((judged, n) => text({ ...whole, judged }, n)),
    );
    const probe = kept(path);
    assert.ok(probe.left.entries.size < some.length);
    probe.start(
      ...some.map((_, n) => targetOf(`10.0.${n >> 8}.${n & 255}`, { rules: { ...defaultRules, via } })),
    );
    await probe.pass(seconds(8));
    probe.engine.onPing = (task, at) => pinged(task, at, { kind: 'lost' });
    await probe.pass(seconds(8));
    assert.deepEqual(probe.logged, []);
    const said = { source: 'a', now: probe.clock.now(), newId: () => 1n, nameOf: () => null };
    fullUpdates(said, probe.agent.standing(), []);
    for (const _ of targetLines(probe.agent, [], probe.clock.now()));
    await probe.state.save();
    assert.equal(readState(path).warning, null, 'what is written again is sound');
  }
});

test('a folder that is not there, or is no folder, is a warning and not an end', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'file'), '');
  for (const path of [join(dir, 'missing/probe.state'), join(dir, 'file/probe.state'), dir]) {
    const probe = kept(path);
    probe.start(one);
    await probe.state.save();
    await probe.state.save();
    assert.equal(
      probe.logged.filter(({ text }) => /the state cannot be saved/.test(text)).length,
      1,
      'said once',
    );
  }
});

test('ten thousand targets are saved without holding up the probe, and read back', async (t) => {
  const path = join(folder(t), 'probe.state');
  const probe = kept(path);
  for (let n = 0; n < 10_000; n++) {
    probe.targets.add(
      targetOf(`10.0.${n >> 8}.${n & 255}`, { pingEvery: minutes(60), traceEvery: minutes(60) }),
    );
  }
  let [longest, last] = [0, systemClock.now() as number];
  let saving = true;
  const watch = (): void => {
    const now = systemClock.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (saving) setImmediate(watch);
  };
  watch();
  await probe.state.save();
  saving = false;
  assert.ok(longest < 500, `held up for ${longest} ms`);
  assert.equal(readState(path).entries.size, 10_000);
});

test('two saves at once write one file, and leave nothing beside it', async (t) => {
  const dir = folder(t);
  const probe = kept(join(dir, 'probe.state'));
  probe.start(one);
  await probe.pass(seconds(5));
  await Promise.all([probe.state.save(), probe.state.save(), probe.state.stop()]);
  assert.deepEqual(readdirSync(dir), ['probe.state']);
});

test('it is saved every few minutes by itself', async (t) => {
  const path = join(folder(t), 'probe.state');
  const probe = kept(path);
  probe.start(targetOf(one, { pingEvery: minutes(1), traceEvery: minutes(5) }));
  probe.state.start();
  assert.ok(!existsSync(path));
  await probe.pass(minutes(6));
  await eventually(
    () => existsSync(path),
    (there) => there,
  );
  assert.ok(plus(probe.clock.now(), minutes(0)) > 0);
});

test('lines of any length are read across the pieces; one that cannot be a line costs itself alone', async (t) => {
  const path = join(folder(t), 'probe.state');
  const first = kept(path);
  first.start(one);
  await first.pass(seconds(5));
  await first.state.stop();
  const [head = '', whole = ''] = readFileSync(path, 'utf8').split('\n');
  const foreign = (n: number, size: number): string =>
    lineOf({
      ...JSON.parse(whole.slice(9)),
      address: `10.0.0.${n}`,
      judged: { version: 3, of: 'x'.repeat(size) },
    });
  const sizes = [60_000, 65_500, 70_000, 500_000, lineMax - 1000, lineMax, lineMax + 100_000, 3 * lineMax];
  const long = sizes.map((size, n) => foreign(n, size)).join('');
  writeFileSync(path, `${head}\n${long}${whole}`);
  const { entries, warning } = readState(path);
  assert.match(warning ?? '', /3 of its lines are damaged; 6 are good and are used/);
  assert.ok(entries.has(address(one)));
  assert.ok(entries.has(address('10.0.0.4')) && !entries.has(address('10.0.0.5')));
});

test('what another version nested without end costs its target and not the start', async (t) => {
  const path = join(folder(t), 'probe.state');
  const first = kept(path);
  first.start(one);
  await first.state.stop();
  const [head = '', whole = ''] = readFileSync(path, 'utf8').split('\n');
  const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const entry = { ...JSON.parse(whole.slice(9)), address: '10.0.0.1', judged: { version: 3, nested: null } };
  const json = JSON.stringify(entry).replace('null', nested);
  const line = `${crc32(json).toString(16).padStart(8, '0')} ${json}`;
  writeFileSync(path, `${head}\n${line}\n${whole}\n`);
  const { entries, warning } = readState(path);
  assert.match(warning ?? '', /what it holds of 10\.0\.0\.1 cannot be used, and begins anew; 1 are good/);
  assert.ok(entries.has(address(one)));
});

test('what is let go, or watched anew, while the state is saved is in what is saved', async (t) => {
  const path = join(folder(t), 'probe.state');
  const probe = kept(path);
  const nth = (n: number): string => `10.0.${n >> 8}.${n & 255}`;
  for (let n = 0; n < 400; n++) probe.targets.add(targetOf(nth(n)));
  for (let n = 0; n < 200; n++) probe.targets.remove(nth(n));
  const saving = probe.state.save();
  for (let n = 0; n < 200; n++) {
    await new Promise(setImmediate);
    probe.targets.add(targetOf(nth(n)));
    probe.targets.remove(nth(399 - n));
  }
  await saving;
  assert.equal(readState(path).entries.size, 400);
});
