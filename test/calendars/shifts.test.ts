import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { absencesOf, type CalendarEvent, shiftsOf } from '../../src/station/calendar/calendar.ts';
import type { PersonId } from '../../src/station/core/alert.ts';
import { periodAt } from '../../src/station/core/policy.ts';
import { instant, minutes, rfc3339 } from '../../src/time.ts';
import { calendar, event, period, read } from './ics.ts';

const people = ['ann', 'bob', 'mia'];
const named = ({ summary }: CalendarEvent): readonly PersonId[] =>
  summary
    .split(' ')
    .filter((word) => people.includes(word))
    .map((word) => word as PersonId);

const week = period('2026-06-01T00:00:00Z', '2026-06-08T00:00:00Z');
const onCall = (...events: readonly string[]): readonly string[] =>
  shiftsOf(read(calendar(...events), week, 'UTC'), named).map(
    ({ from, to, people: who }) =>
      `${rfc3339(from).slice(8, 13)}-${rfc3339(to).slice(8, 13)} ${who.join(' ')}`,
  );
const shift = (who: string, from: string, to: string): string =>
  event(`SUMMARY:${who}`, `DTSTART:202606${from}0000Z`, `DTEND:202606${to}0000Z`);

describe('who is on call', () => {
  it('is whoever the event under way names', () => {
    assert.deepEqual(onCall(shift('bob', '01T09', '02T09'), shift('mia', '02T09', '03T09')), [
      '01T09-02T09 bob',
      '02T09-03T09 mia',
    ]);
  });

  it('of overlapping events is the one that begins later, and after it the earlier one again', () => {
    assert.deepEqual(onCall(shift('mia covers', '02T18', '02T22'), shift('bob', '01T09', '03T09')), [
      '01T09-02T18 bob',
      '02T18-02T22 mia',
      '02T22-03T09 bob',
    ]);
  });

  it('of events that begin together is the one written later', () => {
    assert.deepEqual(onCall(shift('bob', '01T09', '02T09'), shift('mia', '01T09', '01T12')), [
      '01T09-01T12 mia',
      '01T12-02T09 bob',
    ]);
  });

  it('stays on call through an event that names nobody', () => {
    assert.deepEqual(onCall(shift('bob', '01T09', '02T09'), shift('office party', '01T17', '01T23')), [
      '01T09-02T09 bob',
    ]);
  });

  it('are both, where an event names two', () => {
    assert.deepEqual(onCall(shift('bob mia bob', '01T09', '02T09')), ['01T09-02T09 bob mia']);
  });

  it('is at every minute whom a naive reading of the calendar gives', () => {
    const events = fc.array(
      fc.record({
        from: fc.nat(60),
        length: fc.nat(30),
        order: fc.nat(5),
        summary: fc.constantFrom('ann', 'bob', 'mia', 'ann mia', 'nobody'),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(events, (drawn) => {
        const all = drawn.map(({ from, length, order, summary }, place) => ({
          from: instant(minutes(from)),
          to: instant(minutes(from + length)),
          summary,
          description: '',
          attendees: [],
          allDay: false,
          order: order * 100 + place,
        }));
        const shifts = shiftsOf(all, named);
        for (let minute = 0; minute < 100; minute++) {
          const at = instant(minutes(minute));
          const winner = all
            .filter((one) => one.from <= at && at < one.to && named(one).length > 0)
            .reduce<(typeof all)[number] | null>(
              (best, one) =>
                best === null || one.from > best.from || (one.from === best.from && one.order > best.order)
                  ? one
                  : best,
              null,
            );
          assert.deepEqual(
            periodAt(shifts, at)?.people ?? [],
            winner === null ? [] : named(winner),
            `minute ${minute}`,
          );
        }
        shifts.forEach(({ from, to }, index) => {
          assert.ok(from < to && (shifts[index - 1]?.to ?? from) <= from);
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('who is away', () => {
  it('is away for the whole of events that overlap or touch, once', () => {
    const events = read(
      calendar(
        shift('holiday', '03T00', '04T00'),
        shift('holiday', '01T00', '02T00'),
        shift('holiday', '02T00', '02T12'),
        shift('doctor', '01T09', '01T10'),
        event('DTSTART:20260605T090000Z'),
      ),
      week,
      'UTC',
    );
    assert.deepEqual(absencesOf(events, 'holiday'), [
      { ...period('2026-06-01T00:00:00Z', '2026-06-02T12:00:00Z'), why: 'holiday' },
      { ...period('2026-06-03T00:00:00Z', '2026-06-04T00:00:00Z'), why: 'holiday' },
    ]);
  });
});
