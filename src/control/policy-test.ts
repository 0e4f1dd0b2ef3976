/** `mauvectl policy test`: plays the scenarios beside policies, and shows where they differ from what is expected. */
import { type Difference, type Line, play } from '../station/rehearsal/run.ts';
import { type FileFault, formatFault, oneLine } from '../station/yaml-file.ts';
import { type Instant, rfc3339 } from '../time.ts';
import { type Done, exit, Refusal } from './ending.ts';
import type { PolicyCommand } from './options.ts';
import { isScenario, PolicyReader, scenariosBeside } from './policy-load.ts';
import { clockText, dayText, timeText } from './policy-timeline.ts';
import { table } from './table.ts';

type Tested = {
  readonly file: string;
  readonly timezone: string;
  readonly faults: readonly FileFault[];
  readonly steps: number;
  readonly messages: number;
  readonly differences: readonly Difference[];
};

/** @throws Refusal where there is no scenario to play. */
export async function testPolicies(command: Extract<PolicyCommand, { kind: 'policy test' }>): Promise<Done> {
  const reader = new PolicyReader();
  const tested: Tested[] = [];
  for (const file of new Set(command.files.flatMap(scenariosOf))) tested.push(await testOne(reader, file));
  const code = tested.some(({ faults }) => faults.length > 0)
    ? exit.config
    : tested.some(({ differences }) => differences.length > 0)
      ? exit.refused
      : 0;
  if (command.json) return { text: jsonOf(tested), code };
  const text = tested.map(textOf).join('');
  return { text, places: tested.flatMap(({ faults }) => faults.map(formatFault)), code };
}

async function testOne(reader: PolicyReader, file: string): Promise<Tested> {
  const loaded = await reader.scenario(file);
  const nothing = { file, timezone: '', faults: [], steps: 0, messages: 0, differences: [] };
  if (!loaded.ok) return { ...nothing, faults: loaded.faults };
  const { scenario, policy } = loaded;
  return { ...nothing, timezone: policy.timezone, ...(await play(scenario, policy)) };
}

/** The scenario itself, or those beside a policy. */
function scenariosOf(file: string): readonly string[] {
  const found = isScenario(file) ? [file] : scenariosBeside(file);
  if (found.length > 0) return found;
  const expected = file.replace(/(\.ya?ml)?$/, '.scenario.yaml');
  throw new Refusal(exit.noInput, `there is no scenario beside ${file}: one is expected at ${expected}`);
}

// ---------------------------------------------------------------- what is said of it

function textOf({ file, timezone, faults, steps, messages, differences }: Tested): string {
  if (faults.length > 0) return '';
  const name = oneLine(file);
  if (differences.length === 0)
    return `${name}: ok, ${count(steps, 'step')}, ${count(messages, 'message')}\n`;
  return differences.map((one) => differenceText(one, timezone)).join('\n');
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function differenceText(difference: Difference, timezone: string): string {
  const when = timeText(difference.at, timezone);
  if (difference.lines.length === 0) return `${formatFault(difference)} (at ${when})\n`;
  const day = (at: Instant): string => dayText(at, timezone);
  // On one day, which the first line names, the time alone says more on less room.
  const oneDay = difference.lines.every(({ at }) => day(at) === day(difference.at));
  const time = oneDay ? clockText : timeText;
  const rows = difference.lines.map((line) => rowOf(line, time(line.at, timezone)));
  return `${formatFault(difference)} (up to ${when})\n${table(rows, '  ')}`;
}

const marks = { 'as-expected': ' ', missing: '-', unexpected: '+' } as const;
const remarks = {
  'as-expected': '',
  missing: 'expected, but not sent',
  unexpected: 'sent, but not expected',
} as const;

function rowOf({ mark, to, by, of, alert, why }: Line, time: string): readonly string[] {
  const remark = [remarks[mark], why].filter((one) => one !== null && one !== '').join(': ');
  const who = by === null ? to : `${to} by ${by}`;
  const what = alert === null ? of : `${of} ${alert}`;
  return [`${marks[mark]} ${time}`, oneLine(who), oneLine(what), oneLine(remark)];
}

function jsonOf(tested: readonly Tested[]): string {
  const scenarios = tested.map(({ timezone: _zone, differences, ...rest }) => ({
    ...rest,
    ok: rest.faults.length === 0 && differences.length === 0,
    differences: differences.map((difference) => ({
      ...difference,
      at: rfc3339(difference.at),
      lines: difference.lines.map((line) => ({ ...line, at: rfc3339(line.at) })),
    })),
  }));
  return `${JSON.stringify({ scenarios })}\n`;
}
