/** The `mauvectl policy` commands: each tries a policy without a station. */
import { formatFault } from '../station/yaml-file.ts';
import { systemClock } from '../time.ts';
import { type Done, exit } from './ending.ts';
import type { PolicyCommand } from './options.ts';
import { checkPolicies } from './policy-check.ts';
import { explain } from './policy-explain.ts';
import { PolicyReader } from './policy-load.ts';
import { testPolicies } from './policy-test.ts';
import { explainedJson, explainedText } from './policy-timeline.ts';

/** @throws Refusal for words that are no times, and for missing scenarios. */
export async function policyCommand(command: PolicyCommand): Promise<Done> {
  switch (command.kind) {
    case 'policy check':
      return await checkPolicies(command);
    case 'policy explain': {
      const now = systemClock.now();
      const loaded = await new PolicyReader().policy(command.file, now);
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

const notLookedUp = (host: string): string =>
  `mauvectl: no name server said what addresses ${host} has: a station that knows may judge otherwise`;
