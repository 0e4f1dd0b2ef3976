/** What somebody may acknowledge: whatever becomes of alerts, what is found by person is what a look at all would find. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Alert, type Level, levels, type Phase } from '../../src/station/core/alert.ts';
import type { Store } from '../../src/station/store/store.ts';
import { minutes, plus } from '../../src/time.ts';
import { add, alertOf, dialects, noon, type Place, person } from './samples.ts';

const people = ['alice', 'bob', 'eve'].map(person);
const runs = 40;

type Step =
  | {
      readonly do: 'change';
      readonly n: number;
      readonly phase: number;
      readonly level: number;
      readonly told: number;
    }
  | { readonly do: 'add'; readonly told: number }
  | { readonly do: 'reopen' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      n: fc.nat(30),
      phase: fc.nat(3),
      level: fc.nat(3),
      told: fc.nat(7),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), told: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);

const some = (bits: number) => people.filter((_, i) => (bits & (1 << i)) !== 0);
const levelOf = (n: number): Level | null => levels[n] ?? null;
const phases: readonly Phase[] = [
  { kind: 'raised', since: noon },
  { kind: 'cleared', since: noon },
  {
    kind: 'acknowledged',
    raisedSince: noon,
    since: noon,
    by: 'bob',
    until: plus(noon, minutes(5)),
    note: '',
  },
  { kind: 'raised', since: plus(noon, minutes(1)) },
];

class Run {
  private readonly place: Place;
  private store: Store;
  private readonly alerts: Alert[] = [];

  constructor(place: Place) {
    this.place = place;
    this.store = place.open();
  }

  async do(step: Step): Promise<void> {
    switch (step.do) {
      case 'add':
        this.alerts.push(...(await add(this.store, (key) => alertOf(key, { told: some(step.told) }))));
        return;
      case 'change': {
        const index = step.n % Math.max(1, this.alerts.length);
        const before = this.alerts[index];
        if (before === undefined) return;
        const phase = phases[step.phase] ?? before.phase;
        // Most decisions leave most of an alert as it is.
        const told = step.told === 7 ? before.told : some(step.told);
        const after = { ...before, phase, level: levelOf(step.level), told };
        this.alerts[index] = after;
        return await this.store.transaction((tx) => tx.save([{ before, after }]));
      }
      case 'reopen':
        await this.store.close();
        this.store = this.place.open();
        return;
      default:
        step satisfies never;
    }
  }

  async compare(): Promise<void> {
    await this.store.transaction(async (tx) => {
      for (const who of people) {
        const open = this.alerts
          .filter(({ phase, told }) => phase.kind === 'raised' && told.includes(who))
          .sort((a, b) => rank(b) - rank(a) || b.key - a.key);
        assert.deepEqual(await tx.loadOpenOf(who, 100), open);
        assert.deepEqual(await tx.loadOpenOf(who, 2), open.slice(0, 2));
        for (const most of [1, 3, 100]) {
          assert.equal(await tx.countOpenOf(who, most), Math.min(most, open.length));
        }
      }
    });
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

const rank = ({ level }: Alert): number => levels.indexOf(level ?? levels[0]);

for (const dialect of dialects) {
  test(`${dialect.name}: what somebody was told of and nobody has acknowledged is found, urgent first, then the newest`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }), async (steps) => {
        const run = new Run(dialect.place(t));
        for (const one of steps) {
          await run.do(one);
          await run.compare();
        }
        await run.close();
      }),
      { numRuns: runs },
    );
  });
}
