/**
 * The command line of mauvesend, read as getopt reads it and with the
 * original's own habits: long options may be shortened, short ones bundled,
 * destinations stand anywhere, and what describes an alert follows its --id.
 *
 * Pure: arguments, environment and time in, a plan or an error out. The first
 * thing that is wrong, in the order of the arguments, is the one reported.
 */
import { looksLikeDestination } from '../wire/destination.ts';
import type { UpdateAlert } from '../wire/update.ts';
import { looksLikePast, parseWhen } from './when.ts';

export type Plan =
  | { readonly kind: 'help' | 'manual' | 'version' }
  | { readonly kind: 'error'; readonly detail: string }
  | SendPlan;

export interface SendPlan {
  readonly kind: 'send';
  /** null: this machine's name. */
  readonly source: string | null;
  readonly replace: boolean;
  readonly alerts: readonly UpdateAlert[];
  /** As they were given; none: those of the destination file. */
  readonly destinations: readonly string[];
  readonly verbose: number;
}

type Name = 'help' | 'manual' | 'version' | 'source' | 'replace' | 'verbose' | 'id' | Field;
type Field = TextField | TimeField;
type TextField = 'summary' | 'subject' | 'detail';
type TimeField = 'raise' | 'clear' | 'suppress';

/** `value`: takes none, needs a text or a time, or may be given a time (now otherwise). */
interface Option {
  readonly name: Name;
  readonly short: string;
  readonly value: 'none' | 'text' | 'time' | 'time?';
}

const options: readonly Option[] = [
  { name: 'help', short: 'h', value: 'none' },
  { name: 'manual', short: 'm', value: 'none' },
  { name: 'version', short: 'V', value: 'none' },
  { name: 'source', short: 'o', value: 'text' },
  { name: 'replace', short: 'p', value: 'none' },
  { name: 'verbose', short: 'v', value: 'none' },
  { name: 'id', short: 'i', value: 'text' },
  { name: 'summary', short: 's', value: 'text' },
  { name: 'subject', short: 'u', value: 'text' },
  { name: 'detail', short: 'd', value: 'text' },
  { name: 'raise', short: 'r', value: 'time?' },
  { name: 'clear', short: 'c', value: 'time?' },
  { name: 'suppress', short: 'e', value: 'time' },
];

/** A mistyped option is taken for another if so many letters set it right. */
const typosMax = 2;

/** What is wrong with the command line; never leaves this file. */
class Wrong extends Error {}

/**
 * @param argv the arguments alone
 * @param now seconds since 1970
 */
export function parseOptions(argv: readonly string[], env: Readonly<NodeJS.ProcessEnv>, now: bigint): Plan {
  const reader = new Reader(
    asciiOnly(env) ? argv.map(repairToAscii) : argv,
    now,
    env.POSIXLY_CORRECT !== undefined,
  );
  try {
    return reader.plan();
  } catch (error) {
    if (error instanceof Wrong) return { kind: 'error', detail: error.message };
    throw error;
  }
}

class Reader {
  readonly #words: string[];
  readonly #now: bigint;
  /** Options end at the first destination. */
  readonly #strict: boolean;
  readonly #destinations: string[] = [];
  readonly #alerts: { -readonly [K in keyof UpdateAlert]: UpdateAlert[K] }[] = [];
  #source: string | null = null;
  #replace = false;
  #verbose = 0;

  constructor(words: readonly string[], now: bigint, strict: boolean) {
    this.#words = [...words];
    this.#now = now;
    this.#strict = strict;
  }

  plan(): Plan {
    for (let word = this.#words.shift(); word !== undefined; word = this.#words.shift()) {
      if (word === '--') break;
      if (word.startsWith('--')) {
        const asked = this.#long(word);
        if (asked !== null) return asked;
      } else if (beginsLikeOption(word)) {
        const asked = this.#bundle(word.slice(1));
        if (asked !== null) return asked;
      } else {
        this.#destinations.push(word);
        if (this.#strict) break;
      }
    }
    this.#destinations.push(...this.#words);
    if (this.#alerts.length === 0 && !this.#replace) {
      throw new Wrong(
        'no alert given; for example: mauvesend -i disk -s "disk is 97% full" alert.example.com',
      );
    }
    return {
      kind: 'send',
      source: this.#source,
      replace: this.#replace,
      alerts: this.#alerts.map((alert) =>
        alert.raiseTime === 0n && alert.clearTime === 0n ? { ...alert, raiseTime: this.#now } : alert,
      ),
      destinations: this.#destinations,
      verbose: this.#verbose,
    };
  }

  #long(word: string): Plan | null {
    const equals = word.indexOf('=');
    const given = equals < 0 ? word : word.slice(0, equals);
    const option = longOption(given.slice(2));
    const attached = equals < 0 ? null : word.slice(equals + 1);
    if (option.value !== 'none') return this.#take(option, attached ?? this.#next(option));
    if (attached !== null) throw new Wrong(`--${option.name} takes no value`);
    return this.#take(option, '');
  }

  /** `-pv`, `-vi disk`, `-idisk`: the first that takes a value takes the rest. */
  #bundle(letters: string): Plan | null {
    for (const [index, letter] of [...letters].entries()) {
      const option = options.find(({ short }) => short === letter);
      if (option === undefined) throw new Wrong(unknownShort(letter));
      if (option.value !== 'none') {
        const rest = [...letters].slice(index + 1).join('');
        return this.#take(option, rest === '' ? this.#next(option) : rest);
      }
      const asked = this.#take(option, '');
      if (asked !== null) return asked;
    }
    return null;
  }

  /** The value that follows as a word of its own; '' where there is none. */
  #next({ value }: Option): string {
    const word = this.#words[0];
    if (word === undefined) return '';
    if (beginsLikeOption(word) && (value === 'text' || !looksLikePast(word))) return '';
    if (value === 'time?' && !parseWhen(word, this.#now).ok && looksLikeDestination(word)) return '';
    this.#words.shift();
    return word;
  }

  /** @returns a plan where the option asks for something else than sending. */
  #take(option: Option, value: string): Plan | null {
    const { name } = option;
    if (value === '' && (option.value === 'text' || option.value === 'time'))
      throw new Wrong(noValue(option));
    switch (name) {
      case 'help':
      case 'manual':
      case 'version':
        return { kind: name };
      case 'replace':
        this.#replace = true;
        break;
      case 'verbose':
        this.#verbose++;
        break;
      case 'source':
        if (this.#source !== null) throw new Wrong('only one --source can be given');
        this.#source = value;
        break;
      case 'id':
        this.#begin(value);
        break;
      default:
        this.#describe(name, value);
    }
    return null;
  }

  #begin(id: string): void {
    if (this.#alerts.some((alert) => alert.id === id))
      throw new Wrong(`--id ${JSON.stringify(id)} is given twice`);
    this.#alerts.push({
      id,
      raiseTime: 0n,
      clearTime: 0n,
      subject: '',
      summary: '',
      detail: '',
      importance: 0,
      suppressUntil: 0n,
    });
  }

  #describe(field: Field, value: string): void {
    const alert = this.#alerts.at(-1);
    if (alert === undefined) throw new Wrong(`--${field} describes an alert: give its --id before`);
    if (field === 'raise' || field === 'clear' || field === 'suppress') {
      const when = parseWhen(value === '' ? 'now' : value, this.#now);
      if (!when.ok) throw new Wrong(`--${field}: ${when.detail}`);
      alert[timeFields[field]] = when.at;
    } else {
      alert[field] = value;
    }
  }
}

const timeFields = { raise: 'raiseTime', clear: 'clearTime', suppress: 'suppressUntil' } as const;

const beginsLikeOption = (word: string): boolean => word.length > 1 && word.startsWith('-');

function noValue({ name, short }: Option): string {
  return `--${name} (-${short}) needs a value; if it begins with a dash, write --${name}=VALUE`;
}

/** By its name, or by as many of its first letters as make it clear. */
function longOption(given: string): Option {
  const exact = options.find(({ name }) => name === given);
  if (exact !== undefined) return exact;
  if (given === '') throw new Wrong(unknownLong(given));
  const [option, ...others] = options.filter(({ name }) => name.startsWith(given));
  if (option === undefined) throw new Wrong(unknownLong(given));
  if (others.length > 0) {
    const names = [option, ...others].map(({ name }) => `--${name}`);
    throw new Wrong(`--${given} is ambiguous: ${names.join(', ')}`);
  }
  return option;
}

function unknownLong(given: string): string {
  const near = options
    .map(({ name }) => ({ name, typos: typos(given.toLowerCase(), name) }))
    .filter(({ name, typos }) => typos <= typosMax && typos < name.length / 2)
    .sort((a, b) => a.typos - b.typos)[0];
  const hint = near === undefined ? 'mauvesend -h lists the options' : `did you mean --${near.name}?`;
  return `unknown option --${given}; ${hint}`;
}

function unknownShort(letter: string): string {
  const otherCase = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
  const near = options.find(({ short }) => short === otherCase);
  const hint =
    near === undefined ? 'mauvesend -h lists the options' : `did you mean -${near.short} (--${near.name})?`;
  return `unknown option -${letter}; ${hint}`;
}

/** How many letters must be put in, taken out, changed or swapped with the next to make `a` into `b`. */
function typos(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + same,
        swapped ? at(i - 2, j - 2) + 1 : 99,
      );
    }
  }
  return at(a.length, b.length);
}

/**
 * Whether the locale says that arguments are ASCII: set to C or POSIX, and not
 * merely unset, as it is for cron.
 */
function asciiOnly(env: Readonly<NodeJS.ProcessEnv>): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== '');
  return locale === 'C' || locale === 'POSIX';
}

/** As the original: every byte that is not ASCII is a character that could not be read. */
function repairToAscii(word: string): string {
  return word.replace(/[^\0-\x7f]/gu, (character) => '\ufffd'.repeat(Buffer.byteLength(character)));
}
