/** A provider that is down is left alone for a while, tried with one message, and used again once one got through. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Breaker, breakAfter, breakFirst, breakMost } from '../../src/station/breaker.ts';
import { type Instant, instant, minus, minutes, plus, seconds } from '../../src/time.ts';

const noon = instant(1_700_000_000_000);
const most = 8;

function failing(breaker: Breaker, times: number, at: Instant): void {
  for (let i = 0; i < times; i++) breaker.failed('connection refused', at);
}

describe('a breaker', () => {
  it('is closed while fewer than five sends fail in a row', () => {
    const breaker = new Breaker();
    failing(breaker, breakAfter - 1, noon);
    assert.deepEqual(
      [breaker.room(most, noon), breaker.opensAt(noon), breaker.problem()],
      [most, null, null],
    );
    breaker.worked();
    failing(breaker, breakAfter - 1, noon);
    assert.equal(breaker.room(most, noon), most, 'one that got through begins the count anew');
  });

  it('opens with the fifth, and then lets one through for a trial', () => {
    const breaker = new Breaker();
    failing(breaker, breakAfter, noon);
    const opens = plus(noon, breakFirst);
    assert.deepEqual([breaker.room(most, noon), breaker.opensAt(noon)], [0, opens]);
    assert.equal(breaker.room(most, minus(opens, seconds(1))), 0);
    assert.deepEqual([breaker.room(most, opens), breaker.opensAt(opens)], [1, null]);
  });

  it('waits twice as long after each trial that fails, at most five minutes', () => {
    const breaker = new Breaker();
    failing(breaker, breakAfter, noon);
    const waits: number[] = [];
    for (let now = noon; waits.length < 8; ) {
      const opens: Instant | null = breaker.opensAt(now);
      assert.ok(opens !== null);
      waits.push((opens - now) / 1000);
      now = opens;
      breaker.failed('still refused', now);
    }
    assert.deepEqual(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    assert.equal(breakMost, minutes(5));
  });

  it('is not opened for longer by what was under way when it opened', () => {
    const breaker = new Breaker();
    failing(breaker, breakAfter + 20, noon);
    assert.equal(breaker.opensAt(noon), plus(noon, breakFirst));
  });

  it('is closed by the first message that gets through, and begins with short waits again', () => {
    const breaker = new Breaker();
    failing(breaker, breakAfter, noon);
    failing(breaker, 1, plus(noon, breakFirst));
    breaker.worked();
    assert.deepEqual([breaker.room(most, noon), breaker.problem()], [most, null]);
    failing(breaker, breakAfter, noon);
    assert.equal(breaker.opensAt(noon), plus(noon, breakFirst));
  });

  it('says since when it fails, and how it did last', () => {
    const breaker = new Breaker();
    failing(breaker, breakAfter - 1, noon);
    breaker.failed('it hangs', plus(noon, seconds(9)));
    assert.deepEqual(breaker.problem(), { since: noon, why: 'it hangs' });
  });

  it('does not stay open because the clock was set back', () => {
    const breaker = new Breaker();
    failing(breaker, breakAfter, noon);
    const before = minus(noon, minutes(20));
    assert.deepEqual([breaker.room(most, before), breaker.opensAt(before)], [1, null]);
  });
});
