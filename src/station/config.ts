/**
 * The settings of a station: options over environment over the station file
 * over what needs no setting at all. Every mistake is found before anything is
 * opened, and told with the file, line and column or the name of the option or
 * variable.
 *
 * Passwords come from files or the environment only, and no message here ever
 * repeats a value that could be one.
 */
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { type Duration, minutes, seconds } from '../time.ts';
import { parseDestination } from '../wire/destination.ts';
import { type Address, addressSchema, formatAddress, parseAddress } from './address.ts';
import {
  type ChannelFinding,
  type ChannelOptions,
  channelOptions,
  channelsSchema,
} from './config-channels.ts';
import type { ReadFile } from './local-file.ts';
import { type Options, parseOptions } from './options.ts';
import { durationBetween, formatFault, oneLine, type Path, parseYaml } from './yaml-file.ts';

export const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

export type StationConfig = {
  /** The folder of the database. Absolute, like all paths here. */
  readonly data: string;
  readonly policy: string;
  readonly udp: Address;
  readonly web: Address;
  /** What addresses in messages begin with, no slash at the end; null: see `defaultBaseUrl`. */
  readonly baseUrl: string | null;
  /** As Express's `trust proxy` takes it: addresses, names of ranges, or a number of hops; false: none. */
  readonly trustProxy: readonly string[] | number | false;
  readonly logLevel: LogLevel;
  /** What the UDP socket asks the kernel to hold, in bytes. */
  readonly receiveBuffer: number;
  /** The station's own sign of life, sent to other stations. */
  readonly heartbeat: { readonly to: readonly string[]; readonly every: Duration } | null;
  readonly channels: ChannelOptions;
  /** Print a link that logs in once, if nobody can log in yet. */
  readonly welcome: boolean;
};

export type Loaded =
  /** `check`: say whether the files are right, and end. Warnings are sentences for the log. */
  | {
      readonly ok: true;
      readonly kind: 'run' | 'check';
      readonly config: StationConfig;
      readonly warnings: readonly string[];
    }
  /** A text for stdout and the end: help, version. */
  | { readonly ok: true; readonly kind: 'say'; readonly text: string }
  /** Whole lines for stderr, and the exit code after sysexits. */
  | { readonly ok: false; readonly exitCode: number; readonly faults: readonly string[] };

export type LoadConfig = {
  /** Without the program's own name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The policy that comes with the station. */
  readonly defaultPolicy: string;
  readonly version: string;
  readonly readFile: ReadFile;
};

export const exitUsage = 64;
export const exitConfig = 78;

export const receiveBufferDefault = 8 * 1024 * 1024;
const receiveBufferMin = 64 * 1024;
const receiveBufferMax = 1024 * 1024 * 1024;
export const heartbeatEvery = seconds(60);
const heartbeatEveryMin = seconds(10);
/** The receiving station raises after 310 s of silence: a slower heartbeat would be a false alarm. */
const heartbeatEveryMax = minutes(5);
const destinationsMax = 20;
const proxiesMax = 50;
const hopsMax = 10;
const textMax = 4096;

const text = z.string().min(1).max(textMax);

const baseUrlSchema = z.string().transform((written, context): string => {
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    context.addIssue({ code: 'custom', message: 'an address such as https://mauve.example.net is expected' });
    return z.NEVER;
  }
  if (
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== '' ||
    url.password !== ''
  ) {
    const message = `only scheme, host and port are expected: ${url.origin} (the station serves from the top of its host)`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }
  return url.origin;
});

const proxyWords = 'an address, a range such as 10.0.0.0/8, loopback, linklocal or uniquelocal is expected';
const proxySchema = z.string().refine(isProxy, { error: proxyWords });

function isProxy(written: string): boolean {
  if (/^(loopback|linklocal|uniquelocal)$/.test(written)) return true;
  const [address = '', prefix, ...rest] = written.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

const destinationSchema = text.superRefine((written, context) => {
  const parsed = parseDestination(written);
  if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.detail });
});

/** Nobody is trusted without being named. */
const nobodySchema = z
  .boolean()
  .refine((everybody) => !everybody, {
    error:
      'trusting everybody cannot be set, for anybody could then pretend to come from anywhere: name the proxy, such as loopback',
  })
  .transform((): number => 0);

/** The station file, as it is written. A key with nothing after it is one that is not there. */
export const stationFileSchema = z.strictObject({
  data: text.nullish(),
  policy: text.nullish(),
  udp: addressSchema.nullish(),
  web: addressSchema.nullish(),
  base_url: baseUrlSchema.nullish(),
  trust_proxy: z
    .union([proxySchema, z.array(proxySchema).max(proxiesMax), z.int().min(0).max(hopsMax), nobodySchema])
    .nullish(),
  log_level: z.enum(logLevels).nullish(),
  receive_buffer: z.int().min(receiveBufferMin).max(receiveBufferMax).nullish(),
  heartbeat: z
    .strictObject({
      to: z.union([destinationSchema, z.array(destinationSchema).min(1).max(destinationsMax)]),
      every: durationBetween(heartbeatEveryMin, heartbeatEveryMax).nullish(),
    })
    .nullish(),
  channels: channelsSchema.nullish(),
});
type StationFile = z.output<typeof stationFileSchema>;

/** Reads everything that sets the station. Opens no socket and writes nothing. */
export function loadConfig(from: LoadConfig): Loaded {
  const asked = parseOptions(from.argv, from.version);
  if (asked.kind === 'say') return { ok: true, kind: 'say', text: asked.text };
  if (asked.kind === 'usage') return refused(exitUsage, [oneLine(`mauveserver: ${asked.fault}`)]);

  const { options } = asked;
  const file = readStationFile(from, options.config);
  if (!file.ok) return refused(exitConfig, file.faults);
  const channels = readChannels(from, file);
  if (!channels.ok) return refused(exitConfig, channels.faults);
  const udp = chosenAddress('udp', options.udp, from.env.MAUVE_UDP, file.value.udp ?? udpDefault);
  if (!udp.ok) return refused(udp.exitCode, [`mauveserver: ${udp.fault}`]);
  const web = chosenAddress('web', options.web, from.env.MAUVE_WEB, file.value.web ?? webDefault);
  if (!web.ok) return refused(web.exitCode, [`mauveserver: ${web.fault}`]);
  const policy = chosenPath(from.cwd, options.policy, from.env.MAUVE_POLICY, file, file.value.policy);
  return {
    ok: true,
    kind: options.check ? 'check' : 'run',
    config: {
      data: chosenData(from, options.data, file),
      policy: policy ?? from.defaultPolicy,
      udp: udp.address,
      web: web.address,
      ...onlyInFile(file.value),
      channels: channels.options,
      welcome: options.welcome,
    },
    warnings: channels.warnings,
  };
}

/** Where programs of the station's host look: options, environment and folder as in `LoadConfig`. */
export type Around = Pick<LoadConfig, 'env' | 'cwd' | 'readFile'>;

export type Located =
  | {
      readonly ok: true;
      readonly data: string;
      /** What the address of a page begins with, no slash at the end. */
      readonly page: string;
    }
  /** Sentences without a program's name, and the exit code after sysexits. */
  | { readonly ok: false; readonly exitCode: number; readonly faults: readonly string[] };

/**
 * Where a station keeps its data and shows its page, found as the station itself finds it: for programs beside it,
 * which need none of its passwords and may not be allowed to read them.
 */
export function locateStation(options: Pick<Options, 'config' | 'data' | 'web'>, from: Around): Located {
  const file = readStationFile(from, options.config);
  if (!file.ok) return { ok: false, exitCode: exitConfig, faults: file.faults };
  const web = chosenAddress('web', options.web, from.env.MAUVE_WEB, file.value.web ?? webDefault);
  if (!web.ok) return { ok: false, exitCode: web.exitCode, faults: [web.fault] };
  const page = file.value.base_url ?? defaultBaseUrl(web.address);
  return { ok: true, data: chosenData(from, options.data, file), page };
}

const udpDefault: Address = { host: '::', port: 32741 };
const webDefault: Address = { host: '127.0.0.1', port: 1288 };
const dataDefault = 'data';

/** What only the file can set. */
function onlyInFile(
  file: StationFile,
): Pick<StationConfig, 'baseUrl' | 'trustProxy' | 'logLevel' | 'receiveBuffer' | 'heartbeat'> {
  const { heartbeat } = file;
  const proxies = file.trust_proxy ?? 0;
  return {
    baseUrl: file.base_url ?? null,
    trustProxy: proxies === 0 ? false : typeof proxies === 'string' ? [proxies] : proxies,
    logLevel: file.log_level ?? 'info',
    receiveBuffer: file.receive_buffer ?? receiveBufferDefault,
    heartbeat: heartbeat ? { to: [heartbeat.to].flat(), every: heartbeat.every ?? heartbeatEvery } : null,
  };
}

type StationRead = {
  readonly ok: true;
  readonly value: StationFile;
  /** What relative paths in it are relative to. */
  readonly folder: string;
  /** A whole line that says where in the file something is wrong. */
  readonly fault: (path: Path, message: string) => string;
};
type Faults = { readonly ok: false; readonly faults: readonly string[] };

function readStationFile(from: Around, option: string | null): StationRead | Faults {
  const name = option ?? setting(from.env.MAUVE_CONFIG);
  if (name === null) return { ok: true, value: {}, folder: from.cwd, fault: (_, message) => message };
  const path = resolve(from.cwd, name);
  const read = from.readFile(path);
  if (!read.ok) return { ok: false, faults: [oneLine(`${name}: cannot be read: ${read.why}`)] };
  const file = parseYaml(name, read.text, stationFileSchema.nullable());
  if (!file.ok) return { ok: false, faults: file.faults.map(formatFault) };
  return {
    ok: true,
    value: file.value ?? {},
    folder: dirname(path),
    fault: (at, message) => formatFault(file.fault(at, message)),
  };
}

type Channels = {
  readonly ok: true;
  readonly options: ChannelOptions;
  readonly warnings: readonly string[];
};

function readChannels(from: Around, file: StationRead): Channels | Faults {
  const baseUrl = file.value.base_url ?? null;
  const read = channelOptions(file.value.channels ?? {}, {
    variable: (name) => setting(from.env[name]),
    read: (named) => from.readFile(resolve(file.folder, named)),
    baseUrl,
  });
  const line = (f: ChannelFinding): string =>
    file.fault(['channels', f.channel, ...f.key.split('.')], f.message);
  if (!read.ok) return { ok: false, faults: read.faults.map(line) };
  const warnings = read.warnings.map(line);
  const sends = Object.values(read.options).some((options) => options !== null);
  if (sends && baseUrl === null) {
    const message = 'base_url is not set: links in messages lead to this machine only as it sees itself';
    warnings.push(file.fault([], message));
  }
  return { ok: true, options: read.options, warnings };
}

function chosenPath(
  cwd: string,
  option: string | null,
  variable: string | undefined,
  file: StationRead,
  written: string | null | undefined,
): string | null {
  const given = option ?? setting(variable);
  if (given !== null) return resolve(cwd, given);
  return typeof written === 'string' ? resolve(file.folder, written) : null;
}

const chosenData = (from: Around, option: string | null, file: StationRead): string =>
  chosenPath(from.cwd, option, from.env.MAUVE_DATA, file, file.value.data) ?? resolve(from.cwd, dataDefault);

type Chosen =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly exitCode: number; readonly fault: string };

function chosenAddress(
  name: 'udp' | 'web',
  option: string | null,
  variable: string | undefined,
  otherwise: Address,
): Chosen {
  const given = option ?? setting(variable);
  if (given === null) return { ok: true, address: otherwise };
  const parsed = parseAddress(given);
  if (parsed.ok) return parsed;
  const where = option === null ? `MAUVE_${name.toUpperCase()}` : `--${name}`;
  return {
    ok: false,
    exitCode: option === null ? exitConfig : exitUsage,
    fault: oneLine(`${where}: ${parsed.why}`),
  };
}

/** An empty variable is one that is not set: that is how service files and shells unset them. */
const setting = (variable: string | undefined): string | null =>
  variable === undefined || variable === '' ? null : variable;

const refused = (exitCode: number, faults: readonly string[]): Loaded => ({ ok: false, exitCode, faults });

/** Where the page is, as this machine sees it: for links, where the file names no base_url. @param bound the port really taken. */
export function defaultBaseUrl(bound: Address): string {
  const anywhere = bound.host === '::' || bound.host === '0.0.0.0';
  return `http://${formatAddress(anywhere ? { ...bound, host: 'localhost' } : bound)}`;
}
