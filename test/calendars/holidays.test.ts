import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { publicHolidays } from '../../src/station/calendar/holidays.ts';
import { civilDateOf } from '../../src/station/calendar/wall-time.ts';

function holidays(country: string, region: string | null, year: number): readonly string[] {
  const found = publicHolidays(country, region, year, year);
  assert.ok(found.ok, found.ok ? '' : found.why);
  return [...found.days].map((day) => {
    const date = civilDateOf(day);
    assert.equal(date.year, year);
    return `${date.day}.${date.month}.`;
  });
}

const refused = (country: string, region: string | null): string => {
  const found = publicHolidays(country, region, 2026, 2026);
  return found.ok ? 'known' : found.why;
};

describe('public holidays', () => {
  it('of England are those of its calendar, the late summer one and moved ones among them', () => {
    assert.deepEqual(holidays('GB', 'ENG', 2026), [
      '1.1.',
      '3.4.',
      '6.4.',
      '4.5.',
      '25.5.',
      '31.8.',
      '25.12.',
      '26.12.',
      '28.12.',
    ]);
    assert.ok(holidays('GB', 'ENG', 2011).includes('29.8.'));
    assert.ok(
      holidays('GB', 'ENG', 2021).includes('28.12.'),
      'Boxing Day, moved behind Christmas Day, which is moved too',
    );
    assert.ok(holidays('GB', 'ENG', 2022).includes('3.1.'), 'New Year’s Day 2022 was a Saturday');
    assert.ok(!holidays('GB', 'SCT', 2026).includes('6.4.'), 'Scotland works on Easter Monday');
  });

  it('of Bavaria have Epiphany and Corpus Christi, and half of Christmas Eve is a working day', () => {
    const found = holidays('de', 'by', 2026);
    for (const day of ['6.1.', '4.6.', '1.11.', '3.10.']) assert.ok(found.includes(day), day);
    for (const day of ['24.12.', '31.12.', '31.10.']) assert.ok(!found.includes(day), day);
    assert.ok(!holidays('DE', 'BY', 2026).includes('8.8.'));
    assert.ok(holidays('DE', 'BY-A', 2026).includes('8.8.'), 'Augsburg’s own');
  });

  it('that last several days count all of them', () => {
    const found = holidays('SA', null, 2026);
    for (const day of ['19.3.', '20.3.', '21.3.', '22.3.']) assert.ok(found.includes(day), day);
    assert.ok(!found.includes('18.3.') && !found.includes('23.3.'));
  });

  it('of several years are given at once', () => {
    const found = publicHolidays('GB', 'ENG', 2026, 2027);
    assert.ok(found.ok);
    assert.equal(found.days.size, holidays('GB', 'ENG', 2026).length + holidays('GB', 'ENG', 2027).length);
  });

  it('of places that nobody knows are a mistake, and what is probably meant is named', () => {
    assert.equal(
      refused('XQ9', null),
      'no holidays are known of country "XQ9" (its ISO 3166 code, such as GB, is expected)',
    );
    assert.equal(refused('UK', 'ENG'), 'no holidays are known of country "UK" (did you mean "GB"?)');
    assert.equal(refused('GB', 'EN'), 'GB has no region "EN" (did you mean "ENG"?)');
    assert.equal(refused('GB', 'London'), 'GB has no region "London" (it has: ALD, ENG, NIR, SCT, WLS)');
    assert.equal(refused('DE', 'BY-X'), 'DE has no region "BY-X" (did you mean "BY-A"?)');
  });
});
