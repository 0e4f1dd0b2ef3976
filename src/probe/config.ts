/**
 * The settings of a probe: options over the file over what needs no setting.
 * Every mistake is found before anything is opened, and told with its place.
 * Read again on SIGHUP, it is the same function: a broken file is refused, and
 * what is in force stays.
 */
import { dirname, join, resolve } from 'node:path';
import type { LogLevel } from '../log.ts';
import type { Address as Listening } from '../station/address.ts';
import type { ReadFile } from '../station/local-file.ts';
import { formatFault, oneLine, type Path, parseYaml } from '../station/yaml-file.ts';
import type { Duration } from '../time.ts';
import { type FileTarget, type ProbeFile, probeFileSchema } from './config-file.ts';
import type { Method } from './core/record.ts';
import { defaultRules } from './core/rules.ts';
import type { EngineChoice } from './engine/choose.ts';
import * as limits from './limits.ts';
import { type Options, parseOptions } from './options.ts';
import { mergedRules } from './rules-file.ts';
import { fullEveryDefault } from './send.ts';
import { type Target, targetKey } from './target.ts';

/** Where to listen, and whether somebody asked for just that. */
export type Listen = { readonly at: Listening; readonly asked: boolean } | null;

export type ProbeConfig = {
  readonly name: string;
  readonly to: readonly string[];
  readonly targets: readonly Target[];
  /** What a target gets that is added while the probe runs. */
  readonly fresh: Omit<Target, 'word' | 'labels'>;
  readonly timeout: Duration;
  readonly retries: number;
  readonly maxHops: number;
  /** Probes a second. */
  readonly rate: number;
  readonly rounds: number | null;
  readonly engine: EngineChoice;
  readonly json: boolean;
  /** The file that is read again on SIGHUP; null: none. */
  readonly file: string | null;
  readonly control: Listen;
  readonly metrics: Listen;
  /** Absolute; null: nothing survives. */
  readonly state: string | null;
  /** Whom a probe started by root becomes; null: whoever it is sensible to become. */
  readonly user: string | null;
  readonly fullEvery: Duration;
  readonly heartbeat: boolean;
  readonly logLevel: LogLevel;
};

export type Loaded =
  | { readonly ok: true; readonly kind: 'run' | 'check'; readonly config: ProbeConfig }
  | { readonly ok: true; readonly kind: 'say'; readonly text: string }
  /** A text for stderr, and the exit code after sysexits. */
  | { readonly ok: false; readonly exitCode: number; readonly text: string };

export type LoadConfig = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** This machine's name. */
  readonly host: string;
  readonly version: string;
  readonly readFile: ReadFile;
};

export const exitUsage = 64;
export const exitConfig = 78;
const stateName = 'probe.state';

/** Reads everything that sets the probe. Opens no socket and writes nothing. */
export function loadConfig(from: LoadConfig): Loaded {
  const asked = parseOptions(from.argv, from.version);
  if (asked.kind === 'say') return { ok: true, kind: 'say', text: asked.text };
  if (asked.kind === 'usage') return { ok: false, exitCode: exitUsage, text: asked.text };
  const { options } = asked;
  const read = readFile(from, options.config);
  if (!read.ok) return faulty(read.faults);
  const { file } = read;
  const fresh = freshTarget(options, file);
  const typed = new Map(options.targets.map((one) => [targetKey(one.word), one]));
  const targets = (file.targets ?? []).map((written) => {
    const every = typed.get(targetKey(written.target.word))?.every ?? null;
    return fileTarget(written, fresh, { ...options, pingEvery: every ?? options.pingEvery });
  });
  const twice = doubled(targets);
  if (twice !== null) {
    const message = `this target is here twice: it stands there as ${twice.first} already`;
    return faulty([read.fault(['targets', twice.index], message)]);
  }
  // One that is in the file, too, has the labels and rules that it has there.
  for (const { word } of targets) typed.delete(targetKey(word));
  for (const { word, every } of typed.values()) {
    targets.push({ ...fresh, word, labels: {}, pingEvery: every ?? fresh.pingEvery });
  }
  const config = { ...settings(from, options, file, read.folder), targets, fresh };
  return { ok: true, kind: options.check ? 'check' : 'run', config };
}

const faulty = (faults: readonly string[]): Loaded => ({
  ok: false,
  exitCode: exitConfig,
  text: faults.map((fault) => `${fault}\n`).join(''),
});

type Read =
  | {
      readonly ok: true;
      readonly file: ProbeFile;
      /** What relative paths in it are relative to. */
      readonly folder: string;
      readonly fault: (path: Path, message: string) => string;
    }
  | { readonly ok: false; readonly faults: readonly string[] };

function readFile(from: LoadConfig, name: string | null): Read {
  if (name === null) return { ok: true, file: {}, folder: from.cwd, fault: (_, message) => message };
  const path = resolve(from.cwd, name);
  const read = from.readFile(path);
  if (!read.ok) return { ok: false, faults: [oneLine(`${name}: cannot be read: ${read.why}`)] };
  const parsed = parseYaml(name, read.text, probeFileSchema.nullable());
  if (!parsed.ok) return { ok: false, faults: parsed.faults.map(formatFault) };
  const fault = (at: Path, message: string): string => formatFault(parsed.fault(at, message));
  return { ok: true, file: parsed.value ?? {}, folder: dirname(path), fault };
}

function freshTarget(options: Options, file: ProbeFile): ProbeConfig['fresh'] {
  return {
    pingEvery: options.pingEvery ?? file.ping_interval ?? limits.pingEveryDefault,
    traceEvery: options.traceEvery ?? file.trace_interval ?? limits.traceEveryDefault,
    method: options.method ?? file.method ?? ('udp' satisfies Method),
    rules: mergedRules(defaultRules, file.rules),
  };
}

/** One for all that have none. */
const noLabels = {};

function fileTarget(written: FileTarget, fresh: ProbeConfig['fresh'], options: Options): Target {
  const { word, every } = written.target;
  const { labels, ping_interval, trace_interval, method, rules } = written;
  return {
    word,
    labels: labels ?? noLabels,
    // An option is for all, and for now: that is why somebody typed it.
    pingEvery: options.pingEvery ?? ping_interval ?? every ?? fresh.pingEvery,
    traceEvery: options.traceEvery ?? trace_interval ?? fresh.traceEvery,
    method: options.method ?? method ?? fresh.method,
    rules: mergedRules(fresh.rules, rules),
  };
}

/** The first that stands for the same target as one before it, and how that is written. */
function doubled(targets: readonly Target[]): { readonly index: number; readonly first: string } | null {
  const seen = new Map<string, string>();
  for (const [index, { word }] of targets.entries()) {
    const first = seen.get(targetKey(word));
    if (first !== undefined) return { index, first };
    seen.set(targetKey(word), word);
  }
  return null;
}

function settings(
  from: LoadConfig,
  options: Options,
  file: ProbeFile,
  folder: string,
): Omit<ProbeConfig, 'targets' | 'fresh'> {
  const { rounds, json } = options;
  return {
    name: options.name ?? file.name ?? `probe-${from.host}`,
    to: options.to.length > 0 ? options.to : [file.to ?? []].flat(),
    timeout: options.timeout ?? file.timeout ?? limits.timeoutDefault,
    retries: options.retries ?? file.retries ?? limits.retriesDefault,
    maxHops: options.maxHops ?? file.max_hops ?? limits.hopsDefault,
    rate: options.rate ?? file.pps ?? limits.rateDefault,
    rounds,
    engine: options.engine ?? file.engine ?? 'auto',
    json,
    file: options.config === null ? null : resolve(from.cwd, options.config),
    control: listen(options.control ?? file.control ?? null, limits.controlDefault),
    metrics: listen(options.metrics ?? file.metrics ?? null, limits.metricsDefault),
    user: options.user ?? file.user ?? null,
    state: statePath(from, options, file, folder),
    fullEvery: file.full_update ?? fullEveryDefault,
    // A probe that ends by itself would leave an alarm behind.
    heartbeat: rounds === null && (file.heartbeat ?? true),
    // Somebody who typed the targets looks at the table, not at a log.
    logLevel: file.log_level ?? (options.config === null ? 'warn' : 'info'),
  };
}

function listen(written: Listening | 'off' | null, otherwise: Listening): Listen {
  if (written === 'off') return null;
  return written === null ? { at: otherwise, asked: false } : { at: written, asked: true };
}

/** Under systemd a service has a folder for such files, and says so in the environment. */
function statePath(from: LoadConfig, options: Options, file: ProbeFile, folder: string): string | null {
  if (options.state !== null) return resolve(from.cwd, options.state);
  if (typeof file.state === 'string') return resolve(folder, file.state);
  const [given = ''] = (from.env.STATE_DIRECTORY ?? '').split(':');
  return given === '' ? null : join(given, stateName);
}
