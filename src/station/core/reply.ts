/**
 * What a person asks of the station in a text message or a chat, typed with one
 * thumb: `ack 12 2h on my way`. What can be read in two ways is asked about and
 * does nothing: the wrong alert kept quiet costs more than a second message.
 *
 * In a room most of what is said is not meant for the station: there only what
 * is surely a command is one.
 */

import { codesIn, readCodes } from './reply-codes.ts';
import {
  type LengthRead,
  numberIn,
  type Reckoning,
  type ReplyLength,
  readLength,
  readUntil,
  twoLengths,
} from './reply-length.ts';
import { noteFrom, replyTextMax, type Said, shown, type Word, wordsOf } from './reply-words.ts';

export type { ReplyLength } from './reply-length.ts';

/** Alerts named in one message. */
export const replyCodesMax = 50;
/** A bare number at the end of a list that is no larger might be hours. */
export const mayBeHoursMax = 12;

/** `only`: the one that there is, if there is one. */
export type Which =
  | { readonly kind: 'codes'; readonly codes: readonly number[] }
  | { readonly kind: 'all' }
  | { readonly kind: 'only' };

export type Reply =
  | {
      readonly kind: 'acknowledge';
      readonly which: Which;
      readonly length: ReplyLength | null;
      readonly note: string;
      /** The last of the codes, where it might be a length of time unless it is an alert that the person knows. */
      readonly loose: number | null;
    }
  | { readonly kind: 'unacknowledge' | 'clear'; readonly codes: readonly number[] }
  | { readonly kind: 'note'; readonly code: number; readonly text: string }
  /** Who hears next, of this alert or of the only one. */
  | { readonly kind: 'who'; readonly code: number | null }
  | { readonly kind: 'list' | 'help' }
  /** It could not be understood for sure: a question, and what to write. */
  | { readonly kind: 'ask'; readonly why: string }
  /** Said to others in a room. */
  | { readonly kind: 'chatter' };

export type ReplyContext = Reckoning & {
  /** It was said in a room, among other things. */
  readonly room: boolean;
};

const commandWords = {
  acknowledge: ['ack', 'acknowledge', 'acknowledged', 'acked', 'acknowledging', 'ok', 'okay'],
  unacknowledge: ['unack', 'un-ack', 'unacknowledge', 'un-acknowledge', 'unacked'],
  clear: ['clear', 'cleared'],
  note: ['note'],
  who: ['who', "who's", 'whos'],
  list: ['list', 'ls'],
  help: ['help', '?', 'commands'],
} as const;
type Command = keyof typeof commandWords;
const commandOf = (text: string | undefined): Command | null => {
  for (const [command, words] of Object.entries(commandWords)) {
    if (words.some((word) => word === text)) return command as Command;
  }
  return null;
};
/** Said in passing, and to people, all day long. */
const casual: ReadonlySet<string> = new Set(['ok', 'okay', 'acknowledged', 'acked', 'cleared']);
const polite: ReadonlySet<string> = new Set(['please', 'pls', 'plz', 'thanks', 'thx', 'ta', 'cheers']);
/** A note begins, whatever it says. */
const because: ReadonlySet<string> = new Set(['because', 'cause', "'cause", 'cos', 'since', 'note']);
/** What follows takes something back from what came before. */
const exceptions: ReadonlySet<string> = new Set([
  'but',
  'except',
  'not',
  'without',
  'or',
  'apart',
  'excluding',
]);

/** Between two codes. */
const ranges: ReadonlySet<string> = new Set(['to', 'through', 'thru']);
const others: ReadonlySet<string> = new Set(['all', 'others', 'other', 'rest', 'everything']);

/** `sure`: also in a room it cannot have been meant for anybody else. */
type Ask = { readonly kind: 'ask'; readonly why: string; readonly sure: boolean };
const ask = (why: string, sure = true): Ask => ({ kind: 'ask', why, sure });

const toAcknowledge = 'To acknowledge write ack, or ack 12.';

/** Never throws, whatever was written. */
export function parseReply(text: string, context: ReplyContext): Reply {
  const read = readReply(text, context);
  if (read.kind !== 'ask') return read;
  return context.room && !read.sure ? { kind: 'chatter' } : { kind: 'ask', why: read.why };
}

function readReply(text: string, context: ReplyContext): Exclude<Reply, { kind: 'ask' }> | Ask {
  if (text.length > replyTextMax) return ask('That was too long to be a command.', false);
  const whole = wordsOf(text);
  const said = { ...whole, words: apart(unnamed(whole.words)) };
  const [first, second] = said.words;
  if (first === undefined) return ask('There was nothing in it. For help write ?', false);
  const command = commandOf(first.text);
  if (command === null) {
    if (/^\d+$/u.test(first.text))
      return ask(`What about ${first.text}? Write ack ${first.text}, or who ${first.text}.`, false);
    return ask(`I do not know ${shown(first.text)}. For help write ?`, false);
  }
  if (casual.has(first.text) && (context.room || codesIn(second) === null)) {
    return ask(toAcknowledge, false);
  }
  if (context.room && first.text === '?') return { kind: 'chatter' };
  const twice = secondCommand(said);
  if (twice !== null) return twice;
  switch (command) {
    case 'acknowledge':
      return acknowledgement(said, context);
    case 'unacknowledge':
    case 'clear':
      return onCodes(command, said.words);
    case 'note':
      return note(said);
    case 'who':
      return who(said.words);
    case 'list':
    case 'help':
      return withoutPolite(said.words).length === 1
        ? { kind: command }
        : ask(`${command} stands alone.`, false);
    default:
      return command satisfies never;
  }
}

/** Without the station's own name in front, as in a room. */
function unnamed(words: readonly Word[]): readonly Word[] {
  const [first, ...rest] = words;
  return first?.text === 'mauve' && commandOf(apart(rest)[0]?.text) !== null ? rest : words;
}

/** `ack12` and `ack#12` are two words. */
function apart(words: readonly Word[]): readonly Word[] {
  const [first, ...rest] = words;
  const [, command = '', mark = '', more = ''] =
    /^([a-z]+(?:-[a-z]+)?)([^\p{L}\p{N}]*)(\d.*)$/u.exec(first?.text ?? '') ?? [];
  if (first === undefined || commandOf(command) === null) return words;
  const hash = mark.includes('#');
  return [
    { ...first, text: command },
    { text: more, at: first.at + command.length + mark.length, hash, listed: false },
    ...rest,
  ];
}

/** One command a message: a second one below would else become the note of the first. */
function secondCommand({ body, words }: Said): Ask | null {
  const later = words.slice(1).filter((word, index) => {
    const between = body.slice(words[index]?.at ?? 0, word.at);
    return between.includes('\n');
  });
  const command = later.find((word) =>
    ['ack', 'unack', 'clear', 'note'].includes(apart([word])[0]?.text ?? ''),
  );
  return command === undefined && !goesOn(words) ? null : ask('One command at a time, please.');
}

/** `ack 12 2h ack 13`: unless it stands in what is a note for sure. */
function goesOn(words: readonly Word[]): boolean {
  const noted = words.findIndex(({ text }) => because.has(text));
  const read = noted < 0 ? words : words.slice(0, noted);
  return read.some((word, at) => {
    const [command, code = read[at + 1]] = apart([word]);
    if (at === 0 || !['ack', 'unack'].includes(command?.text ?? '')) return false;
    return code?.text === 'all' || codesIn(code) !== null;
  });
}

// ---------------------------------------------------------------- the alerts

const once = (codes: readonly number[]): readonly number[] => [...new Set(codes)];

const tooMany = ask(`At most ${replyCodesMax} alerts at once.`);
const noCode = ask('Codes of alerts are numbers from 1 on, like 12.');

const codesProblem = (codes: readonly number[]): Ask | null =>
  codes.length > replyCodesMax ? tooMany : codes.includes(0) ? noCode : null;

// ---------------------------------------------------------------- acknowledging

function acknowledgement(said: Said, context: ReplyContext): Exclude<Reply, { kind: 'ask' }> | Ask {
  const { words } = said;
  const all = ['all', 'everything'].includes(words[1]?.text ?? '') && words[1]?.hash === false;
  const lengthAt = (at: number): boolean => readLength(words, at, context) !== null;
  const listed = all ? { codes: [], loose: null, next: 2 } : readCodes(words, 1, lengthAt);
  const problem = codesProblem(listed.codes);
  if (problem !== null) return problem;
  const named = all || listed.codes.length > 0;
  const found = lengthHere(words, listed.next, context);
  if (found?.kind === 'ask') return ask(found.why, named);
  const length = found?.length ?? null;
  const at = found?.next ?? listed.next;
  const loose = length === null ? listed.loose : null;
  if (loose !== null && loose <= mayBeHoursMax) return ask(isItATime(listed.codes, loose));
  const note = noteAt(said, at, { named, length, all }, context);
  if (typeof note !== 'string') return note;
  // "ok 12 minutes" is no command, nor is "ok 12 people".
  if (casual.has(words[0]?.text ?? '') && (note !== '' || !named)) return ask(toAcknowledge, false);
  const which: Which = all
    ? { kind: 'all' }
    : named
      ? { kind: 'codes', codes: once(listed.codes) }
      : { kind: 'only' };
  return { kind: 'acknowledge', which, length, note, loose };
}

/** `2h`, `for 2h`, `until 9:00`; a second one is asked about. */
function lengthHere(words: readonly Word[], at: number, context: ReplyContext): LengthRead {
  const first = oneLength(words, at, context);
  if (first === null || first.kind === 'ask') return first;
  // Behind a length it begins a note: "2h for the vendor".
  const noted = words[first.next]?.text === 'for' && readLength(words, first.next + 1, context) === null;
  const more = noted ? null : oneLength(words, first.next, context);
  return more === null ? first : { kind: 'ask', why: more.kind === 'ask' ? more.why : twoLengths };
}

function oneLength(words: readonly Word[], at: number, context: ReplyContext): LengthRead {
  const word = words[at]?.text;
  if (word === 'until' || word === 'till' || word === 'til') return readUntil(words, at + 1, context);
  if (word !== 'for') return readLength(words, at, context);
  const found = readLength(words, at + 1, context);
  if (found !== null) return found;
  const counted = numberIn(words[at + 1]);
  if (counted === null)
    return { kind: 'ask', why: 'For how long? Write something like for 2h; a note begins with because.' };
  return { kind: 'ask', why: `${counted} what? Write for ${counted}h, or for ${counted}m.` };
}

const isItATime = (codes: readonly number[], loose: number): string =>
  `Is ${loose} an alert or hours? Write ack ${codes.join(',')} or ack ${codes.slice(0, -1).join(' ')} ${loose}h.`;

function twoMeanings(word: Word, named: boolean): string {
  const { text } = word;
  if (named) return `What is ${shown(text)}? Alerts come first, then how long; a note begins with because.`;
  // To write it again would bring the same question.
  if (codesIn(word) === null) return `What is ${shown(text)}? ${eachCode}`;
  return `Alerts come first, then how long: write ack ${text} 2h.`;
}

const eachCode = 'Write the code of each alert, like ack 12, 13.';

/** `12 to 14`, `12 and all the others`: more alerts than were understood. */
function meansMore([first, ...rest]: readonly Word[]): boolean {
  if (first?.text === 'and') {
    const what = rest.find(({ text }) => text !== 'all' && text !== 'the') ?? rest.at(-1);
    return what !== undefined && others.has(what.text);
  }
  return ranges.has(first?.text ?? '') && codesIn(rest[0]) !== null;
}

type Before = { readonly named: boolean; readonly length: ReplyLength | null; readonly all: boolean };

/** The rest of the message, where it can be nothing but a note. */
function noteAt(said: Said, at: number, { named, length, all }: Before, context: ReplyContext): string | Ask {
  const { words } = said;
  const rest = withoutPolite(words.slice(at));
  const [first] = rest;
  if (first === undefined) return '';
  if (/^\d/u.test(first.text) || first.text === 'all') return ask(twoMeanings(first, named), named);
  if (named && meansMore(rest)) return ask(`Which ones? ${eachCode}`);
  if (because.has(first.text)) return noteFrom(said, words[at + 1]);
  if (exceptions.has(first.text)) return ask('Which ones? Write just their codes, like ack 12, 13.', named);
  if (!named && length === null) {
    return ask(`Which alert is ${shown(first.text)}? Write its code, like ack 12, or ack all.`, false);
  }
  if (all && length === null) {
    return ask(`${shown(first.text)} after all? Write ack all, ack all 1h, or ack all because ...`);
  }
  if (length === null && hidesLength(rest, context)) {
    return ask(
      'How long? Write it before the note, like ack 12 2h on my way; a note may begin with because.',
    );
  }
  return noteFrom(said, words[at]);
}

/** Whether there may be a length of time in what looks like a note. */
function hidesLength(words: readonly Word[], context: ReplyContext): boolean {
  return words.some(({ text }, at) => {
    const follows = text === 'for' || text === 'until' || text === 'till' || text === 'til';
    const found = readLength(words, follows ? at + 1 : at, context);
    if (text === 'until' || text === 'till' || text === 'til') return true;
    return found?.kind === 'length' && (follows || found.next >= words.length);
  });
}

// ---------------------------------------------------------------- the others

const withoutPolite = (words: readonly Word[]): readonly Word[] => {
  const last = words.at(-1);
  return last !== undefined && polite.has(last.text) ? withoutPolite(words.slice(0, -1)) : words;
};

function onCodes(
  kind: 'unacknowledge' | 'clear',
  all: readonly Word[],
): Exclude<Reply, { kind: 'ask' }> | Ask {
  const words = withoutPolite(all);
  const verb = kind === 'clear' ? 'clear' : 'unack';
  const { codes, next } = readCodes(words, 1, () => false);
  const problem = codesProblem(codes);
  if (problem !== null) return problem;
  if (codes.length === 0)
    return ask(`Which alert? Write its code, like ${verb} 12.`, kind !== 'clear' && words.length === 1);
  const more = words[next];
  if (more !== undefined) {
    return ask(
      `What is ${shown(more.text)}? Write ${verb} ${codes[0]}; for a note write note ${codes[0]} ...`,
      kind !== 'clear',
    );
  }
  return { kind, codes: once(codes) };
}

function note(said: Said): Exclude<Reply, { kind: 'ask' }> | Ask {
  const [, word, first] = said.words;
  const codes = codesIn(word);
  const code = codes?.length === 1 ? codes[0] : undefined;
  if (code === undefined) return ask('A note of which alert? Write note 12 and the text.', false);
  if (code === 0) return noCode;
  const text = noteFrom(said, first);
  return text === ''
    ? ask(`What is to be noted? Write note ${code} and the text.`)
    : { kind: 'note', code, text };
}

function who(all: readonly Word[]): Exclude<Reply, { kind: 'ask' }> | Ask {
  const words = withoutPolite(all).filter(
    ({ text }, at) => at === 0 || !['is', 'next', 'hears'].includes(text),
  );
  if (words.length === 1) return { kind: 'who', code: null };
  const [code, more] = codesIn(words[1]) ?? [];
  if (code === 0) return noCode;
  if (code === undefined || more !== undefined || words.length > 2)
    return ask('Who of which alert? Write who 12.', false);
  return { kind: 'who', code };
}
