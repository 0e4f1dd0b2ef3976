/**
 * What happens in the laboratory, and what the probe must say of it: the right
 * verdict within the traces that each allows (two rounds and those that confirm,
 * where the probe can tell so soon); the right hop, as soon as traces show it;
 * nothing else; and that it is over, once it is.
 */
import assert from 'node:assert/strict';
import type { VerdictName } from '../../src/probe/core/verdict.ts';
import { eventually, pause } from '../kit/process.ts';
import type { Lab } from './lab.ts';
import { type Verdict, Watching } from './watching.ts';

/** A place of the lab, as the traces show it: the far end of that link, or of one of these. */
type Place = { readonly link: number; readonly or?: number };

export type Scenario = {
  /** Of the laboratory, before anything is learnt. */
  readonly before?: readonly (readonly string[])[];
  readonly happens: readonly (readonly string[])[];
  readonly ends: readonly (readonly string[])[];
  /** What is said, and where it begins. */
  readonly said: Readonly<Partial<Record<VerdictName, Place>>>;
  /** Traces of a target that may begin after it happened and before it is said. */
  readonly within: number;
};

/** Two rounds, and two traces that confirm. */
const twoRounds = 4;
/** In traces whose lost probes take a second each, and of which the first ones lose too little to tell. */
const lossRounds = 12;
const firstBack = [['path', 'main']] as const;

export const scenarios: Readonly<Record<string, Scenario>> = {
  'another path of the same length': {
    happens: [['path', 'same']],
    ends: firstBack,
    said: { 'path-changed': { link: 12 } },
    within: twoRounds,
  },
  'a path of two hops more': {
    happens: [['path', 'long']],
    ends: firstBack,
    said: { 'path-changed': { link: 14 }, 'more-hops': { link: 14 } },
    within: twoRounds,
  },
  'a black hole': {
    happens: [['path', 'blackhole']],
    ends: firstBack,
    said: { unreachable: { link: 10 } },
    within: twoRounds,
  },
  'a router that refuses': {
    happens: [['path', 'reject']],
    ends: firstBack,
    // It refuses only once a second for all; to the others it says nothing at all.
    said: { unreachable: { link: 11, or: 10 } },
    within: twoRounds + 4,
  },
  'a loop': {
    happens: [['path', 'loop']],
    ends: firstBack,
    said: { loop: { link: 18 } },
    within: twoRounds,
  },
  'a link that fails': {
    happens: [['fail', 'r5-r6']],
    ends: [['heal', 'r5-r6']],
    // As above, and it is the router before the link that refuses.
    said: { unreachable: { link: 10, or: 9 } },
    within: twoRounds + 4,
  },
  '20 ms more on one link': {
    happens: [['delay', 'r5-r6', '22']],
    ends: [['delay', 'r5-r6', '2']],
    said: { slow: { link: 11 } },
    within: twoRounds,
  },
  '30 % loss at a hop and beyond it': {
    happens: [['loss', 'r5', '30']],
    ends: [['loss', 'r5', '0']],
    said: { loss: { link: 11 } },
    within: lossRounds,
  },
};

/** What a probe must say nothing of. */
export const harmless: Readonly<Record<string, Pick<Scenario, 'before' | 'happens'>>> = {
  'a hop that falls silent': { happens: [['silent', 'r5', 'on']] },
  'a hop that answers once a second': { happens: [['ratelimit', 'r5', '1']] },
  'load shared by flow': { before: [['ecmp', 'flow']], happens: [] },
  'load shared by packet': { before: [['ecmp', 'packet']], happens: [] },
};

/** So many targets of each version that first hops are spared, as among thousands. */
const targetsEach = 8;
const targets = {
  4: Array.from({ length: targetsEach }, (_, n) => `198.51.100.${n + 7}`),
  6: Array.from({ length: targetsEach }, (_, n) => `2001:db8:ffff::${(n + 7).toString(16)}`),
} as const;
export const allTargets = [...targets[4], ...targets[6]];

const addressAt = (link: number, version: 4 | 6): string =>
  version === 4 ? `192.0.2.${2 * link - 1}` : `2001:db8:0:${link.toString(16)}::2`;
const addressesAt = ({ link, or = link }: Place, version: 4 | 6): readonly string[] =>
  [link, or].map((one) => addressAt(one, version));
const versionOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

/** A busy machine makes the links of the lab slower than they are to be: then these are said, and rightly so. */
const ofTheMachine: readonly VerdictName[] = ['slow', 'jitter'];
const saidMax = 60_000;
const overMax = 90_000;

/** Lives through it with the real probe. */
export async function live(lab: Lab, scenario: Scenario, more: readonly string[] = []): Promise<void> {
  for (const command of scenario.before ?? []) lab.run(...command);
  const watching = await Watching.begin(lab, allTargets, more);
  try {
    assert.deepEqual(strange(watching.verdicts, scenario), []);
    const begun = Date.now();
    for (const command of scenario.happens) lab.run(...command);
    await eventually(
      () => missing(watching.verdicts, scenario),
      (open) => open.length === 0,
      saidMax,
    );
    for (const verdict of Object.keys(scenario.said)) soonEnough(watching, verdict, begun, scenario.within);
    assert.deepEqual(strange(watching.verdicts, scenario), []);
    for (const command of scenario.ends) lab.run(...command);
    await eventually(
      () => stillRaised(watching.verdicts, scenario),
      (open) => open.length === 0,
      overMax,
    );
  } finally {
    await watching.end();
    for (const command of scenario.ends) lab.run(...command);
    lab.run('ecmp', 'off');
  }
}

/** Lives through `seconds` of what is harmless. */
export async function liveQuietly(
  lab: Lab,
  { before = [], happens }: Pick<Scenario, 'before' | 'happens'>,
  length: number,
): Promise<void> {
  for (const command of before) lab.run(...command);
  const watching = await Watching.begin(lab, allTargets);
  try {
    for (const command of happens) lab.run(...command);
    const count = watching.traces.length;
    await pause(length * 1000);
    assert.ok(watching.traces.length - count > length, 'it went on tracing');
    assert.deepEqual(
      watching.verdicts
        .filter(({ verdict }) => !ofTheMachine.includes(verdict))
        .map(({ summary }) => summary),
      [],
    );
  } finally {
    await watching.end();
    for (const command of [
      ['silent', 'r5', 'off'],
      ['ratelimit', 'r5', 'off'],
      ['ecmp', 'off'],
    ])
      lab.run(...command);
  }
}

/** As each verdict of each target was said last. */
function last(verdicts: readonly Verdict[]): Map<string, Verdict> {
  return new Map(verdicts.map((one) => [`${one.verdict} ${one.address}`, one]));
}

/** What is still to be said, or names another hop. */
function missing(verdicts: readonly Verdict[], { said }: Scenario): string[] {
  const all = last(verdicts);
  return allTargets.flatMap((address) =>
    Object.entries(said).flatMap(([verdict, place]) => {
      const found = all.get(`${verdict} ${address}`);
      const hops = addressesAt(place, versionOf(address));
      if (found?.state === 'raised' && hops.includes(found.hop ?? '')) return [];
      return [`${address} ${verdict} at ${hops[0]}; said: ${found?.state} ${found?.summary}`];
    }),
  );
}

const strange = (verdicts: readonly Verdict[], { said }: Scenario): string[] =>
  verdicts
    .filter(({ verdict }) => !(verdict in said) && !ofTheMachine.includes(verdict))
    .map(({ address, summary }) => `${address} ${summary}`);

const stillRaised = (verdicts: readonly Verdict[], { said }: Scenario): string[] =>
  [...last(verdicts).values()]
    .filter(({ state, verdict }) => state === 'raised' && verdict in said)
    .map(({ address, summary }) => `${address} ${summary}`);

/** Counted in traces: seconds are long on a busy machine. */
function soonEnough({ verdicts, traces }: Watching, verdict: string, begun: number, within: number): void {
  for (const address of allTargets) {
    const first = verdicts.find(
      (one) => one.verdict === verdict && one.address === address && one.at >= begun,
    );
    assert.ok(first);
    const between = traces.filter((one) => one.address === address && one.at > begun && one.at < first.at);
    assert.ok(between.length <= within, `${address}: ${between.length} traces before ${first.summary}`);
  }
}
