/**
 * The command line of `mauveprobe`: which options there are and what was asked
 * for. Values that one line can judge are judged here; config.ts puts them over
 * the file.
 */
import { parseArgs } from 'node:util';
import { type Address as Listening, parseAddress } from '../station/address.ts';
import { didYouMean } from '../station/nearest.ts';
import { oneLine } from '../station/yaml-file.ts';
import type { Duration } from '../time.ts';
import { parseDestination } from '../wire/destination.ts';
import { type Method, methods } from './core/record.ts';
import { type EngineChoice, parseEngineChoice } from './engine/choose.ts';
import { help, usage } from './help.ts';
import * as limits from './limits.ts';
import { parseInterval, parseTarget, splitInterval, targetKey } from './target.ts';

export type WordWithInterval = { readonly word: string; readonly every: Duration | null };

/** Null: not said. */
export type Options = {
  readonly targets: readonly WordWithInterval[];
  readonly config: string | null;
  readonly pingEvery: Duration | null;
  readonly traceEvery: Duration | null;
  readonly method: Method | null;
  readonly timeout: Duration | null;
  readonly retries: number | null;
  readonly maxHops: number | null;
  readonly rate: number | null;
  readonly engine: EngineChoice | null;
  readonly rounds: number | null;
  readonly to: readonly string[];
  readonly name: string | null;
  readonly json: boolean;
  readonly control: Listening | 'off' | null;
  readonly metrics: Listening | 'off' | null;
  readonly state: string | null;
  readonly user: string | null;
  readonly check: boolean;
};

export type Asked =
  | { readonly kind: 'options'; readonly options: Options }
  | { readonly kind: 'say'; readonly text: string }
  /** A whole text for stderr. */
  | { readonly kind: 'usage'; readonly text: string };

const known = {
  config: { type: 'string' },
  'ping-interval': { type: 'string' },
  'trace-interval': { type: 'string' },
  method: { type: 'string' },
  timeout: { type: 'string' },
  retries: { type: 'string' },
  'max-hops': { type: 'string' },
  pps: { type: 'string' },
  engine: { type: 'string' },
  fake: { type: 'boolean' },
  rounds: { type: 'string' },
  to: { type: 'string', multiple: true },
  name: { type: 'string' },
  json: { type: 'boolean' },
  control: { type: 'string' },
  metrics: { type: 'string' },
  state: { type: 'string' },
  user: { type: 'string' },
  check: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;
type Name = keyof typeof known;

const longNames: readonly string[] = Object.keys(known).map((name) => `--${name}`);

/** A word that cannot be what it is to be; never leaves this file. */
class Wrong extends Error {}

/** @param argv without the program's own name. */
export function parseOptions(argv: readonly string[], version: string): Asked {
  if (argv.length === 0) return { kind: 'usage', text: usage };
  try {
    return asked(argv, version);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { kind: 'usage', text: `${oneLine(`mauveprobe: ${error.message}`)}; see mauveprobe --help\n` };
  }
}

function asked(argv: readonly string[], version: string): Asked {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: known,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) if (token.kind === 'option') checkOption(token);
  if (values.help === true) return { kind: 'say', text: help };
  if (values.version === true) return { kind: 'say', text: `mauveprobe ${version}\n` };
  const text = (name: Name): string | null => {
    const value = values[name];
    return typeof value === 'string' ? value : null;
  };
  const targets = positionals.map(target);
  checkOnce(positionals, targets);
  const config = text('config');
  if (targets.length === 0 && config === null)
    throw new Wrong('name a target, or a file of them with --config');
  return { kind: 'options', options: { targets, config, ...measuring(text), ...telling(text, values) } };
}

type Token = {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
};

function checkOption({ name, rawName, value, inlineValue }: Token): void {
  const option = Object.entries(known).find(([one]) => one === name)?.[1];
  if (option === undefined)
    throw new Wrong(`unknown option ${rawName}${didYouMean(rawName, longNames, null)}`);
  if (option.type === 'boolean') {
    if (value !== undefined) throw new Wrong(`${rawName} takes no value`);
    return;
  }
  if (value === undefined || value === '' || (!inlineValue && value.startsWith('-')))
    throw new Wrong(`${rawName} needs a value`);
}

type Text = (name: Name) => string | null;

function measuring(text: Text) {
  const { rateMax, retriesMax, hopsMax, roundsMax } = limits;
  return {
    pingEvery: interval('ping-interval', text),
    traceEvery: interval('trace-interval', text),
    method: oneOf('method', methods, text),
    timeout: timeout(text),
    retries: number('retries', 0, retriesMax, text),
    maxHops: number('max-hops', 1, hopsMax, text),
    rate: number('pps', 1, rateMax, text),
    rounds: number('rounds', 1, roundsMax, text),
  };
}

function telling(text: Text, values: Readonly<Record<string, unknown>>) {
  const written = Array.isArray(values.to) ? values.to.filter((word) => typeof word === 'string') : [];
  return {
    engine: engine(text, values.fake === true),
    to: written.map(destination),
    name: name(text),
    json: values.json === true,
    control: listening('control', text),
    metrics: listening('metrics', text),
    state: text('state'),
    user: text('user'),
    check: values.check === true,
  };
}

function target(written: string): WordWithInterval {
  const split = splitInterval(written);
  if ('fault' in split) throw new Wrong(split.fault);
  const parsed = parseTarget(split.word);
  if (!parsed.ok) throw new Wrong(`${JSON.stringify(written)} is no target: ${parsed.why}`);
  return split;
}

/** Which of two intervals is meant only who typed them knows. */
function checkOnce(written: readonly string[], targets: readonly WordWithInterval[]): void {
  const seen = new Map<string, string | undefined>();
  for (const [index, { word }] of targets.entries()) {
    const key = targetKey(word);
    if (seen.has(key))
      throw new Wrong(`${seen.get(key)} and ${written[index]} are the same target: name it once`);
    seen.set(key, written[index]);
  }
}

function interval(option: Name, text: Text): Duration | null {
  const written = text(option);
  if (written === null) return null;
  const length = parseInterval(written);
  if (length === null)
    throw new Wrong(`--${option}: seconds from 0.1 to 86400, or a length such as 90s, are expected`);
  return length;
}

function timeout(text: Text): Duration | null {
  const written = text('timeout');
  if (written === null) return null;
  const length = parseInterval(written);
  if (length === null || length > limits.timeoutMax)
    throw new Wrong('--timeout: seconds from 0.1 to 30, or a length such as 500ms, are expected');
  return length;
}

function number(option: Name, least: number, most: number, text: Text): number | null {
  const written = text(option);
  if (written === null) return null;
  const value = /^\d{1,9}$/.test(written) ? Number(written) : Number.NaN;
  if (!(value >= least && value <= most))
    throw new Wrong(`--${option}: a whole number from ${least} to ${most} is expected`);
  return value;
}

function oneOf<Word extends string>(option: Name, words: readonly Word[], text: Text): Word | null {
  const written = text(option);
  if (written === null) return null;
  const word = words.find((one) => one === written);
  if (word === undefined)
    throw new Wrong(`--${option}: one of ${words.join(', ')} is expected${didYouMean(written, words, null)}`);
  return word;
}

function engine(text: Text, fake: boolean): EngineChoice | null {
  const written = text('engine');
  if (written === null) return fake ? 'fake' : null;
  if (fake && written !== 'fake') throw new Wrong(`--fake and --engine ${written} exclude each other`);
  const choice = parseEngineChoice(written);
  if (choice === null)
    throw new Wrong(`--engine: ${limits.engineExpected}${didYouMean(written, limits.engineWords, null)}`);
  return choice;
}

function destination(written: string): string {
  const parsed = parseDestination(written);
  if (!parsed.ok) throw new Wrong(`--to ${written}: ${parsed.detail}`);
  return written;
}

function name(text: Text): string | null {
  const written = text('name');
  if (written !== null && !limits.isName(written)) throw new Wrong(`--name: ${limits.nameExpected}`);
  return written;
}

function listening(option: 'control' | 'metrics', text: Text): Listening | 'off' | null {
  const written = text(option);
  if (written === null || written === 'off') return written;
  const parsed = parseAddress(written);
  if (!parsed.ok) throw new Wrong(`--${option}: ${parsed.why}, or off`);
  return parsed.address;
}
