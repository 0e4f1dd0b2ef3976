/**
 * What a policy refers to besides its own files: calendars, lists of hosts,
 * public holidays. A calendar that cannot be read now keeps its last good
 * content (policy/feeds.ts); one of this machine that was never readable is a fault of
 * the policy, one elsewhere that was not fetched yet is a warning, for the
 * network may be down while the station starts.
 */
import { resolve } from 'node:path';
import { type Duration, days, type Instant, minus, plus } from '../../time.ts';
import { type CalendarEvent, readCalendar } from '../calendar/calendar.ts';
import type { Period } from '../core/policy.ts';
import type { ReadFile } from '../local-file.ts';
import type { FileFault, Path } from '../yaml-file.ts';
import { type FeedRead, type FeedRef, type Feeds, type Parsed, shownRef } from './feeds.ts';
import type { Placed } from './parts.ts';

/** How far back calendars are read: the episodes of long standing alerts began there. */
const windowBefore: Duration = days(35);
/** How far ahead: whoever runs a station reads it again long before. */
const windowAfter: Duration = days(400);

export type Sources = {
  readonly feeds: Feeds | null;
  /** Reads local files where there are no feeds. */
  readonly read: ReadFile;
  readonly window: Period;
  /** Where what was found is put. */
  readonly faults: FileFault[];
  readonly warnings: FileFault[];
  readonly problems: Set<string>;
  /** By path or address: everything referred to. */
  readonly refs: Map<string, FeedRef>;
  /** By path or address: the content in use. */
  readonly texts: Map<string, string>;
};

export function openSources(now: Instant, feeds: Feeds | null, read: ReadFile): Sources {
  const window = { from: minus(now, windowBefore), to: plus(now, windowAfter) };
  const found = { faults: [], warnings: [], problems: new Set<string>() };
  return { feeds, read, window, ...found, refs: new Map(), texts: new Map() };
}

/**
 * The content of what `placed` refers to at `path` within it; null where there is none, which was put on record then.
 */
export function readRef<T>(
  sources: Sources,
  placed: Placed<unknown>,
  path: Path,
  written: string,
  parse: (text: string) => Parsed<T>,
): T | null {
  const ref = refOf(written, placed.folder);
  const key = keyOf(ref);
  sources.refs.set(key, ref);
  const read = sources.feeds === null ? directly(sources.read, ref, parse) : sources.feeds.read(ref, parse);
  if (read.ok) {
    sources.texts.set(key, read.text);
    if (read.problem !== null) sources.problems.add(read.problem);
    return read.value;
  }
  // An address may hold a password, and a message may be read by anybody.
  const shown = shownRef(ref);
  if (ref.kind === 'file') {
    sources.faults.push(placed.fault(path, `${shown} cannot be used: ${read.why}`));
  } else {
    sources.warnings.push(placed.fault(path, `${shown} is not in use yet: ${read.why}`));
    sources.problems.add(`${shown} is not in use yet: ${read.why}`);
  }
  return null;
}

export function refOf(written: string, folder: string): FeedRef {
  if (/^https?:\/\//i.test(written)) return { kind: 'url', url: written };
  return { kind: 'file', path: resolve(folder, written), shown: written };
}

const keyOf = (ref: FeedRef): string => (ref.kind === 'url' ? ref.url : ref.path);

/** Without the station's own store of what was good before. */
function directly<T>(read: ReadFile, ref: FeedRef, parse: (text: string) => Parsed<T>): FeedRead<T> {
  if (ref.kind === 'url') return { ok: false, why: 'addresses are fetched by a running station only' };
  const file = read(ref.path);
  if (!file.ok) return file;
  const parsed = parse(file.text);
  return parsed.ok ? { ...parsed, text: file.text, problem: null } : parsed;
}

/** The events of a calendar; none where it cannot be read. */
export function eventsOf(
  sources: Sources,
  placed: Placed<unknown>,
  path: Path,
  written: string,
  timezone: string,
): readonly CalendarEvent[] {
  const read = readRef(sources, placed, path, written, (text) => {
    const calendar = readCalendar(text, sources.window, timezone);
    return calendar.ok ? { ok: true, value: calendar } : calendar;
  });
  if (read?.cut) {
    sources.warnings.push(
      placed.fault(
        path,
        `${shownRef(refOf(written, placed.folder))} has more events than are read: some are left out`,
      ),
    );
  }
  return read?.events ?? [];
}
