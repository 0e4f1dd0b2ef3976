/**
 * What survives a restart: the usual paths, the figures and what is raised, of
 * each address, and the addresses of each name, in one small file. A restart
 * must neither learn every path anew nor forget what people were told of, also
 * where no name server answers it.
 *
 * The file is a line of JSON for each address or name, with a checksum before it. It is
 * written beside its place, a few lines at a time so that ten thousand targets
 * hold up no ping, made safe on the disk, and renamed. A disk that is full is a
 * warning: the probe goes on, and the old file stays. A line that is damaged,
 * or of which nothing can be made, costs that address, and the file is set aside
 * for whoever wants to look. A file that cannot be read, or not be set aside, is
 * never written over: nothing is saved for as long as it lies there.
 */

import { readFileSync, renameSync, statSync } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Logger } from '../log.ts';
import { fileWords } from '../station/local-file.ts';
import { type Cancel, type Clock, days, type Instant, minutes, since } from '../time.ts';
import type { Address } from './core/record.ts';
import { Packed } from './packed.ts';
import { type Entry, isEntry, isNameEntry, type NameEntry } from './saved-shape.ts';
import { parseTarget } from './target.ts';
import { type KnownName, targetsMax } from './targets.ts';
import type { Saved, Watched } from './watched.ts';

export const saveEvery = minutes(5);
/** What was not watched for so long is forgotten. */
export const keptFor = days(7);
/** Of so many addresses that are not watched, and of so many names, is kept what is known; the oldest are forgotten first. */
export const keptMax = targetsMax;
/** In bytes: what a file of twice the targets there may be comes to. Larger ones are none of ours. */
const fileMax = 1024 * 1024 * 1024;
const linesAtOnce = 50;
const format = 'mauveprobe state 1';
const newline = 10;
/** So many targets that begin anew are named in the log. */
const namedMax = 10;
const leftAlone =
  'what lies there could not be used, and is not written over: make it readable and start the probe again, or move it away';

export type StateOptions = {
  readonly path: string;
  readonly watched: () => Iterable<Watched>;
  readonly names: () => Iterable<readonly [host: string, known: KnownName]>;
  readonly clock: Clock;
  readonly log: Logger;
};

export class State {
  readonly #options: StateOptions;
  /** Of an earlier life and not asked for yet, or let go in this one: a name may lead to it again tomorrow. */
  readonly #left: Left<Address, Entry>;
  readonly #namesLeft: Left<string, NameEntry>;
  #timer: Cancel = () => undefined;
  #saving: Promise<void> | null = null;
  #problem: string | null = null;
  #untouchable: boolean;

  /** @param left what `readState` found. */
  constructor(options: StateOptions, left: Omit<StateRead, 'warning'>) {
    this.#options = options;
    this.#untouchable = left.untouchable;
    this.#left = new Left(left.entries);
    this.#namesLeft = new Left(left.names);
  }

  /** What was known of an address; it is asked for once. */
  recall(address: Address): Saved | null {
    return this.#left.take(address);
  }

  /** The same of a name. */
  recallName(host: string): KnownName | null {
    return this.#namesLeft.take(host);
  }

  /** An address is not watched any more. */
  keep(address: Address, saved: Saved): void {
    this.#left.put(address, { address, at: this.#options.clock.now(), ...saved });
  }

  /** The same of a name. */
  keepName(name: string, known: KnownName): void {
    this.#namesLeft.put(name, { name, at: this.#options.clock.now(), ...known });
  }

  start(): void {
    this.#timer = this.#options.clock.after(saveEvery, () => {
      void this.save().finally(() => this.start());
    });
  }

  /** Writes all that is known. Never rejects: what cannot be written is a warning. */
  async save(): Promise<void> {
    // Two at once would write one file.
    this.#saving ??= this.#save().finally(() => {
      this.#saving = null;
    });
    await this.#saving;
  }

  /** The last save; those under way are waited for first, for they began with older figures. */
  async stop(): Promise<void> {
    this.#timer();
    await this.#saving;
    await this.save();
  }

  async #save(): Promise<void> {
    const { path, log } = this.#options;
    const beside = `${path}.new`;
    try {
      await this.#makeSure(path);
      await writeSafely(beside, this.#lines());
      await rename(beside, path);
      await syncFolder(path);
      if (this.#problem !== null) log.info({ file: path }, 'the state is saved again');
      this.#problem = null;
    } catch (error) {
      await rm(beside, { force: true }).catch(() => undefined);
      const problem = writeWords(error);
      if (problem !== this.#problem) {
        log.warn({ file: path, reason: problem }, 'the state cannot be saved; the probe goes on');
      }
      this.#problem = problem;
    }
  }

  /** Whoever moves the file away says thereby that it may be saved there again. */
  async #makeSure(path: string): Promise<void> {
    if (!this.#untouchable) return;
    if (await isThere(path)) throw new Error(leftAlone);
    this.#untouchable = false;
  }

  *#lines(): Generator<string> {
    const now = this.#options.clock.now();
    yield lineOf({ format, at: now });
    for (const watched of this.#options.watched()) {
      yield lineOf({ address: watched.address, at: now, ...watched.saved() });
    }
    for (const [name, known] of this.#options.names()) yield lineOf({ name, at: now, ...known });
    for (const entry of this.#left.since(now)) yield lineOf(entry);
    for (const entry of this.#namesLeft.since(now)) yield lineOf(entry);
  }
}

/** Itself, not what a link leads to: it is the name that would be written over. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** What is known of those that are not watched, packed as what is watched is. */
class Left<Key, Entry extends { readonly at: Instant }> {
  /** The oldest first, once all that is watched from the start has been asked for. */
  readonly #all: Map<Key, Packed<Entry>>;

  constructor(all: ReadonlyMap<Key, Entry>) {
    const oldestFirst = [...all].sort(([, a], [, b]) => a.at - b.at);
    this.#all = new Map(oldestFirst.map(([key, entry]) => [key, new Packed(entry)]));
  }

  take(key: Key): Entry | null {
    const entry = this.#all.get(key)?.value ?? null;
    this.#all.delete(key);
    return entry;
  }

  put(key: Key, entry: Entry): void {
    this.#all.delete(key);
    this.#all.set(key, new Packed(entry));
    this.#trim();
  }

  /** Those that are kept still; the others are forgotten. */
  *since(now: Instant): Generator<Entry> {
    this.#trim();
    for (const [key, { value }] of this.#all) {
      if (since(value.at, now) > keptFor) this.#all.delete(key);
      else yield value;
    }
  }

  #trim(): void {
    for (const key of this.#all.keys()) {
      if (this.#all.size <= keptMax) return;
      this.#all.delete(key);
    }
  }
}

function lineOf(value: object): string {
  const json = JSON.stringify(value);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

async function writeSafely(path: string, lines: Iterable<string>): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    let piece = '';
    let count = 0;
    for (const line of lines) {
      piece += line;
      count += 1;
      if (count % linesAtOnce !== 0) continue;
      await writeAll(file, piece);
      piece = '';
    }
    await writeAll(file, piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at);
    at += bytesWritten;
  }
}

/** Without it, a power cut could bring the old file back, or none. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function writeWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full: make room';
    case 'EROFS':
      return 'the file system is read-only';
    case 'ENOENT':
      return 'there is no such folder';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write there';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

export type StateRead = {
  readonly entries: Map<Address, Entry>;
  readonly names: Map<string, NameEntry>;
  /** What lies there may be worth something to somebody, and must not be written over. */
  readonly untouchable: boolean;
  /** A sentence for the log, where the file is not what it should be. */
  readonly warning: string | null;
};

/** What an earlier life left. A file with damage is set aside, and what is sound in it is used. */
export function readState(path: string): StateRead {
  let bytes: Buffer;
  try {
    const { size } = statSync(path);
    if (size > fileMax) return aside(path, none(), `it is larger than ${fileMax} bytes`);
    bytes = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT') return { ...none(), untouchable: false, warning: null };
    const warning = `${path}: the state cannot be read: ${fileWords(error)}. Nothing is saved while it lies there`;
    return { ...none(), untouchable: true, warning };
  }
  const read = none();
  const { entries, names } = read;
  const unusable: string[] = [];
  let damaged = 0;
  let isState = false;
  for (const line of linesIn(bytes)) {
    const value = soundLine(line);
    if (!isState) {
      isState = value !== null && 'format' in value && value.format === format;
      if (!isState) return aside(path, read, 'it is no state of this version of mauveprobe');
    } else if (value !== null && isEntry(value)) entries.set(value.address, value);
    else if (value !== null && isNameEntry(value)) names.set(value.name, value);
    else {
      const about = value === null ? null : aboutOf(value);
      if (about === null) damaged += 1;
      else unusable.push(about);
    }
  }
  if (!isState) return aside(path, read, 'it is empty');
  const faults = faultWords(damaged, unusable);
  if (faults.length === 0) return { ...read, untouchable: false, warning: null };
  const good = entries.size + names.size;
  return aside(path, read, `${faults.join('; ')}; ${good} are good and are used`);
}

/** What is wrong with the lines. */
function faultWords(damaged: number, unusable: readonly string[]): readonly string[] {
  const words = damaged === 0 ? [] : [`${damaged} of its lines are damaged`];
  if (unusable.length === 0) return words;
  const more = unusable.length - namedMax;
  const named = unusable.slice(0, namedMax).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return [...words, `what it holds of ${named} cannot be used, and begins anew`];
}

/** Which target a line is about that cannot be used; null where it does not even say that. */
function aboutOf(value: object): string | null {
  const about = 'address' in value ? value.address : 'name' in value ? value.name : null;
  const parsed = typeof about === 'string' ? parseTarget(about) : null;
  return parsed?.ok === true ? (parsed.kind === 'host' ? parsed.host : parsed.address) : null;
}

function* linesIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(newline, at);
    yield bytes.subarray(at, end < 0 ? bytes.length : end);
    at = end < 0 ? bytes.length : end + 1;
  }
}

/** @returns null where the checksum says that this is not what was written. */
function soundLine(line: Buffer): object | null {
  const json = line.subarray(9);
  if (line[8] !== 32 || Number.parseInt(line.toString('latin1', 0, 8), 16) !== crc32(json)) return null;
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

type Read = Pick<StateRead, 'entries' | 'names'>;
const none = (): Read => ({ entries: new Map(), names: new Map() });

function aside(path: string, read: Read, why: string): StateRead {
  const kept = `${path}.damaged`;
  try {
    renameSync(path, kept);
    const warning = `${path}: ${why}. The file is set aside as ${kept}`;
    return { ...read, untouchable: false, warning };
  } catch (error) {
    const warning = `${path}: ${why}, and it cannot be set aside: ${writeWords(error)}. Nothing is saved while it lies there`;
    return { ...read, untouchable: true, warning };
  }
}
