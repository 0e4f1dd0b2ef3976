/**
 * What an earlier life left in the state file. It is read in pieces, and what
 * is good is packed at once: of ten thousand targets it would be several times
 * what the probe needs afterwards.
 */
import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { fileWords } from '../station/local-file.ts';
import type { Instant } from '../time.ts';
import type { Address } from './core/record.ts';
import { Packed } from './packed.ts';
import { type Entry, isEntry, isNameEntry, type NameEntry } from './saved-shape.ts';
import { format, soundLine } from './state-line.ts';
import { parseTarget } from './target.ts';
import type { Saved } from './watched.ts';
import { writeWords } from './write-words.ts';

/** What is known of an address, and since when it is not watched. */
export type Kept = Saved & { readonly at: Instant };

export type StateRead = {
  /** The oldest first. */
  readonly entries: Map<Address, Kept>;
  readonly names: Map<string, NameEntry>;
  /** What lies there may be worth something to somebody, and must not be written over. */
  readonly untouchable: boolean;
  /** A sentence for the log, where the file is not what it should be. */
  readonly warning: string | null;
};

/** In bytes: what a file of twice the targets there may be comes to. Larger ones are none of ours. */
const fileMax = 1024 * 1024 * 1024;
/** In bytes: several times what can be known of one target. */
export const lineMax = 4 * 1024 * 1024;
const pieceSize = 64 * 1024;
const newline = 10;
/** So many targets that begin anew are named in the log. */
const namedMax = 10;

/** What an earlier life left. A file with damage is set aside, and what is sound in it is used. */
export function readState(path: string): StateRead {
  const found = new Found();
  try {
    const { size } = statSync(path);
    if (size > fileMax) return aside(path, found, `it is larger than ${fileMax} bytes`);
    for (const line of linesIn(path)) {
      if (!found.take(line)) return aside(path, found, 'it is no state of this version of mauveprobe');
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT') return { ...nothing(), untouchable: false, warning: null };
    const warning = `${path}: the state cannot be read: ${fileWords(error)}. Nothing is saved while it lies there`;
    return { ...nothing(), untouchable: true, warning };
  }
  const faults = found.faults();
  if (faults === null) return { ...found.read, untouchable: false, warning: null };
  return aside(path, found, faults);
}

type Read = Pick<StateRead, 'entries' | 'names'>;
const nothing = (): Read => ({ entries: new Map(), names: new Map() });

/** What the lines say, as they come. */
class Found {
  readonly read = nothing();
  #isState = false;
  #damaged = 0;
  readonly #unusable: string[] = [];

  /**
   * One more line; null: too long to be one.
   * @returns false where the file is none of ours.
   */
  take(line: Buffer | null): boolean {
    const value = line === null ? null : soundLine(line);
    if (!this.#isState) {
      this.#isState = value !== null && 'format' in value && value.format === format;
      return this.#isState;
    }
    if (value !== null && this.#use(value)) return true;
    const about = value === null ? null : aboutOf(value);
    if (about === null) this.#damaged += 1;
    else this.#unusable.push(about);
    return true;
  }

  #use(value: object): boolean {
    const { entries, names } = this.read;
    if (isNameEntry(value)) {
      names.set(value.name, value);
      return true;
    }
    const kept = isEntry(value) ? packed(value) : null;
    if (kept !== null) entries.set(kept.address, kept);
    return kept !== null;
  }

  /** What is wrong with it; null: nothing. */
  faults(): string | null {
    if (!this.#isState) return 'it is empty';
    const words: string[] = [];
    const { length } = this.#unusable;
    if (this.#damaged > 0) words.push(`${this.#damaged} of its lines are damaged`);
    if (length > 0) {
      const named = this.#unusable.slice(0, namedMax).join(', ');
      const more = length > namedMax ? ` and ${length - namedMax} more` : '';
      words.push(`what it holds of ${named}${more} cannot be used, and begins anew`);
    }
    if (words.length === 0) return null;
    const good = this.read.entries.size + this.read.names.size;
    return `${words.join('; ')}; ${good} are good and are used`;
  }
}

/** Null where it cannot be: what another version wrote may be nested without end. */
function packed({ address, at, judged, pathId }: Entry): (Kept & { readonly address: Address }) | null {
  try {
    return { address, at, judged: new Packed(judged), pathId };
  } catch {
    return null;
  }
}

/** Which target a line is about that cannot be used; null where it does not even say that. */
function aboutOf(value: object): string | null {
  const about = 'address' in value ? value.address : 'name' in value ? value.name : null;
  const parsed = typeof about === 'string' ? parseTarget(about) : null;
  return parsed?.ok === true ? (parsed.kind === 'host' ? parsed.host : parsed.address) : null;
}

/** Each line, good until the next is asked for; null for one that is too long. */
function* linesIn(path: string): Generator<Buffer | null> {
  const file = openSync(path, 'r');
  try {
    let held = Buffer.allocUnsafeSlow(pieceSize);
    let length = 0;
    let isTooLong = false;
    for (;;) {
      if (length === held.length) held = Buffer.concat([held], held.length * 2);
      const count = readSync(file, held, length, held.length - length, null);
      const end = length + count;
      let from = 0;
      for (let at = held.indexOf(newline, length); at >= 0 && at < end; at = held.indexOf(newline, from)) {
        yield isTooLong || at - from > lineMax ? null : held.subarray(from, at);
        isTooLong = false;
        from = at + 1;
      }
      if (count === 0) {
        if (isTooLong) yield null;
        else if (end > from) yield held.subarray(from, end);
        return;
      }
      isTooLong ||= end - from > lineMax;
      length = isTooLong ? 0 : held.copy(held, 0, from, end);
    }
  } finally {
    closeSync(file);
  }
}

function aside(path: string, { read }: Found, why: string): StateRead {
  const beside = `${path}.damaged`;
  try {
    renameSync(path, beside);
    const warning = `${path}: ${why}. The file is set aside as ${beside}`;
    return { ...read, untouchable: false, warning };
  } catch (error) {
    const warning = `${path}: ${why}, and it cannot be set aside: ${writeWords(error)}. Nothing is saved while it lies there`;
    return { ...read, untouchable: true, warning };
  }
}
