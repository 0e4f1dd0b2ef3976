/** Disks that fill up or cannot be written: said clearly, nothing lost, and the station goes on when it can. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventually, RunningStation, run } from '../kit/process.ts';

async function withDisk(size: string, story: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mauve-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  try {
    await story(folder);
  } finally {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the disk of the data folder', () => {
  it('fills up: the station says so, goes on receiving, and has lost nothing when there is room again', async () => {
    await withDisk('24m', async (folder) => {
      const station = await new RunningStation({ folder }).start();
      const ballast = join(folder, 'ballast');
      try {
        station.send('-i', 'before', '-s', 'before it was full');
        await eventually(
          () => station.alerts(),
          (alerts) => alerts.length === 1,
        );
        try {
          writeFileSync(ballast, Buffer.alloc(24 * 1024 * 1024));
        } catch {
          // It takes what there is, and that is what this is for.
        }
        const detail = 'd'.repeat(30_000);
        for (let index = 0; index < 60; index++) station.send('-i', `during-${index}`, '-d', detail);
        const ready = await eventually(
          async () => await fetch(`${station.page}/readyz`),
          (answer) => answer.status === 503,
          20_000,
        );
        assert.match(await ready.text(), /disk is full/);
        assert.match(station.stderr, /disk is full/);
        const healthy = await fetch(`${station.page}/healthz`);
        assert.equal(healthy.status, 200);
        rmSync(ballast);
        const after = await eventually(
          () => station.alerts(),
          (alerts) => alerts.length === 61,
          30_000,
        );
        assert.equal(after.filter((alert) => alert.alert_id.startsWith('during-')).length, 60);
        assert.equal((await fetch(`${station.page}/readyz`)).status, 200);
        assert.equal(await station.end(), 0);
      } finally {
        await station.close();
      }
    });
  });

  it('is full while the policy is read again: the new one is in force when there is room', async () => {
    await withDisk('16m', async (folder) => {
      const policy = join(tmpdir(), `mauve-policy-${process.pid}.yaml`);
      const write = (level: string): void =>
        writeFileSync(
          policy,
          `version: 1\npeople: {ann: {}}\ngroups:\n  - {name: default, level: ${level}, notify: [{to: ann}]}\n`,
        );
      write('low');
      const station = await new RunningStation({ folder, args: ['--policy', policy] }).start();
      const ballast = join(folder, 'ballast');
      try {
        try {
          writeFileSync(ballast, Buffer.alloc(16 * 1024 * 1024));
        } catch {
          // It takes what there is, and that is what this is for.
        }
        const detail = 'd'.repeat(60_000);
        for (let index = 0; index < 20; index++) station.send('-i', `during-${index}`, '-d', detail);
        await eventually(
          async () => (await fetch(`${station.page}/readyz`)).status,
          (status) => status === 503,
        );
        write('urgent');
        station.signal('SIGHUP');
        await eventually(
          () => station.stderr,
          (text) => text.includes('disk is full'),
        );
        rmSync(ballast);
        await eventually(
          () => station.stderr,
          (text) => text.includes('read again and is in force'),
          20_000,
        );
        station.send('-i', 'after');
        await eventually(
          () => station.alerts(),
          (alerts) => alerts.some(({ alert_id, level }) => alert_id === 'after' && level === 'urgent'),
        );
      } finally {
        await station.close();
        rmSync(policy);
      }
    });
  });

  it('is read-only: the station does not start, and says what to look at', async () => {
    await withDisk('8m', async (folder) => {
      execFileSync('mount', ['-o', 'remount,ro', folder]);
      const { code, stderr } = run('mauveserver', [
        '--data',
        folder,
        '--udp',
        '127.0.0.1:0',
        '--web',
        '127.0.0.1:0',
      ]);
      assert.equal(code, 73);
      assert.match(stderr, /^mauveserver: .*(read-only|cannot be written|owner)/);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
  });
});
