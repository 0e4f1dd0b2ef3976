/**
 * `mauveprobe`: puts the probe together, and takes it down in good order.
 * Nothing is decided here; this file only knows who needs whom.
 */
import { hostname } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { type Logger, openLog } from '../log.ts';
import { newTransmissionId, send } from '../send/sender.ts';
import { formatAddress, type Address as Listening } from '../station/address.ts';
import { readLocalFile } from '../station/local-file.ts';
import { oneLine } from '../station/yaml-file.ts';
import { milliseconds, seconds, systemClock } from '../time.ts';
import { Agent } from './agent.ts';
import { type Loaded, loadConfig, type ProbeConfig } from './config.ts';
import { openControl } from './control.ts';
import { hashOf } from './core/chance.ts';
import { chooseEngine } from './engine/choose.ts';
import type { Engine } from './engine/engine.ts';
import { JsonLines } from './json-lines.ts';
import { openMetrics } from './metrics.ts';
import type { Self } from './metrics-text.ts';
import { Names, systemReverse } from './names.ts';
import { type Leaving, leaveRoot, unlessNeeded, whoToBecome } from './owner.ts';
import { Reload } from './reload.ts';
import { openScreen, type Screen, screenLog } from './screen.ts';
import { AlertSender, settleFor } from './send.ts';
import { State } from './state.ts';
import { behindLinks, lockState } from './state-lock.ts';
import { readState } from './state-read.ts';
import { systemLookup, Targets } from './targets.ts';
import type { Watched } from './watched.ts';

const exit = { good: 0, bug: 70, unknownHost: 68, unavailable: 69 } as const;
/** How long an orderly end may take before the process ends all the same. */
const stopMax = seconds(10);
const sendsEndWithin = seconds(5);
const finishedLook = milliseconds(100);
/** For the system's resolver: silent name servers are given up after some 4 s instead of 10 s and more. */
const resolverOptions = 'timeout:2 attempts:2';
const clock = systemClock;

/** A reason not to start: a text for stderr. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

const load = (): Loaded =>
  loadConfig({
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    host: hostname(),
    version: process.env.MAUVE_VERSION ?? 'development',
    readFile: readLocalFile,
  });

/** An end that undoes what was opened, the latest first. */
class Endings {
  readonly #all: (() => Promise<void> | void)[] = [];

  add(end: () => Promise<void> | void): void {
    this.#all.unshift(end);
  }

  async run(): Promise<void> {
    for (const end of this.#all) await end();
  }
}

type Face = {
  readonly log: Logger;
  /** Once the agent is there to be shown. */
  readonly show: (agent: Agent, targets: Targets, engine: Engine, names: Names) => Screen | null;
};

/** What people or programs see on stdout; on a live table the log has a place of its own. */
function faceOf(config: ProbeConfig): Face {
  const log = openLog(config.logLevel, 'probe');
  if (config.json) {
    return {
      log,
      show: (agent, _targets, _engine, names) => {
        const lines = new JsonLines(process.stdout, names, log);
        agent.listen((record) => lines.hear(record));
        return null;
      },
    };
  }
  let screen: Screen | null = null;
  const torn = process.stdout.isTTY && process.stderr.isTTY;
  return {
    log: torn ? screenLog((line) => screen?.note(line)) : log,
    show: (agent, targets, engine) => {
      const { stdout } = process;
      screen = openScreen({ agent, targets, engine, clock, terminal: stdout });
      agent.listen(screen.hear);
      return screen;
    },
  };
}

/** Opens what others connect to; an address that is taken ends the start only where somebody asked for that address. */
async function listening<T extends { readonly address: Listening; close(): Promise<void> }>(
  what: string,
  listen: ProbeConfig['control'],
  open: (at: Listening) => Promise<T>,
  { log, endings }: { readonly log: Logger; readonly endings: Endings },
): Promise<void> {
  if (listen === null) return;
  const where = formatAddress(listen.at);
  try {
    const opened = await open(listen.at);
    endings.add(() => opened.close());
    log.info({ at: formatAddress(opened.address) }, `${what} is open`);
  } catch (error) {
    const why = listenWords(error);
    if (listen.asked)
      throw new Refusal(exit.unavailable, `mauveprobe: ${what} cannot be at ${where}: ${why}\n`);
    log.warn({ at: where, reason: why }, `${what} is off`);
  }
}

function listenWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'EADDRINUSE':
      return 'the address is taken';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'EACCES':
      return 'this user may not listen there';
    case 'EAFNOSUPPORT':
      return 'this machine does not speak IPv6';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

type Opened = { readonly engine: Engine; readonly needOfRoot: string | null };

async function openEngine(config: ProbeConfig, { owner }: Leaving, log: Logger): Promise<Opened> {
  const chosen = await chooseEngine({ choice: config.engine, clock, log, owner });
  if (chosen.ok) return chosen;
  throw new Refusal(exit.unavailable, oneLine(`mauveprobe: ${chosen.say}`).concat('\n'));
}

type Known = { readonly agent: Agent; readonly targets: Targets };

function openState(path: string | null, known: () => Known, log: Logger): State | null {
  if (path === null) return null;
  const read = readState(path);
  if (read.warning !== null) log.warn(read.warning);
  const watched = (): Iterable<Watched> => known().agent.watched();
  return new State({ path, watched, names: () => known().targets.names(), clock, log }, read);
}

function openSender(config: ProbeConfig, { agent, targets }: Known, names: Names, log: Logger): AlertSender {
  const longest = Math.max(0, ...config.targets.map(({ traceEvery }) => traceEvery));
  return new AlertSender({
    source: config.name,
    destinations: config.to,
    fullEvery: config.fullEvery,
    firstFull: settleFor(config.fullEvery, milliseconds(longest)),
    heartbeat: config.heartbeat,
    send: (datagram, destinations) => send(datagram, destinations, clock),
    newId: newTransmissionId,
    nameOf: (address) => names.of(address),
    raised: () => [...agent.standing(), ...targets.standing()],
    clock,
    log,
  });
}

/** What this process uses of the machine. */
function selfNow(): Self {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpu: (user + system) / 1e6, rss, heap: heapUsed, startedAt: started };
}
const started = clock.now();

/** Runs the probe until it is told to end, or has done its rounds. */
async function run(config: ProbeConfig): Promise<void> {
  const endings = new Endings();
  const { log, show } = faceOf(config);
  const stateFile = config.state === null ? null : behindLinks(config.state);
  const leaving = whoToBecome({ ...config, state: stateFile }, log);
  if ('fault' in leaving) throw new Refusal(exit.unavailable, `mauveprobe: --user: ${leaving.fault}\n`);
  if (stateFile !== null) {
    const lock = lockState(stateFile, log);
    if ('fault' in lock)
      throw new Refusal(exit.unavailable, oneLine(`mauveprobe: ${lock.fault}`).concat('\n'));
    endings.add(() => lock.release());
  }
  const names = new Names(systemReverse(), clock);
  const { engine, needOfRoot } = await openEngine(config, leaving, log);
  endings.add(() => engine.close());
  const state = openState(stateFile, () => ({ agent, targets }), log);
  const { rate, rounds, timeout, retries, maxHops } = config;
  const agent: Agent = new Agent({
    engine,
    clock,
    log,
    rate,
    seed: hashOf(config.name),
    rounds,
    tracing: { timeout, retries, maxHops },
    recall: (address) => state?.recall(address) ?? null,
    keep: (address, saved) => state?.keep(address, saved),
  });
  const targets: Targets = new Targets({
    lookup: systemLookup,
    recall: (host) => state?.recallName(host) ?? null,
    keep: (host, known) => state?.keepName(host, known),
    clock,
    log,
    onOwner: (address, target) => (target === null ? agent.unwatch(address) : agent.watch(address, target)),
    onName: (target, change) => agent.tell({ kind: 'name', target, change }),
  });
  const reload = new Reload({ config, load, targets, log, sender: () => sender });
  const sender = openSender(config, { agent, targets }, names, log);
  agent.listen((record) => sender.hear(record));
  const shared = { agent, targets, clock, log };
  try {
    const fresh = (): ProbeConfig['fresh'] => reload.config.fresh;
    const ends = { log, endings };
    await listening(
      'the control socket',
      config.control,
      (at) => openControl(at, { ...shared, fresh }),
      ends,
    );
    await listening(
      'the page of metrics',
      config.metrics,
      (at) => openMetrics(at, { ...shared, engine, self: selfNow }),
      ends,
    );
    leaveRoot(unlessNeeded(leaving, needOfRoot, log), log);
  } catch (error) {
    await endings.run();
    throw error;
  }
  const screen = show(agent, targets, engine, names);
  if (state !== null) endings.add(() => state.stop());
  endings.add(() => sender.stop(sendsEndWithin));
  endings.add(() => {
    targets.stop();
    agent.stop();
    screen?.end();
  });
  onHangUp = () => reload.again();
  reload.start();
  state?.start();
  sender.start();
  agent.start();
  log.info({ engine: engine.name, targets: config.targets.length, name: config.name }, 'the probe is ready');
  await ended(config, agent, targets);
  const late = clock.after(stopMax, () => process.exit(exit.bug));
  await endings.run();
  late();
  process.exitCode = rounds !== null && agent.size === 0 ? exit.unknownHost : exit.good;
}

/** Resolves when a signal says so, when the reader is gone and nothing else is to be done, or when all rounds are done. */
function ended(config: ProbeConfig, agent: Agent, targets: Targets): Promise<void> {
  // The clock's timers keep no process alive, and the sockets may all be off.
  const { port1: alive } = new MessageChannel();
  alive.on('message', () => undefined);
  return new Promise((resolve) => {
    const end = (): void => {
      alive.close();
      resolve();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
    process.stdout.on('error', () => config.to.length === 0 && end());
    if (config.rounds === null) return;
    const look = (): void => {
      if (targets.settled() && agent.finished()) end();
      else clock.after(finishedLook, look);
    };
    look();
  });
}

async function main(): Promise<void> {
  const loaded = load();
  if (!loaded.ok) throw new Refusal(loaded.exitCode, loaded.text);
  if (loaded.kind === 'say') process.stdout.write(loaded.text);
  if (loaded.kind === 'run') await run(loaded.config);
}

// Asked to read its file again while it is only starting, the probe must not die of it.
let onHangUp: () => void = () => undefined;
process.on('SIGHUP', () => onHangUp());
process.title = 'mauveprobe';
process.env.RES_OPTIONS ??= resolverOptions;
// Who started the probe may no longer listen to it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

function refused(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(error.message);
  process.exitCode = error.code;
  process.stderr.write('', () => process.exit());
}

// What an engine or a look-up still has open at the end does not matter any more.
main().then(() => process.stdout.write('', () => process.exit()), refused);
