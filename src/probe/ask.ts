/**
 * Asking an engine until it has an answer that can be true. An engine that dies
 * is restarted by itself within seconds; what it lost is asked again, at
 * growing distances, and counts as nothing: neither as sent nor as lost.
 */
import type { Logger } from '../log.ts';
import { type Clock, milliseconds } from '../time.ts';
import type { PingRecord, TraceRecord } from './core/record.ts';
import type { Counts } from './counts.ts';
import type { Answer } from './engine/engine.ts';

/** So often at most; the next round then asks anew. */
export const lostTriesMax = 5;
const lostPause = milliseconds(500);

export type Question<T> = {
  readonly ask: () => Promise<Answer<T>>;
  /** What is wrong with the answer; null: it can be true. */
  readonly faultOf: (record: T) => string | null;
  /** Whether anybody still wants to know. */
  readonly wanted: () => boolean;
};

export type AskEdges = { readonly clock: Clock; readonly log: Logger; readonly counts: Counts };

/** @returns null where there is no answer, or where nobody wants it any more. Never rejects for what an engine does. */
export async function askUntil<T extends readonly PingRecord[] | TraceRecord>(
  { ask, faultOf, wanted }: Question<T>,
  { clock, log, counts }: AskEdges,
): Promise<T | null> {
  for (let tries = 0; ; tries++) {
    const answer = await ask().catch((error: unknown) => lost<T>(String(error)));
    if (!wanted()) return null;
    const fault = answer.ok ? faultOf(answer.record) : answer.detail;
    if (answer.ok && fault === null) return answer.record;
    if (!answer.ok && answer.why === 'refused') {
      counts.refused += 1;
      log.debug({ reason: fault }, 'the engine refused to measure a target');
      return null;
    }
    counts.lost += 1;
    if (tries >= lostTriesMax) return null;
    await new Promise<void>((done) => void clock.after(milliseconds(lostPause * 2 ** tries), done));
    if (!wanted()) return null;
  }
}

const lost = <T>(detail: string): Answer<T> => ({ ok: false, why: 'engine-lost', detail });
