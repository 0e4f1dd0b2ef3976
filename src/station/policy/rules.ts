/**
 * Notify rules as the core follows them. A rule of the file may leave how often
 * and when to the lists and people that it names; it is taken apart here into
 * clauses, one for all who hear alike, so that the core needs to know of rules
 * only.
 *
 * A clause is known by its rule and by whose own words it follows, never by a
 * position, so that a policy read again neither repeats nor forgets.
 */
import { createHash } from 'node:crypto';
import type { Duration } from '../../time.ts';
import type { PersonId, RuleId } from '../core/alert.ts';
import type { During, Rota, Rule, Who } from '../core/policy.ts';
import { always, duringContent, type ReadDuring } from './during.ts';
import { ruleContent } from './names.ts';
import type { Gathered } from './parts.ts';
import { timezoneDefault, type WrittenOwnRule, type WrittenRule } from './schema.ts';

/** Whom names of people and lists mean. */
export type Members = { readonly people: readonly PersonId[]; readonly rotas: readonly Rota[] };
export type MembersOf = (names: readonly string[]) => Members;

/** Lists nest; each person and rota comes once, in the order written. */
export function membersReader(gathered: Gathered, rotas: ReadonlyMap<string, Rota>): MembersOf {
  // The same names share one array: thousands of rules may tell the same thousands of people.
  const known = new Map<string, Members>();
  const named = (name: string): Members => {
    if (gathered.people.has(name)) return { people: [name as PersonId], rotas: [] };
    const rota = rotas.get(name);
    if (rota !== undefined) return { people: [], rotas: [rota] };
    return membersOf(gathered.lists.get(name)?.written.members ?? []);
  };
  const membersOf: MembersOf = (names) => {
    const key = names.join(' ');
    const found = known.get(key);
    if (found !== undefined) return found;
    const parts = names.map(named);
    const members = {
      people: [...new Set(parts.flatMap(({ people }) => people))],
      rotas: [...new Set(parts.flatMap((part) => part.rotas))],
    };
    known.set(key, members);
    return members;
  };
  return membersOf;
}

export function whoFrom({ people, rotas }: Members): readonly Who[] {
  const parts: Who[] = rotas.map((rota) => ({ kind: 'rota', rota, only: null }));
  return people.length > 0 || parts.length === 0 ? [{ kind: 'people', people }, ...parts] : parts;
}

// ---------------------------------------------------------------- own rules

/** How often and when, as far as a list or a person says; `every: null` is never. */
type Own = { readonly every: Duration | null | undefined; readonly during: During | undefined };
const saysNothing: readonly Own[] = [{ every: undefined, during: undefined }];

const ownKey = ({ every, during }: Own): string =>
  `${every === undefined ? '' : every} ${during === undefined ? '' : duringContent(during)}`;

/** People with the same own rules: they hear alike, whatever the rule. */
type Alike = { readonly own: readonly Own[]; readonly people: PersonId[] };

/** Those who follow one way of how often and when. */
type Clause = {
  /** Whose words these are; null: the rule's alone. */
  readonly giver: string | null;
  readonly every: Duration | null | undefined;
  readonly during: During | undefined;
  readonly key: string;
  readonly who: readonly Who[];
};
type Building = Omit<Clause, 'who'> & {
  readonly people: Set<PersonId>;
  readonly rotas: Map<Rota, Set<PersonId> | null>;
};

export type RulesOf = (group: string, written: WrittenRule) => readonly Rule[];

/** Turns rules of the file into those of the core. */
export function rulesReader(gathered: Gathered, membersOf: MembersOf, readDuring: ReadDuring): RulesOf {
  const timezone = gathered.timezone ?? timezoneDefault;
  const read = (rules: readonly WrittenOwnRule[] | undefined, zone: string): readonly Own[] =>
    rules?.map(({ every, during }) => ({
      every: every === 'never' ? null : every,
      during: during && readDuring(during, zone),
    })) ?? saysNothing;
  const ownOfLists = new Map(
    [...gathered.lists].map(([name, { written }]) => [name, read(written.notify, timezone)]),
  );
  const ownOfPeople = interned(
    [...gathered.people].map(([id, { written }]) => [
      id as PersonId,
      read(written.notify, written.timezone ?? timezone),
    ]),
  );

  // What lists and people add is the same for all rules that name the same and leave the same open.
  const known = new Map<string, readonly Clause[]>();
  const clausesOf = (to: readonly string[], every: boolean, during: boolean): readonly Clause[] => {
    const key = `${every} ${during} ${to.join(' ')}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const open = ({ every: e, during: d }: Own): Own => ({
      every: every ? e : undefined,
      during: during ? d : undefined,
    });
    const clauses = takenApart(to, membersOf, ownOfLists, ownOfPeople, open);
    known.set(key, clauses);
    return clauses;
  };
  return (group, written) => {
    const given = written.during && readDuring(written.during, timezone);
    const clauses = clausesOf(written.to, written.every === undefined, written.during === undefined);
    return clauses.map((clause) => {
      const every = written.every === 'never' ? null : (written.every ?? clause.every ?? null);
      const during = given ?? clause.during ?? always;
      return {
        id: `${ruleId(group, written)}${suffixOf(clause, clauses)}` as RuleId,
        to: written.to,
        who: clause.who,
        every,
        during,
        meaning: shortHash(`${every} ${duringContent(during)}`),
      };
    });
  };
}

/** The same own rules are the same array for all who have them. */
function interned(
  all: readonly (readonly [PersonId, readonly Own[]])[],
): ReadonlyMap<PersonId, readonly Own[]> {
  const known = new Map<string, readonly Own[]>();
  return new Map(
    all.map(([id, own]) => {
      const key = JSON.stringify(own.map(ownKey));
      const same = known.get(key) ?? own;
      known.set(key, same);
      return [id, same];
    }),
  );
}

/** @param open what of somebody's own words the rule leaves to them. */
function takenApart(
  to: readonly string[],
  membersOf: MembersOf,
  ownOfLists: ReadonlyMap<string, readonly Own[]>,
  ownOfPeople: ReadonlyMap<PersonId, readonly Own[]>,
  open: (own: Own) => Own,
): readonly Clause[] {
  const clauses = new Map<string, Building>();
  const alike = (people: Iterable<PersonId>): readonly Alike[] => {
    const found = new Map<readonly Own[], Alike>();
    for (const person of people) {
      const own = ownOfPeople.get(person) ?? saysNothing;
      const same = found.get(own);
      if (same === undefined) found.set(own, { own, people: [person] });
      else same.people.push(person);
    }
    return [...found.values()];
  };
  const each = (name: string, { own, people }: Alike, add: (clause: Building) => void): void => {
    for (const byList of (ownOfLists.get(name) ?? saysNothing).map(open)) {
      for (const byPerson of own.map(open)) {
        const every = byList.every !== undefined ? byList.every : byPerson.every;
        const during = byList.during ?? byPerson.during;
        const persons =
          (every !== undefined && byList.every === undefined) ||
          (during !== undefined && byList.during === undefined);
        const lists = every !== undefined || during !== undefined ? name : null;
        const giver = persons ? (people[0] ?? null) : lists;
        const key = ownKey({ every, during });
        const clause = clauses.get(key) ?? { giver, every, during, key, people: new Set(), rotas: new Map() };
        clauses.set(key, clause);
        add(clause);
      }
    }
  };
  for (const name of to) {
    const members = membersOf([name]);
    for (const some of alike(members.people)) {
      each(name, some, ({ people }) => {
        for (const person of some.people) people.add(person);
      });
    }
    for (const rota of members.rotas) {
      const kinds = alike(rota.people);
      const [all = { own: saysNothing, people: [] }] = kinds;
      for (const some of kinds.length > 1 ? kinds : [all]) {
        each(name, some, ({ rotas }) => {
          const already = rotas.get(rota);
          const whole = kinds.length <= 1 || already === null;
          rotas.set(rota, whole ? null : new Set([...(already ?? []), ...some.people]));
        });
      }
    }
  }
  return [...clauses.values()].map(({ people, rotas, ...clause }) => ({
    ...clause,
    who: builtWho(people, rotas),
  }));
}

function builtWho(
  people: ReadonlySet<PersonId>,
  rotas: ReadonlyMap<Rota, ReadonlySet<PersonId> | null>,
): readonly Who[] {
  const parts: Who[] = people.size > 0 ? [{ kind: 'people', people: [...people] }] : [];
  for (const [rota, only] of rotas) {
    parts.push({ kind: 'rota', rota, only: only?.size === rota.people.size ? null : only });
  }
  return parts;
}

// ---------------------------------------------------------------- what rules are known by

const hashLength = 12;
export const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, hashLength);

/** A slash of the group's own name, or an @ of the rule's, would let two rules share an id. */
function ruleId(group: string, written: WrittenRule): string {
  const name = written.name?.replace(/[%@]/g, encodeURIComponent) ?? `#${shortHash(ruleContent(written))}`;
  return `${group.replaceAll('/', '%2F')}/${name}`;
}

function suffixOf({ giver, key }: Clause, all: readonly Clause[]): string {
  if (giver === null || all.length === 1) return '';
  const several = all.filter((clause) => clause.giver === giver).length > 1;
  return `@${giver}${several ? `#${shortHash(key)}` : ''}`;
}
