/**
 * Whether the names in a policy belong together: nobody is told who does not
 * exist, no list contains itself, no name means two things. Found when the
 * policy is read, each at the place of the mistake, because at three in the
 * morning is too late.
 */
import type { z } from 'zod';
import { formatDuration } from '../time.ts';
import { didYouMean } from './nearest.ts';
import {
  acknowledgeAtMostDefault,
  channelWithoutAddress,
  hoursBuiltIn,
  type WrittenDuring,
  type WrittenPolicy,
  type WrittenRule,
} from './policy-schema.ts';

type Context = z.core.$RefinementCtx<WrittenPolicy>;
type Path = (string | number)[];

/** A list of faults made by zod's own means, so that each is placed and sorted with those of the shape. */
export function checkNames(policy: WrittenPolicy, context: Context): void {
  const fault = (path: Path, message: string): void => context.addIssue({ code: 'custom', path, message });
  /** A fault of the key itself, not of what stands after it. */
  const keyFault = (path: Path, key: string, message: string): void =>
    context.addIssue({
      code: 'invalid_key',
      origin: 'record',
      path: [...path, key],
      input: key,
      issues: [{ code: 'custom', path: [], input: key, message }],
    });
  checkPeople(policy, fault);
  checkMeaningOnce(policy, fault, keyFault);
  checkLists(policy, fault);
  checkGroups(policy, fault);
}

type Fault = (path: Path, message: string) => void;

const namesOf = (record: object | undefined): readonly string[] => Object.keys(record ?? {});
const has = (record: object | undefined, name: string): boolean => Object.hasOwn(record ?? {}, name);

function checkPeople(policy: WrittenPolicy, fault: Fault): void {
  for (const [id, person] of Object.entries(policy.people)) {
    for (const [level, channels] of Object.entries(person.channels ?? {})) {
      for (const [index, channel] of (channels ?? []).entries()) {
        if (channel === channelWithoutAddress || person[channel] !== undefined) continue;
        fault(
          ['people', id, 'channels', level, index],
          `${id} has no ${channel} address: give one under people, ${id}`,
        );
      }
    }
  }
}

function checkMeaningOnce(
  policy: WrittenPolicy,
  fault: Fault,
  keyFault: (path: Path, key: string, message: string) => void,
): void {
  for (const name of namesOf(policy.lists).filter((list) => has(policy.people, list))) {
    const message = `"${name}" is both a person and a list`;
    keyFault(['people'], name, message);
    keyFault(['lists'], name, message);
  }
  for (const [name, indices] of repeated(policy.groups.map((group) => group.name))) {
    for (const index of indices)
      fault(['groups', index, 'name'], `${indices.length} groups are called "${name}"`);
  }
}

/** What occurs more than once, and where. */
function repeated(texts: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [index, text] of texts.entries()) places.set(text, [...(places.get(text) ?? []), index]);
  return new Map([...places].filter(([, indices]) => indices.length > 1));
}

function checkSomebody(policy: WrittenPolicy, name: string, path: Path, fault: Fault): void {
  if (has(policy.people, name) || has(policy.lists, name)) return;
  const hint = didYouMean(name, [...namesOf(policy.people), ...namesOf(policy.lists)], null);
  fault(path, `no person or list is called "${name}"${hint}`);
}

function checkLists(policy: WrittenPolicy, fault: Fault): void {
  const finished = new Set<string>();
  const visit = (name: string, within: readonly string[]): void => {
    for (const [index, member] of (policy.lists?.[name]?.members ?? []).entries()) {
      const path = ['lists', name, 'members', index];
      const chain = [...within, name];
      if (chain.includes(member)) {
        const circle = [...chain.slice(chain.indexOf(member)), member].join(' → ');
        fault(path, `a list contains itself: ${circle}`);
      } else if (!has(policy.lists, member)) checkSomebody(policy, member, path, fault);
      else if (!finished.has(member)) visit(member, chain);
    }
    finished.add(name);
  };
  for (const name of namesOf(policy.lists)) if (!finished.has(name)) visit(name, []);
}

function checkGroups(policy: WrittenPolicy, fault: Fault): void {
  const cap = policy.settings?.acknowledge_at_most ?? acknowledgeAtMostDefault;
  for (const [index, group] of policy.groups.entries()) {
    const path = ['groups', index];
    if (group.acknowledge_for !== undefined && group.acknowledge_for > cap) {
      fault(
        [...path, 'acknowledge_for'],
        `is longer than acknowledge_at_most allows (${formatDuration(cap)})`,
      );
    }
    checkRules(policy, group.notify, [...path, 'notify'], fault);
  }
}

function checkRules(policy: WrittenPolicy, rules: readonly WrittenRule[], path: Path, fault: Fault): void {
  for (const [index, rule] of rules.entries()) {
    for (const [position, name] of rule.to.entries()) {
      checkSomebody(policy, name, [...path, index, 'to', position], fault);
    }
    checkHours(policy, rule.during, [...path, index, 'during'], fault);
  }
  for (const [name, indices] of repeated(rules.flatMap((rule) => rule.name ?? []))) {
    for (const [index, rule] of rules.entries()) {
      if (rule.name === name)
        fault([...path, index, 'name'], `${indices.length} rules of this group are called "${name}"`);
    }
  }
  const alike = repeated(
    rules.map((rule, index) => (rule.name === undefined ? ruleContent(rule) : String(index))),
  );
  for (const indices of alike.values()) {
    for (const index of indices)
      fault([...path, index], `${indices.length} rules of this group say the same`);
  }
}

function checkHours(
  policy: WrittenPolicy,
  during: WrittenDuring | undefined,
  path: Path,
  fault: Fault,
): void {
  const name = during?.hours;
  if (typeof name !== 'string' || has(policy.hours, name) || has(hoursBuiltIn, name)) return;
  const hint = didYouMean(name, [...namesOf(policy.hours), ...namesOf(hoursBuiltIn)], 'there are');
  fault([...path, 'hours'], `no hours are called "${name}"${hint}`);
}

/** What an unnamed rule says, as one text: the same however it is written. */
export function ruleContent(rule: WrittenRule): string {
  const { hours = null, unacknowledged = null, raised_for = null } = rule.during ?? {};
  const to = [...new Set(rule.to)].sort();
  return JSON.stringify([to, rule.every ?? null, hours, unacknowledged, raised_for]);
}
