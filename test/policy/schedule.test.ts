/** Hours, openings and reminders, read from the station's own functions at wall-clock times of real zones. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PersonId } from '../../src/station/core/alert.ts';
import type { During, Hours, Weekday } from '../../src/station/core/policy.ts';
import {
  firstDue,
  hoursOpen,
  isOpen,
  nextOpening,
  nextReminder,
  openingHorizon,
} from '../../src/station/core/schedule.ts';
import {
  days,
  hours,
  type Instant,
  instant,
  milliseconds,
  minutes,
  plus,
  rfc3339,
  seconds,
} from '../../src/time.ts';

const at = (text: string): Instant => instant(Date.parse(text));
const everyDay: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7];
const monToFri: readonly Weekday[] = [1, 2, 3, 4, 5];

function open(timezone: string, from: string, to: string, on: readonly Weekday[] = everyDay): During {
  const minute = (text: string): number => {
    const [h = 0, m = 0] = text.split(':').map(Number);
    return h * 60 + m;
  };
  return { kind: 'hours', hours: hoursOf(timezone, minute(from), minute(to), on) };
}

const hoursOf = (timezone: string, from: number, to: number, on: readonly Weekday[]): Hours => ({
  name: '',
  timezone,
  days: on,
  from,
  to,
  except: null,
  only: null,
});

const working = open('Europe/London', '09:30', '17:30', monToFri);
const raised = { raisedAt: at('2026-01-01T00:00Z') };
const opening = (during: During, from: string, episode = raised): string | null => {
  const found = nextOpening(during, episode, at(from));
  return found === null ? null : rfc3339(found);
};

describe('hours', () => {
  test('open with the first millisecond of their beginning and are closed at their end', () => {
    const states = ['09:29:59.999', '09:30:00.000', '17:29:59.999', '17:30:00.000'].map((time) =>
      isOpen(working, raised, at(`2026-01-05T${time}Z`)),
    );
    assert.deepEqual(states, [false, true, true, false]);
  });

  test('on Friday evening, the next working hours are on Monday', () => {
    assert.equal(opening(working, '2026-01-09T17:30Z'), '2026-01-12T09:30:00Z');
  });

  test('follow the wall clock over the change in spring and in autumn', () => {
    assert.equal(opening(working, '2026-03-27T18:00Z'), '2026-03-30T08:30:00Z');
    assert.equal(opening(working, '2026-10-23T18:00Z'), '2026-10-26T09:30:00Z');
  });

  test('that begin in the skipped hour open at the first instant after it', () => {
    const night = open('Europe/London', '01:30', '04:00');
    assert.equal(opening(night, '2026-03-28T04:00Z'), '2026-03-29T01:00:00Z');
    assert.equal(isOpen(night, raised, at('2026-03-29T00:59:59.999Z')), false);
  });

  test('that lie within the skipped hour stay closed that day', () => {
    assert.equal(
      opening(open('Europe/London', '01:10', '01:50'), '2026-03-28T12:00Z'),
      '2026-03-30T00:10:00Z',
    );
  });

  test('within the repeated hour are open both times', () => {
    const early = open('Europe/London', '01:10', '01:40');
    const openings = ['2026-10-25T00:00Z', '2026-10-25T00:40Z', '2026-10-25T01:40Z'].map((from) =>
      opening(early, from),
    );
    assert.deepEqual(openings, ['2026-10-25T00:10:00Z', '2026-10-25T01:10:00Z', '2026-10-26T01:10:00Z']);
  });

  test('past midnight belong to the day on which they begin', () => {
    const fridayNight = open('Europe/London', '22:00', '06:00', [5]);
    assert.equal(isOpen(fridayNight, raised, at('2026-01-10T05:59Z')), true, 'Saturday morning');
    assert.equal(isOpen(fridayNight, raised, at('2026-01-09T05:59Z')), false, 'Friday morning');
    assert.equal(opening(fridayNight, '2026-01-10T06:00Z'), '2026-01-16T22:00:00Z');
  });

  test('from a time to the same time are a day from then', () => {
    const weekend = open('Europe/London', '08:00', '08:00', [6, 7]);
    const states = ['2026-01-10T07:59Z', '2026-01-10T08:00Z', '2026-01-12T07:59Z', '2026-01-12T08:00Z'].map(
      (time) => isOpen(weekend, raised, at(time)),
    );
    assert.deepEqual(states, [false, true, true, false]);
  });

  test('to 24:00 touch those of the next day: there is no gap at midnight', () => {
    assert.equal(
      isOpen(open('Asia/Kathmandu', '00:00', '24:00'), raised, at('2026-01-10T18:14:59.999Z')),
      true,
    );
    assert.equal(
      opening(open('Asia/Kathmandu', '00:00', '24:00'), '2026-01-10T18:15Z'),
      '2026-01-10T18:15:00Z',
    );
  });

  test('of a day that a country skipped do not open', () => {
    // Samoa went from Thursday the 29th of December 2011 to Saturday the 31st.
    const friday = open('Pacific/Apia', '09:00', '17:00', [5]);
    assert.equal(opening(friday, '2011-12-29T12:00Z'), '2012-01-05T19:00:00Z');
  });

  test('except holidays do not begin on one, though the evening before runs into it', () => {
    const holiday = at('2026-12-25T00:00Z') / days(1);
    const night = { ...hoursOf('Europe/London', 22 * 60, 6 * 60, everyDay), except: new Set([holiday]) };
    const during: During = { kind: 'hours', hours: night };
    assert.equal(isOpen(during, raised, at('2026-12-25T05:59Z')), true);
    assert.equal(opening(during, '2026-12-25T06:00Z'), '2026-12-26T22:00:00Z');
    const only: During = { kind: 'hours', hours: { ...night, except: null, only: new Set([holiday]) } };
    assert.equal(opening(only, '2026-12-20T00:00Z'), '2026-12-25T22:00:00Z');
    assert.equal(isOpen(only, raised, at('2026-12-26T05:59Z')), true);
    assert.equal(isOpen(only, raised, at('2026-12-26T06:00Z')), false);
  });

  test("in a zone that changes at midnight open at one o'clock that day", () => {
    assert.equal(
      opening(open('America/Sao_Paulo', '00:00', '02:00'), '2018-11-03T12:00Z'),
      '2018-11-04T03:00:00Z',
    );
  });
});

describe('conditions', () => {
  test('unacknowledged for an hour opens an hour after the raise, to the millisecond', () => {
    const during: During = { kind: 'unacknowledged', for: hours(1) };
    const episode = { raisedAt: at('2026-01-05T10:00:00.123Z') };
    assert.equal(opening(during, '2026-01-05T10:00:00.123Z', episode), '2026-01-05T11:00:00.123Z');
    assert.equal(isOpen(during, episode, at('2026-01-05T11:00:00.122Z')), false);
    assert.equal(isOpen(during, episode, at('2026-01-05T11:00:00.123Z')), true);
  });

  test('must all hold: an hour unacknowledged, in working hours', () => {
    const during: During = { kind: 'all', of: [{ kind: 'unacknowledged', for: hours(1) }, working] };
    assert.equal(
      opening(during, '2026-01-05T17:00Z', { raisedAt: at('2026-01-05T17:00Z') }),
      '2026-01-06T09:30:00Z',
    );
    assert.equal(
      opening(during, '2026-01-05T10:00Z', { raisedAt: at('2026-01-05T10:00Z') }),
      '2026-01-05T11:00:00Z',
    );
  });

  test('that never hold together are looked for again after eight days', () => {
    const during: During = {
      kind: 'all',
      of: [open('UTC', '01:00', '02:00'), open('UTC', '03:00', '04:00')],
    };
    const from = at('2026-01-05T00:00Z');
    assert.equal(nextOpening(during, raised, from), null);
    assert.equal(firstDue({ during }, raised, from), plus(from, openingHorizon));
  });

  test('an opening exactly eight days ahead is found, one a millisecond later is not', () => {
    const during: During = { kind: 'raised-for', for: days(9) };
    const raisedNow = { raisedAt: at('2026-01-01T00:00Z') };
    const edge = plus(raisedNow.raisedAt, days(1));
    assert.equal(nextOpening(during, raisedNow, edge), plus(edge, days(8)));
    assert.equal(nextOpening(during, raisedNow, instant(edge - 1)), null);
  });

  test('of a rota say that nobody is there between two shifts, and when the one who has it is away', () => {
    const ann = 'ann' as PersonId;
    const shift = (from: string, to: string) => ({ from: at(from), to: at(to), people: [ann] });
    const shifts = [
      shift('2026-01-05T08:00Z', '2026-01-05T16:00Z'),
      shift('2026-01-05T16:00Z', '2026-01-06T00:00Z'),
      shift('2026-01-06T08:00Z', '2026-01-06T16:00Z'),
    ];
    const rota = { name: 'on-call', shifts, people: new Set([ann]) };
    const away = [{ from: at('2026-01-05T20:00Z'), to: at('2026-01-05T21:00Z'), why: 'sick' }];
    const plan = { kind: 'all-of', channels: ['inbox'] } as const;
    const channels = { low: plan, normal: plan, urgent: plan };
    const person = { id: ann, name: 'Ann', addresses: {}, channels, timezone: 'UTC', limits: [], away };
    const during: During = {
      kind: 'no-one-in',
      list: 'on-call',
      who: [{ kind: 'rota', rota, only: null }],
      people: new Map([[ann, person]]),
    };
    const openings = ['2026-01-05T09:00Z', '2026-01-05T20:30Z', '2026-01-05T21:00Z'].map((from) =>
      opening(during, from),
    );
    assert.deepEqual(openings, ['2026-01-05T20:00:00Z', '2026-01-05T20:30:00Z', '2026-01-06T00:00:00Z']);
    assert.equal(opening({ kind: 'not', of: during }, '2026-01-06T03:00Z'), '2026-01-06T08:00:00Z');
    // Where nobody is known to have a shift for ever, nobody is there.
    assert.equal(isOpen(during, raised, at('2027-01-01T00:00Z')), true);
  });

  test('may be turned round: outside working hours begins when they end', () => {
    const outside: During = { kind: 'not', of: working };
    assert.equal(opening(outside, '2026-01-09T10:00Z'), '2026-01-09T17:30:00Z');
    assert.equal(isOpen(outside, raised, at('2026-01-12T09:29:59.999Z')), true);
    assert.equal(isOpen(outside, raised, at('2026-01-12T09:30Z')), false);
  });

  test('of which any will do open with the first', () => {
    const during: During = { kind: 'any', of: [working, { kind: 'raised-for', for: hours(2) }] };
    assert.equal(
      opening(during, '2026-01-05T18:00Z', { raisedAt: at('2026-01-05T18:00Z') }),
      '2026-01-05T20:00:00Z',
    );
    assert.equal(
      opening(during, '2026-01-05T08:45Z', { raisedAt: at('2026-01-05T08:45Z') }),
      '2026-01-05T09:30:00Z',
    );
  });

  test('other than hours are forgotten where only the hours count', () => {
    const during: During = { kind: 'all', of: [{ kind: 'unacknowledged', for: days(5) }, working] };
    assert.equal(hoursOpen(during, at('2026-01-05T10:00Z')), true);
    assert.equal(hoursOpen(during, at('2026-01-05T08:00Z')), false);
    assert.equal(hoursOpen({ kind: 'raised-for', for: days(5) }, raised.raisedAt), true);
    assert.equal(hoursOpen({ kind: 'always' }, raised.raisedAt), true);
  });
});

describe('reminders', () => {
  const always: During = { kind: 'always' };
  const reminder = (during: During, every: string, due: string, now = due): string | null => {
    const length = every === '1h' ? hours(1) : every === '20m' ? minutes(20) : seconds(1);
    const next = nextReminder({ every: length, during }, raised, at(due), at(now));
    return next === null ? null : rfc3339(next);
  };

  test('count from when the last one was due, not from when it was sent', () => {
    assert.equal(reminder(always, '1h', '2026-01-05T10:00Z', '2026-01-05T10:00:07Z'), '2026-01-05T11:00:00Z');
  });

  test('wait for the next opening where they would fall outside', () => {
    assert.equal(reminder(working, '1h', '2026-01-05T17:00Z'), '2026-01-06T09:30:00Z');
  });

  test('fall at the end of hours outside them', () => {
    assert.equal(reminder(working, '1h', '2026-01-05T16:30Z'), '2026-01-06T09:30:00Z');
  });

  test('that a late station missed are skipped, and the next keeps its minute', () => {
    assert.equal(reminder(always, '20m', '2026-01-05T10:05Z', '2026-01-05T13:00Z'), '2026-01-05T13:05:00Z');
    assert.equal(reminder(always, '20m', '2026-01-05T10:05Z', '2026-01-05T13:05Z'), '2026-01-05T13:25:00Z');
    assert.equal(reminder(working, '20m', '2026-01-02T17:20Z', '2026-01-06T11:00Z'), '2026-01-06T11:10:00Z');
  });

  test('are null for a rule that has no every', () => {
    assert.equal(
      nextReminder({ every: null, during: always }, raised, raised.raisedAt, raised.raisedAt),
      null,
    );
  });

  test('every nothing is a bug, not an endless loop', () => {
    const rule = { every: milliseconds(0), during: always };
    assert.throws(() => nextReminder(rule, raised, raised.raisedAt, raised.raisedAt));
  });

  test('whose rule cannot open are looked for again in steps of eight days, however late the station is', () => {
    const during: During = {
      kind: 'all',
      of: [open('UTC', '01:00', '02:00'), open('UTC', '03:00', '04:00')],
    };
    const due = at('2026-01-05T10:00Z');
    const look = nextReminder({ every: hours(1), during }, raised, due, plus(due, days(20)));
    assert.equal(look, plus(due, milliseconds(hours(1) + 3 * openingHorizon)));
  });

  test('every second of ten years do not hold up a station that slept through them', () => {
    const began = process.cpuUsage().user;
    assert.equal(reminder(working, '1s', '2016-01-05T10:00Z', '2026-01-05T10:00Z'), '2026-01-05T10:00:01Z');
    assert.ok(process.cpuUsage().user - began < 1e6, 'it took more than a second of CPU');
  });
});
