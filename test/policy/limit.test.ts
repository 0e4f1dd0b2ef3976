/** Rate limits: by the words of the semantics, and against a naive list of what was sent and when. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Level, levels } from '../../src/station/core/alert.ts';
import { heldUntil, type Sent, sentToKnow } from '../../src/station/core/limit.ts';
import { type Limit, limitsDefault } from '../../src/station/core/policy.ts';
import { hours, instant, milliseconds, minutes, seconds } from '../../src/time.ts';

const limit = (count: number, perSeconds: number): Limit => ({ count, per: seconds(perSeconds) });

/** A person to whom messages go, judged one after the other: at which second, which level. */
class Person {
  sent: readonly Sent[] = [];
  private readonly limits: readonly Limit[];

  constructor(limits: readonly Limit[]) {
    this.limits = limits;
  }

  /** `sent`, or the second until which it is held back. */
  ask(at: number, level: Level = 'normal'): 'sent' | number {
    const now = instant(at * 1000);
    const until = heldUntil(this.limits, this.sent.slice(0, sentToKnow(this.limits)), level, now);
    if (until !== null) return until / 1000;
    this.sent = [{ at: now, level }, ...this.sent];
    return 'sent';
  }

  asks(...at: readonly number[]): readonly ('sent' | number)[] {
    return at.map((second) => this.ask(second));
  }
}

describe('once N messages were sent within a period', () => {
  test('further ones are held back until a whole period has passed since the last one sent', () => {
    const person = new Person([limit(3, 60)]);
    assert.deepEqual(person.asks(0, 10, 50), ['sent', 'sent', 'sent']);
    assert.deepEqual(person.asks(51, 60, 109.999), [110, 110, 110]);
    assert.deepEqual(person.asks(110, 111, 112, 113), ['sent', 'sent', 'sent', 172]);
  });

  test('the period is without its end: N messages that take all of it are not too many', () => {
    assert.deepEqual(new Person([limit(2, 60)]).asks(0, 60, 61, 62), ['sent', 'sent', 'sent', 121]);
    assert.deepEqual(new Person([limit(2, 60)]).asks(0, 59.999, 60), ['sent', 'sent', 119.999]);
  });

  test('without limits of their own, a person has five in ten minutes', () => {
    assert.deepEqual(limitsDefault, [{ count: 5, per: minutes(10) }]);
  });

  test('each of several limits counts, whichever is written first', () => {
    for (const limits of [
      [limit(2, 60), limit(3, 3600)],
      [limit(3, 3600), limit(2, 60)],
    ]) {
      const person = new Person(limits);
      assert.deepEqual(person.asks(0, 1, 2, 61, 62, 3660, 3661), [
        'sent',
        'sent',
        61,
        'sent',
        3661,
        3661,
        'sent',
      ]);
    }
  });

  test('nothing is held back from a person without any limit', () => {
    assert.equal(heldUntil([], [{ at: instant(0), level: 'low' }], 'low', instant(1)), null);
  });
});

describe('a higher level', () => {
  test('passes, unless the last N were all of that level or higher', () => {
    const person = new Person([limit(2, 60)]);
    assert.deepEqual(person.asks(0, 1, 2), ['sent', 'sent', 61]);
    assert.equal(person.ask(3, 'low'), 61);
    assert.equal(person.ask(3, 'urgent'), 'sent');
    assert.equal(person.ask(4, 'urgent'), 'sent');
    assert.equal(person.ask(5, 'urgent'), 64);
    assert.equal(person.ask(5, 'normal'), 64);
  });

  test('that passes does not let those go that are held back', () => {
    const person = new Person([limit(3, 60)]);
    assert.deepEqual(person.asks(0, 1, 50), ['sent', 'sent', 'sent']);
    assert.equal(person.ask(70, 'urgent'), 'sent');
    // Of the last three only two are within a minute now, but no minute has passed without a message.
    assert.equal(person.ask(80), 130);
    assert.equal(person.ask(129.999), 130);
    assert.equal(person.ask(130), 'sent');
  });
});

describe('whatever is sent to a person, at whatever times', () => {
  /** Straight from the words: a limit is either reached or not, and remembers nothing else but what was sent. */
  class Naive {
    private readonly limits: readonly Limit[];
    private readonly sent: Sent[] = [];
    private readonly reached: boolean[];

    constructor(limits: readonly Limit[]) {
      this.limits = limits;
      this.reached = limits.map(() => false);
    }

    ask(now: number, level: Level): boolean {
      const last = this.sent.at(-1);
      for (const [index, { per }] of this.limits.entries()) {
        if (last !== undefined && now - last.at >= per) this.reached[index] = false;
      }
      const holds = this.limits.some(({ count }, index) => {
        const lastOnes = this.sent.slice(-count);
        const passes = !lastOnes.every((one) => levels.indexOf(one.level) >= levels.indexOf(level));
        return this.reached[index] && !passes;
      });
      if (holds) return false;
      this.sent.push({ at: instant(now), level });
      for (const [index, { count, per }] of this.limits.entries()) {
        if (this.sent.filter((one) => now - one.at < per).length >= count) this.reached[index] = true;
      }
      return true;
    }
  }

  const anyLimit = fc
    .record({ count: fc.integer({ min: 1, max: 5 }), per: fc.integer({ min: 1, max: 200 }) })
    .map(({ count, per }): Limit => ({ count, per: milliseconds(per) }));
  const anyAsks = fc.array(
    fc.record({
      wait: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 300 })),
      level: fc.constantFrom(...levels),
    }),
    { maxLength: 80 },
  );

  test('exactly what the words hold back is held back, and until the moment at which it may go', () => {
    fc.assert(
      fc.property(fc.array(anyLimit, { maxLength: 3 }), anyAsks, (limits, asks) => {
        const naive = new Naive(limits);
        let sent: readonly Sent[] = [];
        let now = 1_000;
        for (const { wait, level } of asks) {
          now += wait;
          const known = sent.slice(0, sentToKnow(limits));
          const until = heldUntil(limits, known, level, instant(now));
          assert.equal(until === null, naive.ask(now, level), `at ${now}, ${level}`);
          if (until === null) sent = [{ at: instant(now), level }, ...sent];
          else {
            assert.ok(until > now);
            assert.equal(heldUntil(limits, known, level, until), null, 'it may go then');
            assert.notEqual(heldUntil(limits, known, level, instant(until - 1)), null, 'and not before');
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('what long ago was sent need not be known', () => {
    const limits = [limit(5, 60), { count: 60, per: hours(1) }];
    assert.equal(sentToKnow(limits), 180);
    assert.equal(sentToKnow([]), 0);
  });
});
