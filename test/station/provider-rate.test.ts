/** A provider is given no more messages within a time than it takes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProviderRate } from '../../src/station/provider-rate.ts';
import { type Instant, instant, milliseconds, minus, minutes, plus, seconds } from '../../src/time.ts';

const noon = instant(1_700_000_000_000);
const rate = { count: 3, per: seconds(10) };

describe('the rate of a provider', () => {
  it('is none where none is set', () => {
    const free = new ProviderRate(undefined);
    for (let i = 0; i < 100; i++) free.begins(noon);
    assert.deepEqual([free.room(noon), free.opensAt(noon)], [Number.POSITIVE_INFINITY, null]);
  });

  it('has room for so many, and again when the first of them is long enough ago', () => {
    const provider = new ProviderRate(rate);
    for (let i = 0; i < 3; i++) provider.begins(plus(noon, seconds(i)));
    const now = plus(noon, seconds(3));
    assert.deepEqual([provider.room(now), provider.opensAt(now)], [0, plus(noon, rate.per)]);
    const later = plus(noon, rate.per);
    assert.deepEqual([provider.room(later), provider.opensAt(later)], [1, null]);
    assert.equal(provider.room(plus(later, rate.per)), 3);
  });

  it('is not spent because the clock was set back', () => {
    const provider = new ProviderRate(rate);
    for (let i = 0; i < 3; i++) provider.begins(noon);
    assert.equal(provider.room(minus(noon, minutes(20))), 3);
  });

  it('is never exceeded, and never left unused for longer than it says', () => {
    const waits = fc.array(fc.nat(6000), { maxLength: 200 });
    fc.assert(
      fc.property(
        waits,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 20_000 }),
        (all, count, per) => {
          const provider = new ProviderRate({ count, per: milliseconds(per) });
          const begun: Instant[] = [];
          let now = noon;
          for (const wait of all) {
            now = plus(now, milliseconds(wait));
            const within = begun.filter((at) => plus(at, milliseconds(per)) > now);
            assert.equal(provider.room(now), count - within.length);
            const opens = provider.opensAt(now);
            assert.equal(opens, within.length < count ? null : plus(within[0] ?? now, milliseconds(per)));
            if (within.length >= count) continue;
            provider.begins(now);
            begun.push(now);
          }
        },
      ),
    );
  });
});
