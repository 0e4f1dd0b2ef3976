/** Policies in tests: from text to policy, or to the lines that a person would see. */
import type { Policy } from '../../src/station/core/policy.ts';
import { parsePolicy } from '../../src/station/policy-file.ts';
import { formatFault } from '../../src/station/yaml-file.ts';

export function policyOf(text: string): Policy {
  const loaded = parsePolicy('policy.yaml', text);
  if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.policy;
}

export function faultsOf(text: string): readonly string[] {
  const loaded = parsePolicy('policy.yaml', text);
  return loaded.ok ? [] : loaded.faults.map(formatFault);
}

export function warningsOf(text: string): readonly string[] {
  const loaded = parsePolicy('policy.yaml', text);
  return loaded.ok ? loaded.warnings.map(formatFault) : ['no policy at all'];
}
