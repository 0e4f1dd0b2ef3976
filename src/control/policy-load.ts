/**
 * Policies and scenarios from files, for the commands that try them: with their
 * calendars and lists as they are now, and without a station.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Policy } from '../station/core/policy.ts';
import { readLocalFile } from '../station/local-file.ts';
import { type Feeds, openFeeds } from '../station/policy/feeds.ts';
import { loadPolicy, type PolicyLoaded } from '../station/policy/file.ts';
import { meantBy, parseScenario, type Scenario, startOf } from '../station/rehearsal/scenario.ts';
import type { FileFault } from '../station/yaml-file.ts';
import { type Instant, systemClock } from '../time.ts';

const scenarioEnding = '.scenario.yaml';

/** Whether a file is a scenario, by its name. */
export const isScenario = (file: string): boolean => file.endsWith(scenarioEnding);

/** Reads policies, each address that they name only once. */
export class PolicyReader {
  private readonly feeds: Feeds = openFeeds({
    folder: null,
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined },
  });

  /** @param now its calendars are read for the time around this. */
  async policy(file: string, now: Instant): Promise<PolicyLoaded> {
    const { feeds } = this;
    const first = loadPolicy(file, { now, feeds });
    if (!first.feeds.some(({ kind }) => kind === 'url')) return first;
    await feeds.refresh(first.feeds);
    return loadPolicy(file, { now, feeds });
  }

  /** A scenario, with the policy that it is for as it is at its start. */
  async scenario(file: string): Promise<ScenarioLoaded> {
    const read = readLocalFile(file);
    if (!read.ok) {
      return refused([{ file, line: 1, column: 1, message: `the scenario cannot be read: ${read.why}` }]);
    }
    const parsed = parseScenario(file, read.text);
    if (!parsed.ok) return refused(parsed.faults);
    const { written, fault } = parsed;
    const path = policyOf(file, written.policy ?? null);
    const now = await this.policy(path, systemClock.now());
    const timezone = now.ok ? now.policy.timezone : '';
    const start = now.ok ? startOf(written, timezone) : null;
    const then = start === null ? now : await this.policy(path, start);
    if (!then.ok) {
      const message = `the policy ${path} has faults, which mauvectl policy check shows`;
      return refused([fault(written.policy === undefined ? [] : ['policy'], message), ...then.faults]);
    }
    const meant = meantBy(written, fault, then.policy);
    if (!meant.ok) return refused(meant.faults);
    return { ok: true, scenario: meant.scenario, policy: then.policy, path };
  }
}

export type ScenarioLoaded =
  | { readonly ok: true; readonly scenario: Scenario; readonly policy: Policy; readonly path: string }
  | { readonly ok: false; readonly faults: readonly FileFault[] };

const refused = (faults: readonly FileFault[]): ScenarioLoaded => ({ ok: false, faults });

/** The policy of a scenario: the one that it names, or the one with the longest name that its own begins with. */
function policyOf(file: string, named: string | null): string {
  if (named !== null) return join(dirname(file), named);
  const own = basename(file).slice(0, -scenarioEnding.length);
  return join(dirname(file), policyNamed(own, filesIn(dirname(file))) ?? `${own}.yaml`);
}

function policyNamed(scenario: string, files: readonly string[]): string | null {
  const fitting = files.filter(
    (name) => name.endsWith('.yaml') && !isScenario(name) && scenario.startsWith(basename(name, '.yaml')),
  );
  return fitting.sort((a, b) => b.length - a.length)[0] ?? null;
}

/** The scenarios of a policy, by their names: `isp.yaml` has `isp.scenario.yaml` and `isp-night.scenario.yaml`. */
export function scenariosBeside(policy: string): readonly string[] {
  const folder = dirname(policy);
  const files = filesIn(folder);
  return files
    .filter((name) => isScenario(name) && name.startsWith(basename(policy, '.yaml')))
    .filter((name) => policyNamed(name, files) === basename(policy))
    .sort()
    .map((name) => join(folder, name));
}

/** None where the folder cannot be read: whoever then wants a file in it hears why. */
function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
