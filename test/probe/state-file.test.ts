/** What survives a restart, and what becomes of a file with damage. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { keptFor, readState, State } from '../../src/probe/state.ts';
import type { Lookup } from '../../src/probe/targets.ts';
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
    ...(lookup === undefined ? {} : { lookup }),
  });
  const { agent, targets, clock, log } = probe;
  const state = new State(
    { path, watched: () => agent.watched(), names: () => targets.names(), clock, log },
    read,
  );
  holder.state = state;
  return { ...probe, state, warning: read.warning };
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

test('no file is no warning; an empty one, one of another make, and noise are set aside with words', (t) => {
  const dir = folder(t);
  assert.deepEqual(readState(join(dir, 'none')), { entries: new Map(), names: new Map(), warning: null });
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
