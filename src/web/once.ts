/**
 * A form that makes something carries a word of its own: sent twice, by an
 * impatient thumb or a line that was slow, it makes one thing and gets one
 * answer. Kept in memory: after a restart the worst is a second silence.
 */
import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Clock, hours, type Instant, plus } from '../time.ts';

const onceMax = 1000;
const onceLives = hours(1);

export interface Once<T> {
  /** For a new form. */
  word(): string;
  /** Does it, or gives what it came to the first time. What failed may be tried again. */
  run(key: string, work: () => Promise<T>): Promise<T>;
}

/** @param failed whether a result is no reason to remember that it was tried. */
export function openOnce<T>(clock: Clock, failed: (result: T) => boolean): Once<T> {
  const kept = new LRUCache<string, { result: Promise<T>; until: Instant }>({ max: onceMax });
  return {
    word: () => randomUUID(),
    async run(key, work) {
      const found = kept.get(key);
      if (found !== undefined && found.until > clock.now()) return await found.result;
      const result = work();
      kept.set(key, { result, until: plus(clock.now(), onceLives) });
      try {
        const done = await result;
        if (failed(done)) kept.delete(key);
        return done;
      } catch (error) {
        kept.delete(key);
        throw error;
      }
    },
  };
}
