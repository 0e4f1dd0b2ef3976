/**
 * What was recorded of the original's hours: whether they are open, when they open next, and lengths of time
 * counted in them; written in a policy and asked of the station's own functions, or acknowledged through the
 * door. Where ours differs on purpose, the test says by which item of semantics, "Where we differ".
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Temporal } from 'temporal-polyfill';
import type { During } from '../../src/station/core/policy.ts';
import { firstDue, isOpen, nextOpening, openingHorizon } from '../../src/station/core/schedule.ts';
import { hours, type Instant, instant, plus, seconds } from '../../src/time.ts';
import { timeline } from '../kit/station.ts';
import { type Case, expectedAfter, type Json, type Step, Taken } from '../station/behaviour-cases.ts';
import { duringOf, policyOf, startOf } from '../station/behaviour-policy.ts';
import { faultsOf, policyOf as policyFrom } from './kit.ts';

const taken = new Taken('policy/behaviour-hours.test.ts');

const somebody = { ann: { email: 'ann@example.net' } };
const zoneOf = (one: Case): string => one.given.tz ?? 'UTC';
const at = (one: Case, local: string | undefined): Instant =>
  instant(Temporal.PlainDateTime.from(local ?? '').toZonedDateTime(zoneOf(one)).epochMilliseconds);
const local = (one: Case, moment: Instant): string =>
  Temporal.Instant.fromEpochMilliseconds(moment)
    .toZonedDateTimeISO(zoneOf(one))
    .toPlainDateTime()
    .toString({ smallestUnit: 'second' });

/** A policy whose only rule has that `during`. */
function policyWith(one: Case, during: Json | null, extra: { readonly [key: string]: Json } = {}): string {
  const rule = { to: 'ann', ...(during !== null && { during }) };
  const groups = [{ name: 'all', notify: [rule] }];
  return policyOf(one, startOf(one), { people: somebody, groups, ...extra });
}

function meant(one: Case, during: Json | null, extra: { readonly [key: string]: Json } = {}): During {
  const rule = policyFrom(policyWith(one, during, extra)).groups[0]?.rules[0];
  if (rule === undefined) throw new Error('a policy without rules');
  return rule.during;
}

const episode = { raisedAt: instant(0) };

function assertOpen(one: Case, step: Step, during: During, expected: boolean | undefined): void {
  assert.equal(isOpen(during, episode, at(one, step.at)), expected, `${JSON.stringify(step)}`);
}

describe('lengths counted in hours, recorded from the original', () => {
  async function acknowledged(one: Case, step: Step): Promise<string> {
    const start = at(one, step.at);
    let until: Instant | null = null;
    await timeline({ policy: policyWith(one, null), start }, async (t) => {
      await t.update([{ raise: 0 }]);
      const named = step.type === 'wallclock' ? {} : { hours: step.type ?? '' };
      const outcome = await t.act('test', {
        kind: 'acknowledge',
        for: hours(step.hours ?? 0),
        note: '',
        ...named,
      });
      if (!outcome.ok) throw new Error(outcome.why);
      if (outcome.alert?.phase.kind === 'acknowledged') until = outcome.alert.phase.until;
    });
    if (until === null) throw new Error('not acknowledged');
    return local(one, until);
  }

  for (const { name } of taken.executable('in-x-hours')) {
    const one = taken.take(name);
    const unknown = one.steps.some(({ type }) => type === 'nonsense');
    it(`${name}${unknown ? ' [differs: item 13: an unknown kind of hours is an error]' : ''}`, async () => {
      for (const [index, step] of one.steps.entries()) {
        const expected = expectedAfter(one, index);
        const about = JSON.stringify(step);
        if (step.op === 'time_is') assertOpen(one, step, meant(one, duringOf(step.kind)), expected?.is);
        else if (step.type === 'nonsense') await assert.rejects(acknowledged(one, step), /no-such-hours/);
        else assert.equal(await acknowledged(one, step), expected?.local, about);
      }
    });
  }
});

describe('hours recorded from the original', () => {
  for (const { name } of taken.executable('hours')) {
    const one = taken.take(name);
    it(name, () => {
      for (const [index, step] of one.steps.entries()) {
        assertOpen(one, step, meant(one, duringOf(step.kind)), expectedAfter(one, index)?.is);
      }
    });
  }
});

describe('conditions recorded from the original', () => {
  const inDay = taken.take('hours_in_day at 03:04:05');
  it(`${inDay.name} [differs: item 13: a range with minutes is exact]`, () => {
    for (const [index, step] of inDay.steps.entries()) {
      const recorded = expectedAfter(inDay, index)?.now;
      // [3, 3.5] held until 3:59 there, and does until 3:30 here.
      const exact = step.at === '2010-01-02T03:45:00';
      assertOpen(inDay, step, meant(inDay, duringOf(step.during)), exact ? false : recorded);
    }
  });

  const next = taken.take(
    'next time a condition holds - reminders fall on the start of the hours, never later than needed, and none beyond 8 days',
  );
  it(`${next.name} [differs: item 13: beyond 8 days, it is looked for again then]`, () => {
    for (const [index, step] of next.steps.entries()) {
      const during = meant(next, duringOf(step.during));
      const from = plus(at(next, step.at), seconds(step.after ?? 0));
      const found = nextOpening(during, { raisedAt: at(next, step.at) }, from);
      const expected = expectedAfter(next, index)?.next ?? null;
      assert.equal(found === null ? null : local(next, found), expected, JSON.stringify(step));
      if (found !== null) continue;
      assert.equal(firstDue({ during }, { raisedAt: at(next, step.at) }, from), plus(from, openingHorizon));
    }
  });

  const unacknowledged = taken.take('unacknowledged for a time');
  it(`${unacknowledged.name}; for no time at all is a mistake in the policy`, () => {
    const raised = { raisedAt: startOf(unacknowledged) };
    let asked = 0;
    for (const [index, step] of unacknowledged.steps.entries()) {
      if (step.op !== 'during_now') continue;
      const written = duringOf(step.during);
      // Without an alert nothing is asked of a rule here.
      if (step.alert !== true) {
        assert.equal(faultsOf(policyWith(unacknowledged, written)).length, 1);
        continue;
      }
      asked += 1;
      const open = isOpen(meant(unacknowledged, written), raised, at(unacknowledged, step.at));
      assert.equal(open, expectedAfter(unacknowledged, index)?.now, JSON.stringify(step));
    }
    assert.equal(asked, 4);
  });

  const nobody = taken.take('nobody in a people list');
  it(`${nobody.name} [differs: item 13: a list that nobody has, and one without members, are mistakes]`, () => {
    const [unknown, empty, full] = nobody.steps.map((step) => duringOf(step.during));
    const people = { ...somebody, test1: {}, test2: {} };
    const lists = { 'not-empty': { members: ['test1', 'test2'] } };
    assert.match(
      faultsOf(policyWith(nobody, unknown ?? null, { people, lists })).join('\n'),
      /non-existent-list/,
    );
    const none = { ...lists, empty: { members: [] } };
    assert.match(
      faultsOf(policyWith(nobody, empty ?? null, { people, lists: none })).join('\n'),
      /members|Array|at least/i,
    );

    const step = nobody.steps[2];
    if (step === undefined) throw new Error('the case has three steps');
    assertOpen(nobody, step, meant(nobody, full ?? null, { people, lists }), expectedAfter(nobody, 2)?.now);

    // Nobody is there where all are away: as in an empty list there.
    const away = [{ from: '2011-07-31', to: '2011-08-02', kind: 'holiday' }];
    const gone = { ...somebody, test1: { away }, test2: { away } };
    assertOpen(
      nobody,
      step,
      meant(nobody, full ?? null, { people: gone, lists }),
      expectedAfter(nobody, 1)?.now,
    );
  });

  it('leaves no case of its areas out', () => taken.assertNoneLeft());
});
