import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import ICAL from 'ical.js';
import { Temporal } from 'temporal-polyfill';
import {
  civilDateOf,
  dayNumberOf,
  instantOf,
  offsetsOf,
  wall,
  wallOf,
} from '../../src/station/calendar/wall-time.ts';
import { instant } from '../../src/time.ts';
import { at, calendar, event, period, read } from './ics.ts';

const zone = 'America/New_York';

/** The local starts of a series that begins on 1997-09-02 at 09:00, as RFC 5545, 3.8.5.3, has its examples. */
function starts(rule: string, start = '19970902T090000', to = '2010-01-01T00:00:00Z'): readonly string[] {
  const text = calendar(event(`DTSTART;TZID=${zone}:${start}`, `RRULE:${rule}`));
  const offsets = offsetsOf(zone);
  assert.ok(offsets);
  return read(text, period('1997-01-01T00:00:00Z', to)).map(({ from }) =>
    new Date(wallOf(from, offsets)).toISOString().slice(0, 16),
  );
}

const days = (rule: string, start?: string, to?: string) =>
  starts(rule, start, to).map((text) => text.slice(2, 10));

describe('a rule of the calendar standard', () => {
  const cases: readonly (readonly [string, string | undefined, readonly string[]])[] = [
    ['FREQ=DAILY;INTERVAL=10;COUNT=3', undefined, ['97-09-02', '97-09-12', '97-09-22']],
    [
      'FREQ=WEEKLY;INTERVAL=2;UNTIL=19971007T000000Z;WKST=SU;BYDAY=MO,WE,FR',
      '19970901T090000',
      [
        '97-09-01',
        '97-09-03',
        '97-09-05',
        '97-09-15',
        '97-09-17',
        '97-09-19',
        '97-09-29',
        '97-10-01',
        '97-10-03',
      ],
    ],
    [
      'FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO',
      '19970805T090000',
      ['97-08-05', '97-08-10', '97-08-19', '97-08-24'],
    ],
    [
      'FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU',
      '19970805T090000',
      ['97-08-05', '97-08-17', '97-08-19', '97-08-31'],
    ],
    ['FREQ=MONTHLY;COUNT=3;BYDAY=1FR', '19970905T090000', ['97-09-05', '97-10-03', '97-11-07']],
    [
      'FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU',
      '19970907T090000',
      ['97-09-07', '97-09-28', '97-11-02', '97-11-30'],
    ],
    ['FREQ=MONTHLY;COUNT=3;BYDAY=-2MO', '19970922T090000', ['97-09-22', '97-10-20', '97-11-17']],
    ['FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=3', '19970928T090000', ['97-09-28', '97-10-29', '97-11-28']],
    ['FREQ=MONTHLY;COUNT=3', '19980131T090000', ['98-01-31', '98-03-31', '98-05-31']],
    [
      'FREQ=MONTHLY;INTERVAL=18;COUNT=4;BYMONTHDAY=10,11',
      '19970910T090000',
      ['97-09-10', '97-09-11', '99-03-10', '99-03-11'],
    ],
    ['FREQ=YEARLY;COUNT=4;BYMONTH=6,7', '19970610T090000', ['97-06-10', '97-07-10', '98-06-10', '98-07-10']],
    [
      'FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200',
      '19970101T090000',
      ['97-01-01', '97-04-10', '97-07-19', '00-01-01'],
    ],
    ['FREQ=YEARLY;BYDAY=20MO;COUNT=3', '19970519T090000', ['97-05-19', '98-05-18', '99-05-17']],
    ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3', '19970512T090000', ['97-05-12', '98-05-11', '99-05-17']],
    [
      'FREQ=YEARLY;BYMONTH=3;BYDAY=TH;COUNT=4',
      '19970313T090000',
      ['97-03-13', '97-03-20', '97-03-27', '98-03-05'],
    ],
    ['FREQ=YEARLY;COUNT=3', '19960229T090000', ['00-02-29', '04-02-29']],
    ['FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3', '19980213T090000', ['98-02-13', '98-03-13', '98-11-13']],
    [
      'FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13;COUNT=3',
      '19970913T090000',
      ['97-09-13', '97-10-11', '97-11-08'],
    ],
    [
      'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3',
      '19961105T090000',
      ['00-11-07', '04-11-02'],
    ],
    [
      'FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3',
      '19970904T090000',
      ['97-09-04', '97-10-07', '97-11-06'],
    ],
    [
      'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3',
      '19970929T090000',
      ['97-09-29', '97-10-30', '97-11-27'],
    ],
    ['FREQ=DAILY;BYMONTH=1;UNTIL=19980103', '19980101T090000', ['98-01-01', '98-01-02', '98-01-03']],
    ['FREQ=DAILY;COUNT=3;BYDAY=MO', '19970902T090000', ['97-09-02', '97-09-08', '97-09-15']],
  ];
  for (const [rule, start, expected] of cases) {
    it(`${rule} happens on the days that the standard names`, () => {
      assert.deepEqual(days(rule, start), expected);
    });
  }

  it('goes by hours and minutes', () => {
    const first = (rule: string) => starts(rule).map((text) => text.slice(8));
    assert.deepEqual(first('FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z'), [
      '02T09:00',
      '02T12:00',
      '02T15:00',
    ]);
    assert.deepEqual(first('FREQ=MINUTELY;INTERVAL=90;COUNT=3'), ['02T09:00', '02T10:30', '02T12:00']);
    assert.deepEqual(first('FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,40;COUNT=5'), [
      '02T09:00',
      '02T09:40',
      '02T10:00',
      '02T10:40',
      '03T09:00',
    ]);
    assert.deepEqual(first('FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10;COUNT=7').at(-1), '03T09:00');
    assert.deepEqual(first('FREQ=HOURLY;BYDAY=TH;BYMINUTE=15,45;COUNT=4'), [
      '02T09:00',
      '04T00:15',
      '04T00:45',
      '04T01:15',
    ]);
  });

  it('may be written in small letters', () => {
    assert.deepEqual(days('freq=weekly;byday=tu;count=2'), ['97-09-02', '97-09-09']);
  });

  it('entered in the middle gives what counting from its beginning gives', () => {
    const frequency = fc.constantFrom('YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY');
    const part = fc.constantFrom(
      '',
      ';BYDAY=MO,TH',
      ';BYMONTH=2,10',
      ';BYMONTHDAY=1,-1',
      ';BYDAY=MO,TU;BYSETPOS=-1',
      ';WKST=SU',
    );
    fc.assert(
      fc.property(
        frequency,
        fc.integer({ min: 1, max: 7 }),
        part,
        fc.nat(4000),
        (freq, interval, parts, later) => {
          const rule = `FREQ=${freq};INTERVAL=${interval}${parts}`;
          const text = (limit: string) =>
            calendar(
              event('DTSTART;TZID=Europe/London:20150311T013000', 'DURATION:PT1H', `RRULE:${rule}${limit}`),
            );
          const from = at('2015-03-01T00:00:00Z') + later * 86_400_000;
          const window = { from: instant(from), to: instant(from + 40 * 86_400_000) };
          assert.deepEqual(read(text(''), window), read(text(';COUNT=1000000'), window));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('happens as another reader of calendars has it, where that one can be trusted', () => {
    const parts = fc.oneof(
      fc.record({ freq: fc.constant('DAILY'), more: fc.constantFrom('', ';BYMONTH=1,6', ';BYDAY=MO,FR') }),
      fc.record({
        freq: fc.constant('WEEKLY'),
        more: fc.constantFrom('', ';BYDAY=MO,WE,SU', ';BYDAY=SU,MO;WKST=SU'),
      }),
      fc.record({
        freq: fc.constant('MONTHLY'),
        more: fc.constantFrom(
          ';BYMONTHDAY=1,15',
          ';BYDAY=2TU',
          ';BYDAY=-1FR',
          ';BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1',
        ),
      }),
      fc.record({
        freq: fc.constant('YEARLY'),
        more: fc.constantFrom('', ';BYMONTH=3;BYDAY=-1SU', ';BYYEARDAY=60,200'),
      }),
    );
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 4 }), fc.nat(700), ({ freq, more }, interval, day) => {
        const rule = `FREQ=${freq};INTERVAL=${interval};COUNT=20${more}`;
        const start = civilDateOf(dayNumberOf({ year: 2024, month: 3, day: 1 }) + (day % 28));
        const date = `${start.year}-${String(start.month).padStart(2, '0')}-${String(start.day).padStart(2, '0')}T09:00:00Z`;
        const iterator = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString(date, ''));
        const theirs: number[] = [];
        for (let next = iterator.next(); next; next = iterator.next()) theirs.push(next.toJSDate().getTime());
        const text = calendar(event(`DTSTART:${date.replaceAll(/[-:]/g, '')}`, `RRULE:${rule}`));
        const ours = read(text, period('2024-01-01T00:00:00Z', '2200-01-01T00:00:00Z')).map(({ from }) =>
          Number(from),
        );
        // Theirs leaves a start out that is not as the rule says; here it is the first.
        const first = at(date);
        const expected = theirs[0] === first ? theirs : [first, ...theirs.slice(0, 19)];
        assert.deepEqual(ours, expected, rule);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a time on the wall', () => {
  it('is the moment that the system’s own arithmetic gives, in every zone, at every change of clocks', () => {
    const zones = [
      'Europe/London',
      'America/New_York',
      'Australia/Lord_Howe',
      'Pacific/Apia',
      'Africa/Casablanca',
      'Asia/Kolkata',
      'America/Sao_Paulo',
      'Europe/Dublin',
    ];
    const first = at('2005-01-01T00:00:00Z');
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.nat(30 * 366),
        fc.integer({ min: -1500, max: 1500 }),
        (name, day, minute) => {
          const offsets = offsetsOf(name);
          assert.ok(offsets);
          const near = Temporal.Instant.fromEpochMilliseconds(first + day * 86_400_000).toZonedDateTimeISO(
            name,
          );
          const change = near.getTimeZoneTransition('next') ?? near;
          const shown = change.add({ minutes: minute }).toPlainDateTime();
          const number = Date.UTC(
            shown.year,
            shown.month - 1,
            shown.day,
            shown.hour,
            shown.minute,
            shown.second,
          );
          const expected = shown.toZonedDateTime(name, { disambiguation: 'compatible' }).epochMilliseconds;
          assert.equal(instantOf(wall(number), offsets), expected, `${shown} ${name}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of any day has the date of that day', () => {
    for (let day = -1_000_000; day < 1_000_000; day += 97) {
      const date = civilDateOf(day);
      assert.equal(dayNumberOf(date), day);
      const known = new Date(day * 86_400_000);
      assert.deepEqual(date, {
        year: known.getUTCFullYear(),
        month: known.getUTCMonth() + 1,
        day: known.getUTCDate(),
      });
    }
  });

  it('has no zone where nobody knows one', () => {
    for (const name of ['Mars/Olympus', '', '2026-01-01T00:00[UTC]', '+01:00', 'constructor'])
      assert.equal(offsetsOf(name), null);
  });
});
