/**
 * The station's own alerts, as the model is told of them: that it says somebody
 * cannot be reached, or can be again, is something that happens to the model.
 * Whether it was right to say so, the judge decides by what reached the providers.
 */
import type { AlertKey, HistoryEntry } from '../../src/station/core/alert.ts';
import type { SavedAlert } from '../../src/station/store/store.ts';

export const ownSource = 'mauve';
const prefix = 'unreachable/';

export type OwnReport = {
  readonly at: number;
  readonly person: string;
  readonly raised: boolean;
  readonly summary: string;
  /** The alert whose message did not reach them, where they cannot be reached. */
  readonly about: AlertKey | null;
  /** Who is told of it besides, as the station says. */
  readonly concerns: readonly string[];
};

/** Whose: where an alert says that somebody cannot be reached. */
export const personOf = (source: string, id: string): string | null =>
  source === ownSource && id.startsWith(prefix) ? id.slice(prefix.length) : null;

export const idFor = (person: string): string => `${prefix}${person}`;

/** What the station said of its own in one transaction, in order. */
export function ownReports(
  saved: readonly SavedAlert[],
  history: readonly HistoryEntry[],
): readonly OwnReport[] {
  const reports: OwnReport[] = [];
  const failed = new Map<string, AlertKey>();
  for (const { alert, at, by, change } of history) {
    if (change.kind === 'receipt') failed.set(change.person, alert);
    const own = saved.find(({ after }) => after.key === alert)?.after;
    const person = own === undefined ? null : personOf(own.source, own.id);
    if (own === undefined || person === null || by !== null) continue;
    const raised = change.kind === 'raised' && change.cause === 'update';
    if (!raised && !(change.kind === 'cleared' && change.cause === 'update')) continue;
    const about = raised ? (failed.get(person) ?? null) : null;
    reports.push({ at, person, raised, summary: own.summary, about, concerns: own.concerns });
  }
  return reports;
}
