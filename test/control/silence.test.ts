/** mauvectl silence, with a running station and without one. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually, type Ran, type RunningStation, run, withStation } from '../kit/process.ts';

/** As typed on the station's host. */
function silence(station: RunningStation, words: readonly string[], env: NodeJS.ProcessEnv = {}): Ran {
  const place = ['--data', station.data, '--web', new URL(station.page).host];
  return run('mauvectl', ['silence', ...words, ...place], { env: { MAUVE_TOKEN: '', ...env } });
}

describe('mauvectl silence', () => {
  test('is made, mutes, is listed and ends, and leaves no token behind', async () => {
    await withStation({}, async (station) => {
      const made = silence(station, [
        'add',
        '--source',
        'backup',
        '--match',
        '{not: {id: tapes}}',
        '--for',
        '2h',
        '--reason',
        'tapes are changed',
      ]);
      assert.deepEqual([made.code, made.stderr], [0, '']);
      assert.match(made.stdout, /^silence 1 until \d{4}-\d\d-\d\dT\S+Z\n$/, 'nothing else is to be said');

      station.send('-o', 'backup', '-i', 'load', '-s', 'load is 40');
      await eventually(
        () => station.alerts(),
        (alerts) => alerts.length === 1,
      );
      const muted = await station.api<{ alerts: { muted: { kind: string } | null }[] }>('/alerts');
      assert.equal(muted.json.alerts[0]?.muted?.kind, 'silenced');

      const listed = silence(station, ['list']);
      assert.match(
        listed.stdout,
        /^1 {2}(2h|1h59m\d+s) left {2}\{"not":\{"id":"tapes"\},"source":"backup"\} by\s+token:mauvectl-/,
      );
      assert.equal(
        JSON.parse(silence(station, ['list', '--json']).stdout).silences[0].reason,
        'tapes are changed',
      );

      assert.deepEqual(silence(station, ['end', '1']), { code: 0, stdout: '', stderr: '' });
      assert.match(silence(station, ['list']).stdout, /^1 {2}ended {2}/);
      const again = silence(station, ['end', '1']);
      assert.deepEqual([again.code, again.stdout], [1, '']);
      assert.match(again.stderr, /^mauvectl: the station refused: /);

      const tokens = run('mauvectl', ['token', 'list', '--data', station.data]).stdout;
      assert.doesNotMatch(tokens, /mauvectl/);
    });
  });

  test('takes the token of the environment or of a file, and says what the station refuses', async () => {
    await withStation({}, async (station) => {
      const token = run('mauvectl', ['token', 'add', 'script', '--data', station.data]).stdout;
      assert.equal(silence(station, ['list'], { MAUVE_TOKEN: token.trim() }).code, 0);
      const file = join(station.data, 'token');
      writeFileSync(file, token);
      const made = silence(station, [
        'add',
        '--id',
        'x',
        '--for',
        '1h',
        '--reason',
        'r',
        '--token-file',
        file,
      ]);
      assert.equal(made.code, 0, made.stderr);
      assert.match(silence(station, ['list']).stdout, /by\s+token:script/);
      const wrong = silence(station, ['list'], { MAUVE_TOKEN: 'nonsense' });
      assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
      const bad = silence(station, [
        'add',
        '--match',
        '{subject: {in: core}}',
        '--for',
        '1h',
        '--reason',
        'r',
      ]);
      assert.equal(bad.code, 1);
      assert.match(bad.stderr, /^mauvectl: the station refused: [^\n]+\n$/);
    });
  });

  test('says so in a line where no station answers, and what is wrong with --match', async () => {
    const nowhere = run('mauvectl', ['silence', 'list', '--web', '127.0.0.1:1'], {
      env: { MAUVE_TOKEN: 'x' },
    });
    assert.equal(nowhere.code, 69);
    assert.match(nowhere.stderr, /^mauvectl: no station answers at http:\/\/127\.0\.0\.1:1: [^\n]+\n$/);
    const words = ['silence', 'add', '--for', '1h', '--reason', 'r', '--match'];
    assert.equal(run('mauvectl', [...words, '{a: [']).code, 64);
    assert.equal(run('mauvectl', [...words, 'disk']).code, 64);
    const twice = run('mauvectl', [...words, '{id: a}', '--id', 'b']);
    assert.deepEqual(
      [twice.code, twice.stderr],
      [64, 'mauvectl: id stands in --match and in --id: once is expected\n'],
    );
  });
});
