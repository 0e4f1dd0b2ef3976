/**
 * What a policy refers to besides itself: calendars and lists, in files of this
 * machine and at web addresses.
 *
 * A calendar that cannot be read today must not empty the rota: the last
 * content that was understood stays in use, also across a restart, and every
 * page and `/readyz` say so. Nothing is fetched where a policy is read, so that
 * reading one never waits for a network: `refresh` fetches, `read` reads.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Logger } from '../../log.ts';
import { type Clock, type Instant, rfc3339, seconds } from '../../time.ts';
import { fileWords } from '../local-file.ts';
import { type FeedCache, type FeedContent, openFeedCache } from './feed-cache.ts';
import { type FetchLimits, fetchFeed, shownUrl } from './feed-fetch.ts';

export type FeedRef =
  | {
      readonly kind: 'file';
      /** Absolute. */
      readonly path: string;
      /** As written in the policy. */
      readonly shown: string;
    }
  | { readonly kind: 'url'; readonly url: string };

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

export type FeedRead<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** What `value` was read from. */
      readonly text: string;
      /** Why this is not the newest content, in a sentence; null where it is. */
      readonly problem: string | null;
    }
  | { readonly ok: false; readonly why: string };

export type Feeds = {
  /**
   * The newest content that can be parsed. A file is looked at; of an address, what `refresh` fetched last, or what
   * was kept from before.
   */
  read<T>(ref: FeedRef, parse: (text: string) => Parsed<T>): FeedRead<T>;
  /**
   * Looks for new content, and never rejects.
   * @param refs all that the policy refers to; what is not among them is forgotten, but for its kept content.
   * @param which `files` fetches nothing, `unread` only that of which there is no content yet, not even a kept one.
   * @returns whether any content is new, so that the policy should be read again.
   */
  refresh(refs: readonly FeedRef[], which?: 'all' | 'unread' | 'files'): Promise<boolean>;
  /** Of those refreshed last: which are not in use as they are now, and why, a sentence each. */
  problems(): readonly string[];
};

export type FeedLimits = FetchLimits & {
  /** How many kept contents; those longest unchanged go. */
  readonly kept: number;
};

const limitsDefault: FeedLimits = {
  bytes: 5 * 1024 * 1024,
  redirects: 5,
  timeout: seconds(10),
  kept: 500,
};

export type FeedsOptions = {
  /** Where the last good content is kept; null: in memory only. */
  readonly folder: string | null;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly fetch?: typeof globalThis.fetch;
  readonly limits?: Partial<FeedLimits>;
};

/** Calendars and lists of one policy. */
export const feedsMax = 500;
const fetchedAtOnce = 8;

/** As people may see it: addresses without what may be a password. */
export const shownRef = (ref: FeedRef): string => (ref.kind === 'file' ? ref.shown : shownUrl(ref.url));

export const openFeeds = (options: FeedsOptions): Feeds => new OpenFeeds(options);

/** What is known of one file or address. */
type State = {
  readonly ref: FeedRef;
  /** As it came last. */
  newest: FeedContent | null;
  /** Why the last look at it brought nothing. */
  missing: string | null;
  /** Why `newest` was not understood. */
  refused: string | null;
  /** The last that was understood. */
  good: FeedContent | null;
  /** Of a file: tells whether it changed. */
  stamp: string | null;
  logged: string | null;
};

const keyOf = (ref: FeedRef): string => (ref.kind === 'file' ? `file ${ref.path}` : `url ${ref.url}`);

class OpenFeeds implements Feeds {
  private readonly options: FeedsOptions;
  private readonly limits: FeedLimits;
  private readonly cache: FeedCache | null;
  private readonly states = new Map<string, State>();
  private inForce: readonly State[] = [];

  constructor(options: FeedsOptions) {
    this.options = options;
    this.limits = { ...limitsDefault, ...options.limits };
    const { bytes, kept } = this.limits;
    this.cache = options.folder === null ? null : openFeedCache(options.folder, bytes, kept);
  }

  read<T>(ref: FeedRef, parse: (text: string) => Parsed<T>): FeedRead<T> {
    const state = this.stateOf(ref);
    if (state === null) return { ok: false, why: `there are more than ${feedsMax} calendars and lists` };
    if (ref.kind === 'file') this.look(state, ref.path);
    const { newest } = state;
    if (newest !== null && state.missing === null) {
      const parsed = parse(newest.text);
      state.refused = parsed.ok ? null : parsed.why;
      if (parsed.ok) {
        this.keep(state, newest);
        return { ok: true, value: parsed.value, text: newest.text, problem: null };
      }
    }
    const why = state.missing ?? state.refused ?? 'it was not read yet';
    const { good } = state;
    if (good === null || good.text === (state.missing === null ? newest?.text : null))
      return { ok: false, why };
    const parsed = parse(good.text);
    if (!parsed.ok) return { ok: false, why };
    return { ok: true, value: parsed.value, text: good.text, problem: problemOf(state) };
  }

  async refresh(refs: readonly FeedRef[], which: 'all' | 'unread' | 'files' = 'all'): Promise<boolean> {
    const wanted = new Set(refs.map(keyOf));
    for (const key of this.states.keys()) if (!wanted.has(key)) this.states.delete(key);
    const states = new Set(refs.flatMap((ref) => this.stateOf(ref) ?? []));
    this.inForce = [...states];
    let changed = false;
    const toFetch: { readonly state: State; readonly url: string }[] = [];
    for (const state of states) {
      if (state.ref.kind === 'url') {
        if (which === 'all' || state.newest === null) toFetch.push({ state, url: state.ref.url });
      } else if (this.look(state, state.ref.path)) changed = true;
    }
    if (which !== 'files') {
      const next = toFetch.values();
      const fetchNext = async (): Promise<void> => {
        for (const { state, url } of next) if (await this.fetch(state, url)) changed = true;
      };
      await Promise.all(Array.from({ length: fetchedAtOnce }, fetchNext));
    }
    for (const state of states) this.report(state);
    return changed;
  }

  problems(): readonly string[] {
    return this.inForce.flatMap((state) => problemOf(state) ?? []);
  }

  private stateOf(ref: FeedRef): State | null {
    const key = keyOf(ref);
    const known = this.states.get(key);
    if (known !== undefined) return known;
    if (this.states.size >= feedsMax) return null;
    const good = this.cache?.get(key) ?? null;
    const newest = ref.kind === 'url' ? good : null;
    const missing = newest === null ? 'it was not read yet' : null;
    const state: State = { ref, newest, missing, refused: null, good, stamp: null, logged: null };
    this.states.set(key, state);
    return state;
  }

  /** Reads a file if it is another than last time; returns whether its content is new. */
  private look(state: State, path: string): boolean {
    try {
      const stat = statSync(path, { bigint: true });
      const stamp = `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
      if (stamp === state.stamp) return false;
      state.stamp = null;
      // A device or a pipe might never end; a folder is told by reading it.
      if (!stat.isFile() && !stat.isDirectory()) return missing(state, 'it is no regular file');
      if (stat.isFile() && stat.size > this.limits.bytes) {
        return missing(state, `it is larger than ${this.limits.bytes} bytes`);
      }
      const text = readFileSync(path, 'utf8');
      state.stamp = stamp;
      return this.arrived(state, { text, etag: null, modified: null });
    } catch (error) {
      state.stamp = null;
      return missing(state, fileWords(error));
    }
  }

  private async fetch(state: State, url: string): Promise<boolean> {
    const { fetch = globalThis.fetch, clock } = this.options;
    const known = state.newest ?? { etag: null, modified: null };
    const fetched = await fetchFeed(url, known, { fetch, clock, limits: this.limits });
    if (fetched.kind === 'content') return this.arrived(state, fetched);
    if (fetched.kind === 'failed') return missing(state, fetched.why);
    if (state.newest === null)
      return missing(state, 'its server says that it is unchanged, but it never came');
    state.missing = null;
    return false;
  }

  private arrived(state: State, { text, etag, modified }: Omit<FeedContent, 'at'>): boolean {
    const before = state.newest;
    state.missing = null;
    state.newest = { text, etag, modified, at: this.options.clock.now() };
    return before?.text !== text;
  }

  private keep(state: State, content: FeedContent): void {
    const { good } = state;
    state.good = content;
    if (good !== null && good.text === content.text && good.etag === content.etag) return;
    const failed = this.cache?.put(keyOf(state.ref), content) ?? null;
    if (failed !== null) {
      this.options.log.warn(
        { feed: shownRef(state.ref), why: failed },
        'content could not be kept: after a restart it has to be read anew',
      );
    }
  }

  private report(state: State): void {
    const problem = problemOf(state);
    if (problem === state.logged) return;
    if (problem === null) this.options.log.info({ feed: shownRef(state.ref) }, 'is read again');
    else this.options.log.warn({ feed: shownRef(state.ref) }, problem);
    state.logged = problem;
  }
}

function missing(state: State, why: string): false {
  state.missing = why;
  return false;
}

/** In a sentence; null where the newest content is in use. */
function problemOf({ ref, missing, refused, good }: State): string | null {
  const why = missing ?? refused;
  if (why === null) return null;
  const fault = `${shownRef(ref)} ${missing === null ? 'is not understood' : 'cannot be read'}: ${why}`;
  return good === null ? fault : `${fault}; its content of ${minuteOf(good.at)} is still used`;
}

const minuteOf = (at: Instant): string => `${rfc3339(at).slice(0, 16).replace('T', ' ')} UTC`;
