/**
 * Looks regularly whether calendars and lists changed, and has the policy read
 * again when they did: files of this machine every minute, addresses every 15.
 * Once a day it is read again in any case, for calendars are read only so far
 * ahead. It never does two things at once, and outlives whatever goes wrong.
 */
import type { Logger } from '../log.ts';
import { type Cancel, type Clock, type Duration, days, type Instant, minutes, plus } from '../time.ts';
import type { FeedRef, Feeds } from './feeds.ts';

export type FeedRefreshOptions = {
  readonly feeds: Pick<Feeds, 'refresh'>;
  /** What the policy in force refers to. */
  readonly refs: () => readonly FeedRef[];
  /** How often addresses are asked. */
  readonly every?: Duration;
  readonly clock: Clock;
  /** Reads the policy again. */
  readonly reload: () => Promise<void>;
  readonly log: Pick<Logger, 'error'>;
};

export type FeedRefresh = {
  /** Nothing is looked at any more; what is under way comes to its end without a reload. */
  stop(): void;
};

const filesEvery = minutes(1);
const addressesEvery = minutes(15);
const reloadEvery = days(1);

export function openFeedRefresh(options: FeedRefreshOptions): FeedRefresh {
  const { feeds, refs, every = addressesEvery, clock, reload, log } = options;
  let stopped = false;
  let cancel: Cancel = () => undefined;
  let fetched = clock.now();
  let reloaded = clock.now();
  let pending = false;

  const round = async (): Promise<void> => {
    const now = clock.now();
    const all = due(fetched, every, now);
    if (all) fetched = now;
    const changed = await feeds.refresh(refs(), all ? 'all' : 'files');
    if (changed || due(reloaded, reloadEvery, now)) pending = true;
    if (!pending || stopped) return;
    await reload();
    pending = false;
    reloaded = clock.now();
  };
  const rounds = (): void => {
    cancel = clock.after(filesEvery, () => {
      round()
        .catch((error: unknown) => log.error({ err: error }, 'calendars and lists could not be looked at'))
        .finally(() => {
          if (!stopped) rounds();
        });
    });
  };
  rounds();
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** Also where the clock was set back: how long ago it was is then unknown. */
const due = (last: Instant, every: Duration, now: Instant): boolean => now < last || now >= plus(last, every);
