/**
 * The schedule against a walk that knows nothing of it (schedule-naive.ts): in any zone, over any change of
 * its clocks, under any conditions.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { During, Hours, Weekday } from '../../src/station/core/policy.ts';
import {
  firstDue,
  hoursOpen,
  isOpen,
  nextChange,
  nextOpening,
  nextReminder,
  openingHorizon,
} from '../../src/station/core/schedule.ts';
import { days, hours as hoursLong, instant, milliseconds, minutes, plus } from '../../src/time.ts';
import {
  anyDuring,
  anyEpisode,
  anyHours,
  anyPlace,
  changeInWords,
  changeOfZone,
  day,
  minute,
  oddities,
  openInWords,
  openingInWords,
  shown,
  zones,
} from './schedule-naive.ts';

const episode = { raisedAt: instant(0) };

const anyMoment = anyPlace.chain((place) =>
  fc.record({
    place: fc.constant(place),
    during: anyDuring(place),
    episode: anyEpisode(place),
  }),
);

describe('under any conditions, in any zone', () => {
  test('a rule is open exactly when the words say so', () => {
    fc.assert(
      fc.property(anyMoment, ({ place, during, episode }) => {
        assert.equal(isOpen(during, episode, place.from), openInWords(during, episode, place.from));
      }),
      { numRuns: 1500 },
    );
  });

  test('the next change is never late and never early', () => {
    fc.assert(
      fc.property(anyMoment, ({ place: { from }, during, episode }) => {
        const by = plus(from, days(4));
        const found = nextChange(during, episode, from, by);
        assert.equal(shown(found), shown(changeInWords(during, episode, from, by)));
      }),
      { numRuns: 250 },
    );
  });

  test('the next opening is neither early nor late, and a rule is due then or looked at again', () => {
    fc.assert(
      fc.property(anyMoment, ({ place: { from }, during, episode }) => {
        const found = nextOpening(during, episode, from);
        const expected = openingInWords(during, episode, from);
        assert.equal(shown(found), shown(expected));
        assert.equal(firstDue({ during }, episode, from), expected ?? plus(from, openingHorizon));
      }),
      { numRuns: 200 },
    );
  });

  test('a reminder is on its minute if the rule is open then, otherwise at the next opening', () => {
    const anyReminder = fc.tuple(anyMoment, fc.integer({ min: 1, max: 3 * day }));
    fc.assert(
      fc.property(
        anyReminder,
        ([
          {
            place: { from },
            during,
            episode,
          },
          every,
        ]) => {
          const found = nextReminder({ every: milliseconds(every), during }, episode, from, from);
          const wanted = plus(from, milliseconds(every));
          const expected = openingInWords(during, episode, wanted) ?? plus(wanted, openingHorizon);
          assert.equal(shown(found), shown(expected));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('a late station reminds on the minutes of one that was in time', () => {
    const lateCase = fc.tuple(
      anyMoment,
      fc.integer({ min: 15, max: 2000 }),
      fc.integer({ min: 0, max: 4 * day }),
    );
    fc.assert(
      fc.property(
        lateCase,
        ([
          {
            place: { from },
            during,
            episode,
          },
          everyMinutes,
          late,
        ]) => {
          const now = plus(from, milliseconds(late));
          const every = minutes(everyMinutes);
          let expected = from;
          for (let target = plus(from, every); expected <= now; target = plus(expected, every)) {
            const opening = openingInWords(during, episode, target);
            // Nothing for eight days: the station looks again then, and says nothing in between.
            expected = opening ?? plus(target, openingHorizon);
            if (opening === null) break;
          }
          if (expected <= now) return;
          assert.equal(shown(nextReminder({ every, during }, episode, from, now)), shown(expected));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('hours that are all a rule says are all that counts for whoever was told before', () => {
    const anyTwo = anyPlace.chain((place) => fc.tuple(fc.constant(place), anyHours(place), anyHours(place)));
    fc.assert(
      fc.property(anyTwo, ([{ from }, one, two]) => {
        const [first, second] = [one, two].map((hours): During => ({ kind: 'hours', hours }));
        if (first === undefined || second === undefined) return;
        const later: During = { kind: 'unacknowledged', for: days(3000) };
        const open = [first, second].map((during) => openInWords(during, episode, from));
        const both = open.every(Boolean);
        assert.equal(hoursOpen({ kind: 'all', of: [first, later, second] }, from), both);
        assert.equal(hoursOpen({ kind: 'not', of: { kind: 'all', of: [first, second] } }, from), !both);
        assert.equal(hoursOpen({ kind: 'any', of: [first, second] }, from), open.includes(true));
        assert.equal(hoursOpen({ kind: 'any', of: [first, later] }, from), true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('over the change of its clocks', () => {
  const everyDay: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7];
  const daily: readonly (readonly [number, number])[] = [
    [0, 1440],
    [0, 30],
    [90, 150],
    [1410, 90],
    [140, 140],
  ];

  /** All changes from some hours before it to some hours after it. */
  function compare(timezone: string, change: number): void {
    const begin = instant(change - hoursLong(5));
    const end = instant(change + hoursLong(5));
    for (const [from, to] of daily) {
      const hours: Hours = { name: '', timezone, days: everyDay, from, to, except: null, only: null };
      for (const during of [{ kind: 'hours', hours } as const]) {
        let at = begin;
        for (;;) {
          const found = nextChange(during, episode, at, end);
          const expected = changeInWords(during, episode, at, end);
          assert.equal(shown(found), shown(expected), `${timezone} ${from}-${to} after ${shown(at)}`);
          if (found === null) break;
          at = found;
        }
      }
    }
  }

  test(`each of ${zones.length} zones opens and closes at its minutes`, () => {
    assert.ok(zones.length > 400);
    for (const zone of zones) compare(zone, changeOfZone(zone, instant(Date.UTC(2026, 0)), 'previous'));
  });

  test('the odd ones of this world do', () => {
    for (const [zone, near] of oddities) {
      compare(zone, near);
      compare(zone, changeOfZone(zone, plus(near, minute), 'next'));
    }
  });
});
