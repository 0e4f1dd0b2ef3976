import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { daysOf, eventsMax, readCalendar } from '../../src/station/calendar/calendar.ts';
import { dayNumberOf } from '../../src/station/calendar/wall-time.ts';
import { at, calendar, event, period, read, told, why } from './ics.ts';

const autumn = period('2026-10-19T00:00:00Z', '2026-11-09T00:00:00Z');
const year = period('2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z');

/** A zone that the system knows under no such name: five hours behind, four in summer. */
const customZone = [
  'BEGIN:VTIMEZONE',
  'TZID:Customized Time Zone',
  'BEGIN:STANDARD',
  'DTSTART:16010101T020000',
  'RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11',
  'TZOFFSETFROM:-0400',
  'TZOFFSETTO:-0500',
  'END:STANDARD',
  'BEGIN:DAYLIGHT',
  'DTSTART:16010101T020000',
  'RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3',
  'TZOFFSETFROM:-0500',
  'TZOFFSETTO:-0400',
  'END:DAYLIGHT',
  'END:VTIMEZONE',
].join('\r\n');

describe('when an event takes place', () => {
  const one = (...lines: readonly string[]) => told(read(calendar(event('SUMMARY:x', ...lines)), year));

  it('a time in UTC is that time', () => {
    assert.deepEqual(one('DTSTART:20260701T090000Z', 'DTEND:20260701T100000Z'), [
      '2026-07-01T09:00:00Z/2026-07-01T10:00:00Z x',
    ]);
  });

  it('a time in a zone of the system needs no description of it in the file', () => {
    assert.deepEqual(one('DTSTART;TZID=America/New_York:20260701T090000', 'DURATION:PT90M'), [
      '2026-07-01T13:00:00Z/2026-07-01T14:30:00Z x',
    ]);
  });

  it('a time without a zone is one of the policy’s zone', () => {
    assert.deepEqual(one('DTSTART:20260701T090000', 'DTEND:20260701T100000'), [
      '2026-07-01T08:00:00Z/2026-07-01T09:00:00Z x',
    ]);
  });

  it('a whole day begins and ends at midnight of the policy’s zone', () => {
    const london = ['2026-06-30T23:00:00Z/2026-07-01T23:00:00Z x'];
    assert.deepEqual(one('DTSTART;VALUE=DATE:20260701', 'DTEND;VALUE=DATE:20260702'), london);
    assert.deepEqual(one('DTSTART;VALUE=DATE:20260701'), london, 'without an end');
    assert.deepEqual(one('DTSTART:20260701'), london, 'without VALUE=DATE');
    assert.deepEqual(
      one('DTSTART;VALUE=DATE:20260701', 'DTEND;VALUE=DATE:20260701'),
      london,
      'ending as it begins',
    );
    assert.deepEqual(one('DTSTART;VALUE=DATE:20260701', 'DURATION:P1D'), london);
  });

  it('an event with neither end nor length takes no time, and is seen all the same', () => {
    assert.deepEqual(one('DTSTART:20260701T090000Z'), ['2026-07-01T09:00:00Z/2026-07-01T09:00:00Z x']);
  });

  it('an event that began before the window and goes on in it is seen whole, one that ends as it begins is not', () => {
    assert.deepEqual(one('DTSTART:20251201T000000Z', 'DTEND:20260201T000000Z'), [
      '2025-12-01T00:00:00Z/2026-02-01T00:00:00Z x',
    ]);
    assert.deepEqual(one('DTSTART:20251201T000000Z', 'DTEND:20260101T000000Z'), []);
    assert.deepEqual(one('DTSTART:20270101T000000Z', 'DTEND:20270102T000000Z'), []);
  });

  it('a zone that only the file knows is taken from there, in summer and in winter', () => {
    const text = calendar(
      customZone,
      event('SUMMARY:w', 'DTSTART;TZID=Customized Time Zone:20260201T090000', 'DURATION:PT1H'),
      event('SUMMARY:s', 'DTSTART;TZID="Customized Time Zone":20260701T090000', 'DURATION:PT1H'),
      event('SUMMARY:autumn day', 'DTSTART;TZID=Customized Time Zone:20261101T000000', 'DURATION:P1D'),
    );
    assert.deepEqual(told(read(text, year)), [
      '2026-02-01T14:00:00Z/2026-02-01T15:00:00Z w',
      '2026-07-01T13:00:00Z/2026-07-01T14:00:00Z s',
      '2026-11-01T04:00:00Z/2026-11-02T05:00:00Z autumn day',
    ]);
  });

  it('a place is known better by the system than by the file, however long its name is there', () => {
    const wrong = customZone.replace('Customized Time Zone', '/software.example/20050126_1/Europe/Paris');
    const text = calendar(
      wrong,
      event('DTSTART;TZID=/software.example/20050126_1/Europe/Paris:20260701T090000', 'DURATION:PT1H'),
    );
    assert.deepEqual(told(read(text, year)), ['2026-07-01T07:00:00Z/2026-07-01T08:00:00Z']);
  });

  it('a zone that nobody knows is told with its line, not taken for another', () => {
    const text = calendar(event('DTSTART;TZID=Mars/Olympus:20260701T090000'));
    assert.equal(
      why(readCalendar(text, year, 'UTC')),
      'line 4: nobody knows the time zone "Mars/Olympus", and the file does not describe it',
    );
  });

  it('several calendars in one file are all read, each with the zones that it describes', () => {
    const utcZone = customZone.replaceAll(/TZOFFSET(FROM|TO):.*/g, 'TZOFFSET$1:+0000');
    const nine = event('DTSTART;TZID=Customized Time Zone:20260701T090000', 'DURATION:PT1H');
    assert.deepEqual(told(read(calendar(customZone, nine) + calendar(utcZone, nine), year)), [
      '2026-07-01T09:00:00Z/2026-07-01T10:00:00Z',
      '2026-07-01T13:00:00Z/2026-07-01T14:00:00Z',
    ]);
  });
});

describe('when clocks change', () => {
  const weekly = (zone: string, first: string, last: string): string =>
    calendar(
      event(
        'SUMMARY:week',
        `DTSTART;TZID=${zone}:${first}`,
        `DTEND;TZID=${zone}:${last}`,
        'RRULE:FREQ=WEEKLY',
      ),
    );

  it('a weekly shift in London starts and ends at nine on the wall, all year', () => {
    const text = weekly('Europe/London', '20260105T090000', '20260112T090000');
    assert.deepEqual(told(read(text, autumn)), [
      '2026-10-12T08:00:00Z/2026-10-19T08:00:00Z week',
      '2026-10-19T08:00:00Z/2026-10-26T09:00:00Z week',
      '2026-10-26T09:00:00Z/2026-11-02T09:00:00Z week',
      '2026-11-02T09:00:00Z/2026-11-09T09:00:00Z week',
    ]);
    assert.deepEqual(told(read(text, period('2026-03-24T00:00:00Z', '2026-03-30T00:00:00Z'))), [
      '2026-03-23T09:00:00Z/2026-03-30T08:00:00Z week',
    ]);
  });

  it('a weekly shift in New York does', () => {
    const text = weekly('America/New_York', '20260105T090000', '20260112T090000');
    assert.deepEqual(told(read(text, period('2026-10-27T00:00:00Z', '2026-11-03T00:00:00Z'))), [
      '2026-10-26T13:00:00Z/2026-11-02T14:00:00Z week',
      '2026-11-02T14:00:00Z/2026-11-09T14:00:00Z week',
    ]);
  });

  it('a shift on Lord Howe Island follows its half hour', () => {
    const text = weekly('Australia/Lord_Howe', '20260105T090000', '20260112T090000');
    assert.deepEqual(told(read(text, period('2026-09-29T00:00:00Z', '2026-10-05T00:00:00Z'))), [
      '2026-09-27T22:30:00Z/2026-10-04T22:00:00Z week',
      '2026-10-04T22:00:00Z/2026-10-11T22:00:00Z week',
    ]);
  });

  it('a length in hours is exact, one in days is not', () => {
    const night = (length: string) =>
      told(read(calendar(event('DTSTART;TZID=Europe/London:20261024T120000', `DURATION:${length}`)), autumn));
    assert.deepEqual(night('PT24H'), ['2026-10-24T11:00:00Z/2026-10-25T11:00:00Z']);
    assert.deepEqual(night('P1D'), ['2026-10-24T11:00:00Z/2026-10-25T12:00:00Z']);
  });

  it('a time shown twice is the first, one not shown is an hour later', () => {
    const at130 = (date: string) =>
      told(read(calendar(event(`DTSTART;TZID=Europe/London:${date}T013000`, 'DURATION:PT5M')), year));
    assert.deepEqual(at130('20261025'), ['2026-10-25T00:30:00Z/2026-10-25T00:35:00Z']);
    assert.deepEqual(at130('20260329'), ['2026-03-29T01:30:00Z/2026-03-29T01:35:00Z']);
  });

  it('whole days have 23 and 25 hours', () => {
    const whole = (date: string) => told(read(calendar(event(`DTSTART;VALUE=DATE:${date}`)), year));
    assert.deepEqual(whole('20260329'), ['2026-03-29T00:00:00Z/2026-03-29T23:00:00Z']);
    assert.deepEqual(whole('20261025'), ['2026-10-24T23:00:00Z/2026-10-26T00:00:00Z']);
  });

  it('the day that Samoa left out has no events, and its neighbours have', () => {
    const days = calendar(
      event('SUMMARY:new year week', 'DTSTART;VALUE=DATE:20111229', 'RRULE:FREQ=DAILY;COUNT=4'),
    );
    const found = read(days, period('2011-12-01T00:00:00Z', '2012-02-01T00:00:00Z'), 'Pacific/Apia');
    assert.deepEqual(told(found), [
      '2011-12-29T10:00:00Z/2011-12-30T10:00:00Z new year week',
      '2011-12-30T10:00:00Z/2011-12-31T10:00:00Z new year week',
      '2011-12-31T10:00:00Z/2012-01-01T10:00:00Z new year week',
    ]);
    const numbers = [29, 31].map((day) => dayNumberOf({ year: 2011, month: 12, day }));
    assert.deepEqual(
      [...daysOf(found, 'Pacific/Apia')],
      [...numbers, dayNumberOf({ year: 2012, month: 1, day: 1 })],
    );
  });
});

describe('a series', () => {
  const daily = (...lines: readonly string[]): string =>
    event(
      'UID:1',
      'SUMMARY:bob',
      'DTSTART:20260105T090000',
      'DTEND:20260105T100000',
      'RRULE:FREQ=DAILY;COUNT=4',
      ...lines,
    );
  const starts = (text: string) =>
    read(text, year).map(({ from, summary }) => `${new Date(from).toISOString().slice(0, 16)} ${summary}`);

  it('leaves out what is excepted, by moment or by day, and adds what is added, once', () => {
    assert.deepEqual(starts(calendar(daily('EXDATE:20260106T090000', 'EXDATE;VALUE=DATE:20260107'))), [
      '2026-01-05T09:00 bob',
      '2026-01-08T09:00 bob',
    ]);
    assert.deepEqual(
      starts(
        calendar(daily('EXDATE:20260105T090000,20260106T090000', 'RDATE:20260107T090000,20260301T120000')),
      ),
      ['2026-01-07T09:00 bob', '2026-01-08T09:00 bob', '2026-03-01T12:00 bob'],
    );
  });

  it('an added period has its own end', () => {
    const text = calendar(
      daily('RDATE;VALUE=PERIOD:20260301T120000Z/20260301T130000Z,20260302T120000Z/PT5M'),
    );
    assert.deepEqual(told(read(text, period('2026-02-01T00:00:00Z', '2026-04-01T00:00:00Z'))), [
      '2026-03-01T12:00:00Z/2026-03-01T13:00:00Z bob',
      '2026-03-02T12:00:00Z/2026-03-02T12:05:00Z bob',
    ]);
  });

  it('one occurrence moved and renamed stands where it was put, also when another calendar program wrote it', () => {
    const moved = event(
      'UID:1',
      'RECURRENCE-ID;TZID=America/New_York:20260106T040000',
      'SUMMARY:mia for bob',
      'DTSTART:20260301T120000',
      'DTEND:20260301T130000',
    );
    assert.deepEqual(starts(calendar(moved, daily())), [
      '2026-01-05T09:00 bob',
      '2026-01-07T09:00 bob',
      '2026-01-08T09:00 bob',
      '2026-03-01T12:00 mia for bob',
    ]);
  });

  it('one occurrence moved into the window from outside is seen', () => {
    const moved = event(
      'UID:1',
      'RECURRENCE-ID:20260106T090000',
      'SUMMARY:mia',
      'DTSTART:20261101T090000',
      'DURATION:PT1H',
    );
    assert.deepEqual(told(read(calendar(daily(), moved), autumn)), [
      '2026-11-01T09:00:00Z/2026-11-01T10:00:00Z mia',
    ]);
  });

  it('a cancelled occurrence does not happen, nor a cancelled series', () => {
    const cancelled = event(
      'UID:1',
      'RECURRENCE-ID:20260106T090000',
      'STATUS:CANCELLED',
      'DTSTART:20260106T090000',
    );
    assert.deepEqual(starts(calendar(daily(), cancelled)), [
      '2026-01-05T09:00 bob',
      '2026-01-07T09:00 bob',
      '2026-01-08T09:00 bob',
    ]);
    assert.deepEqual(starts(calendar(daily('STATUS:CANCELLED'))), []);
  });

  it('a change “of this and all following” moves and renames them all', () => {
    const later = event(
      'UID:1',
      'RECURRENCE-ID;RANGE=THISANDFUTURE:20260107T090000',
      'SUMMARY:mia',
      'DTSTART:20260107T140000',
      'DURATION:PT30M',
    );
    assert.deepEqual(starts(calendar(daily(), later)), [
      '2026-01-05T09:00 bob',
      '2026-01-06T09:00 bob',
      '2026-01-07T14:00 mia',
      '2026-01-08T14:00 mia',
    ]);
  });

  it('of two copies of an event the newer counts', () => {
    const copy = event('UID:1', 'SEQUENCE:2', 'SUMMARY:new', 'DTSTART:20260201T090000');
    assert.deepEqual(starts(calendar(copy, daily())), ['2026-02-01T09:00 new']);
  });

  it('a series without end is seen as far as the window goes, without being counted from its beginning', () => {
    const text = calendar(event('DTSTART:19700101T000000Z', 'DURATION:PT1S', 'RRULE:FREQ=SECONDLY'));
    const found = read(text, period('2026-07-01T00:00:00Z', '2026-07-01T00:00:05Z'));
    assert.equal(found.length, 5);
  });
});

describe('the text of a calendar', () => {
  const folded = [
    'BEGIN:VCALENDAR',
    'BEGIN:VEVENT',
    'SUMMARY:on call: bo',
    ' b\\, then',
    '\t mia',
    'DESCRIPTION:two\\nlines',
    'ATTENDEE;CN="Smith, Bob";ROLE=CHAIR:MAILTO:bob@example.net',
    'ATTENDEE:mailto:mia@example.net',
    'DTSTART:20260701T090000Z',
    'END:VEVENT',
    'END:VCALENDAR',
  ];

  it('reads folded lines, escapes, and who is invited, whatever ends its lines, with a mark in front or not', () => {
    for (const text of [folded.join('\r\n'), folded.join('\n'), `\uFEFF${folded.join('\r\n')}\r\n`]) {
      const [found] = read(text, year);
      assert.equal(found?.summary, 'on call: bob, then mia');
      assert.equal(found?.description, 'two\nlines');
      assert.deepEqual(found?.attendees, ['bob@example.net', 'Smith, Bob', 'mia@example.net']);
    }
  });

  it('says the line of what is wrong', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /^line 1: this is no iCalendar file: it is empty$/],
      ['<!doctype html>\n<html>', /^line 1: this is no iCalendar file: BEGIN:VCALENDAR expected$/],
      ['BEGIN:VCALENDER\nEND:VCALENDER', /^line 1: BEGIN:VCALENDAR expected \(did you mean "VCALENDAR"\?\)$/],
      ['BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101', /^line 2: this "VEVENT" is not ended$/],
      ['BEGIN:VCALENDAR\nEND:VEVENT', /^line 2: END of what did not begin$/],
      [calendar(event('SUMMARY:x')), /^line 3: this event has no DTSTART$/],
      [calendar(event('DTSTART:20260231T090000')), /^line 4: this is no date or time that there is$/],
      [calendar(event('DTSTART:20260201T250000')), /^line 4: there is no such time of day$/],
      [
        calendar(event('DTSTART:20260201T090000', 'DTEND:20260201T080000')),
        /^line 5: this event ends before it begins$/,
      ],
      [calendar(event('DTSTART:20260201T090000', 'DURATION:-PT1H')), /^line 5: this is no length of time/],
      [
        calendar(event('DTSTART:20260201T090000', 'RRULE:FREQ=SOMETIMES')),
        /^line 5: invalid frequency "SOMETIMES"/,
      ],
      [calendar(event('DTSTART:20260201T090000', 'just words')), /^line 5: this is no property of a VEVENT$/],
    ];
    for (const [text, expected] of cases) assert.match(why(readCalendar(text, year, 'UTC')), expected);
  });

  it('is refused when it is larger than a calendar may be', () => {
    assert.match(
      why(readCalendar('x'.repeat(5 * 1024 * 1024 + 1), year, 'UTC')),
      /^it is larger than 5242880/,
    );
  });

  it('says that events are missing where there are too many, and does not hang on rules that have no end', () => {
    for (const rule of [
      'FREQ=SECONDLY',
      'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30',
      'FREQ=SECONDLY;COUNT=999999999',
      'FREQ=SECONDLY;BYHOUR=3;BYSECOND=7',
      'FREQ=MINUTELY;COUNT=100000000;BYDAY=MO',
    ]) {
      const begun = process.cpuUsage();
      const found = readCalendar(calendar(event('DTSTART:19700101T000000Z', `RRULE:${rule}`)), year, 'UTC');
      assert.ok(found.ok);
      if (!rule.includes('BYMONTHDAY')) assert.equal(found.cut, true, rule);
      assert.ok(found.events.length <= eventsMax);
      // Of the processor, since a busy machine may take its time.
      assert.ok(process.cpuUsage(begun).user < 5_000_000, rule);
    }
    const never = calendar(event('DTSTART:19700101T000000Z', 'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'));
    assert.deepEqual(read(never, year), []);
  });

  it('whatever is in it, reading it ends with events or with a reason', () => {
    const whole = calendar(
      customZone,
      event(
        'UID:1',
        'SUMMARY:a',
        'DTSTART;TZID=Customized Time Zone:20260701T090000',
        'DTEND;TZID=Europe/London:20260701T200000',
        'RRULE:FREQ=MONTHLY;BYDAY=-1MO,2TU;BYSETPOS=1;UNTIL=20270101T000000Z',
        'EXDATE;VALUE=DATE:20260801',
        'RDATE;VALUE=PERIOD:20260803T100000Z/PT2H',
      ),
      event('UID:1', 'RECURRENCE-ID;RANGE=THISANDFUTURE:20260901', 'DTSTART;VALUE=DATE:20260902'),
    );
    const edit = fc.record({
      at: fc.nat(whole.length),
      cut: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('\r\n', ':', ';', '9999999999', '-', 'T', '"', '\u0000'),
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let text = whole;
        for (const { at: place, cut, put } of edits)
          text = text.slice(0, place) + put + text.slice(place + cut);
        const found = readCalendar(text, year, 'Europe/London');
        if (found.ok)
          for (const { from, to } of found.events) assert.ok(from <= to && Number.isSafeInteger(to));
        else assert.notEqual(found.why, '');
      }),
      { numRuns: 500 },
    );
  });
});

describe('the days of a calendar', () => {
  const days = (timezone: string, ...lines: readonly string[]) =>
    [...daysOf(read(calendar(event(...lines)), year, timezone), timezone)].map((day) => day - july(1) + 1);
  const july = (day: number) => dayNumberOf({ year: 2026, month: 7, day });

  it('are those that it touches, without the one at whose midnight it ends', () => {
    assert.deepEqual(
      days('Asia/Kolkata', 'DTSTART;VALUE=DATE:20260701', 'DTEND;VALUE=DATE:20260704'),
      [1, 2, 3],
    );
    assert.deepEqual(days('Asia/Kolkata', 'DTSTART:20260701T230000', 'DTEND:20260702T010000'), [1, 2]);
    assert.deepEqual(days('Asia/Kolkata', 'DTSTART:20260701T120000'), [1]);
  });

  it('are those of the policy’s zone', () => {
    const text = calendar(event('DTSTART:20260701T200000Z', 'DURATION:PT1H'));
    const found = read(text, period('2026-07-01T00:00:00Z', '2026-07-03T00:00:00Z'), 'UTC');
    assert.deepEqual([...daysOf(found, 'UTC')], [july(1)]);
    assert.deepEqual([...daysOf(found, 'Asia/Tokyo')], [july(2)]);
    assert.equal(found[0]?.from, at('2026-07-01T20:00:00Z'));
  });
});
