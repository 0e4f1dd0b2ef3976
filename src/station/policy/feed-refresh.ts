/**
 * When the policy is read again. Its files are when somebody asks; calendars
 * and lists are looked at regularly, files of this machine every minute,
 * addresses every 15 and right after the policy's own files were read, which
 * waited for none of them. Once a day it is read again in any case, for
 * calendars are read only so far ahead.
 *
 * It never does two things at once, so that the newest reading is the one that
 * stays in force, and outlives whatever goes wrong.
 */
import type { Logger } from '../../log.ts';
import { type Cancel, type Clock, type Duration, days, type Instant, minutes, plus } from '../../time.ts';
import type { Feeds } from './feeds.ts';
import type { PolicyRead, PolicySource } from './source.ts';

export type FeedRefreshOptions = {
  readonly feeds: Pick<Feeds, 'refresh'>;
  /** Its files have been read already. */
  readonly source: Pick<PolicySource, 'read' | 'again' | 'feeds'>;
  /** How often addresses are asked. */
  readonly every?: Duration;
  readonly clock: Clock;
  /** Puts what was read in force, or says why it is not; `old`: of files that were read before. */
  readonly load: (read: PolicyRead, files: 'new' | 'old') => Promise<void>;
  readonly log: Pick<Logger, 'error'>;
};

export type FeedRefresh = {
  /** Has the policy's files read again, right after what is under way. */
  readFiles(): void;
  /** Nothing is looked at any more; what is under way comes to its end without being put in force. */
  stop(): void;
};

const filesEvery = minutes(1);
const addressesEvery = minutes(15);
const reloadEvery = days(1);

/** Looks at the addresses at once. */
export function openFeedRefresh(options: FeedRefreshOptions): FeedRefresh {
  const { feeds, source, every = addressesEvery, clock, load, log } = options;
  let stopped = false;
  let busy = false;
  let asked = false;
  let cancel: Cancel = () => undefined;
  /** Null: not since the policy's files were read. */
  let fetched: Instant | null = null;
  let loaded = clock.now();
  let pending = false;

  const readFiles = async (): Promise<void> => {
    asked = false;
    const read = await source.read();
    if (stopped) return;
    await load(read, 'new');
    if (!read.ok) return;
    fetched = null;
    pending = false;
    loaded = clock.now();
  };
  const round = async (): Promise<void> => {
    if (asked) await readFiles();
    if (stopped) return;
    const now = clock.now();
    const all = fetched === null || due(fetched, every, now);
    if (all) fetched = now;
    const changed = await feeds.refresh(source.feeds(), all ? 'all' : 'files');
    if (changed || due(loaded, reloadEvery, now)) pending = true;
    if (!pending || stopped || asked) return;
    await load(source.again(), 'old');
    pending = false;
    loaded = clock.now();
  };
  const rounds = (): void => {
    busy = true;
    round()
      .catch((error: unknown) =>
        log.error(
          { err: error },
          'the policy could not be read again, or its calendars and lists not looked at',
        ),
      )
      .finally(() => {
        busy = false;
        if (stopped) return;
        if (asked) rounds();
        else cancel = clock.after(filesEvery, rounds);
      });
  };
  rounds();
  return {
    readFiles() {
      asked = true;
      if (busy || stopped) return;
      cancel();
      rounds();
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** Also where the clock was set back: how long ago it was is then unknown. */
const due = (last: Instant, every: Duration, now: Instant): boolean => now < last || now >= plus(last, every);
