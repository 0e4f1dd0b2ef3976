/**
 * Whether the names in a policy belong together: nobody is told who does not
 * exist, no list contains itself, no name means two things. Found when the
 * policy is read, each at the place of the mistake, because at three in the
 * morning is too late.
 */
import { formatDuration } from '../../time.ts';
import { didYouMean } from '../nearest.ts';
import type { FileFault, Path } from '../yaml-file.ts';
import { hoursBuiltIn, type WrittenDuring } from './hours.ts';
import { listsNamed, type WrittenMatch } from './match.ts';
import type { Gathered } from './parts.ts';
import {
  acknowledgeAtMostDefault,
  type WrittenOwnRule,
  type WrittenPerson,
  type WrittenRule,
} from './schema.ts';
import { channelWithoutAddress } from './words.ts';

/** All faults of the names, in no order. */
export function checkNames(gathered: Gathered): readonly FileFault[] {
  let hints = 0;
  const policy: Checked = {
    ...gathered,
    hint: (name, known, all) => (hints++ < hintsMax ? didYouMean(name, known(), all) : ''),
  };
  const faults: FileFault[] = [];
  for (const [id, { written, fault, whole }] of policy.people) {
    const found: Found = (path, message) => faults.push(fault(path, message));
    // An address that is not understood is there all the same.
    if (whole) checkChannels(id, written, found);
    checkOwnRules(policy, written.notify, found);
  }
  checkLists(policy, faults);
  checkGroups(policy, faults);
  for (const { written, fault } of policy.silences) {
    const found: Found = (path, message) => faults.push(fault(path, message));
    checkMatch(policy, written.match, ['match'], found);
    if (written.during !== undefined) checkHoursName(policy, written.during, ['during'], found);
  }
  for (const { written, fault } of policy.inhibit) {
    const found: Found = (path, message) => faults.push(fault(path, message));
    checkMatch(policy, written.while, ['while'], found);
    checkMatch(policy, written.mutes, ['mutes'], found);
  }
  return faults;
}

/** Comparing thousands of mistakes with ten thousand people would take a minute. */
const hintsMax = 100;
type Checked = Gathered & {
  /** What was probably meant. */
  readonly hint: (name: string, known: () => readonly string[], all: string | null) => string;
};

/** Puts a fault on record, at a path within what is being checked. */
type Found = (path: Path, message: string) => void;

const at =
  (found: Found, ...before: Path): Found =>
  (path, message) =>
    found([...before, ...path], message);

function checkChannels(id: string, person: WrittenPerson, found: Found): void {
  for (const [level, plan] of Object.entries(person.channels ?? {})) {
    const path = plan?.kind === 'first-of' ? [level, 'first_of'] : [level];
    for (const [index, channel] of (plan?.channels ?? []).entries()) {
      if (channel === channelWithoutAddress || person[channel] !== undefined) continue;
      found(['channels', ...path, index], `${id} has no ${channel} address: give one under people, ${id}`);
    }
  }
}

function checkOwnRules(policy: Checked, rules: readonly WrittenOwnRule[] | undefined, found: Found): void {
  for (const [index, { during }] of (rules ?? []).entries()) {
    checkDuring(policy, during, at(found, 'notify', index, 'during'));
  }
}

/** What occurs more than once, and where. */
function repeated(texts: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [index, text] of texts.entries()) {
    const known = places.get(text);
    if (known === undefined) places.set(text, [index]);
    else known.push(index);
  }
  return new Map([...places].filter(([, indices]) => indices.length > 1));
}

function checkSomebody(policy: Checked, name: string, path: Path, found: Found): void {
  if (policy.people.has(name) || policy.lists.has(name)) return;
  if (policy.unread('people', name) || policy.unread('lists', name)) return;
  const hint = policy.hint(name, () => [...policy.people.keys(), ...policy.lists.keys()], null);
  found(path, `no person or list is called "${name}"${hint}`);
}

function checkLists(policy: Checked, faults: FileFault[]): void {
  const finished = new Set<string>();
  const visit = (name: string, within: readonly string[]): void => {
    const list = policy.lists.get(name);
    if (list === undefined) return;
    const found: Found = (path, message) => faults.push(list.fault(path, message));
    for (const [index, member] of (list.written.members ?? []).entries()) {
      const path = ['members', index];
      // Of a name that is also a list's, which is a fault of its own, nobody knows who is meant.
      if (policy.people.has(member)) continue;
      const chain = [...within, name];
      if (chain.includes(member)) {
        const circle = [...chain.slice(chain.indexOf(member)), member].join(' → ');
        found(path, `a list contains itself: ${circle}`);
      } else if (!policy.lists.has(member)) checkSomebody(policy, member, path, found);
      else if (!finished.has(member)) visit(member, chain);
    }
    checkOwnRules(policy, list.written.notify, found);
    finished.add(name);
  };
  for (const name of policy.lists.keys()) if (!finished.has(name)) visit(name, []);
}

function checkGroups(policy: Checked, faults: FileFault[]): void {
  const cap = policy.settings.acknowledge_at_most ?? acknowledgeAtMostDefault;
  const capKnown = !policy.unread('settings', 'acknowledge_at_most');
  for (const { written, fault, whole } of policy.groups) {
    const found: Found = (path, message) => faults.push(fault(path, message));
    if (capKnown && written.acknowledge_for !== undefined && written.acknowledge_for > cap) {
      found(['acknowledge_for'], `is longer than acknowledge_at_most allows (${formatDuration(cap)})`);
    }
    if (written.match !== undefined) checkMatch(policy, written.match, ['match'], found);
    checkRules(policy, written.notify, whole, at(found, 'notify'));
  }
}

/** @param whole whether all that the rules say is known; without it, they may seem to say the same. */
function checkRules(policy: Checked, rules: readonly WrittenRule[], whole: boolean, found: Found): void {
  for (const [index, rule] of rules.entries()) {
    for (const [position, name] of rule.to.entries()) {
      checkSomebody(policy, name, [index, 'to', position], found);
    }
    checkDuring(policy, rule.during, at(found, index, 'during'));
  }
  // A rule without a name cannot be called like one with a name: see `ruleNameSchema`.
  const known = repeated(rules.map((rule) => rule.name ?? `#${ruleContent(rule)}`));
  for (const [name, indices] of known) {
    for (const index of indices) {
      if (!name.startsWith('#'))
        found([index, 'name'], `${indices.length} rules of this group are called "${name}"`);
      else if (whole) found([index], `${indices.length} rules of this group say the same`);
    }
  }
}

function checkDuring(policy: Checked, during: WrittenDuring | undefined, found: Found): void {
  for (const [index, hours] of (during?.hours ?? []).entries()) {
    if (typeof hours === 'string') checkHoursName(policy, hours, ['hours', index], found);
  }
  for (const [index, name] of (during?.no_one_in ?? []).entries()) {
    checkSomebody(policy, name, ['no_one_in', index], found);
  }
  if (during?.not !== undefined) checkDuring(policy, during.not, at(found, 'not'));
  for (const key of ['any', 'all'] as const) {
    for (const [index, one] of (during?.[key] ?? []).entries()) {
      checkDuring(policy, one, at(found, key, index));
    }
  }
}

function checkHoursName(policy: Checked, name: string, path: Path, found: Found): void {
  if (policy.hours.has(name) || Object.hasOwn(hoursBuiltIn, name) || policy.unread('hours', name)) return;
  const hint = policy.hint(name, () => [...policy.hours.keys(), ...Object.keys(hoursBuiltIn)], 'there are');
  found(path, `no hours are called "${name}"${hint}`);
}

function checkMatch(policy: Checked, match: WrittenMatch, before: Path, found: Found): void {
  for (const { list, path } of listsNamed(match)) {
    if (policy.sources.has(list) || policy.unread('sources', list)) continue;
    const hint = policy.hint(list, () => [...policy.sources.keys()], 'there are');
    found([...before, ...path], `no source list is called "${list}"${hint}`);
  }
}

/** What an unnamed rule says, as one text: the same however it is written. */
export function ruleContent(rule: WrittenRule): string {
  const { hours, unacknowledged = null, raised_for = null, ...more } = rule.during ?? {};
  const [only = null] = hours ?? [];
  const to = [...new Set(rule.to)].sort();
  const content = [
    to,
    rule.every ?? null,
    (hours ?? []).length > 1 ? hours : only,
    unacknowledged,
    raised_for,
  ];
  const given = Object.entries(more).filter(([, condition]) => condition !== undefined);
  return JSON.stringify(given.length === 0 ? content : [...content, given]);
}
