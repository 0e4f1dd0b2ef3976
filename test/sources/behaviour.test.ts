/**
 * What was recorded of the original's source lists, each by its name. Where ours
 * differ on purpose, the name says by which item of semantics.md, "Where we
 * differ from what the original does, on purpose".
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { contains, KnownNames, listOf } from './kit.ts';

type Step = { readonly list: readonly string[]; readonly hosts?: readonly string[]; readonly host?: string };
type Expected = {
  readonly after_step: number;
  readonly matches?: boolean | readonly string[];
  readonly dns_lookups?: number;
};
type Recorded = {
  readonly area: string;
  readonly name: string;
  readonly given: {
    readonly dns?: Readonly<Record<string, readonly string[]>>;
    readonly config?: { readonly settings?: { readonly minimal_dns_lookups?: boolean } };
  };
  readonly steps: readonly Step[];
  readonly expect: readonly Expected[];
};

/** By name: the item cited, and by step what matches here instead. */
const differences: Readonly<Record<string, { readonly items: string; readonly matches: readonly string[] }>> =
  {
    'character classes and star patterns are anchored at the end only': {
      // "lists were anchored only at the end; here … matches are anchored at both ends": so `[a-c].example.com`
      // is neither xa.example.com nor www.a.example.com.
      items: 'item 7',
      matches: ['a.example.com', 'www.f.example.com', 'g.example.com', 'b.example.com.'],
    },
    "numeric ranges in names (app8..10.example.com) are promised by the original's comments but its code fails on them on any Ruby since 1.9":
      {
        // "`app1..10` failed …; here ranges work".
        items: 'item 7',
        matches: ['app8.example.com', 'app9.example.com', 'app10.example.com'],
      },
    'a network with host bits set matches its whole network; host names are case-sensitive': {
      // "Host names were compared by case; here as DNS does, without."
      items: 'item 12',
      matches: ['192.168.100.200', 'Host.example.com', 'host.example.com'],
    },
  };

const vectors = new URL('../vectors/behaviour.json', import.meta.url);
const recorded = (JSON.parse(readFileSync(vectors, 'utf8')) as readonly Recorded[]).filter(
  ({ area }) => area === 'source-list',
);

describe('source lists, as recorded', () => {
  test('eight behaviours were recorded, and each difference is of one of them', () => {
    assert.equal(recorded.length, 8);
    const names = recorded.map(({ name }) => name);
    for (const name of Object.keys(differences)) assert.ok(names.includes(name), name);
  });

  for (const { name, given, steps, expect } of recorded) {
    const differs = differences[name];
    test(differs === undefined ? name : `${name} [differs: ${differs.items}]`, () => {
      const names = new KnownNames(given.dns);
      const lookUp = given.config?.settings?.minimal_dns_lookups !== true;
      for (const [index, step] of steps.entries()) {
        const list = listOf(step.list, lookUp);
        const expected = expect.find(({ after_step }) => after_step === index);
        const wanted = differs?.matches ?? expected?.matches;
        if (step.hosts === undefined) assert.equal(contains(list, step.host ?? '', names), wanted);
        else
          assert.deepEqual(
            step.hosts.filter((host) => contains(list, host, names)),
            wanted,
          );
        if (expected?.dns_lookups !== undefined) assert.equal(names.asked.length, expected.dns_lookups);
      }
    });
  }
});
