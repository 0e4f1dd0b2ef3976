/**
 * The files of a policy, read and put together: the one that was named, and
 * those that it includes, so that teams own theirs. Everything keeps the place
 * where it is written, for a fault found later must point there, in whichever
 * file that is.
 *
 * A name that is defined twice is never settled silently: whoever wrote the
 * other one would wonder why nobody was told.
 */
import { dirname, join, resolve } from 'node:path';
import type { output, ZodType } from 'zod';
import type { ListFolder, ReadFile } from '../local-file.ts';
import { type FileFault, type Path, parseYaml, type YamlFile } from '../yaml-file.ts';
import type { WrittenHours } from './hours.ts';
import {
  partShape,
  policyRestShape,
  policyShape,
  type WrittenAway,
  type WrittenGroup,
  type WrittenHoliday,
  type WrittenInhibit,
  type WrittenList,
  type WrittenPart,
  type WrittenPerson,
  type WrittenPolicy,
  type WrittenSilence,
  type WrittenSources,
} from './schema.ts';
import { policyLimits } from './words.ts';

/** In bytes, of each file. */
export const policyFileMax = 3 * 1024 * 1024;
export const policyFilesMax = 200;
export const includeDepthMax = 8;

/** A fault at a path within what was written; `key`: at the key that leads there. */
export type FaultAt = (path: Path, message: string, at?: 'value' | 'key') => FileFault;

/** What was written, and where. */
export type Placed<T> = {
  readonly written: T;
  readonly fault: FaultAt;
  /** What names of files in it are relative to. */
  readonly folder: string;
  /** Whether all of it could be read. */
  readonly whole: boolean;
};
type Named<T> = ReadonlyMap<string, Placed<T>>;

/** All files of a policy, as one. */
export type Gathered = {
  readonly timezone: string | undefined;
  readonly settings: NonNullable<WrittenPolicy['settings']>;
  /** The folder with templates of messages. */
  readonly templates: Placed<string> | null;
  readonly people: Named<WrittenPerson>;
  readonly lists: Named<WrittenList>;
  readonly sources: Named<WrittenSources>;
  readonly hours: Named<WrittenHours>;
  readonly holidays: readonly Placed<WrittenHoliday>[];
  readonly away: readonly Placed<WrittenAway>[];
  readonly silences: readonly Placed<WrittenSilence>[];
  readonly inhibit: readonly Placed<WrittenInhibit>[];
  readonly groups: readonly Placed<WrittenGroup>[];
  /**
   * Whether that may be written somewhere without having been understood: then that it is missing is no fault of its
   * own. Never true of files without faults.
   */
  readonly unread: (section: RecordKey | 'settings', name: string) => boolean;
};

export type PartsRead = {
  /** What could be understood of the files, to look for further faults in; all of it where there is none yet. */
  readonly gathered: Gathered | null;
  readonly faults: readonly FileFault[];
  /** Absolute paths of all files read, the one that was named first. */
  readonly files: readonly string[];
  readonly texts: readonly string[];
  readonly warnings: readonly FileFault[];
};

export type Disk = { readonly read: ReadFile; readonly list: ListFolder };

type Part = {
  readonly value: WrittenPart;
  readonly fault: FaultAt;
  readonly isWhole: (path: Path) => boolean;
  /** All that is written there, where not all of it is in `value`. */
  readonly content: unknown;
  readonly folder: string;
};
/** A file as far as it is right. */
type Taken<T> = Omit<Part, 'value' | 'folder'> & { readonly value: T };

type Reading = {
  readonly disk: Disk;
  readonly parts: Part[];
  readonly files: string[];
  readonly texts: string[];
  readonly faults: FileFault[];
  readonly warnings: FileFault[];
  /** Whether anything of it could not be read at all. */
  lost: boolean;
};

/**
 * Puts together the file of that name, whose text was read already, and all that it includes.
 * @param file its name as shown in faults.
 */
export function readParts(file: string, text: string, disk: Disk): PartsRead {
  const path = resolve(file);
  const reading: Reading = {
    disk,
    parts: [],
    files: [path],
    texts: [text],
    faults: [],
    warnings: [],
    lost: false,
  };
  const { faults, files, texts, warnings } = reading;
  const main = taken(parseText(file, text, policyShape), policyRestShape, faults);
  if (main === null) return { gathered: null, faults, files, texts, warnings };
  readIncluded(reading, { file, path, chain: [path] }, main);
  reading.parts.push({ ...main, folder: dirname(path) });

  const gathered = gather(reading, main.value);
  checkComplete(gathered, main, reading);
  return { gathered, faults, files, texts, warnings };
}

/** What is right in a file; what is wrong is put on record. */
function taken<Schema extends ZodType>(
  parsed: YamlFile<output<Schema>>,
  patient: Schema,
  faults: FileFault[],
): Taken<output<Schema>> | null {
  if (parsed.ok) return { ...parsed, isWhole: () => true, content: null };
  faults.push(...parsed.faults);
  return parsed.rest?.(patient) ?? null;
}

/** One file, checked for its shape; a file that is too large, empty or no text says so in its own words. */
function parseText<Schema extends ZodType>(
  file: string,
  text: string,
  schema: Schema,
): YamlFile<output<Schema>> {
  const refused = (message: string, before = ''): YamlFile<never> => {
    const lines = before.split('\n');
    const place = { file, line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
    return { ok: false, faults: [{ ...place, message }] };
  };
  if (Buffer.byteLength(text) > policyFileMax) {
    return refused(`a policy of at most ${policyFileMax} bytes is expected`);
  }
  if (/^\s*$/.test(text)) return refused('the file is empty: a policy is expected');
  const undecoded = text.indexOf('\ufffd');
  if (undecoded !== -1) return refused('UTF-8 text is expected', text.slice(0, undecoded));
  return parseYaml(file, text, schema);
}

// ---------------------------------------------------------------- include

/** A file under way: as shown, absolute, and the files through which it was reached. */
type Open = { readonly file: string; readonly path: string; readonly chain: readonly string[] };

function readIncluded(
  reading: Reading,
  from: Open,
  part: { readonly value: WrittenPart; readonly fault: FaultAt; readonly isWhole: (path: Path) => boolean },
): void {
  if (!part.isWhole(['include'])) reading.lost = true;
  for (const [index, written] of (part.value.include ?? []).entries()) {
    const fault = (message: string): void => {
      reading.lost = true;
      reading.faults.push(part.fault(['include', index], message));
    };
    if (/^https?:/i.test(written)) {
      fault('files of this machine can be included, not addresses');
      continue;
    }
    const names = namesMeant(reading.disk, from, written);
    if (!names.ok) fault(`${written} cannot be read: ${names.why}`);
    else if (names.names.length === 0) {
      reading.warnings.push(part.fault(['include', index], 'no file is called like that'));
    } else for (const name of names.names) readPart(reading, from, name, fault);
  }
}

/** What an entry of `include` stands for, in the order of the alphabet; scenarios and hidden files are left out. */
function namesMeant(disk: Disk, from: Open, written: string): ReturnType<ListFolder> {
  const folder = dirname(written);
  const pattern = written.slice(written.lastIndexOf('/') + 1);
  if (folder.includes('*')) return { ok: false, why: '* is expected in the last part only' };
  if (!pattern.includes('*')) return { ok: true, names: [written] };
  const listed = disk.list(resolve(dirname(from.path), folder));
  if (!listed.ok) return listed;
  const pieces = pattern.split('*').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const syntax = new RegExp(`^${pieces.join('[^/]*')}$`);
  const meant = listed.names
    .filter((name) => syntax.test(name) && !name.startsWith('.') && !name.endsWith('.scenario.yaml'))
    .sort();
  return { ok: true, names: meant.map((name) => join(folder, name)) };
}

function readPart(reading: Reading, from: Open, name: string, fault: (message: string) => void): void {
  const path = resolve(dirname(from.path), name);
  const file = name.startsWith('/') ? name : join(dirname(from.file), name);
  const why = whyNot(reading, from, path);
  if (why !== null) fault(why);
  // Two files may both need a third: it counts once.
  if (why !== null || reading.files.includes(path)) return;
  const read = reading.disk.read(path);
  if (!read.ok) {
    fault(`${name} cannot be read: ${read.why}`);
    return;
  }
  reading.files.push(path);
  reading.texts.push(read.text);
  const part = taken(parseText(file, read.text, partShape), partShape, reading.faults);
  if (part === null) {
    reading.lost = true;
    return;
  }
  readIncluded(reading, { file, path, chain: [...from.chain, path] }, part);
  reading.parts.push({ ...part, folder: dirname(path) });
}

function whyNot({ files }: Reading, { chain }: Open, path: string): string | null {
  if (chain.includes(path)) {
    return `a file includes itself: ${[...chain.slice(chain.indexOf(path)), path].join(' → ')}`;
  }
  if (files.includes(path)) return null;
  if (chain.length > includeDepthMax) return `files include each other more than ${includeDepthMax} deep`;
  return files.length < policyFilesMax ? null : `a policy has at most ${policyFilesMax} files`;
}

// ---------------------------------------------------------------- as one

const recordKeys = ['people', 'lists', 'sources', 'hours'] as const;
const singular = { people: 'person', lists: 'list', sources: 'source list', hours: 'hours' } as const;
type RecordKey = (typeof recordKeys)[number];
type ListKey = 'holidays' | 'away' | 'silences' | 'inhibit' | 'groups';

type RestOfPolicy = output<typeof policyRestShape>;

function gather({ parts, faults, lost }: Reading, main: RestOfPolicy): Gathered {
  const names = <T>(key: RecordKey, of: (part: WrittenPart) => Readonly<Record<string, T>> | undefined) => {
    const all = new Map<string, Placed<T>>();
    for (const part of parts) {
      for (const [name, written] of Object.entries(of(part.value) ?? {})) {
        const placed = placedAt(part, [key, name], written);
        const other = all.get(name);
        if (other === undefined) all.set(name, placed);
        else definedTwice(`${singular[key]} "${name}"`, other, placed, [], faults);
      }
    }
    return all;
  };
  const entries = <T>(key: ListKey, of: (part: WrittenPart) => readonly T[] | undefined): Placed<T>[] =>
    parts.flatMap((part) => (of(part.value) ?? []).map((written, i) => placedAt(part, [key, i], written)));
  const gathered: Gathered = {
    timezone: main.timezone,
    settings: main.settings ?? {},
    templates: templatesOf(parts.at(-1), main.settings?.templates),
    people: names('people', ({ people }) => people),
    lists: names('lists', ({ lists }) => lists),
    sources: names('sources', ({ sources }) => sources),
    hours: names('hours', ({ hours }) => hours),
    holidays: entries('holidays', ({ holidays }) => holidays),
    away: entries('away', ({ away }) => away),
    silences: entries('silences', ({ silences }) => silences),
    inhibit: entries('inhibit', ({ inhibit }) => inhibit),
    groups: entries('groups', ({ groups }) => groups),
    unread: (section, name) =>
      lost ||
      parts.some((part) => isUnread(part, section, name)) ||
      // Without any people, each name of one would only say so again.
      (section === 'people' && parts.every(({ value }) => Object.keys(value.people ?? {}).length === 0)),
  };
  onlyOnce('group', gathered.groups, faults);
  onlyOnce('silence', gathered.silences, faults);
  onlyOnce('inhibition', gathered.inhibit, faults);
  for (const [name, list] of gathered.lists) {
    const person = gathered.people.get(name);
    if (person !== undefined) bothWays(`"${name}" is both a person and a list`, person, list, [], faults);
  }
  return gathered;
}

/** Only the file that was named first has settings, and it is put to the others last. */
function templatesOf(main: Part | undefined, written: string | undefined): Placed<string> | null {
  return main === undefined || written === undefined
    ? null
    : placedAt(main, ['settings', 'templates'], written);
}

/** What is no mapping where one is expected may be meant as anything. */
function isUnread({ isWhole, content }: Part, section: RecordKey | 'settings', name: string): boolean {
  if (isWhole([section]) || typeof content !== 'object' || content === null) return false;
  const all: unknown = Reflect.get(content, section);
  return typeof all !== 'object' || all === null || Array.isArray(all) || Object.hasOwn(all, name);
}

function placedAt<T>(part: Part, place: Path, written: T): Placed<T> {
  return {
    written,
    folder: part.folder,
    whole: part.isWhole(place),
    fault: (path, message, at) => part.fault([...place, ...path], message, at),
  };
}

function onlyOnce(
  what: string,
  all: readonly Placed<{ readonly name?: string | undefined }>[],
  faults: FileFault[],
): void {
  const known = new Map<string, Placed<unknown>>();
  for (const placed of all) {
    const { name } = placed.written;
    if (name === undefined) continue;
    const other = known.get(name);
    if (other === undefined) known.set(name, placed);
    else definedTwice(`${what} "${name}"`, other, placed, ['name'], faults);
  }
}

function definedTwice(
  what: string,
  first: Placed<unknown>,
  second: Placed<unknown>,
  path: Path,
  faults: FileFault[],
): void {
  bothWays(`${what} is defined twice`, first, second, path, faults);
}

/** One fault at each place, which names the other. */
function bothWays(
  message: string,
  first: Placed<unknown>,
  second: Placed<unknown>,
  path: Path,
  faults: FileFault[],
): void {
  const at = path.length === 0 ? 'key' : 'value';
  const place = (placed: Placed<unknown>): string => {
    const { file, line, column } = placed.fault(path, '', at);
    return `${file}:${line}:${column}`;
  };
  faults.push(first.fault(path, `${message}: also at ${place(second)}`, at));
  faults.push(second.fault(path, `${message}: also at ${place(first)}`, at));
}

/** What no single file must have, but all together, and what they may not have too much of. */
function checkComplete(
  gathered: Gathered,
  main: { readonly value: RestOfPolicy; readonly fault: FaultAt },
  { parts, faults, lost }: Reading,
): void {
  const isKnown = (key: 'people' | 'groups'): boolean =>
    !lost && parts.every(({ isWhole }) => isWhole([key]));
  if (gathered.people.size === 0 && isKnown('people')) {
    const given = main.value.people !== undefined;
    const message = given
      ? 'at least 1 is expected'
      : '"people" is missing: a mapping of keys to values is expected';
    faults.push(main.fault(given ? ['people'] : [], message));
  }
  if (gathered.groups.length === 0 && isKnown('groups')) {
    faults.push(main.fault([], '"groups" is missing: a list is expected'));
  }
  for (const key of [...recordKeys, 'holidays', 'away', 'silences', 'inhibit', 'groups'] as const) {
    const all = gathered[key];
    const over = 'size' in all ? [...all.values()][policyLimits[key]] : all[policyLimits[key]];
    if (over !== undefined) {
      faults.push(over.fault([], `at most ${policyLimits[key]} are expected, in all files together`, 'key'));
    }
  }
}
