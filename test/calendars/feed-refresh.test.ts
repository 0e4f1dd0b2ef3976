import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { openFeedRefresh } from '../../src/station/feed-refresh.ts';
import type { FeedRef } from '../../src/station/feeds.ts';
import { days, minutes, plus } from '../../src/time.ts';
import { SimulatedClock, settled } from '../kit/clock.ts';
import { at } from './ics.ts';

const start = at('2026-11-20T14:00:00Z');
const rota: FeedRef = { kind: 'file', path: '/rota.ics', shown: 'rota.ics' };

describe('the station’s look at its calendars', () => {
  let clock = new SimulatedClock(start);
  let looks: string[] = [];
  let changed = false;
  let reloads = 0;
  let errors = 0;
  let refresh = async (): Promise<boolean> => changed;
  let reload = async (): Promise<void> => undefined;
  beforeEach(() => {
    clock = new SimulatedClock(start);
    looks = [];
    changed = false;
    reloads = 0;
    errors = 0;
    refresh = async () => changed;
    reload = async () => undefined;
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
      refs: () => [rota],
      clock,
      reload: () => {
        reloads++;
        return reload();
      },
      log: { error: () => void errors++ },
    });
  const pass = (wait: number) => clock.advanceTo(plus(clock.now(), minutes(wait)));

  it('is at files every minute and at addresses every quarter of an hour', async () => {
    open();
    await pass(30);
    assert.equal(looks.length, 30);
    assert.deepEqual(
      looks.flatMap((which, index) => (which === 'all' ? [index + 1] : [])),
      [15, 30],
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

  it('does not begin anew before it has ended', async () => {
    open();
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
