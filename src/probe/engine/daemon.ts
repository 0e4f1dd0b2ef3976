/**
 * One scamper at the other end of a socket: hands over tasks, finds the task of
 * each answer, and starts the engine again when it dies, falls silent or talks
 * nonsense. What was in flight then is `engine-lost`: nothing was measured.
 */
import type { Logger } from '../../log.ts';
import {
  type Cancel,
  type Clock,
  type Duration,
  type Instant,
  milliseconds,
  plus,
  Steady,
  seconds,
  since,
} from '../../time.ts';
import type { Answer } from './engine.ts';
import { type LaneLimits, Lanes } from './lanes.ts';
import { Life, type RestartWaits } from './restarts.ts';
import { parseJson, type Span, userOf } from './scamper-answers.ts';
import { type Acknowledged, Connection } from './scamper-connection.ts';
import type { Host, Started } from './supervisor.ts';

export const lost = (detail: string): { ok: false; why: 'engine-lost'; detail: string } => ({
  ok: false,
  why: 'engine-lost',
  detail,
});

/** A task as the daemon sees it. */
export type Work<T> = {
  readonly address: string;
  readonly command: (user: number) => string;
  /** The longest that an engine that works can take. */
  readonly most: Duration;
  readonly read: (answer: unknown, span: Span) => Answer<T>;
  /** It did not take the command, as where there is no route from here. */
  readonly refused: (why: string, at: Instant) => Answer<T>;
};

export type DaemonOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly host: Host;
  readonly socket: string;
  readonly limits?: LaneLimits;
  readonly restarts?: RestartWaits;
  /** How often it is seen whether the engine answers. */
  readonly pulse?: Duration;
};

const laneLimits: LaneLimits = { window: 1000, waiting: 20_000, waitingEach: 2 };
/**
 * The buffer of the engine's socket holds some 160 answers on a stock kernel. An
 * engine that was kept from running for a moment sends all at once what came
 * meanwhile, before it reads: more answers would be dropped, and show as loss.
 */
const freshMax = 50;
const freshTime = milliseconds(250);
/** While it does not start, an answer takes so long: nobody shall try in circles. */
const lostPause = seconds(1);
/** What comes in the time after an engine was told to give up a task. */
const haltMax = seconds(10);
const userMax = 0xffff_ffff;
const closedWords = 'the engine is closed';

type Job = {
  readonly address: string;
  readonly work: Work<unknown>;
  readonly answer: (answer: Answer<unknown>) => void;
  user: number;
  /** Scamper's own number, once it has said so. */
  id: number | null;
  from: Instant;
  /** Nobody waits for it any more; its lane is busy until the engine has given it up. */
  over: boolean;
  cancel: Cancel;
};

export class Daemon {
  private readonly options: DaemonOptions;
  private readonly lanes: Lanes<Job>;
  private readonly life: Life;
  private readonly inFlight = new Map<number, Job>();
  /** Those of which the first answer may still be on its way into the engine's buffer, and when it took them. */
  private readonly fresh = new Map<Job, Instant | null>();
  private readonly steady: Steady;
  /** A look for room is to come. */
  private looks = false;
  private connection: Connection | null = null;
  private users = 0;
  /** The engine's process; null where it is somebody else's. */
  pid: number | null = null;

  constructor(options: DaemonOptions) {
    this.options = options;
    this.lanes = new Lanes(options.limits ?? laneLimits);
    this.steady = new Steady(options.clock);
    this.life = new Life(options, () => void this.start());
  }

  /** Resolves after the first try: null, or why it does not work. It goes on trying all the same. */
  open(): Promise<string | null> {
    return this.life.open();
  }

  problem(): string | null {
    return this.life.trouble;
  }

  run<T>(work: Work<T>): Promise<Answer<T>> {
    return new Promise((resolve) => {
      const { clock } = this.options;
      if (this.life.state === 'closed') {
        resolve(lost(closedWords));
        return;
      }
      if (this.life.state === 'failing') {
        clock.after(lostPause, () => resolve(lost(this.life.trouble ?? 'the engine does not work')));
        return;
      }
      const job: Job = {
        address: work.address,
        work: work as Work<unknown>,
        answer: resolve as (answer: Answer<unknown>) => void,
        user: 0,
        id: null,
        from: clock.now(),
        over: false,
        cancel: () => undefined,
      };
      if (this.lanes.add(job)) this.handOver();
      else resolve({ ok: false, why: 'refused', detail: 'too many tasks wait for the engine' });
    });
  }

  private handOver(): void {
    while (this.life.state === 'up' && this.hasRoom()) {
      const job = this.lanes.next();
      if (job === null) return;
      this.send(job);
    }
  }

  /** Whether one more may follow; looked for again when the next has had its time. One timer for all, and none while there is room. */
  private hasRoom(): boolean {
    if (this.fresh.size < freshMax) return true;
    const now = this.steady.now();
    let next: Instant | null = null;
    for (const [job, taken] of this.fresh) {
      if (taken === null) continue;
      const until = plus(taken, freshTime);
      if (until <= now) this.fresh.delete(job);
      else if (next === null || until < next) next = until;
    }
    if (this.fresh.size < freshMax) return true;
    if (next !== null && !this.looks) {
      this.looks = true;
      this.options.clock.after(since(now, next), () => {
        this.looks = false;
        this.handOver();
      });
    }
    return false;
  }

  private send(job: Job): void {
    this.users = this.users >= userMax ? 1 : this.users + 1;
    job.user = this.users;
    job.from = this.options.clock.now();
    job.cancel = this.options.clock.after(job.work.most, () => this.giveUp(job));
    this.inFlight.set(job.user, job);
    this.fresh.set(job, null);
    this.connection?.say(job.work.command(job.user), (said) => this.acknowledged(job, said));
  }

  /** The engine has had all the time that it can need: it is told to stop, and if that does not help it is ended. */
  private giveUp(job: Job): void {
    job.over = true;
    job.answer(lost('the engine gave no answer in time'));
    if (job.id !== null) this.connection?.say(`halt ${job.id}`);
    job.cancel = this.options.clock.after(haltMax, () => this.died('it holds on to a task'));
  }

  private end(job: Job, answer: Answer<unknown>): void {
    // What comes twice, or is taken back after its answer, ends it once.
    if (!this.inFlight.delete(job.user)) return;
    this.fresh.delete(job);
    job.cancel();
    if (!job.over) job.answer(answer);
    this.lanes.ended(job.address);
  }

  private acknowledged(job: Job, said: Acknowledged): void {
    if (said.taken) {
      job.id = said.id;
      if (this.fresh.has(job)) this.fresh.set(job, this.steady.now());
    } else this.end(job, job.work.refused(said.why, this.options.clock.now()));
  }

  private answered(text: string): void {
    const answer = parseJson(text);
    const user = userOf(answer);
    const job = user === null ? undefined : this.inFlight.get(user);
    if (job === undefined) {
      // Its first words on every connection are of another kind.
      if (answer === null || user !== null)
        this.options.log.warn({ bytes: text.length }, 'an answer to no task');
      return;
    }
    this.end(job, job.work.read(answer, { from: job.from, to: this.options.clock.now() }));
  }

  private async start(): Promise<void> {
    const { host } = this.options;
    let started: Started;
    try {
      started = await host.start();
    } catch (error) {
      started = { ok: false, why: error instanceof Error ? error.message : 'it cannot be started' };
    }
    if (this.life.state === 'closed') return;
    if (started.ok) {
      this.pid = started.pid;
      this.connect();
    } else this.died(`it does not start: ${started.why}`);
  }

  private connect(): void {
    const { clock, socket, pulse } = this.options;
    this.connection = new Connection({
      clock,
      path: socket,
      ...(pulse === undefined ? {} : { pulse }),
      busy: () => this.inFlight.size > 0,
      data: (text) => this.answered(text),
      pause: () => this.handOver(),
      lost: (why) => this.died(why),
    });
    this.connection.say('attach format json', (said) => {
      if (said.taken) this.life.up();
      else this.died(`it does not let us in: ${said.why}`);
    });
  }

  private died(why: string): void {
    this.life.died(why, (worked) => {
      this.letGo();
      if (!worked) this.drain();
    });
  }

  private drain(): void {
    for (const job of this.lanes.drain()) job.answer(lost(this.life.trouble ?? closedWords));
  }

  /** Drops the connection, and answers for all that was in flight. */
  private letGo(): void {
    this.connection?.close();
    this.connection = null;
    for (const job of [...this.inFlight.values()]) this.end(job, lost(this.life.trouble ?? closedWords));
  }

  async close(): Promise<void> {
    const wasOpen = this.life.close(() => {
      this.letGo();
      this.drain();
    });
    if (wasOpen) await this.options.host.close();
  }
}
