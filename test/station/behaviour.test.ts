/**
 * The recorded behaviours of the original that concern the station as a whole,
 * replayed through the door. Where ours differs on purpose, the case names the
 * item of semantics ("Where we differ") and states what holds instead.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openHeartbeat } from '../../src/station/heartbeat.ts';
import { instant, milliseconds, minutes, plus, seconds } from '../../src/time.ts';
import type { AlertUpdate } from '../../src/wire/update.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { monday, timeline } from '../kit/station.ts';
import { cases, type Expected, expectedAfter, filesOfAreas, Taken } from './behaviour-cases.ts';
import { Replay } from './replay.ts';

const taken = new Taken('station/behaviour.test.ts');

/** Cases whose outcome we change on purpose: expectations by step, and the item that says why. */
const differs: Record<string, { item: string; steps: Record<number, Partial<Expected>> }> = {
  'times up to 5 seconds in the future count as now': {
    item: '9: nothing that is raised or cleared already has a time after its reception',
    steps: {
      0: {
        alerts: {
          'test/a': { raised: true, raised_at: 0, will_raise_at: null },
          'test/b': { raised: false, raised_at: null, will_raise_at: 6 },
          'test/c': { cleared: true, cleared_at: 0, will_clear_at: null },
          'test/d': { raised: true, will_clear_at: 6 },
        },
      },
    },
  },
  'the shift is rounded to whole seconds - received 0.6 s after a whole-second stamp moves times one second ahead':
    {
      item: '9',
      steps: { 1: { alerts: { 'test/b': { raised_at: 1000.6 } } } },
    },
  'a future clear alone for an unknown alert stores a cleared alert': {
    item: '1: the state stands and the plan is kept',
    steps: { 0: { alert: { raised: false, cleared_at: 0, will_clear_at: 600 } } },
  },
  'both in the future, clear before raise - kept as sent, clears first then raises and stays raised': {
    item: '13: a plan to clear given together with a future raise is kept',
    steps: { 0: { alert: { raised: false, will_raise_at: 3600, will_clear_at: 1800, cleared_at: 0 } } },
  },
  'without a during anywhere, working hours apply (Mon-Fri 9:30-17:30) - so a plain "every hour" clause is silent at night and at weekends':
    {
      item: '2: no during means always',
      steps: {
        0: { notified: ['r'], pending_reminders: [3600] },
        1: { notified: [], pending_reminders: [3600] },
        2: { notified: ['r', 'r', 'r', 'r', 'r', 'r', 'r', 'r', 'r'] },
        3: { notified: ['r'] },
        4: { notified: undefined },
      },
    },
  'escalation - a second person only when unacknowledged for an hour': {
    item: '3: each rule keeps its own time',
    steps: { 5: { notified: ['j'], pending_reminders: [5400] } },
  },
  'acknowledging again while acknowledged triggers nothing new but moves the end': {
    item: '14: the history records the second acknowledgement too; nobody is told',
    steps: { 3: { triggers: 1, notified: [] } },
  },
};

function updateOf(alert: { readonly id: string; readonly raiseTime: bigint }): AlertUpdate {
  const nothing = { clearTime: 0n, subject: '', summary: '', detail: '', importance: 0, suppressUntil: 0n };
  return {
    transmissionId: 1n,
    source: 'test',
    replace: false,
    transmissionTime: 0n,
    signature: new Uint8Array(),
    alerts: [{ ...nothing, ...alert }],
  };
}

describe('behaviours recorded from the original', () => {
  const areas = ['alert-update', 'alert-lifecycle', 'suppression', 'notification', 'reminder', 'heartbeat'];
  for (const { name } of taken.executable(...areas)) {
    const one = taken.take(name);
    const difference = differs[name];
    const note = difference === undefined ? '' : ` [differs: item ${difference.item}]`;
    it(`${one.area}: ${name}${note}`, async () => {
      const replay = new Replay(one);
      await replay.t.open();
      try {
        for (const [index, step] of one.steps.entries()) {
          await replay.perform(step, index);
          const recorded = expectedAfter(one, index);
          const changed = difference?.steps[index];
          if (recorded !== undefined || changed !== undefined) {
            await replay.check({ ...(recorded ?? { after_step: index }), ...changed });
          }
        }
      } finally {
        await replay.t.close();
      }
    });
  }

  const slow = taken.take(
    'all clauses of one trigger are judged at the instant of the trigger, however slow the evaluation is',
  );
  it(`notification: ${slow.name}`, () =>
    timeline(
      {
        start: plus(monday, milliseconds(minutes(8 * 60) - seconds(1))),
        policy: JSON.stringify({
          version: 1,
          people: { t1: { email: 't1@example.net' }, t2: { email: 't2@example.net' } },
          groups: [
            {
              name: 'default',
              notify: [
                { to: 't1', during: { hours_in_day: [[1, 7]] } },
                { to: 't2', during: { hours_in_day: [[8, 10]] } },
              ],
            },
          ],
        }),
      },
      async (t) => {
        // It came at 07:59:59, and the station gets round to it two seconds later.
        const reception = t.clock.now();
        const update = updateOf({ id: 'test', raiseTime: BigInt(reception / 1000) });
        t.clock.jumpTo(plus(reception, seconds(2)));
        await t.station.handle([{ kind: 'update', reception, update }]);
        await t.at(2);
        const told = (await t.history('test', { quiet: true })).flatMap(({ change }) =>
          change.kind === 'told' ? [[change.person, change.of]] : [],
        );
        // The other's rule opened a second after the raise, and he hears then.
        assert.deepEqual(told, [
          [slow.expect[0]?.notified?.[0], 'raised'],
          ['t2', 'reminder'],
        ]);
      },
    ));

  const own = taken.take(
    "the server's own heartbeat - every 60 s, id mauve-heartbeat, clear now and raise 310 s later, source = server's host name",
  );
  it(`heartbeat: ${own.name}`, async () => {
    const clock = new SimulatedClock(monday);
    const sent: { readonly at: number; readonly update: Omit<AlertUpdate, 'transmissionId'> }[] = [];
    const end = openHeartbeat({
      host: 'station.example.net',
      every: seconds(60),
      clock,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      send: async (update) => {
        sent.push({ at: (clock.now() - monday) / 1000, update });
        return null;
      },
    });
    await clock.advanceTo(instant(monday + 120_000));
    end();
    const [expected] = own.expect;
    assert.ok(expected);
    assert.deepEqual(
      sent.map(({ at }) => at),
      [0, 60, 120],
    );
    for (const { at, update } of sent) {
      const [alert] = update.alerts;
      const from = (wire: bigint | undefined): number => Number(wire) - monday / 1000 - at;
      assert.deepEqual(
        { source: update.source, replace: update.replace, id: alert?.id, summary: alert?.summary },
        {
          source: 'station.example.net',
          replace: expected.replace,
          id: expected.id,
          summary: expected.summary,
        },
      );
      assert.equal(alert?.detail, expected.detail?.replace('<hostname>', 'station.example.net'));
      assert.deepEqual([from(alert?.clearTime), from(alert?.raiseTime)], [expected.clear, expected.raise]);
    }
  });

  it('each of them has a test somewhere', () => {
    taken.assertNoneLeft();
    assert.equal(cases.length, 71);
    for (const { area } of cases) {
      const file = filesOfAreas[area];
      assert.ok(file !== undefined, `no file has the area ${area}`);
      assert.ok(existsSync(join(import.meta.dirname, '..', file)), `there is no ${file}`);
    }
  });
});
