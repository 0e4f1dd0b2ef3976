/**
 * What happens in the laboratory, and what the probe must say of it: the right
 * verdict at the right hop within two rounds, nothing else, and that it is over,
 * once it is. A round is what `--rounds` counts: one trace of a target that falls
 * due, with those that are asked for in between to confirm what it shows.
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
  /** Where some targets may be unlucky: rounds for the last of them. */
  readonly atMost?: number;
};

/** Rounds of a target that begin after it happened and end before it is said where. */
const within = 2;
/** These take three traces: where one takes nearly as long as the interval, each of them may fall due as a round of its own. */
const confirmed: readonly string[] = ['path-changed', 'more-hops'];
const tracesConfirming = 3;
/** A quarter of the targets may be unlucky. */
const luckyShare = 0.75;
const firstBack = [['path', 'main']] as const;

export const scenarios: Readonly<Record<string, Scenario>> = {
  'another path of the same length': {
    happens: [['path', 'same']],
    ends: firstBack,
    said: { 'path-changed': { link: 12 } },
  },
  'a path of two hops more': {
    happens: [['path', 'long']],
    ends: firstBack,
    said: { 'path-changed': { link: 14 }, 'more-hops': { link: 14 } },
  },
  'a black hole': {
    happens: [['path', 'blackhole']],
    ends: firstBack,
    said: { unreachable: { link: 10 } },
  },
  'a router that refuses': {
    happens: [['path', 'reject']],
    ends: firstBack,
    // It refuses only once a second for all; to the others it says nothing at all.
    said: { unreachable: { link: 11, or: 10 } },
  },
  'a loop': {
    happens: [['path', 'loop']],
    ends: firstBack,
    said: { loop: { link: 18 } },
  },
  'a link that fails': {
    happens: [['fail', 'r5-r6']],
    ends: [['heal', 'r5-r6']],
    // As above, and it is the router before the link that refuses.
    said: { unreachable: { link: 10, or: 9 } },
  },
  '20 ms more on one link': {
    happens: [['delay', 'r5-r6', '22']],
    ends: [['delay', 'r5-r6', '2']],
    said: { slow: { link: 11 } },
  },
  '30 % loss at a hop and beyond it': {
    happens: [['loss', 'r5', '30']],
    ends: [['loss', 'r5', '0']],
    said: { loss: { link: 11 } },
    // Of a round that by chance loses nearly nothing nobody can tell.
    atMost: 8,
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
    for (const command of scenario.happens) lab.run(...command);
    const happened = Date.now();
    await eventually(
      () => missing(watching.verdicts, scenario),
      (open) => open.length === 0,
      saidMax,
    );
    for (const [verdict, place] of Object.entries(scenario.said)) {
      soonEnough(watching, verdict, place, happened, scenario.atMost ?? null);
    }
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

/** Counted in rounds: seconds are long on a busy machine. `atMost`: null where there is no luck in it. */
function soonEnough(
  { verdicts, traces }: Watching,
  verdict: string,
  place: Place,
  happened: number,
  atMost: number | null,
): void {
  const late: string[] = [];
  for (const address of allTargets) {
    const begunBefore = traces.findLast((one) => one.address === address && one.at <= happened);
    const hops = addressesAt(place, versionOf(address));
    const told = verdicts.find(
      (one) => one.verdict === verdict && one.address === address && hops.includes(one.hop ?? ''),
    );
    assert.ok(begunBefore && told);
    const rounds = told.round - begunBefore.round;
    const between = traces.filter(
      (one) => one.address === address && one.at > happened && one.at < told.at && one.round <= told.round,
    );
    const words = `${address}: ${rounds} rounds, ${between.length} traces until ${told.summary}`;
    if (atMost !== null) assert.ok(rounds <= atMost, words);
    const isFewest = confirmed.includes(verdict) && between.length <= tracesConfirming;
    if (rounds > within && !isFewest) late.push(words);
  }
  const allowed = atMost === null ? 0 : allTargets.length * (1 - luckyShare);
  assert.ok(late.length <= allowed, late.join('; '));
}
