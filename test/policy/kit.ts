/** Policies in tests: from text to policy, or to the lines that a person would see. */
import { resolve } from 'node:path';
import type { HostNames, Matched } from '../../src/station/core/match.ts';
import type { Policy } from '../../src/station/core/policy.ts';
import {
  loadPolicy,
  type PolicyLoaded,
  type PolicyOptions,
  parsePolicy,
} from '../../src/station/policy/file.ts';
import { formatFault } from '../../src/station/yaml-file.ts';
import { instant } from '../../src/time.ts';

/** A Wednesday. */
export const now = instant(Date.UTC(2026, 6, 1));

export const nobodyKnows: HostNames = { generation: 0, lookup: () => undefined };

export const anAlert: Matched = { source: '', subject: '', id: '', summary: '', detail: '', importance: 50 };

export function policyOf(text: string, options: Partial<PolicyOptions> = {}): Policy {
  const loaded = parsePolicy('policy.yaml', text, { now, ...options });
  if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.policy;
}

export function faultsOf(text: string): readonly string[] {
  const loaded = parsePolicy('policy.yaml', text, { now });
  return loaded.ok ? [] : loaded.faults.map(formatFault);
}

export function warningsOf(text: string): readonly string[] {
  const loaded = parsePolicy('policy.yaml', text, { now });
  return loaded.ok ? loaded.warnings.map(formatFault) : ['no policy at all'];
}

/** Files that are nowhere but here, by name; the policy is `policy.yaml`. */
export function loadFrom(
  files: Readonly<Record<string, string>>,
  options: Partial<PolicyOptions> = {},
): PolicyLoaded {
  const texts = new Map(Object.entries(files).map(([name, text]) => [resolve(name), text]));
  return loadPolicy('policy.yaml', {
    now,
    read: (path) => {
      const text = texts.get(resolve(path));
      if (text === undefined) return { ok: false, why: 'there is no such file' };
      return { ok: true, text, worldReadable: true };
    },
    list: (folder) => {
      const within = [...texts.keys()].filter((path) => path.startsWith(`${folder}/`));
      const names = within.map((path) => path.slice(folder.length + 1).split('/')[0] ?? '');
      return { ok: true, names: [...new Set(names)] };
    },
    ...options,
  });
}

/** What a person is told of them. */
export function toldOf(loaded: PolicyLoaded): readonly string[] {
  return (loaded.ok ? loaded.warnings : loaded.faults).map(formatFault);
}
