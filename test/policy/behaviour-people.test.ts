/**
 * What was recorded of the original's rate limits and lists of people, each by its name; limits through
 * delivery, with a channel that remembers. Where ours differs on purpose, the test says by which item of
 * semantics, "Where we differ".
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { peopleOf } from '../../src/station/core/policy.ts';
import { timeline } from '../kit/station.ts';
import { type Case, expectedAfter, type Json, Taken } from '../station/behaviour-cases.ts';
import { policyOf, startOf } from '../station/behaviour-policy.ts';
import { faultsOf, policyOf as policyFrom } from './kit.ts';

const taken = new Taken('policy/behaviour-people.test.ts');

describe('rate limits recorded from the original', () => {
  /** What is sent at other times than a reminder's becomes a rule of its own that opens then and tells once. */
  function groupOf(one: Case): Json {
    const rules = one.steps
      .filter(({ op }) => op.startsWith('notify_'))
      .map(({ t, person, list }): Json => {
        const to = person ?? list ?? '';
        return t === 0 ? { to } : { to, during: { raised_for: `${t}s` } };
      });
    return { name: 'default', level: 'urgent', notify: rules };
  }

  const differs: Readonly<Record<string, { readonly item: string; readonly counts: readonly number[] }>> = {
    'with two limits written the other way round the longer one rules': {
      item: '5: all limits count, so the two in a minute hold back the third',
      counts: [1, 1, 0, 0, 0, 0, 0],
    },
  };

  for (const { name } of taken.executable('person-rate-limit')) {
    const one = taken.take(name);
    const difference = differs[name];
    it(`${name}${difference === undefined ? '' : ` [differs: item ${difference.item}]`}`, () => {
      const start = startOf(one);
      const policy = policyOf(one, start, { groups: [groupOf(one)] });
      return timeline({ policy, start }, async (t) => {
        await t.update([{ raise: 0 }]);
        const sends = [...one.steps.entries()].filter(([, { op }]) => op.startsWith('notify_'));
        for (const [nth, [index, step]] of sends.entries()) {
          await t.at(step.t);
          const told = t.told();
          const expected = expectedAfter(one, index);
          const count = difference?.counts[nth] ?? expected?.notified_count;
          if (count !== undefined) assert.equal(told.length, count, `at ${step.t} s`);
          if (expected?.notified !== undefined) assert.deepEqual(told, expected.notified, `at ${step.t} s`);
        }
        assert.equal(t.sent.length, new Set(t.sent.map(({ to, at }) => `${to} ${at}`)).size);
      });
    });
  }
});

describe('lists of people recorded from the original', () => {
  const members = taken.take('list members in order, unknown names and duplicates dropped');
  it(`${members.name} [differs: item 13: an unknown name in a list is a configuration error]`, () => {
    const faults = faultsOf(policyOf(members, startOf(members)));
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', /nobody/);

    const { config = {} } = members.given;
    const known = { ...config, people_lists: { l: { members: ['b', 'a', 'b'] } } };
    const one = { ...members, given: { config: known } };
    const text = policyOf(one, startOf(one), { groups: [{ name: 'all', notify: [{ to: 'l' }] }] });
    const who = policyFrom(text).groups[0]?.rules[0]?.who ?? [];
    assert.deepEqual(peopleOf(who, startOf(one)), ['b', 'a']);
  });

  const circle = taken.take('lists that contain each other do not loop');
  it(`${circle.name} [differs: item 13: lists that contain each other are a configuration error]`, () => {
    const faults = faultsOf(policyOf(circle, startOf(circle)));
    assert.ok(faults.length > 0);
    for (const fault of faults) assert.match(fault, /l[12]0/);
  });

  it('lists nested, with rules of their own, tell by those of the list that the rule names', () => {
    // The case above without its circle: what it was meant to show.
    const { config = {} } = circle.given;
    const { l20, l30 } = config.people_lists ?? {};
    assert.ok(l20 && l30);
    const lists = { l20: { ...l20, members: ['l30'] }, l30 };
    const groups = [{ name: 'g', notify: [{ who: 'l20' }] }];
    const one = { ...circle, given: { config: { ...config, people_lists: lists, groups } } };
    const start = startOf(one);
    return timeline({ policy: policyOf(one, start), start }, async (t) => {
      await t.update([{ raise: 0 }]);
      assert.deepEqual(t.told(), ['t1', 't2']);
      await t.at(59);
      assert.deepEqual(t.told(), []);
      await t.at(60);
      assert.deepEqual(t.told(), ['t1', 't2'], 'every minute outside working hours, whatever those say');
    });
  });

  it('leaves no case of its areas out', () => taken.assertNoneLeft());
});
