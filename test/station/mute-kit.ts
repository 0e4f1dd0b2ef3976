/** What the tests of who is told, and when, have in common. */
import assert from 'node:assert/strict';
import type { Outcome } from '../../src/station/door.ts';
import type { SilenceId } from '../../src/station/store/store.ts';
import { seconds } from '../../src/time.ts';
import type { Timeline } from '../kit/station.ts';

/** Settings without which every restart waits. */
export const awake = 'settings: {initial_sleep: 0s}';

/** A policy that tells ann every quarter of an hour, with more of whatever is given. */
export const annHears = (more = '', group = '', settings = awake): string => `version: 1
people:
  ann: {email: ann@example.net, limits: none}
  bob: {email: bob@example.net, limits: none}
${more}
groups:
  - {name: default, ${group} notify: [{to: ann, every: 15m}]}
${settings}
`;

/** What happened to an alert, in words: `raised`, `muted: silenced`, `told ann: raised`. */
export async function story(t: Timeline, name = 'test'): Promise<readonly string[]> {
  const entries = await t.history(name, { quiet: true });
  return entries.flatMap(({ change }) => {
    switch (change.kind) {
      case 'muted':
      case 'unmuted':
        return [`${change.kind}: ${change.by}`];
      case 'told':
        return [`told ${change.person}: ${change.of}`];
      case 'not-told':
        return [`not told ${change.person}: ${change.why}`];
      case 'receipt':
        return change.outcome === 'delivered'
          ? []
          : [`${change.person} ${change.channel}: ${change.outcome}`];
      case 'raised':
      case 're-raised':
      case 'acknowledged':
      case 'cleared':
        return [change.kind];
      default:
        return [];
    }
  });
}

export async function silence(
  t: Timeline,
  match: unknown,
  lasts: number,
  reason = 'because',
): Promise<Outcome & { readonly silence?: SilenceId }> {
  const at = t.clock.now();
  const event = { kind: 'silence', at, by: 'ann', match, for: seconds(lasts), reason } as const;
  const [outcome] = await t.station.handle([event]);
  assert.ok(outcome);
  await t.clock.advanceTo(at);
  return outcome;
}

/** A silence that the station takes, by its id. */
export async function silenced(t: Timeline, match: unknown, lasts: number): Promise<SilenceId> {
  const outcome = await silence(t, match, lasts);
  if (!outcome.ok || outcome.silence === undefined) throw new Error('no silence');
  return outcome.silence;
}

export async function endSilence(t: Timeline, id: SilenceId): Promise<Outcome> {
  const at = t.clock.now();
  const [outcome] = await t.station.handle([{ kind: 'end-silence', at, by: 'bob', silence: id }]);
  assert.ok(outcome);
  await t.clock.advanceTo(at);
  return outcome;
}

/** At each of these seconds, who has been told since the last. */
export async function toldAt(
  t: Timeline,
  ...times: readonly number[]
): Promise<readonly (readonly string[])[]> {
  const told: (readonly string[])[] = [];
  for (const time of times) {
    await t.at(time);
    told.push(t.told());
  }
  return told;
}

/** Who has been told since the last time that was asked, once all that is due now is done. */
export async function heard(t: Timeline): Promise<readonly string[]> {
  await t.clock.advanceTo(t.clock.now());
  return t.told();
}
