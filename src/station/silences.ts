/**
 * Silences that people make: kept in the store as they were written, and in
 * memory as conditions while they last. Those in the policy are the policy's.
 */
import { type Instant, instant, plus } from '../time.ts';
import type { Condition } from './core/match.ts';
import type { Policy, Silence } from './core/policy.ts';
import { type Event, type Refused, silenceReasonMax } from './door.ts';
import { parseMatch } from './policy/match.ts';
import type { SilenceId, StoredSilence, Transaction } from './store/store.ts';

/** How many may be in force at once: each alert is compared with all of them. */
export const silencesMax = 500;
/** In all silences together: whoever sends an alert chooses the text on which each is tried, a millisecond at worst. */
export const silencePatternsMax = 100;
/** In characters, of the match as it is kept. */
export const silenceMatchMax = 16_384;

export type ActiveSilence = Silence & { readonly during: { readonly kind: 'once'; readonly until: Instant } };

type Result<T> =
  | ({ readonly ok: true; readonly silences: readonly ActiveSilence[] } & T)
  | {
      readonly ok: false;
      readonly why: Refused;
      /** In place of the usual words. */
      readonly message?: string;
    };

/** Those in force now or later, as conditions; one that nobody can read any more is left out. */
export async function loadSilences(tx: Transaction, now: Instant): Promise<readonly ActiveSilence[]> {
  return (await tx.loadSilences(now)).flatMap((stored) => activeOf(stored) ?? []);
}

function activeOf(stored: StoredSilence): ActiveSilence | null {
  const parsed = parseMatch(JSON.parse(stored.match));
  if (!parsed.ok) return null;
  const { id, author, reason, until } = stored;
  // It began when it was made, and does not end because the clock is set back behind that.
  const during = { kind: 'once', from: instant(0), until } as const;
  return { id: String(id), match: parsed.match, reason, author, during };
}

function patternsIn(condition: Condition): number {
  switch (condition.kind) {
    case 'text':
      return condition.tests.filter(({ kind }) => kind === 'pattern').length;
    case 'importance':
      return 0;
    case 'not':
      return patternsIn(condition.of);
    default:
      return condition.of.reduce((sum, one) => sum + patternsIn(one), 0);
  }
}

/** The length is cut to the policy's cap, as that of an acknowledgement is: nothing is forgotten for good. */
export async function makeSilence(
  tx: Transaction,
  event: Extract<Event, { kind: 'silence' }>,
  silences: readonly ActiveSilence[],
  policy: Policy,
): Promise<Result<{ readonly id: SilenceId }>> {
  const left = silences.filter(({ during }) => during.until > event.at);
  if (left.length >= silencesMax) return { ok: false, why: 'too-many-silences' };
  const parsed = parseMatch(event.match);
  if (!parsed.ok) return { ok: false, why: 'bad-match', message: parsed.why };
  const patterns = [parsed.match, ...left.map((one) => one.match)].map(patternsIn);
  if (patterns.reduce((sum, count) => sum + count, 0) > silencePatternsMax) {
    const message = `All silences together may have ${silencePatternsMax} patterns: end some first, or name exact texts.`;
    return { ok: false, why: 'too-many-silences', message };
  }
  const match = JSON.stringify(event.match);
  if (match.length > silenceMatchMax) return { ok: false, why: 'bad-match' };
  const cap = policy.settings.acknowledgeAtMost;
  const until = plus(event.at, event.for < cap ? event.for : cap);
  const reason = event.reason.slice(0, silenceReasonMax);
  const kept = { match, from: event.at, until, author: event.by, reason };
  const id = await tx.addSilence(kept);
  const made = activeOf({ id, ...kept, ended: null });
  return { ok: true, id, silences: made === null ? left : [...left, made] };
}

export async function endSilence(
  tx: Transaction,
  event: Extract<Event, { kind: 'end-silence' }>,
  silences: readonly ActiveSilence[],
): Promise<Result<object>> {
  const stored = await tx.loadSilence(event.silence);
  if (stored === null) return { ok: false, why: 'no-such-silence' };
  const ended = await tx.endSilence(event.silence, event.at, event.by);
  if (!ended) return { ok: false, why: 'silence-ended' };
  return { ok: true, silences: silences.filter(({ id }) => id !== String(event.silence)) };
}
