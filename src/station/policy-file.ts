/**
 * From a policy file to a policy. What the file may say is in
 * policy-schema.ts, whether its names belong together in policy-names.ts; here
 * it is read, and every name is replaced by what it stands for, so that the
 * core never looks anything up.
 *
 * A file with a mistake gives no policy at all, only the places of its
 * mistakes: half a policy would forget somebody.
 */
import { createHash } from 'node:crypto';
import { type Duration, milliseconds } from '../time.ts';
import type { Level, PersonId, RuleId } from './core/alert.ts';
import type { ChannelName, During, Group, Hours, Match, Person, Policy, Rule } from './core/policy.ts';
import { type ReadFile, readLocalFile } from './local-file.ts';
import { checkNames, ruleContent } from './policy-names.ts';
import {
  acknowledgeAtMostDefault,
  acknowledgeForDefault,
  channelWithoutAddress,
  hoursBuiltIn,
  initialSleepDefault,
  policyShape,
  timezoneDefault,
  type WrittenDuring,
  type WrittenGroup,
  type WrittenPerson,
  type WrittenPolicy,
  type WrittenRule,
} from './policy-schema.ts';
import { type FileFault, parseYaml } from './yaml-file.ts';

export type PolicyLoaded =
  | {
      readonly ok: true;
      readonly policy: Policy;
      /** What is allowed, but hardly meant. */
      readonly warnings: readonly FileFault[];
    }
  | { readonly ok: false; readonly faults: readonly FileFault[] };

/** In bytes. */
export const policyFileMax = 1024 * 1024;

const policySchema = policyShape.superRefine(checkNames);

/**
 * Reads a policy from a file of this machine. Never throws for what is in the file, or for its absence.
 * @param path also the name shown in faults.
 */
export function loadPolicy(path: string, read: ReadFile = readLocalFile): PolicyLoaded {
  const file = read(path);
  if (!file.ok) return refused(path, `the policy cannot be read: ${file.why}`);
  return parsePolicy(path, file.text);
}

/** The policy that a text means; `file` is the name shown in faults. */
export function parsePolicy(file: string, text: string): PolicyLoaded {
  if (Buffer.byteLength(text) > policyFileMax) {
    return refused(file, `a policy of at most ${policyFileMax} bytes is expected`);
  }
  if (/^\s*$/.test(text)) return refused(file, 'the file is empty: a policy is expected');
  const undecoded = text.indexOf('\ufffd');
  if (undecoded !== -1) return refused(file, 'UTF-8 text is expected', text.slice(0, undecoded));

  const parsed = parseYaml(file, text, policySchema);
  if (!parsed.ok) return parsed;
  const version = createHash('sha256').update(text).digest('hex').slice(0, versionLength);
  return {
    ok: true,
    policy: resolved(parsed.value, version),
    warnings: warningsOf(parsed.value, parsed.fault),
  };
}

const versionLength = 16;

/** @param before the text up to the place of the fault. */
function refused(file: string, message: string, before = ''): PolicyLoaded {
  const lines = before.split('\n');
  return {
    ok: false,
    faults: [{ file, line: lines.length, column: (lines.at(-1) ?? '').length + 1, message }],
  };
}

type FaultAt = (path: readonly (string | number)[], message: string) => FileFault;

function warningsOf(written: WrittenPolicy, fault: FaultAt): readonly FileFault[] {
  const warnings: FileFault[] = [];
  const last = written.groups.length - 1;
  for (const [index, group] of written.groups.entries()) {
    const takesAll = Object.values(group.match ?? {}).every((tests) => tests === undefined);
    if (takesAll && index < last) {
      warnings.push(
        fault(['groups', index], `"${group.name}" takes every alert: the groups after it are never reached`),
      );
    } else if (!takesAll && index === last) {
      const message = `"${group.name}" is the last group: it also takes what no group matches`;
      warnings.push(fault(['groups', index, 'match'], message));
    }
    for (const [position, rule] of group.notify.entries()) {
      if (written.timezone === undefined && rule.during?.hours !== undefined) {
        const message = `no timezone is given at the top: these hours are ${timezoneDefault}`;
        warnings.push(fault(['groups', index, 'notify', position, 'during', 'hours'], message));
      }
    }
  }
  return warnings;
}

// ---------------------------------------------------------------- names replaced by what they mean

function resolved(written: WrittenPolicy, version: string): Policy {
  const timezone = written.timezone ?? timezoneDefault;
  const people = new Map(
    Object.entries(written.people).map(([id, person]) => [id as PersonId, personOf(id, person, timezone)]),
  );
  const membersOf = listReader(written);
  const hoursOf = (hours: NonNullable<WrittenDuring['hours']>): Hours => hoursNamed(written, hours, timezone);
  const acknowledgeAtMost = written.settings?.acknowledge_at_most ?? acknowledgeAtMostDefault;
  return {
    version,
    timezone,
    people,
    groups: written.groups.map((group) => groupFrom(group, acknowledgeAtMost, membersOf, hoursOf)),
    settings: { acknowledgeAtMost, initialSleep: written.settings?.initial_sleep ?? initialSleepDefault },
  };
}

function personOf(id: string, written: WrittenPerson, timezone: string): Person {
  const addresses: Record<ChannelName, string> = {};
  if (written.email !== undefined) addresses.email = written.email;
  const reachable = Object.keys(addresses);
  const byDefault = reachable.length > 0 ? reachable : [channelWithoutAddress];
  const channels = (level: Level): readonly ChannelName[] => [
    ...new Set(written.channels?.[level] ?? byDefault),
  ];
  return {
    id: id as PersonId,
    name: written.name ?? id,
    addresses,
    channels: { low: channels('low'), normal: channels('normal'), urgent: channels('urgent') },
    timezone: written.timezone ?? timezone,
  };
}

type MembersOf = (names: readonly string[]) => readonly PersonId[];

/** Whom names of people and lists mean, each once, in the order written. */
function listReader(written: WrittenPolicy): MembersOf {
  // The same names share one array: thousands of rules may tell the same thousands of people.
  const known = new Map<string, readonly PersonId[]>();
  const named = (name: string): readonly PersonId[] => {
    if (Object.hasOwn(written.people, name)) return [name as PersonId];
    const list = Object.hasOwn(written.lists ?? {}, name) ? written.lists?.[name] : undefined;
    return membersOf(list?.members ?? []);
  };
  const membersOf: MembersOf = (names) => {
    const key = names.join(' ');
    const found = known.get(key);
    if (found !== undefined) return found;
    const people = [...new Set(names.flatMap(named))];
    known.set(key, people);
    return people;
  };
  return membersOf;
}

type HoursOf = (hours: NonNullable<WrittenDuring['hours']>) => Hours;

function hoursNamed(
  written: WrittenPolicy,
  hours: NonNullable<WrittenDuring['hours']>,
  timezone: string,
): Hours {
  if (typeof hours !== 'string') return { name: '', timezone, ...hours };
  const own = Object.hasOwn(written.hours ?? {}, hours) ? written.hours?.[hours] : undefined;
  const meant = own ?? hoursBuiltIn[hours];
  if (meant === undefined) throw new Error(`hours "${hours}" passed the check of names`);
  return { name: hours, timezone, ...meant };
}

function groupFrom(
  written: WrittenGroup,
  acknowledgeAtMost: Duration,
  membersOf: MembersOf,
  hoursOf: HoursOf,
): Group {
  const { name, level = 'normal' } = written;
  const byDefault = milliseconds(Math.min(acknowledgeForDefault, acknowledgeAtMost));
  return {
    name,
    level,
    match: matchOf(written.match ?? {}),
    acknowledgeFor: written.acknowledge_for ?? byDefault,
    rules: written.notify.map((rule) => ruleOf(name, rule, membersOf, hoursOf)),
  };
}

/** Fields that are not given are left out: `undefined` would not be a match. */
function matchOf(written: NonNullable<WrittenGroup['match']>): Match {
  const { source, subject, id, summary } = written;
  return {
    ...(source && { source }),
    ...(subject && { subject }),
    ...(id && { id }),
    ...(summary && { summary }),
  };
}

const ruleHashLength = 12;

function ruleOf(group: string, written: WrittenRule, membersOf: MembersOf, hoursOf: HoursOf): Rule {
  const hash = (text: string): string =>
    createHash('sha256').update(text).digest('hex').slice(0, ruleHashLength);
  const every = written.every ?? null;
  const during = duringOf(written.during, hoursOf);
  return {
    // A slash of the group's own name would let two rules share an id.
    id: `${group.replaceAll('/', '%2F')}/${written.name ?? `#${hash(ruleContent(written))}`}` as RuleId,
    to: written.to,
    people: membersOf(written.to),
    every,
    during,
    meaning: hash(JSON.stringify({ every, during })),
  };
}

function duringOf(written: WrittenDuring | undefined, hoursOf: HoursOf): During {
  const conditions: During[] = [];
  if (written?.unacknowledged !== undefined) {
    conditions.push({ kind: 'unacknowledged', for: written.unacknowledged });
  }
  if (written?.raised_for !== undefined) conditions.push({ kind: 'raised-for', for: written.raised_for });
  if (written?.hours !== undefined) conditions.push({ kind: 'hours', hours: hoursOf(written.hours) });
  const [only] = conditions;
  if (only === undefined) return { kind: 'always' };
  return conditions.length === 1 ? only : { kind: 'all', of: conditions };
}
