/** The real process, killed in the middle of its work: what was committed stays, what was owed is sent. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventually, pause, projectFolder, RunningStation, run } from '../kit/process.ts';

describe('kill -9', () => {
  it('under load: every alert that a page showed before is there after, and the station goes on', async () => {
    const station = await new RunningStation().start();
    const task = { port: station.port, rate: 2000, seconds: 60, alerts: 2000, kind: 'mixed', seed: 7 };
    const script = join(projectFolder, 'bench/intake-sender-thread.ts');
    const sender = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: 'ignore' });
    try {
      await pause(1500);
      const seen = [...(await station.alerts('raised')), ...(await station.alerts('cleared'))];
      assert.ok(seen.length > 100, `${seen.length} alerts seen`);
      assert.equal(await station.end('SIGKILL'), 'SIGKILL');
      await station.start();
      for (const before of seen.filter((_, index) => index % 20 === 0)) {
        const { status, json } = await station.api<{ alert_id: string; episode: number }>(
          `/alerts/${before.id}`,
        );
        assert.equal(status, 200, `alert ${before.id} is gone`);
        assert.equal(json.alert_id, before.alert_id);
        assert.ok(json.episode >= before.episode);
      }
      const taken = await station.metric('mauve_updates_total');
      await eventually(
        () => station.metric('mauve_updates_total'),
        (count) => count > taken,
      );
    } finally {
      sender.kill();
      await station.close();
    }
  });

  it('right after the commit: the message that was owed is delivered after the restart', async () => {
    const station = await new RunningStation().start();
    try {
      station.send('-i', 'disk', '-s', 'disk full');
      await eventually(
        () => station.alerts(),
        (alerts) => alerts.length === 1,
      );
      await station.end('SIGKILL');
      await station.start();
      const told = await eventually(
        async () =>
          (await station.api<{ history: { kind: string; outcome?: string }[] }>('/alerts/1/history')).json
            .history,
        (history) => history.some((entry) => entry.kind === 'receipt' && entry.outcome === 'delivered'),
      );
      const owed = told.filter((entry) => entry.kind === 'told');
      assert.equal(owed.length, 1, 'told once');
    } finally {
      await station.close();
    }
  });
});

describe('one station a data folder', () => {
  it('a second one is refused with the first one’s pid, and may start once the first was killed', async () => {
    const station = await new RunningStation().start();
    try {
      const args = ['--data', station.data, '--udp', '127.0.0.1:0', '--web', '127.0.0.1:0'];
      const second = run('mauveserver', args);
      assert.equal(second.code, 73);
      assert.match(
        second.stderr,
        new RegExp(`another station is running on this data folder \\(pid ${station.pid}\\)`),
      );
      assert.equal(second.stderr.trim().split('\n').length, 1);
      await station.end('SIGKILL');
      await station.start();
    } finally {
      await station.close();
    }
  });

  it('a port in use is named, with what to do', async () => {
    const station = await new RunningStation().start();
    const other = new RunningStation();
    try {
      const data = ['--data', other.data];
      const udp = run('mauveserver', [...data, '--udp', `127.0.0.1:${station.port}`, '--web', '127.0.0.1:0']);
      assert.equal(udp.code, 69);
      assert.match(udp.stderr, /^mauveserver: UDP 127\.0\.0\.1:\d+ is in use: .*--udp\n$/);
      const web = run('mauveserver', [...data, '--udp', '127.0.0.1:0', '--web', new URL(station.page).host]);
      assert.equal(web.code, 69);
      assert.match(web.stderr, /^mauveserver: the page's address 127\.0\.0\.1:\d+ is in use: .*--web\n$/);
    } finally {
      await station.close();
      await other.close();
    }
  });
});

describe('the policy of a running station', () => {
  it('is read again at SIGHUP; a broken one is refused with its line, and the old one stays in force', async () => {
    const { mkdtempSync, writeFileSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const folder = mkdtempSync(join(tmpdir(), 'mauve-policy-'));
    const file = join(folder, 'policy.yaml');
    const policy = (level: string): string =>
      `version: 1\npeople:\n  ann: {name: Ann}\ngroups:\n  - name: default\n    level: ${level}\n    notify: [{to: ann}]\n`;
    writeFileSync(file, policy('low'));
    const station = await new RunningStation({ args: ['--policy', file] }).start();
    try {
      writeFileSync(file, policy('lowest'));
      station.signal('SIGHUP');
      await eventually(
        () => station.stderr,
        (text) => text.includes('the old one stays in force'),
      );
      assert.match(station.stderr, /policy\.yaml:6:12: /);
      station.send('-i', 'one');
      await eventually(
        () => station.alerts(),
        (alerts) => alerts[0]?.level === 'low',
      );
      writeFileSync(file, policy('urgent'));
      station.signal('SIGHUP');
      await eventually(
        () => station.stderr,
        (text) => text.includes('is in force'),
      );
      station.send('-i', 'two');
      await eventually(
        () => station.alerts(),
        (alerts) => alerts.some((one) => one.alert_id === 'two' && one.level === 'urgent'),
      );
    } finally {
      await station.close();
    }
  });
});

describe('signals', () => {
  it('two at once, as ^C brings, still end the station in good order', async () => {
    const station = await new RunningStation().start();
    try {
      station.signal('SIGINT');
      assert.equal(await station.end('SIGINT'), 0);
      assert.match(station.stderr, /ended in good order/);
    } finally {
      await station.close();
    }
  });

  it('a log that cannot be written does not end it', async () => {
    const { spawn } = await import('node:child_process');
    const { openSync } = await import('node:fs');
    const folder = new RunningStation();
    const full = openSync('/dev/full', 'w');
    const child = spawn(
      join(projectFolder, 'bin/mauveserver'),
      ['--data', folder.data, '--udp', '127.0.0.1:0', '--web', '127.0.0.1:0'],
      { stdio: ['ignore', 'pipe', full] },
    );
    try {
      let text = '';
      child.stdout?.on('data', (chunk) => {
        text += chunk;
      });
      await eventually(
        () => text,
        (all) => all.includes('Try:'),
      );
      for (let n = 0; n < 5; n++) child.kill('SIGHUP');
      await pause(300);
      const page = /Page: +(\S+)/.exec(text)?.[1] ?? '';
      assert.equal((await fetch(`${page}/healthz`)).status, 200);
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGTERM');
      assert.equal(await ended, 0);
    } finally {
      child.kill('SIGKILL');
      await folder.close();
    }
  });
});
