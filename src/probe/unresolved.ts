/**
 * That a name leads to no address, as an alert: what is not watched must not
 * look as if all were well with it. Pure; targets.ts says when.
 *
 * A name that is still watched at what it led to before is in no hurry: name
 * servers fail for all names at once, and paths are what a probe is there for.
 */
import { type Duration, hours, type Instant, minutes } from '../time.ts';
import type { VerdictChange } from './core/judge.ts';
import type { Address } from './core/record.ts';
import { fitted, lengthWords, timeWords } from './core/words.ts';

/** Look-ups that failed for so long are told of: longer than a machine takes to start, and before the first full update. */
export const unresolvedAfter = minutes(3);
/** … where the name is still watched at the addresses of before. */
export const staleAfter = hours(1);

export const unresolved = 'unresolved';
/** Kept and told like a verdict, but of a name: there is no address to judge. */
export type NameChange = Omit<VerdictChange, 'verdict'> & { readonly verdict: typeof unresolved };

/** Whether it is time to tell. `watched`: at how many addresses the name is watched all the same. */
export const isTimeToTell = (failedFor: Duration, watched: number): boolean =>
  failedFor >= (watched === 0 ? unresolvedAfter : staleAfter);

/** @param why in words, such as `there is no such host`. */
export function leadsNowhere(why: string, since: Instant, addresses: readonly Address[]): NameChange {
  const [first, ...more] = addresses;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  const still = first === undefined ? '' : `; still watched at ${first}${others}`;
  return changeOf('raised', since, fitted(`no address found (${why}), since ${timeWords(since)}${still}`));
}

export const leadsAgain = (raised: NameChange, now: Instant): NameChange =>
  changeOf('cleared', now, `its name leads to an address again, after ${lengthWords(raised.at, now)}`);

export const notWatched = (word: string, now: Instant): NameChange =>
  changeOf('cleared', now, `${word} is not watched any more`);

function changeOf(state: NameChange['state'], at: Instant, summary: string): NameChange {
  return { verdict: unresolved, state, at, hop: null, summary, detailHtml: '' };
}
