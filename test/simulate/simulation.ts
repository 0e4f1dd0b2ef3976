/** One whole simulation: a world from a seed, a run, and, where it disagrees, the shortest timeline that does. */
import { type Fault, plants } from './faults.ts';
import { describe, type Input } from './input.ts';
import type { Disagreement } from './judge.ts';
import { type Outcome, type Progress, run } from './run.ts';
import { type Shrunk, shrink } from './shrink.ts';
import { Stage } from './stage.ts';
import { World } from './world.ts';

const day = 86_400_000;
/** A Wednesday; the year that follows has both changes of the clocks in all zones of the policies. */
export const begins = Date.UTC(2025, 0, 1);

export type SimulateOptions = {
  readonly seed: number;
  readonly sources: number;
  readonly days: number;
  readonly from?: number;
  /** The name of a planted fault. */
  readonly plant?: string;
  readonly shrinkFor?: number;
  readonly onDay?: (progress: Progress) => void;
};

export type Simulated = Outcome & { readonly shrunk: Shrunk | null };

const shrinkTriesMax = 400;
/** Lines of a timeline that are shown. */
const shownMost = 200;

export async function simulate(options: SimulateOptions): Promise<Simulated> {
  const { seed, sources, days, plant, from = begins, shrinkFor = 0, onDay } = options;
  const until = from + Math.max(1, Math.round(days)) * day;
  const fault = (): Fault | null => (plant === undefined ? null : (plants[plant]?.() ?? null));
  const stage = new Stage(seed, from, until, fault());
  const world = (): Iterable<readonly Input[]> => new World({ seed, sources, from, until }).generate();
  try {
    const base = { stage, seed, from, until, fault: fault(), drain: true };
    const outcome = await run(onDay === undefined ? base : { ...base, onDay }, world());
    const [disagreement] = outcome.disagreements;
    if (disagreement === undefined || shrinkFor === 0) return { ...outcome, shrunk: null };
    const inputs: Input[] = [];
    for (const inputsOfDay of world()) {
      for (const input of inputsOfDay) if (input.at <= disagreement.at) inputs.push(input);
      if ((inputsOfDay.at(-1)?.at ?? 0) > disagreement.at) break;
    }
    const most = { tries: shrinkTriesMax, time: shrinkFor };
    return { ...outcome, shrunk: await shrink({ stage, seed, fault, inputs, from, disagreement, most }) };
  } finally {
    stage.close();
  }
}

/** For people: what happened, what was expected, and what was found. */
export function report(simulated: Simulated): readonly string[] {
  const { disagreements, shrunk } = simulated;
  if (shrunk === null) return disagreements.slice(0, 10).flatMap(inWords);
  const { inputs, disagreement, tries } = shrunk;
  return [
    `the shortest timeline that disagrees, after ${tries} tries (true times, UTC):`,
    ...(inputs.length > shownMost ? [`  … ${inputs.length - shownMost} more before`] : []),
    ...inputs.slice(-shownMost).map((input) => `  ${describe(input)}`),
    ...inWords(disagreement),
  ];
}

function inWords({ wall, alert, kind, expected, found }: Disagreement): readonly string[] {
  return [
    `${kind}${alert === null ? '' : `, of ${alert}`}, seen when the station's clock showed ${new Date(wall).toISOString()}:`,
    `  expected: ${expected}`,
    `  found:    ${found}`,
  ];
}
