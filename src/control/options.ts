/**
 * The command line of `mauvectl`: sorts words into one of its commands. It only
 * sorts; what a command does is in main.ts and in the files of its noun.
 */
import { parseArgs } from 'node:util';
import { didYouMean } from '../station/nearest.ts';
import { type Duration, hours, parseDuration, seconds } from '../time.ts';
import { help } from './help.ts';
import { type MessageCommand, messageWords } from './options-message.ts';

export type AccountCommand =
  | { readonly kind: 'token add' | 'token remove'; readonly name: string }
  | { readonly kind: 'token list' | 'user list' }
  | {
      readonly kind: 'user add' | 'user password';
      readonly name: string;
      readonly passwordFile: string | null;
    }
  | { readonly kind: 'user remove' | 'user link'; readonly name: string };

/** An alert as somebody describes it on a command line; what is not said is empty, or 0. */
export type AskedAlert = {
  readonly source: string;
  readonly subject: string;
  readonly id: string;
  readonly summary: string;
  readonly detail: string;
  readonly importance: number;
};

export type PolicyCommand =
  | {
      readonly kind: 'policy check';
      readonly files: readonly string[];
      readonly strict: boolean;
      readonly json: boolean;
    }
  | { readonly kind: 'policy test'; readonly files: readonly string[]; readonly json: boolean }
  | {
      readonly kind: 'policy explain';
      readonly file: string;
      readonly alert: AskedAlert;
      /** Times as they were typed: what they mean depends on the policy's zone. */
      readonly at: string | null;
      readonly raisedAt: string | null;
      readonly ackedAt: string | null;
      readonly ackFor: Duration | null;
      readonly length: Duration | null;
      readonly json: boolean;
    };

export type SilenceCommand = { readonly tokenFile: string | null } & (
  | {
      readonly kind: 'silence add';
      /** Fields and texts, as in a policy. */
      readonly match: Readonly<Record<string, string>>;
      /** YAML, in which everything can be said that a policy can. */
      readonly matchText: string | null;
      readonly for: Duration;
      readonly reason: string;
    }
  | { readonly kind: 'silence list'; readonly json: boolean }
  | { readonly kind: 'silence end'; readonly id: number }
);

export type ChannelCommand = {
  readonly kind: 'channel test';
  readonly person: string;
  readonly channel: string;
  /** How long a receipt is waited for. */
  readonly wait: Duration;
  readonly json: boolean;
  readonly tokenFile: string | null;
};

export type Command = AccountCommand | PolicyCommand | SilenceCommand | ChannelCommand | MessageCommand;

/** What says which station is meant; each null where it was not given. */
export type Place = {
  readonly config: string | null;
  readonly data: string | null;
  readonly web: string | null;
};

export type Asked =
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly options: Place;
    }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'usage'; readonly fault: string };

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const known = {
  config: text,
  data: text,
  web: text,
  'password-file': text,
  'token-file': text,
  source: text,
  subject: text,
  id: text,
  summary: text,
  detail: text,
  importance: text,
  at: text,
  'raised-at': text,
  'acked-at': text,
  'ack-for': text,
  for: text,
  wait: text,
  match: text,
  reason: text,
  policy: text,
  channel: text,
  event: text,
  person: text,
  level: text,
  html: flag,
  json: flag,
  strict: flag,
  help: { type: 'boolean', short: 'h' },
  version: flag,
} as const;
type OptionName = keyof typeof known;
type OptionToken = {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
};
const longNames = Object.keys(known).map((name) => `--${name}`);
const times: ReadonlySet<string> = new Set(['at', 'raised-at', 'acked-at']);
const standardInput: ReadonlySet<string> = new Set(['password-file', 'token-file']);

const verbs = {
  token: ['add', 'list', 'remove'],
  user: ['add', 'list', 'remove', 'password', 'link'],
  policy: ['check', 'explain', 'test'],
  silence: ['add', 'list', 'end'],
  message: ['preview'],
  channel: ['test'],
} as const;
const nouns = Object.keys(verbs);

const places: readonly OptionName[] = ['config', 'data', 'web'];
const matched: readonly OptionName[] = ['source', 'subject', 'id', 'summary', 'detail', 'importance'];
/** The options that go with each command. */
const takes: Readonly<Record<Command['kind'], readonly OptionName[]>> = {
  'token add': places,
  'token list': places,
  'token remove': places,
  'user add': [...places, 'password-file'],
  'user password': [...places, 'password-file'],
  'user list': places,
  'user remove': places,
  'user link': places,
  'policy check': ['strict', 'json'],
  'policy explain': [...matched, 'at', 'raised-at', 'acked-at', 'ack-for', 'for', 'json'],
  'policy test': ['json'],
  'silence add': [...places, 'token-file', ...matched, 'match', 'for', 'reason'],
  'silence list': [...places, 'token-file', 'json'],
  'silence end': [...places, 'token-file'],
  'message preview': [
    ...matched.filter((name) => name !== 'importance'),
    ...(['policy', 'channel', 'event', 'person', 'level', 'html', 'json'] as const),
  ],
  'channel test': [...places, 'token-file', 'wait', 'json'],
};

/** What a name may be made of: it stands in history, in addresses and on the command line. */
const nameShape = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;
/** How long the receipt of a test is waited for. */
const testWaitDefault = seconds(60);
const testWaitMost = hours(1);
const importanceMost = 2 ** 32 - 1;

export function parseOptions(argv: readonly string[], version: string): Asked {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = tokens.filter((token) => token.kind === 'option');
  for (const token of given) {
    const fault = optionFault(token);
    if (fault !== null) return usage(fault);
  }
  if (values.help === true) return { kind: 'say', text: help };
  if (values.version === true) return { kind: 'say', text: `mauvectl ${version}\n` };
  const value = (name: OptionName): string | null => {
    const found = values[name];
    return typeof found === 'string' ? found : null;
  };
  const command = commandOf(positionals, given, { value, set: (name) => values[name] === true });
  if (typeof command === 'string') return usage(command);
  const options = { config: value('config'), data: value('data'), web: value('web') };
  return { kind: 'run', command, options };
}

function optionFault(token: OptionToken): string | null {
  const option = Object.entries(known).find(([name]) => name === token.name)?.[1];
  if (option === undefined) {
    return `unknown option ${token.rawName}${didYouMean(token.rawName, longNames, null)}`;
  }
  if (option.type === 'boolean' && token.value !== undefined) return `${token.rawName} takes no value`;
  return option.type === 'string' && !isValue(token) ? `${token.rawName} needs a value` : null;
}

/**
 * An option after an option is no value of it, unless it is said to be by `=`; `-` alone is standard input, and
 * `-2h` a time.
 */
function isValue({ name, value, inlineValue }: OptionToken): boolean {
  if (value === undefined || value === '') return false;
  if (inlineValue === true || !value.startsWith('-')) return true;
  return (value === '-' && standardInput.has(name)) || (/^-\d/.test(value) && times.has(name));
}

type Given = {
  readonly value: (name: OptionName) => string | null;
  readonly set: (name: OptionName) => boolean;
};

/** @returns the command, or what is wrong with the words. */
function commandOf(words: readonly string[], tokens: readonly OptionToken[], given: Given): Command | string {
  const [noun, verb, ...rest] = words;
  if (noun === undefined) return 'a command is needed, such as: mauvectl token add NAME';
  const of = Object.entries(verbs).find(([key]) => key === noun)?.[1] as readonly string[] | undefined;
  if (of === undefined) return `unknown command "${noun}"${didYouMean(noun, nouns, 'commands')}`;
  if (verb === undefined)
    return `what about ${noun}? one of: ${of.map((one) => `${noun} ${one}`).join(', ')}`;
  if (!of.includes(verb)) return `unknown command "${noun} ${verb}"${didYouMean(verb, of, 'commands')}`;
  const kind = `${noun} ${verb}` as Command['kind'];
  const stray = tokens.find(({ name }) => !takes[kind].some((one) => one === name));
  if (stray !== undefined) {
    const fitting = takes[kind].map((name) => `--${name}`);
    return `${stray.rawName} does not go with ${kind}${didYouMean(stray.rawName, fitting, null)}`;
  }
  switch (kind) {
    case 'token list':
    case 'user list':
      return rest.length === 0 ? { kind } : `${kind} takes no name`;
    case 'policy check':
    case 'policy test':
    case 'policy explain':
      return policyCommand(kind, rest, given);
    case 'silence add':
    case 'silence list':
    case 'silence end':
      return silenceCommand(kind, rest, given);
    case 'message preview':
      return messageWords(kind, rest, given);
    case 'channel test':
      return channelCommand(rest, given);
    default:
      return namedCommand(kind, rest, given);
  }
}

function namedCommand(
  kind: Exclude<AccountCommand['kind'], 'token list' | 'user list'>,
  [name, ...rest]: readonly string[],
  { value }: Given,
): Command | string {
  if (name === undefined) return `${kind} needs a name`;
  if (rest.length > 0) return `${kind} takes one name, but got "${rest.join(' ')}" as well`;
  if (!nameShape.test(name)) {
    return `"${name}" is no name: 1 to 64 letters, digits and . _ @ + - are, the first a letter or digit`;
  }
  if (kind === 'user add' || kind === 'user password') {
    return { kind, name, passwordFile: value('password-file') };
  }
  return { kind, name };
}

function policyCommand(
  kind: PolicyCommand['kind'],
  files: readonly string[],
  { value, set }: Given,
): Command | string {
  const [file, ...more] = files;
  const json = set('json');
  if (file === undefined) return `${kind} needs a file, such as: mauvectl ${kind} policy.yaml`;
  if (kind === 'policy check') return { kind, files, strict: set('strict'), json };
  if (kind === 'policy test') return { kind, files, json };
  if (more.length > 0) return `${kind} takes one file, but got "${more.join(' ')}" as well`;
  const alert = askedAlert(value);
  if (typeof alert === 'string') return alert;
  const ackFor = lengthOf('ack-for', value);
  const length = lengthOf('for', value);
  if (ackFor === 'bad' || length === 'bad') return badLength(ackFor === 'bad' ? 'ack-for' : 'for');
  if (alert.source === '' || alert.id === '') {
    return `${kind} needs the alert: --source and --id, and --subject where it is not the source`;
  }
  if (ackFor !== null && value('acked-at') === null) return '--ack-for goes with --acked-at';
  const [at, raisedAt, ackedAt] = [value('at'), value('raised-at'), value('acked-at')];
  return { kind, file, alert, at, raisedAt, ackedAt, ackFor, length, json };
}

function askedAlert(value: Given['value']): AskedAlert | string {
  const written = value('importance');
  const importance = Number(written ?? 0);
  if (written !== null && !(/^\d+$/.test(written) && importance >= 1 && importance <= importanceMost)) {
    return `--importance: a number from 1 to ${importanceMost} is expected`;
  }
  const field = (name: OptionName): string => value(name) ?? '';
  return {
    source: field('source'),
    subject: field('subject'),
    id: field('id'),
    summary: field('summary'),
    detail: field('detail'),
    importance,
  };
}

const lengthOf = (name: OptionName, value: Given['value']): Duration | null | 'bad' => {
  const written = value(name);
  const length = written === null ? null : parseDuration(written);
  return written !== null && (length === null || length <= 0) ? 'bad' : length;
};
const badLength = (name: OptionName): string => `--${name}: a length of time such as 90m or 2h is expected`;

function channelCommand(words: readonly string[], { value, set }: Given): Command | string {
  const kind = 'channel test';
  const [person, channel, ...more] = words;
  if (person === undefined || channel === undefined) {
    return `${kind} needs a person and a channel, such as: mauvectl ${kind} ann sms`;
  }
  if (more.length > 0) return `${kind} takes a person and a channel, but got "${more.join(' ')}" as well`;
  const strange = [person, channel].find((name) => !nameShape.test(name));
  if (strange !== undefined) return `"${strange}" is no name of a person or a channel`;
  const wait = lengthOf('wait', value) ?? testWaitDefault;
  if (wait === 'bad' || wait > testWaitMost)
    return '--wait: a length of time such as 60s, up to 1h, is expected';
  return { kind, person, channel, wait, json: set('json'), tokenFile: value('token-file') };
}

function silenceCommand(
  kind: SilenceCommand['kind'],
  words: readonly string[],
  { value, set }: Given,
): Command | string {
  const tokenFile = value('token-file');
  const [word, ...more] = words;
  if (kind === 'silence end') {
    if (word === undefined) return `${kind} needs a number: mauvectl silence list shows them`;
    if (more.length > 0) return `${kind} takes one number, but got "${more.join(' ')}" as well`;
    if (!/^[1-9]\d{0,14}$/.test(word)) return `"${word}" is no number of a silence`;
    return { kind, id: Number(word), tokenFile };
  }
  if (word !== undefined) return `${kind} takes no "${words.join(' ')}": is an option meant?`;
  if (kind === 'silence list') return { kind, json: set('json'), tokenFile };
  const match = Object.fromEntries(
    matched.flatMap((name) => {
      const written = value(name);
      return written === null ? [] : [[name, written]];
    }),
  );
  const matchText = value('match');
  if (Object.keys(match).length === 0 && matchText === null) {
    return `${kind} needs to know which alerts: --source, --subject, --id or --match`;
  }
  const length = lengthOf('for', value);
  if (length === 'bad') return badLength('for');
  const reason = value('reason');
  if (length === null) return `${kind} needs --for, a length of time such as 2h`;
  if (reason === null) return `${kind} needs --reason: whoever wonders at the quiet should find one`;
  return { kind, match, matchText, for: length, reason, tokenFile };
}

const usage = (fault: string): Asked => ({ kind: 'usage', fault: `${fault}; see mauvectl --help` });
