/**
 * One run: feeds the same inputs to the real station and to the naive model,
 * lets time pass for both, and has the judge compare them every few minutes.
 */
import { rmSync } from 'node:fs';
import type { AlertKey } from '../../src/station/core/alert.ts';
import type { Policy } from '../../src/station/core/policy.ts';
import type { Event } from '../../src/station/door.ts';
import type { SilenceId } from '../../src/station/store/store.ts';
import { instant, milliseconds } from '../../src/time.ts';
import type { AlertUpdate } from '../../src/wire/update.ts';
import { Activity, WorldClock } from './clock.ts';
import type { Fault } from './faults.ts';
import { Host } from './host.ts';
import type { Input } from './input.ts';
import { type Disagreement, Judge } from './judge.ts';
import { Model } from './model.ts';
import type { SaidUpdate } from './naive.ts';
import { idFor, type OwnReport, ownSource } from './own.ts';
import { Providers } from './providers.ts';
import type { NaivePolicy } from './rules.ts';
import { drained, folderFor, type Stage } from './stage.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
/** How often both are compared. */
const passEvery = 60 * minute;
/** Copies that a set clock lets in again are not sent: the memory of transmissions goes by that clock. */
const copiesLast = 205_000;

export type RunOptions = {
  readonly stage: Stage;
  readonly seed: number;
  readonly from: number;
  readonly until: number;
  readonly fault: Fault | null;
  /** Whether to go on after the inputs until all is sent. */
  readonly drain: boolean;
  readonly onDay?: (done: Progress) => void;
};

export type Progress = { readonly at: number; readonly events: number; readonly messages: number };

export type Outcome = {
  readonly events: number;
  readonly messages: number;
  readonly transactions: number;
  /** Of all that history says. */
  readonly digest: number;
  readonly disagreements: readonly Disagreement[];
};

/** @param days inputs in the order of their times. */
export async function run(options: RunOptions, days: Iterable<readonly Input[]>): Promise<Outcome> {
  const folder = folderFor('data');
  const life = new Life(folder, options);
  try {
    return await life.live(days);
  } finally {
    life.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Life {
  private readonly folder: string;
  private readonly options: RunOptions;
  private readonly clock: WorldClock;
  private readonly activity = new Activity();
  private readonly providers: Providers;
  private readonly host: Host;
  private readonly model: Model;
  private readonly bugs: Disagreement[] = [];
  private judge: Judge | null = null;
  private policy = 0;
  private startsAt: number | null;
  private nextPass: number;
  private jumpedAt = Number.NEGATIVE_INFINITY;
  private events = 0;
  private commits = 0;
  private readonly keys = new Map<string, AlertKey>();
  private readonly silences = new Map<string, SilenceId>();

  constructor(folder: string, options: RunOptions) {
    const { from, seed, fault } = options;
    this.folder = folder;
    this.options = options;
    this.clock = new WorldClock(from);
    this.providers = new Providers(seed, this.clock, this.activity);
    this.startsAt = from;
    this.nextPass = from + passEvery;
    this.model = new Model(this.naiveNow(), from);
    this.host = new Host({
      folder,
      fault,
      clock: this.clock,
      activity: this.activity,
      providers: this.providers,
      onError: (text) => this.complain('an error in the log', 'none', text),
    });
  }

  close(): void {
    this.judge?.close();
  }

  async live(days: Iterable<readonly Input[]>): Promise<Outcome> {
    for (const inputs of days) {
      for (let i = 0; i < inputs.length; ) {
        const [first] = inputs.slice(i, i + 1);
        if (first === undefined) break;
        const together = [first];
        while (first.kind === 'datagram' && inputs[i + together.length]?.at === first.at) {
          const next = inputs[i + together.length];
          if (next?.kind !== 'datagram') break;
          together.push(next);
        }
        i += together.length;
        await this.advance(first.at);
        if (this.disagreements().length > 0) return this.outcome();
        await this.take(together);
      }
      this.options.onDay?.({ at: this.clock.now, events: this.events, messages: this.judge?.messages ?? 0 });
    }
    await this.advance(this.options.until);
    if (this.options.drain && this.disagreements().length === 0) {
      this.providers.healed = true;
      await this.endAll();
      await this.advance(this.options.until + drained);
      this.judge?.delivery.leftOver(
        this.clock.wall() - 2 * day,
        this.model.currentPolicy(),
        this.clock.wall(),
      );
    }
    return this.outcome();
  }

  /** Every source says that all is well, for good. */
  private async endAll(): Promise<void> {
    const { clock, model, host } = this;
    while (!host.alive && this.startsAt !== null) await this.advance(this.startsAt);
    const sources = [...new Set(model.list.map(({ source }) => source))].filter((one) => one !== ownSource);
    const said = { subject: '', summary: '', detail: '', importance: 0, raise: 0, suppress: 0 };
    const clear = Math.floor(clock.wall() / 1000) * 1000;
    const updates = sources.map((source, i): SaidUpdate => {
      const ids = model.list.filter((alert) => alert.source === source).map(({ id }) => id);
      const alerts = ids.map((id) => ({ id, clear, ...said }));
      return { source, transmissionId: BigInt(i + 1), transmissionTime: 0, replace: true, alerts };
    });
    await this.datagrams(updates.map((update) => ({ update, copy: false, at: clock.now })));
  }

  private outcome(): Outcome {
    return {
      events: this.events,
      messages: this.judge?.messages ?? 0,
      transactions: this.commits + this.host.commits,
      digest: this.judge?.digest ?? 0,
      disagreements: this.disagreements(),
    };
  }

  private disagreements(): readonly Disagreement[] {
    return [...this.bugs, ...(this.judge?.found ?? [])];
  }

  private complain(kind: string, expected: string, found: string): void {
    this.bugs.push({ wall: this.clock.wall(), at: this.clock.now, alert: null, kind, expected, found });
  }

  private naiveNow(): NaivePolicy {
    return this.options.stage.naive(this.policy);
  }

  private policyNow(): Policy {
    return this.options.stage.real(this.policy, this.clock.now);
  }

  // -------------------------------------------------------------- time

  private async advance(to: number): Promise<void> {
    const { clock, host } = this;
    for (;;) {
      const by = Math.min(to, this.nextPass);
      if (!host.alive) {
        if (this.startsAt !== null && this.startsAt <= by) {
          clock.now = Math.max(clock.now, this.startsAt);
          await this.start();
          continue;
        }
      } else {
        if (clock.runNext(by)) {
          await this.activity.settled();
          this.follow();
          if (!host.alive) await this.killed();
          continue;
        }
      }
      clock.now = by;
      if (by === this.nextPass) {
        this.nextPass += passEvery;
        await this.pass();
        if (this.disagreements().length > 0) return;
      }
      if (by === to) break;
    }
    if (host.alive) this.model.advance(clock.wall());
  }

  /** The model lives through what the station did by itself, in the same order. */
  private follow(): void {
    const { host, model } = this;
    for (const { wall, ticked, own } of host.log.splice(0)) {
      model.advance(wall - 1);
      if (ticked) model.advance(wall, 1);
      for (const report of own) this.hear(report);
    }
  }

  private hear(report: OwnReport): void {
    const { model } = this;
    const { at, person, what, summary, concerns } = report;
    if (what === 'cleared') {
      model.reachable(person, at);
      return;
    }
    this.judgeConcerns(report);
    if (what === 'raised') model.unreachable(person, summary, concerns, at);
    else model.concernsMore(person, concerns, at);
  }

  /** Those whom one of the alerts concerns, and at least those whom the first one does. */
  private judgeConcerns({ at, person, what, summary, about, heardOf, concerns }: OwnReport): void {
    const { model } = this;
    const concerned = (key: AlertKey): readonly string[] =>
      model.concerned(this.judge?.nameOf(key) ?? '', { person, summary }, at);
    const known = what === 'joined' ? model.concernedAlready(person) : [];
    const allowed = new Set([...known, ...heardOf.flatMap(concerned)]);
    const wanted = about === null ? [] : concerned(about);
    if (concerns.every((one) => allowed.has(one)) && wanted.every((one) => concerns.includes(one))) return;
    const expected = `${wanted.join()}, of ${[...allowed].join()}`;
    this.complain('concerned', expected, `${concerns.join()} at ${at} (${idFor(person)})`);
  }

  private async pass(): Promise<void> {
    if (this.host.alive) this.model.advance(this.clock.wall());
    await this.judge?.pass(this.host.alive);
  }

  private async killed(): Promise<void> {
    const { clock, host, model } = this;
    this.follow();
    model.advance(clock.wall() - 1);
    this.startsAt = clock.now + host.killedFor;
    await this.judge?.pass(false);
    this.judge?.disturbed(false);
  }

  private async start(): Promise<void> {
    const { clock, host, model } = this;
    this.startsAt = null;
    const wall = clock.wall();
    await host.start(this.policyNow());
    model.started(wall, this.naiveNow());
    if (this.judge === null) {
      const { folder, providers } = this;
      this.judge = new Judge({ folder, host, model, clock, providers });
    }
    this.judge.disturbed(false);
    this.follow();
    if (!host.alive) await this.killed();
    else model.advance(wall);
  }

  // -------------------------------------------------------------- inputs

  private async take(together: readonly Input[]): Promise<void> {
    const [first] = together;
    if (first === undefined) return;
    this.events += together.length;
    const { clock, host, model, providers } = this;
    switch (first.kind) {
      case 'outage':
        providers.fail(first.channel, first.how, first.for);
        return;
      case 'jump':
        return await this.jump(first.by);
      case 'reload':
        await this.pass();
        this.policy = first.policy;
        if (!host.alive) return;
        await this.door(
          [{ kind: 'policy-loaded', at: instant(clock.wall()), policy: this.policyNow() }],
          () => {
            model.reload(this.naiveNow(), clock.wall());
            return null;
          },
        );
        return;
      case 'kill':
        host.arm({ left: first.write, committed: first.committed, down: first.down });
        return;
      case 'stop':
        if (!host.alive) return;
        await host.stop();
        this.startsAt = clock.now + first.down;
        await this.judge?.pass(false);
        this.judge?.disturbed(false);
        return;
      case 'datagram':
        if (host.alive)
          await this.datagrams(together.flatMap((input) => (input.kind === 'datagram' ? input : [])));
        return;
      case 'act':
      case 'silence':
      case 'end-silence':
        if (host.alive) await this.person(first);
        return;
      default:
        first satisfies never;
    }
  }

  /** Hands events to the door, and lets the model live through them if they were committed. */
  private async door(events: readonly Event[], live: () => string | null): Promise<void> {
    const { host, model, clock } = this;
    this.commits += host.commits;
    host.commits = 0;
    const outcomes = await host.handle(events);
    const committed = outcomes !== null || host.commits > 0;
    if (committed) {
      const refused = live();
      const [outcome] = outcomes ?? [];
      const said = outcome === undefined || outcome.ok ? null : outcome.why;
      if (outcome !== undefined && said !== refused) {
        this.complain(
          'an answer',
          refused ?? 'done',
          `${said ?? 'done'} (${events.map(({ kind }) => kind).join()})`,
        );
      }
    }
    this.follow();
    if (host.alive) return model.advance(clock.wall());
    await this.killed();
  }

  private async datagrams(
    inputs: readonly { readonly update: SaidUpdate; readonly copy: boolean; readonly at: number }[],
  ): Promise<void> {
    const { clock, model } = this;
    const reception = instant(clock.wall());
    const come = inputs.filter(({ copy, at }) => !copy || at - this.jumpedAt > copiesLast);
    if (come.length === 0) return;
    const events = come.map(({ update }): Event => ({ kind: 'update', reception, update: wire(update) }));
    await this.door(events, () => {
      for (const { update } of come) model.update(update, reception);
      return null;
    });
  }

  private async person(input: Extract<Input, { kind: 'act' | 'silence' | 'end-silence' }>): Promise<void> {
    const { clock, model } = this;
    const wall = clock.wall();
    const at = instant(wall);
    const { by } = input;
    if (input.kind === 'act') {
      const { act } = input;
      const key = await this.keyOf(input.alert);
      const event = { ...act, alert: key, by, at, ...('for' in act && { for: length(act.for) }) } as Event;
      return await this.door([event], () => model.act(input.alert, by, act, wall));
    }
    if (input.kind === 'silence') {
      const { name, match } = input;
      const long = milliseconds(input.for);
      const event: Event = { kind: 'silence', at, by, match, for: long, reason: name };
      return await this.door([event], () => {
        this.silences.set(name, (this.silences.size + 1) as SilenceId);
        model.silence(name, match, input.for, wall);
        return null;
      });
    }
    const silence = this.silences.get(input.name) ?? (0 as SilenceId);
    await this.door([{ kind: 'end-silence', at, by, silence }], () => model.endSilence(input.name, wall));
  }

  private async keyOf(name: string): Promise<AlertKey> {
    const known = this.keys.get(name);
    if (known !== undefined) return known;
    const key = this.judge?.keyOf(name) ?? null;
    if (key !== null) this.keys.set(name, key);
    return key ?? (999_999 as AlertKey);
  }

  /** The station notices at its next commit: one is made before and one after. */
  private async jump(by: number): Promise<void> {
    const { clock, host, model } = this;
    const touch = async (): Promise<void> => {
      if (!host.alive) return;
      const update: SaidUpdate = {
        source: 'metronome',
        transmissionId:
          BigInt(Math.floor(clock.now) * 2 + (by > 0 ? 1 : 0)) + BigInt(clock.skew + 10 ** 9) * 2n ** 45n,
        transmissionTime: 0,
        replace: false,
        alerts: [],
      };
      await this.datagrams([{ update, copy: false, at: clock.now }]);
    };
    await touch();
    clock.skew += by;
    this.jumpedAt = clock.now;
    this.judge?.disturbed(by < 0);
    if (!host.alive) return;
    model.jump(clock.wall());
    await touch();
    if (host.alive) await this.advance(clock.now);
  }
}

const length = (ms: number | null) => (ms === null ? null : milliseconds(ms));

function wire(update: SaidUpdate): AlertUpdate {
  const time = (ms: number): bigint => (ms === 0 ? 0n : BigInt(ms / 1000));
  return {
    transmissionId: update.transmissionId,
    source: update.source,
    replace: update.replace,
    transmissionTime: time(update.transmissionTime),
    signature: new Uint8Array(),
    alerts: update.alerts.map(({ raise, clear, suppress, ...texts }) => ({
      ...texts,
      raiseTime: time(raise),
      clearTime: time(clear),
      suppressUntil: time(suppress),
    })),
  };
}
