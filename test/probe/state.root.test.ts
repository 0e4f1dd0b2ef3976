/** A full disk under the state file, on a small file system of the test's own: needs root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { State } from '../../src/probe/state.ts';
import { behindLinks } from '../../src/probe/state-lock.ts';
import { readState } from '../../src/probe/state-read.ts';
import { seconds } from '../../src/time.ts';
import { disk, fill } from '../kit/disk.ts';
import { rig } from './kit.ts';

const nothing = { entries: new Map(), names: new Map(), untouchable: false };
const nobody = 65_534;

test('a full disk is a warning: the probe goes on, the old file stays, and with room it is saved again', async (t) => {
  const folder = disk(t, '4m');
  const path = join(folder, 'probe.state');
  const probe = rig();
  const { agent, clock, log } = probe;
  const state = new State({ path, watched: () => agent.watched(), names: () => [], clock, log }, nothing);
  probe.start(...Array.from({ length: 50 }, (_, n) => `10.0.0.${n}`));
  await probe.pass(seconds(5));
  await state.save();
  assert.equal(readState(path).entries.size, 50);

  const filler = fill(folder);
  for (let n = 0; n < 3; n++) await state.save();
  assert.equal(probe.logged.filter(({ text }) => /the disk is full: make room/.test(text)).length, 1);
  assert.deepEqual(readdirSync(folder).sort(), ['filler', 'probe.state'], 'nothing half is left');
  assert.equal(readState(path).entries.size, 50);
  const before = probe.of('ping');
  await probe.pass(seconds(5));
  assert.ok(probe.of('ping') > before);

  rmSync(filler);
  await state.save();
  assert.ok(probe.logged.some(({ text }) => /the state is saved again/.test(text)));
  assert.equal(readState(path).entries.size, 50);
});

test('a read-only file system is named', async (t) => {
  const folder = disk(t, '4m');
  execFileSync('mount', ['-o', 'remount,ro', folder]);
  const probe = rig();
  const { agent, clock, log } = probe;
  const state = new State(
    { path: join(folder, 'probe.state'), watched: () => agent.watched(), names: () => [], clock, log },
    nothing,
  );
  await state.save();
  assert.ok(probe.logged.some(({ text }) => /the file system is read-only/.test(text)));
});

test('a file that this user may not read is not written over, though the folder would allow it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o777);
  const path = join(folder, 'probe.state');
  writeFileSync(path, 'of root', { mode: 0o600 });
  const probe = rig();
  const { agent, clock, log } = probe;
  process.seteuid?.(nobody);
  try {
    const read = readState(path);
    assert.match(read.warning ?? '', /cannot be read: this user may not read it.*Nothing is saved while/);
    const options = { path, watched: () => agent.watched(), names: () => [], clock, log };
    await new State(options, read).save();
  } finally {
    process.seteuid?.(0);
  }
  assert.equal(readFileSync(path, 'utf8'), 'of root');
  assert.deepEqual(readdirSync(folder), ['probe.state']);
  assert.ok(
    probe.logged.some(
      ({ text }) =>
        /cannot be saved.*is not written over/.test(text) ||
        /is not written over.*cannot be saved/.test(text),
    ),
  );
});

test('links of another user are not followed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [link, file] = [join(folder, 'probe.state'), join(folder, 'other')];
  symlinkSync(file, link);
  assert.equal(behindLinks(link), file);
  lchownSync(link, nobody, nobody);
  assert.equal(behindLinks(link), link);
});
