/**
 * The process of mtr-packet: a line goes in for each probe, a line comes out for
 * what became of it. It is started again when it dies, falls silent or talks
 * nonsense; the probes in flight are then lost with it, and say so.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from '../../log.ts';
import { type Cancel, type Clock, type Duration, type Instant, milliseconds, seconds } from '../../time.ts';
import { type Came, lineMax, type Probe, probeCommand, readLine, tokenMax } from './mtr-lines.ts';
import { isRoot, type Owner } from './privilege.ts';
import { Life, type RestartWaits } from './restarts.ts';

export type MtrOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Absolute path of the program. */
  readonly program: string;
  /** Whom it runs as, from its start: root's processes cannot be ended by an agent that has left root. Null: as the agent. */
  readonly owner: Owner | null;
  readonly restarts?: RestartWaits;
  /** What a busy machine may add to a probe's own timeout. */
  readonly slack?: Duration;
};

/** It holds 1,024. */
export const windowMax = 1000;
/**
 * Of these so many may be young: more answers than some 160 at once do not fit
 * into its socket's buffer on a stock kernel, and would show as loss.
 */
const freshMax = 75;
const freshTime = milliseconds(100);
/** More would be older than their interval when their turn comes. */
const waitingMax = 20_000;
const slack = seconds(5);
/** While it does not start, an answer takes so long: nobody shall try in circles. */
const lostPause = seconds(1);
const startMax = seconds(5);

export type Outcome = Came | { readonly kind: 'lost'; readonly why: string } | { readonly kind: 'too-many' };
/** @param at when it was sent */
export type Heard = (outcome: Outcome, at: Instant) => void;

type Waiting = { readonly probe: Probe; readonly heard: Heard };
type InFlight = Waiting & { readonly at: Instant; readonly cancel: Cancel };

export class MtrProcess {
  private readonly options: MtrOptions;
  private readonly life: Life;
  private readonly inFlight = new Map<number, InFlight>();
  private readonly waiting: Waiting[] = [];
  private readonly fresh = new Set<number>();
  private child: ChildProcess | null = null;
  /** The beginning of a line. */
  private held = '';
  private token = 0;
  private cancelStart: Cancel = () => undefined;

  constructor(options: MtrOptions) {
    this.options = options;
    this.life = new Life(options, () => this.start());
  }

  /** Resolves after the first try: null, or why it does not work. It goes on trying all the same. */
  open(): Promise<string | null> {
    return this.life.open();
  }

  problem(): string | null {
    return this.life.trouble;
  }

  pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Calls `heard` once, never before it returns. */
  send(probe: Probe, heard: Heard): void {
    const { clock } = this.options;
    const soon = (outcome: Outcome): void => queueMicrotask(() => heard(outcome, clock.now()));
    const lost: Outcome = { kind: 'lost', why: this.life.trouble ?? 'the engine does not work' };
    if (this.life.state === 'closed') soon(lost);
    else if (this.life.state === 'failing') clock.after(lostPause, () => heard(lost, clock.now()));
    else if (this.waiting.length >= waitingMax) soon({ kind: 'too-many' });
    else {
      this.waiting.push({ probe, heard });
      this.pump();
    }
  }

  private start(): void {
    // A group of its own: a Ctrl-C is for the agent, which then ends it in order.
    const { program, owner } = this.options;
    const user = isRoot() ? owner : null;
    const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'ignore'], detached: true, ...user });
    this.child = child;
    this.held = '';
    const dies = (why: string) => (): void => {
      if (this.child === child) this.died(why);
    };
    child.on('error', dies('it cannot be started'));
    child.on('exit', dies('it has ended'));
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      if (this.child === child) this.listen(chunk.toString('latin1'));
    });
    this.write(`${this.nextToken()} check-support feature send-probe`);
    this.cancelStart = this.options.clock.after(startMax, dies('it says nothing'));
  }

  private nextToken(): number {
    this.token = this.token >= tokenMax ? 1 : this.token + 1;
    return this.token;
  }

  private write(line: string): void {
    this.child?.stdin?.write(`${line}\n`);
  }

  private listen(text: string): void {
    const lines = (this.held + text).split('\n');
    this.held = lines.pop() ?? '';
    for (const line of lines) this.hear(line);
    if (this.held.length > lineMax) this.died('it talks nonsense');
    this.pump();
  }

  private hear(line: string): void {
    const read = readLine(line);
    if (read === null) {
      const shown = line.slice(0, 80).replace(/[^\x20-\x7e]/g, '?');
      this.options.log.warn({ line: shown }, 'a line of no sense from mtr-packet');
    } else if ('came' in read) this.came(read.token, read.came);
    else if (read.feature !== 'ok') this.died('it may not send probes');
    else if (this.life.state !== 'up') {
      this.cancelStart();
      this.life.up();
    }
  }

  private came(token: number, came: Came): void {
    const probe = this.inFlight.get(token);
    if (probe === undefined) return;
    this.inFlight.delete(token);
    this.fresh.delete(token);
    probe.cancel();
    if (came.kind === 'full') this.waiting.unshift(probe);
    else probe.heard(came, probe.at);
  }

  private pump(): void {
    const { clock } = this.options;
    while (this.life.state === 'up' && this.inFlight.size < windowMax && this.fresh.size < freshMax) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      const token = this.nextToken();
      const most = milliseconds(seconds(next.probe.waitSeconds) + (this.options.slack ?? slack));
      // It ends every probe by that probe's own timeout; where it does not, it is stuck as a whole.
      const cancel = clock.after(most, () => this.died('it does not answer'));
      this.inFlight.set(token, { ...next, at: clock.now(), cancel });
      this.fresh.add(token);
      clock.after(freshTime, () => this.settled(token));
      this.write(probeCommand(next.probe, token));
    }
  }

  private settled(token: number): void {
    if (this.fresh.delete(token)) this.pump();
  }

  private died(why: string): void {
    this.life.died(why, (worked) => this.letGo(!worked));
  }

  /** Ends the process, and answers for what was in flight; for what waits, too, where it does not start. */
  private letGo(all: boolean): void {
    this.cancelStart();
    const { child } = this;
    this.child = null;
    child?.kill('SIGKILL');
    const gone: Waiting[] = [...this.inFlight.values()];
    for (const probe of this.inFlight.values()) probe.cancel();
    this.inFlight.clear();
    this.fresh.clear();
    if (all) gone.push(...this.waiting.splice(0));
    const now = this.options.clock.now();
    for (const probe of gone) probe.heard({ kind: 'lost', why: this.life.trouble ?? '' }, now);
  }

  async close(): Promise<void> {
    const { child } = this;
    const runs = child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
    const ended = new Promise<void>((resolve) => (runs ? child.once('exit', () => resolve()) : resolve()));
    if (this.life.close(() => this.letGo(true))) await ended;
  }
}
