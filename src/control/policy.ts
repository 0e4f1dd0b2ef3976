/** The `mauvectl policy` commands: each tries a policy without a station. */
import type { PolicyLoaded } from '../station/policy/file.ts';
import { formatFault } from '../station/yaml-file.ts';
import { days, type Instant, since, systemClock } from '../time.ts';
import { type Done, exit } from './ending.ts';
import type { PolicyCommand } from './options.ts';
import { checkPolicies } from './policy-check.ts';
import { explain, momentsOf } from './policy-explain.ts';
import { PolicyReader } from './policy-load.ts';
import { testPolicies } from './policy-test.ts';
import { explainedJson, explainedText } from './policy-timeline.ts';

/** Calendars read for one moment do for another that is no further away. */
const near = days(7);

/** @throws Refusal for words that are no times, and for missing scenarios. */
export async function policyCommand(command: PolicyCommand): Promise<Done> {
  switch (command.kind) {
    case 'policy check':
      return await checkPolicies(command);
    case 'policy explain': {
      const now = systemClock.now();
      const loaded = await readAround(command, now);
      if (!loaded.ok) return { text: '', places: loaded.faults.map(formatFault), code: exit.config };
      const explained = await explain(command, loaded.policy, now);
      const text = command.json ? explainedJson(explained) : explainedText(explained);
      return { text, places: explained.unknown.map(notLookedUp) };
    }
    case 'policy test':
      return await testPolicies(command);
    default:
      return command satisfies never;
  }
}

/** Calendars are read for some time before and after a moment: now, unless somebody asks for another year. */
async function readAround(
  command: Extract<PolicyCommand, { kind: 'policy explain' }>,
  now: Instant,
): Promise<PolicyLoaded> {
  const reader = new PolicyReader();
  const first = await reader.policy(command.file, now);
  if (!first.ok) return first;
  const { raisedAt } = momentsOf(command, first.policy.timezone, now);
  const isNear = Math.abs(since(now, raisedAt)) < near;
  return isNear ? first : await reader.policy(command.file, raisedAt);
}

const notLookedUp = (host: string): string =>
  `mauvectl: no name server said what addresses ${host} has: a station that knows may judge otherwise`;
