/**
 * The last good content of calendars and lists, in files, so that a station
 * that starts while the calendar's server is down still knows who is on call.
 *
 * A file is one line of JSON about the content, then the content. Its name is a
 * hash, because an address may hold a password. It is written beside its place
 * and renamed into it, readable for its owner alone. A cache that cannot be
 * read or written costs nothing but itself.
 */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Instant, instant } from '../../time.ts';

/** What was read, when, and what a web server wants to be asked with next time. */
export type FeedContent = {
  readonly text: string;
  readonly at: Instant;
  readonly etag: string | null;
  readonly modified: string | null;
};

export type FeedCache = {
  get(key: string): FeedContent | null;
  /** @returns what went wrong, as the system says it; null: nothing. */
  put(key: string, content: FeedContent): string | null;
};

const nameShape = /^[0-9a-f]{64}$/;
const ownerOnly = 0o600;
const ownerOnlyFolder = 0o700;
/** Of what a web server sends along; longer ones are not kept. */
const headerMax = 1024;
/** For the line about the content. */
const headMax = 8 * 1024;

/**
 * @param folder made when the first content is kept.
 * @param bytesMax of one content.
 * @param filesMax beyond it those longest not written go.
 */
export function openFeedCache(folder: string, bytesMax: number, filesMax: number): FeedCache {
  const pathOf = (key: string): string => join(folder, createHash('sha256').update(key).digest('hex'));
  return {
    get(key) {
      try {
        const path = pathOf(key);
        if (statSync(path).size > bytesMax + headMax) return null;
        return contentOf(readFileSync(path, 'utf8'));
      } catch {
        return null;
      }
    },
    put(key, content) {
      const path = pathOf(key);
      const beside = `${path}.${process.pid}.new`;
      try {
        mkdirSync(folder, { recursive: true, mode: ownerOnlyFolder });
        writeFileSync(beside, fileOf(content), { mode: ownerOnly });
        // Which are the oldest is told by the clock that the station goes by.
        utimesSync(beside, content.at / 1000, content.at / 1000);
        renameSync(beside, path);
        prune(folder, filesMax);
        return null;
      } catch (error) {
        discard(beside);
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}

/** What may not be there, in a folder that may be none. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Then nothing was written either.
  }
}

const short = (header: string | null): string | null =>
  header !== null && header.length <= headerMax ? header : null;

function fileOf({ text, at, etag, modified }: FeedContent): string {
  return `${JSON.stringify({ at, etag: short(etag), modified: short(modified) })}\n${text}`;
}

function contentOf(file: string): FeedContent | null {
  const end = file.indexOf('\n');
  const head: unknown = JSON.parse(file.slice(0, Math.max(0, end)));
  if (typeof head !== 'object' || head === null || !('at' in head) || typeof head.at !== 'number')
    return null;
  const header = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    text: file.slice(end + 1),
    at: instant(head.at),
    etag: header('etag' in head ? head.etag : null),
    modified: header('modified' in head ? head.modified : null),
  };
}

function prune(folder: string, filesMax: number): void {
  const names = readdirSync(folder).filter((name) => nameShape.test(name));
  if (names.length <= filesMax) return;
  const byAge = names
    .map((name) => ({ path: join(folder, name), written: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => a.written - b.written);
  for (const { path } of byAge.slice(0, names.length - filesMax)) rmSync(path, { force: true });
}
