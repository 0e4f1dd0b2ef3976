/**
 * The command line of `mauvectl`: sorts words into one of its commands. It only
 * sorts; what a command does is in main.ts.
 */
import { parseArgs } from 'node:util';
import { didYouMean } from '../station/nearest.ts';

export type Command =
  | { readonly kind: 'token add' | 'token remove'; readonly name: string }
  | { readonly kind: 'token list' | 'user list' }
  | {
      readonly kind: 'user add' | 'user password';
      readonly name: string;
      readonly passwordFile: string | null;
    }
  | { readonly kind: 'user remove' | 'user link'; readonly name: string };

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

const known = {
  config: { type: 'string' },
  data: { type: 'string' },
  web: { type: 'string' },
  'password-file': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;
type OptionToken = {
  readonly name: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
};
const longNames = Object.keys(known).map((name) => `--${name}`);

const verbs = {
  token: ['add', 'list', 'remove'],
  user: ['add', 'list', 'remove', 'password', 'link'],
} as const;
const nouns = Object.keys(verbs);
/** What a name may be made of: it stands in history, in addresses and on the command line. */
const nameShape = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;

export function parseOptions(argv: readonly string[], version: string): Asked {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = Object.entries(known).find(([name]) => name === token.name)?.[1];
    if (option === undefined) {
      return usage(`unknown option ${token.rawName}${didYouMean(token.rawName, longNames, null)}`);
    }
    if (option.type === 'boolean' && token.value !== undefined)
      return usage(`${token.rawName} takes no value`);
    if (option.type === 'string' && !isValue(token)) return usage(`${token.rawName} needs a value`);
  }
  if (values.help === true) return { kind: 'say', text: help };
  if (values.version === true) return { kind: 'say', text: `mauvectl ${version}\n` };
  const text = (value: string | boolean | undefined): string | null =>
    typeof value === 'string' ? value : null;
  const command = commandOf(positionals, text(values['password-file']));
  if (typeof command === 'string') return usage(command);
  const options = { config: text(values.config), data: text(values.data), web: text(values.web) };
  return { kind: 'run', command, options };
}

/** An option after an option is no value of it, unless it is said to be by `=`; `-` alone is standard input. */
function isValue({ name, value, inlineValue }: OptionToken): boolean {
  if (value === undefined || value === '') return false;
  return inlineValue === true || !value.startsWith('-') || (value === '-' && name === 'password-file');
}

/** @returns the command, or what is wrong with the words. */
function commandOf(words: readonly string[], passwordFile: string | null): Command | string {
  const [noun, verb, name, ...rest] = words;
  if (noun === undefined) return 'a command is needed, such as: mauvectl token add NAME';
  const of = Object.entries(verbs).find(([key]) => key === noun)?.[1] as readonly string[] | undefined;
  if (of === undefined) return `unknown command "${noun}"${didYouMean(noun, nouns, 'commands')}`;
  if (verb === undefined)
    return `what about ${noun}? one of: ${of.map((one) => `${noun} ${one}`).join(', ')}`;
  if (!of.includes(verb)) return `unknown command "${noun} ${verb}"${didYouMean(verb, of, 'commands')}`;
  const kind = `${noun} ${verb}` as Command['kind'];
  const takesPassword = kind === 'user add' || kind === 'user password';
  if (passwordFile !== null && !takesPassword) return `--password-file does not go with ${kind}`;
  if (kind === 'token list' || kind === 'user list') {
    return name === undefined ? { kind } : `${kind} takes no name`;
  }
  if (name === undefined) return `${kind} needs a name`;
  if (rest.length > 0) return `${kind} takes one name, but got "${rest.join(' ')}" as well`;
  if (!nameShape.test(name)) {
    return `"${name}" is no name: 1 to 64 letters, digits and . _ @ + - are, the first a letter or digit`;
  }
  if (takesPassword) return { kind, name, passwordFile };
  return { kind, name };
}

const usage = (fault: string): Asked => ({ kind: 'usage', fault: `${fault}; see mauvectl --help` });

const help = `mauvectl: what an administrator of an alert station types.

Examples
  mauvectl token add deploy                          a token for a script; it is shown once, here
  mauvectl token list
  mauvectl token remove deploy
  mauvectl user add ann                              asks for a password
  mauvectl --config /etc/mauve/station.yaml user add ann        of the station with that file
  mauvectl user add ann --password-file ann.pw       reads it from the file's first line
  mauvectl user password ann                         sets another, and ends ann's sessions
  mauvectl user link ann                             a link that logs ann in once, within the hour
  mauvectl user list
  mauvectl user remove ann                           ends ann's sessions too

Options               environment     station file
  --config FILE       MAUVE_CONFIG                the station file, the one that mauveserver has
  --data DIR          MAUVE_DATA      data        the station's data folder  [./data]
  --web HOST:PORT     MAUVE_WEB       web         where the page is, for links  [127.0.0.1:1288]
                                      base_url    the same, as others see it; counts more for links
  --password-file F                               the first line of F; - is standard input
  -h, --help                                      this text
  --version                                       the version

Options count more than the environment, the environment more than the station file.
Works beside a running station, at once, and without one. A user whose name is a person of the policy is
that person: their own messages are in their inbox.
Exit codes: 0 done, 1 refused (the reason is on stderr), 64 wrong words, 65 a bad password, 66 a file cannot
be read or there is no database, 74 the data folder cannot be used or stdout not be written, 78 something is
wrong in the station file or the environment.
`;
