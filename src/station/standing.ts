/** How the station stands, beside what is in the store: what every decision may look at. */
import { type Instant, plus } from '../time.ts';
import type { Context } from './core/decide.ts';
import type { HostNames } from './core/match.ts';
import type { Policy } from './core/policy.ts';
import type { Inhibitors } from './inhibitors.ts';
import type { ActiveSilence } from './silences.ts';

/** What the station keeps beside the store; a batch gets a copy and hands back what it becomes. */
export type Standing = {
  readonly policy: Policy;
  readonly startedAt: Instant;
  /** Those that people made and that have not ended. */
  readonly silences: readonly ActiveSilence[];
  readonly names: HostNames;
};

/** What a decision may look at, as the station stands. */
export function contextOf(standing: Standing, now: Instant, inhibitors: Inhibitors): Context {
  const { policy, startedAt, silences, names } = standing;
  return {
    now,
    policy,
    startedAt,
    sleepsUntil: plus(startedAt, policy.settings.initialSleep),
    silences,
    names,
    inhibitor: (token, of) => inhibitors.other(token, of),
  };
}
