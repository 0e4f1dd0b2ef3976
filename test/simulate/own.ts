/**
 * The station's own alerts, as the model is told of them: that it says somebody
 * cannot be reached, or can be again, is something that happens to the model.
 * Whether it was right to say so, the judge decides by what reached the providers.
 */
import type { Alert, AlertKey, HistoryEntry, PersonId } from '../../src/station/core/alert.ts';
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
  const [first] = history;
  if (person === null || first === undefined) return [];
  const heardOf = history.flatMap(({ alert, change }) =>
    change.kind === 'receipt' && change.person === person ? [alert] : [],
  );
  const base = { person, summary, heardOf };
  const reports: Placed[] = [];
  let known: readonly PersonId[] = before?.concerns ?? [];
  let about: AlertKey | null = null;
  for (const [index, { alert, at, by, change }] of history.entries()) {
    if (change.kind === 'receipt' && change.person === person) about = alert;
    if (alert !== key || by !== null || (change.kind !== 'raised' && change.kind !== 'cleared')) continue;
    if (change.cause !== 'update') continue;
    const isRaised = change.kind === 'raised';
    if (isRaised) known = concernedAt(after, history, index);
    const more = { what: change.kind, at, about: isRaised ? about : null, concerns: known };
    reports.push({ index, report: { ...base, ...more } });
  }
  const joined = concerns.filter((one) => !known.includes(one));
  if (joined.length === 0) return reports;
  const report = { ...base, what: 'joined', at: first.at, about: null, concerns } as const;
  return [...reports, { index: joinedAt(key, joined, history), report }];
}

/** Those whom it concerned when it was raised: they were told before anything else became known; all, where it is muted. */
function concernedAt(
  { key, concerns }: Alert,
  history: readonly HistoryEntry[],
  raised: number,
): readonly PersonId[] {
  const rest = history.slice(raised + 1);
  const next = rest.findIndex(({ change }) => change.kind === 'receipt');
  const told = (next < 0 ? rest : rest.slice(0, next)).flatMap(({ alert, change }) =>
    alert === key && (change.kind === 'told' || change.kind === 'not-told') ? [change.person] : [],
  );
  return told.length === 0 ? concerns : concerns.filter((one) => told.includes(one));
}

/** They are told at once, unless it is muted; then it is said where the message is that did not reach the person. */
function joinedAt(key: AlertKey, joined: readonly PersonId[], history: readonly HistoryEntry[]): number {
  const told = history.findIndex(
    ({ alert, change }) =>
      alert === key &&
      (change.kind === 'told' || change.kind === 'not-told') &&
      joined.includes(change.person),
  );
  return told >= 0 ? told : history.length;
}
