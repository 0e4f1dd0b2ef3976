/**
 * What a person sees: a live table where stdout is a terminal; otherwise a line
 * for each trace and each verdict, and the table once at the end. The terminal
 * is given back as it was, however the program ends.
 */
import { writeSync } from 'node:fs';
import type { Logger } from '../log.ts';
import { type Cancel, type Clock, rfc3339, seconds } from '../time.ts';
import type { Agent } from './agent.ts';
import type { VerdictChange } from './core/judge.ts';
import type { Engine } from './engine/engine.ts';
import type { ProbeRecord } from './records.ts';
import { type Row, tableLines } from './table.ts';
import type { Targets } from './targets.ts';
import type { NameChange } from './unresolved.ts';
import type { Watched } from './watched.ts';

const drawEvery = seconds(1);
const notesMax = 5;
const widthMin = 20;
/** Where stdout is no terminal, the table at the end is as wide as it likes. */
const widthPiped = 200;
const stdoutNumber = 1;

const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const restOfLine = '\u001b[K';
const restOfScreen = '\u001b[J';

export type Terminal = {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
};

export type ScreenOptions = {
  readonly agent: Agent;
  readonly targets: Targets;
  readonly engine: Engine;
  readonly terminal: Terminal;
  readonly clock: Clock;
};

export type Screen = {
  readonly hear: (record: ProbeRecord) => void;
  /** A line for people that is no record, such as a warning of the log. */
  readonly note: (line: string) => void;
  /** Gives the terminal back, and leaves the table there. */
  readonly end: () => void;
};

export function openScreen(options: ScreenOptions): Screen {
  return options.terminal.isTTY ? openLive(options) : openPlain(options);
}

function openLive({ agent, targets, engine, terminal, clock }: ScreenOptions): Screen {
  const notes: string[] = [];
  let timer: Cancel = () => undefined;
  let ended = false;
  const draw = (): void => {
    if (ended) return;
    const lines = tableLines({
      rows: rowsOf(agent, clock),
      notes: notesOf(targets, engine, notes),
      columns: Math.max(widthMin, terminal.columns),
      lines: terminal.rows,
    });
    terminal.write(`${home}${lines.map((line) => `${line}${restOfLine}\n`).join('')}${restOfScreen}`);
  };
  const tick = (): void => {
    draw();
    timer = clock.after(drawEvery, tick);
  };
  const restore = (): void => {
    if (!ended) writeNow(leave);
  };
  terminal.write(enter);
  terminal.on('resize', draw);
  // Also where the program ends by a mistake: nothing else runs then.
  process.once('exit', restore);
  tick();
  return {
    hear: () => undefined,
    note: (line) => {
      notes.push(line);
      if (notes.length > notesMax) notes.shift();
    },
    end: () => {
      if (ended) return;
      timer();
      ended = true;
      process.off('exit', restore);
      const view = { rows: rowsOf(agent, clock), notes: notesOf(targets, engine, notes), lines: null };
      const lines = tableLines({ ...view, columns: Math.max(widthMin, terminal.columns) });
      terminal.write(`${leave}${lines.join('\n')}\n`);
    },
  };
}

function openPlain({ agent, targets, engine, terminal, clock }: ScreenOptions): Screen {
  return {
    hear: (record) => {
      const line = lineOf(record);
      if (line !== null) terminal.write(`${line}\n`);
    },
    note: (line) => void terminal.write(`${line}\n`),
    end: () => {
      const view = { rows: rowsOf(agent, clock), notes: notesOf(targets, engine, []), lines: null };
      terminal.write(`${tableLines({ ...view, columns: widthPiped }).join('\n')}\n`);
    },
  };
}

function writeNow(text: string): void {
  try {
    writeSync(stdoutNumber, text);
  } catch {
    // The terminal is gone.
  }
}

const rowsOf = (agent: Agent, clock: Clock): readonly Row[] => {
  const now = clock.now();
  return [...agent.watched()].map((watched) => rowOf(watched, now));
};

function rowOf(watched: Watched, now: ReturnType<Clock['now']>): Row {
  return {
    target: watched.target.word,
    address: watched.address,
    summary: () => watched.summary(now),
    hops: watched.traced?.hops ?? null,
    end: watched.traced?.end ?? '',
    verdicts: watched.raised,
  };
}

function notesOf(targets: Targets, engine: Engine, notes: readonly string[]): readonly string[] {
  const found: string[] = [];
  const problem = engine.problem();
  if (problem !== null) found.push(`engine: ${problem}`);
  for (const { target, problem: why } of targets.list()) {
    if (why !== null) found.push(`${target.word}: ${why}`);
  }
  return [...found, ...notes].slice(0, notesMax);
}

/** A record for people, on one line; null for what would be too much. */
function lineOf(record: ProbeRecord): string | null {
  const { target } = record;
  if (record.kind === 'name') return changeLine(target.word, record.change);
  const { address } = record;
  const about = target.word === address ? address : `${target.word} (${address})`;
  if (record.kind === 'trace') {
    const { at, end, hops, said } = record.trace;
    const last = hops.at(-1);
    const delay = last?.probes.find(({ rtt }) => rtt !== null)?.rtt ?? null;
    const how = end === 'reached' && delay !== null ? `${delay.toFixed(2)} ms` : `${end} ${said}`.trim();
    return `${rfc3339(at)} ${about}: ${last?.ttl ?? 0} hops, ${how}`;
  }
  return record.kind === 'verdict' ? changeLine(about, record.change) : null;
}

function changeLine(about: string, { at, verdict, state, summary }: VerdictChange | NameChange): string {
  return `${rfc3339(at)} ${about}: ${verdict} ${state}: ${summary}`;
}

/** A log whose warnings appear below the table: written to the terminal as ever, they would tear it. */
export function screenLog(note: (line: string) => void): Logger {
  const say = (...args: readonly unknown[]): void => {
    const text = args.filter((arg) => typeof arg === 'string').join(' ');
    const [details] = args;
    const values = typeof details === 'object' && details !== null ? Object.values(details) : [];
    note([text, ...values.map(String)].join(' '));
  };
  return { debug: () => undefined, info: () => undefined, warn: say, error: say };
}
