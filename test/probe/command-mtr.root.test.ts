/** The real probe that root starts, with mtr-packet: it can end its engine also after it has left root. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { findOwner } from '../../src/probe/engine/privilege.ts';
import { eventually, projectFolder } from '../kit/process.ts';

const nobody = findOwner('nobody');
assert.ok(nobody.ok);

const probe = join(projectFolder, 'bin/mauveprobe');
const args = ['--engine', 'mtr-packet', '--control', 'off', '--metrics', 'off', '--timeout', '1'];
/** With it a file capability counts for nothing, as if the file had none. */
const noCapability = ['setpriv', '--no-new-privs'];

let marker = '';
let child: ChildProcess | null = null;
let stdout = '';
let stderr = '';

function start(before: readonly string[], more: readonly string[]): ChildProcess {
  marker = `MAUVE_TEST_RUN=${randomUUID()}`;
  stdout = '';
  stderr = '';
  const [name = probe, ...rest] = [...before, probe, ...args, ...more, '127.0.0.1'];
  const [key = '', value] = marker.split('=');
  const started = spawn(name, rest, {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [key]: value },
  });
  started.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  started.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  child = started;
  return started;
}

type Seen = { readonly pid: number; readonly uid: number };

/** The probe's own, told by what they inherited. */
function running(name: string): Seen[] {
  return readdirSync('/proc').flatMap((pid): Seen[] => {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/environ`, 'latin1').includes(marker)) return [];
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      if (!status.startsWith(`Name:\t${name}\n`) || /^State:\s+Z/m.test(status)) return [];
      return [{ pid: Number(pid), uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) }];
    } catch {
      return [];
    }
  });
}
const engines = (): Seen[] => running('mtr-packet');

/** @returns its exit code; fails where it takes as long as one that cannot end. */
const ended = (started: ChildProcess): Promise<number | null> =>
  eventually(
    () => started.exitCode,
    (code) => code !== null,
    8000,
  );

/** Resolves when a ping has come back from now on. */
async function answered(): Promise<void> {
  stdout = '';
  await eventually(
    () => stdout,
    (text) => /"outcome":"reply"/.test(text),
  );
}

afterEach(() => {
  child?.kill('SIGKILL');
  for (const { pid } of engines()) process.kill(pid, 'SIGKILL');
});

const cases = [
  { about: 'with the capability on its file', before: [], uid: nobody.owner.uid },
  { about: 'where its capability counts for nothing', before: noCapability, uid: 0 },
] as const;

for (const { about, before, uid } of cases) {
  describe(`mtr-packet, ${about}`, () => {
    test('after its rounds the probe is done, and nothing is left', async () => {
      const started = start(before, ['--rounds', '1', '--trace-interval', '1']);
      assert.equal(await ended(started), 0, stderr);
      assert.deepEqual(engines(), []);
    });

    test('it runs as whom the probe is, a stopped one is ended and replaced, SIGTERM ends both', async () => {
      const started = start(before, ['--json', '--ping-interval', '1']);
      await answered();
      const [first, ...others] = engines();
      assert.ok(first !== undefined && others.length === 0);
      assert.equal(first.uid, uid);
      assert.deepEqual(
        [...new Set(running('mauveprobe').map((seen) => seen.uid))],
        [uid],
        'the agent itself is that user',
      );
      assert.equal(/setcap cap_net_raw.*goes on as root/.test(stderr), uid === 0, stderr);
      process.kill(first.pid, 'SIGSTOP');
      const after = await eventually(engines, (all) => all.length > 0 && all[0]?.pid !== first.pid);
      assert.deepEqual(
        after.map((seen) => seen.uid),
        [uid],
      );
      await answered();
      process.kill(after[0]?.pid ?? 0, 'SIGSTOP');
      started.kill('SIGTERM');
      assert.equal(await ended(started), 0, stderr);
      assert.deepEqual(engines(), []);
    });
  });
}
