/** The real probe on the laboratory: two of its faults, and one all the way to the API of a real station. All are in lab.root.full.test.ts. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ApiAlert, eventually, projectFolder, run } from '../kit/process.ts';
import { Lab } from '../lab/lab.ts';
import { live, scenarios } from '../lab/scenarios.ts';
import { Watching } from '../lab/watching.ts';

let lab: Lab;
before(() => {
  lab = new Lab(2);
});
after(() => lab?.close());

for (const name of ['another path of the same length', 'a black hole']) {
  test(`${name}: said with its hop within two rounds, and over when it is over`, async () => {
    const scenario = scenarios[name];
    assert.ok(scenario);
    await live(lab, scenario);
  });
}

/** A station where the probe is: nothing of it can be asked from outside. */
class StationInside {
  readonly #child: ChildProcess;
  readonly #token: string;
  static readonly udp = '127.0.0.1:32741';
  static readonly web = '127.0.0.1:8080';

  private constructor(child: ChildProcess, token: string) {
    this.#child = child;
    this.#token = token;
  }

  static async start(): Promise<StationInside> {
    const data = join(lab.folder, 'station');
    const program = lab.inside(join(projectFolder, 'bin/mauveserver'));
    const where = ['--udp', StationInside.udp, '--web', StationInside.web];
    const child = spawn(program, ['--data', data, ...where], { cwd: projectFolder });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk;
      });
    }
    await eventually(
      () => said,
      (text) => text.includes('Try:') || child.exitCode !== null,
      60_000,
    );
    assert.equal(child.exitCode, null, said);
    return new StationInside(child, run('mauvectl', ['token', 'add', 'test', '--data', data]).stdout.trim());
  }

  alerts(state: 'raised' | 'cleared'): readonly ApiAlert[] {
    const url = `http://${StationInside.web}/api/v1/alerts?state=${state}&limit=1000`;
    const ask = `fetch('${url}', { headers: { authorization: 'Bearer ${this.#token}' } }).then((a) => a.text()).then(console.log)`;
    const { stdout } = spawnSync(lab.inside(process.execPath), ['-e', ask], { encoding: 'utf8' });
    return (JSON.parse(stdout) as { alerts: readonly ApiAlert[] }).alerts;
  }

  async end(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

test('a path that changes is an alert of a real station, and so is its end', async () => {
  const station = await StationInside.start();
  const target = '198.51.100.7';
  try {
    const args = ['--to', StationInside.udp, '--name', 'probe-lab'];
    const watching = await Watching.begin(lab, [target], args);
    try {
      lab.run('path', 'long');
      // The longer path takes longer, too: on a busy machine so much that this is said, and truly.
      const changed = (alerts: readonly ApiAlert[]) =>
        alerts.filter(
          ({ source, subject, alert_id }) =>
            source === 'probe-lab' && subject === target && !alert_id.startsWith('slow '),
        );
      const raised = await eventually(
        () => changed(station.alerts('raised')),
        (alerts) => alerts.length === 2,
        60_000,
      );
      const summaries = raised.map(({ alert_id, summary }) => `${alert_id}: ${summary}`).sort();
      assert.match(
        summaries[0] ?? '',
        /^more-hops 198\.51\.100\.7: 2 hops more from hop 7 on \(192\.0\.2\.27\): 13, usually 11/,
      );
      assert.match(
        summaries[1] ?? '',
        /^path-changed 198\.51\.100\.7: path changed at hop 7: 192\.0\.2\.19 -> 192\.0\.2\.27/,
      );
      lab.run('path', 'main');
      const cleared = await eventually(
        () => changed(station.alerts('cleared')),
        (alerts) => alerts.length === 2,
        60_000,
      );
      assert.ok(
        cleared.every(({ summary }) => summary.startsWith('path is back: 192.0.2.19 at hop 7 again')),
        cleared.map(({ summary }) => summary).join('; '),
      );
    } finally {
      await watching.end();
    }
  } finally {
    await station.end();
  }
});
