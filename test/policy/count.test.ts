/** "For two working hours": lengths counted in hours, against a clock that ticks only while they are open. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { countedFrom } from '../../src/station/core/count.ts';
import type { Hours } from '../../src/station/core/policy.ts';
import { days, hours, type Instant, instant, milliseconds, minutes, plus, rfc3339 } from '../../src/time.ts';
import { anyHours, anyPlace, hoursInWords, minute, shown } from './schedule-naive.ts';

/** Ends with the minute in which the last of `length` passes; null where the hours stay shut for eight days. */
function countedInWords(from: Instant, length: number, of: Hours): Instant | null {
  let left = length;
  let shutSince = from;
  for (let at = from; ; ) {
    const next = instant((Math.floor(at / minute) + 1) * minute);
    if (hoursInWords(of, at)) {
      if (left <= next - at) return plus(at, milliseconds(left));
      left -= next - at;
      shutSince = next;
    } else if (next - shutSince > days(8)) return null;
    at = next;
  }
}

const working: Hours = {
  name: 'working',
  timezone: 'Europe/London',
  days: [1, 2, 3, 4, 5],
  from: 570,
  to: 1050,
  except: null,
  only: null,
};
const counted = (from: string, length: number, of = working): string | null => {
  const end = countedFrom(instant(Date.parse(from)), milliseconds(length), of);
  return end === null ? null : rfc3339(end);
};

describe('a length counted in hours', () => {
  test('is the naive count of their open minutes, in any zone', () => {
    const anyCount = anyPlace.chain((place) =>
      fc.record({
        from: fc.constant(place.from),
        of: anyHours(place),
        openings: fc.double({ min: 0, max: 4, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(anyCount, ({ from, of, openings }) => {
        const opening = of.to > of.from ? of.to - of.from : of.to - of.from + 24 * 60;
        const length = Math.ceil(minutes(opening) * openings) + 1;
        const found = countedFrom(from, milliseconds(length), of);
        assert.equal(shown(found), shown(countedInWords(from, length, of)));
      }),
      { numRuns: 60 },
    );
  });

  test('ends with the hours where it just fits, not at their next opening', () => {
    assert.equal(counted('2026-01-09T12:00Z', hours(5.5)), '2026-01-09T17:30:00Z');
    assert.equal(counted('2026-01-09T12:00Z', hours(5.5) + 1), '2026-01-12T09:30:00.001Z');
  });

  test('that is nothing ends at once or, outside the hours, when they open', () => {
    assert.equal(counted('2026-01-09T17:29:59Z', 0), '2026-01-09T17:29:59Z');
    assert.equal(counted('2026-01-09T17:30Z', 0), '2026-01-12T09:30:00Z');
  });

  test('leaves out holidays', () => {
    const christmas = new Set([Date.parse('2026-12-25') / days(1), Date.parse('2026-12-28') / days(1)]);
    assert.equal(
      counted('2026-12-24T17:00Z', hours(1), { ...working, except: christmas }),
      '2026-12-29T10:00:00Z',
    );
  });

  test('never ends in hours that never open, and is given up beyond all reason', () => {
    assert.equal(counted('2026-01-09T12:00Z', minutes(1), { ...working, only: new Set() }), null);
    assert.equal(counted('2026-01-09T12:00Z', days(5000)), null);
  });
});
