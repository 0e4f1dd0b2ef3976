/**
 * The station's own alerts, as the model is told of them: that it says somebody
 * cannot be reached, or can be again, is something that happens to the model.
 * Whether it was right to say so, the judge decides by what reached the providers.
 */
import type { AlertKey, HistoryEntry, PersonId } from '../../src/station/core/alert.ts';
import type { SavedAlert } from '../../src/station/store/store.ts';

export const ownSource = 'mauve';
const prefix = 'unreachable/';

export type OwnReport = {
  readonly at: number;
  readonly person: string;
  /** `joined`: it concerns more people now. */
  readonly what: 'raised' | 'joined' | 'cleared';
  readonly summary: string;
  /** The alert whose message did not reach them, where it is raised for that. */
  readonly about: AlertKey | null;
  /** All alerts of whose messages to them something became known. */
  readonly heardOf: readonly AlertKey[];
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
  return saved
    .flatMap((one) => reportsOf(one, history))
    .sort((a, b) => a.index - b.index)
    .map(({ report }) => report);
}

/** `index`: which entry of history says so. */
type Placed = { readonly index: number; readonly report: OwnReport };

function reportsOf({ before, after }: SavedAlert, history: readonly HistoryEntry[]): readonly Placed[] {
  const { key, summary, concerns } = after;
  const person = personOf(after.source, after.id);
  if (person === null) return [];
  const reports: Placed[] = [];
  const heardOf = history.flatMap(({ alert, change }) =>
    change.kind === 'receipt' && change.person === person ? [alert] : [],
  );
  let about: AlertKey | null = null;
  for (const [index, { alert, at, by, change }] of history.entries()) {
    if (change.kind === 'receipt' && change.person === person) about = alert;
    if (alert !== key || by !== null || (change.kind !== 'raised' && change.kind !== 'cleared')) continue;
    if (change.cause !== 'update') continue;
    const base = { at, person, summary, heardOf, concerns };
    const report = { ...base, what: change.kind, about: change.kind === 'raised' ? about : null };
    reports.push({ index, report });
  }
  const joins = before !== null && concerns.some((one) => !before.concerns.includes(one));
  const [first] = history;
  if (!joins || first === undefined || reports.some(({ report }) => report.what === 'raised')) return reports;
  const report = { at: first.at, person, what: 'joined', summary, about: null, heardOf, concerns } as const;
  // They are told at once, unless it is muted; then it is said where the message is that did not reach the person.
  const joined = (one: PersonId): boolean => !before.concerns.includes(one) && concerns.includes(one);
  const told = history.findIndex(
    ({ alert, change }) => alert === key && change.kind === 'told' && joined(change.person),
  );
  const lost = history.findLastIndex(({ change }) => change.kind === 'receipt' && change.person === person);
  return [...reports, { index: told >= 0 ? told : lost + 0.5, report }];
}
