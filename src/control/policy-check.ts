/** `mauvectl policy check`: whether policies, and scenarios, are right; every fault at its place. */
import { type FileFault, formatFault, oneLine } from '../station/yaml-file.ts';
import { systemClock } from '../time.ts';
import { type Done, exit } from './ending.ts';
import type { PolicyCommand } from './options.ts';
import { isScenario, PolicyReader } from './policy-load.ts';

type Fault = FileFault & { readonly severity: 'error' | 'warning' };
type Checked = { readonly file: string; readonly ok: boolean; readonly faults: readonly Fault[] };

export async function checkPolicies(
  command: Extract<PolicyCommand, { kind: 'policy check' }>,
): Promise<Done> {
  const reader = new PolicyReader();
  const files: Checked[] = [];
  for (const file of command.files) {
    const faults = await faultsOf(reader, file);
    const counts = (fault: Fault): boolean => command.strict || fault.severity === 'error';
    files.push({ file, ok: !faults.some(counts), faults });
  }
  const code = files.every(({ ok }) => ok) ? 0 : exit.config;
  if (command.json) return { text: `${JSON.stringify({ files })}\n`, code };
  const text = files.filter(({ ok }) => ok).map(okLine);
  return { text: text.join(''), places: files.flatMap(({ faults }) => faults.map(lineOf)), code };
}

async function faultsOf(reader: PolicyReader, file: string): Promise<readonly Fault[]> {
  if (isScenario(file)) {
    const loaded = await reader.scenario(file);
    return loaded.ok ? [] : loaded.faults.map(as('error'));
  }
  const loaded = await reader.policy(file, systemClock.now());
  if (!loaded.ok) return loaded.faults.map(as('error'));
  // Of a calendar that cannot be had just now, older content may be in use: then no place in the file says so.
  const said = new Set(loaded.warnings.map(({ message }) => message));
  const unsaid = loaded.problems.filter((message) => !said.has(message));
  const problems = unsaid.map((message) => ({ file, line: 1, column: 1, message }));
  return [...loaded.warnings, ...problems].map(as('warning'));
}

const as =
  (severity: Fault['severity']) =>
  (fault: FileFault): Fault => ({ ...fault, severity });

const lineOf = (fault: Fault): string =>
  fault.severity === 'error'
    ? formatFault(fault)
    : formatFault({ ...fault, message: `warning: ${fault.message}` });

function okLine({ file, faults }: Checked): string {
  const warnings =
    faults.length === 0 ? '' : faults.length === 1 ? ', 1 warning' : `, ${faults.length} warnings`;
  return `${oneLine(file)}: ok${warnings}\n`;
}
