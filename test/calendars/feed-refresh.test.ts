import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { openFeedRefresh } from '../../src/station/policy/feed-refresh.ts';
import type { FeedRef } from '../../src/station/policy/feeds.ts';
import { parsePolicy } from '../../src/station/policy/file.ts';
import type { PolicyRead } from '../../src/station/policy/source.ts';
import { days, minutes, plus } from '../../src/time.ts';
import { SimulatedClock, settled } from '../kit/clock.ts';
import { at } from './ics.ts';

const start = at('2026-11-20T14:00:00Z');
const again: PolicyRead = { ok: false, faults: ['the same files again'] };
const rota: FeedRef = { kind: 'file', path: '/rota.ics', shown: 'rota.ics' };

describe('the station’s look at its calendars', () => {
  let clock = new SimulatedClock(start);
  let looks: string[] = [];
  let changed = false;
  let reloads = 0;
  let readings = 0;
  let inForce: PolicyRead | null = null;
  let errors = 0;
  let refresh = async (): Promise<boolean> => changed;
  let reload = async (): Promise<void> => undefined;
  let read = async (): Promise<PolicyRead> => again;
  beforeEach(() => {
    clock = new SimulatedClock(start);
    looks = [];
    changed = false;
    reloads = 0;
    readings = 0;
    inForce = null;
    errors = 0;
    refresh = async () => changed;
    reload = async () => undefined;
    read = async () => again;
  });

  const open = () =>
    openFeedRefresh({
      feeds: {
        refresh: (refs, which = 'all') => {
          assert.deepEqual(refs, [rota]);
          looks.push(which);
          return refresh();
        },
      },
      source: {
        feeds: () => [rota],
        read: () => {
          readings++;
          return read();
        },
        again: () => again,
      },
      clock,
      load: (read, files) => {
        reloads++;
        assert.equal(files, read === again ? 'old' : 'new');
        inForce = read;
        return reload();
      },
      log: { error: () => void errors++ },
    });
  const pass = (wait: number) => clock.advanceTo(plus(clock.now(), minutes(wait)));

  it('is at addresses at once and every quarter of an hour, at files every minute', async () => {
    open();
    assert.deepEqual(looks, ['all'], 'a start reads kept content, which may be old');
    await pass(30);
    assert.equal(looks.length, 31);
    assert.deepEqual(
      looks.flatMap((which, index) => (which === 'all' ? [index] : [])),
      [0, 15, 30],
    );
    assert.equal(reloads, 0);
  });

  it('has the policy read again when something changed, once', async () => {
    open();
    changed = true;
    await pass(1);
    changed = false;
    await pass(10);
    assert.equal(reloads, 1);
  });

  it('has the policy read again once a day when nothing did', async () => {
    open();
    await clock.advanceTo(plus(start, days(3)));
    assert.equal(reloads, 3);
  });

  it('tries again when reading failed, and goes on whatever fails', async () => {
    open();
    changed = true;
    reload = () => Promise.reject(new Error('a bug'));
    await pass(1);
    changed = false;
    await pass(1);
    reload = async () => undefined;
    await pass(1);
    assert.equal(reloads, 3);
    refresh = () => Promise.reject(new Error('a bug'));
    await pass(5);
    refresh = async () => true;
    await pass(1);
    assert.equal(reloads, 4);
    assert.equal(errors, 7);
  });

  it('reads the files when it is asked to, and looks at all addresses then', async () => {
    const running = open();
    await pass(1);
    const broken = { ok: false, faults: ['other files'] } as const;
    read = async () => broken;
    running.readFiles();
    await settled();
    assert.equal(inForce, broken);
    assert.deepEqual(looks, ['all', 'files', 'files'], 'a broken policy refers to nothing new');
    const text = 'version: 1\npeople: {ann: {}}\ngroups: [{name: all, notify: [{to: ann}]}]\n';
    const sound = parsePolicy('policy.yaml', text, { now: start });
    assert.ok(sound.ok);
    read = async () => sound;
    running.readFiles();
    await settled();
    assert.equal(inForce, sound);
    assert.deepEqual(looks.slice(3), ['all']);
    await pass(1);
    assert.deepEqual([readings, reloads], [2, 2]);
  });

  it('reads the files that were asked for last, last, however long those before took', async () => {
    const running = open();
    await settled();
    const first = { ok: false, faults: ['first'] } as const;
    const last = { ok: false, faults: ['last'] } as const;
    let end: (read: PolicyRead) => void = () => undefined;
    read = () =>
      new Promise((resolve) => {
        end = resolve;
      });
    running.readFiles();
    await settled();
    read = async () => last;
    running.readFiles();
    running.readFiles();
    await settled();
    assert.equal(inForce, null, 'still reading');
    end(first);
    await settled();
    assert.equal(inForce, last);
    assert.equal(readings, 2, 'asked for twice while it read, once more does');
  });

  it('does not begin anew before it has ended', async () => {
    open();
    await settled();
    looks = [];
    let end: (changed: boolean) => void = () => undefined;
    refresh = () =>
      new Promise((resolve) => {
        end = resolve;
      });
    await pass(20);
    assert.equal(looks.length, 1);
    end(false);
    await settled();
    await pass(1);
    assert.deepEqual(looks, ['files', 'all'], 'what was missed is made up for');
  });

  it('asks again when the clock was set back', async () => {
    open();
    await settled();
    looks = [];
    refresh = async () => {
      clock.jumpTo(at('2026-11-20T13:30:00Z'));
      refresh = async () => false;
      return false;
    };
    await pass(1);
    assert.deepEqual(looks.slice(0, 3), ['files', 'all', 'files']);
    assert.equal(reloads, 1);
  });

  it('ends when it is told to, also in the middle', async () => {
    const running = open();
    await settled();
    looks = [];
    let end: (changed: boolean) => void = () => undefined;
    refresh = () =>
      new Promise((resolve) => {
        end = resolve;
      });
    await pass(1);
    running.stop();
    end(true);
    await pass(60);
    assert.equal(looks.length, 1);
    assert.equal(reloads, 0);
  });
});
