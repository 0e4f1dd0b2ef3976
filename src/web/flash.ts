/**
 * What the next page says of the last click ("Acknowledged until 05:10"). Kept
 * in memory for a moment and shown once: it is not worth a write, and after a
 * restart nobody misses it.
 */
import { LRUCache } from 'lru-cache';
import { type Clock, type Instant, minutes, plus } from '../time.ts';
import type { SilenceField } from './silence-match.ts';

export type Flash = {
  readonly kind: 'done' | 'refused';
  readonly text: string;
  /** What was in the form that was refused: nobody should have to type it again. */
  readonly typed?: Typed;
  readonly silence?: TypedSilence;
};

/** The fields of the forms over alerts, as they came. */
export type Typed = {
  readonly count: string;
  readonly unit: string;
  readonly note: string;
  readonly text: string;
  readonly alerts: ReadonlySet<string>;
};

/** The fields of the form that silences alerts, as they came. */
export type TypedSilence = {
  readonly texts: Readonly<Record<SilenceField, string>>;
  readonly ticked: ReadonlySet<string>;
  readonly count: string;
  readonly unit: string;
  readonly reason: string;
};

const flashesMax = 1000;
const flashLives = minutes(2);

export interface Flashes {
  put(session: string, flash: Flash): void;
  /** Gives it and forgets it. */
  take(session: string): Flash | null;
}

export function openFlashes(clock: Clock): Flashes {
  const kept = new LRUCache<string, { flash: Flash; until: Instant }>({ max: flashesMax });
  return {
    put(session, flash) {
      kept.set(session, { flash, until: plus(clock.now(), flashLives) });
    },
    take(session) {
      const found = kept.get(session);
      kept.delete(session);
      return found !== undefined && found.until > clock.now() ? found.flash : null;
    },
  };
}
