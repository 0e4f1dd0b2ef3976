/**
 * The second, deliberately naive model of the station: what becomes of alerts
 * and who is owed which message, written from docs/semantics.md alone. It has no
 * store, no outbox and no batches; it keeps every alert in a list, looks at all
 * of them, and finds openings by walking from minute to minute.
 *
 * It must never share code with the station: what both get from one place, both
 * get wrong together.
 */
import { matches } from './match.ts';
import type { Kind, Muted, NaiveAlert, PersonsAct, Said, SaidUpdate } from './naive.ts';
import { idFor, ownSource } from './own.ts';
import type { MatchSpec } from './policies.ts';
import { Readings } from './readings.ts';
import type { NaiveGroup, NaivePolicy } from './rules.ts';
import { type Moment, Telling } from './telling.ts';

type Silence = { readonly match: MatchSpec; readonly until: number };

const never = Number.POSITIVE_INFINITY;
const nowTolerance = 5_000;
const transmissionMemory = 300_000;

export class Model {
  readonly alerts = new Map<string, NaiveAlert>();
  /** In the order in which they were first seen. */
  readonly list: NaiveAlert[] = [];
  readonly telling = new Telling(
    () => this.policy,
    (due, recordedAt) => this.inFact(due, recordedAt),
  );
  /** Alerts that changed and were not fetched yet. */
  readonly changed = new Set<NaiveAlert>();
  private readonly bySource = new Map<string, NaiveAlert[]>();
  private policy: NaivePolicy;
  private now: number;
  private startedAt: number;
  private silences = new Map<string, Silence>();
  private transmissions = new Map<string, number>();
  private nextForgetting = 0;
  private nextWake = never;
  private readonly readings = new Readings(() => this.policy);
  /** All that stand are being looked at again: until all were, what is inhibited stays so. */
  private looking = false;

  constructor(policy: NaivePolicy, now: number) {
    this.policy = policy;
    this.now = now;
    this.startedAt = now;
  }

  get sleepsUntil(): number {
    return this.startedAt + this.policy.initialSleep;
  }

  currentPolicy(): NaivePolicy {
    return this.policy;
  }

  // -------------------------------------------------------------- time

  /**
   * Everything that falls due by then happens, each at its time.
   * @param rounds how often those that are due at one moment are looked at: what they cause in others comes in the next.
   */
  advance(to: number, rounds = never): void {
    let left = rounds;
    while (this.nextWake <= to && left > 0) {
      const next = this.list.reduce((least, { wake }) => (wake < least ? wake : least), never);
      if (next > to) {
        this.nextWake = next;
        if (!this.looking) break;
        this.lookAtInhibited(this.now);
        continue;
      }
      const at = Math.max(this.now, next);
      this.now = at;
      // The order of the list is that in which alerts were first seen.
      const due = this.list.filter(({ wake }) => wake <= at).sort((a, b) => a.wake - b.wake);
      for (const alert of due) this.decide(alert, at, () => undefined);
      if (this.looking) this.lookAtInhibited(at);
      left -= 1;
    }
    this.now = Math.max(this.now, to);
  }

  /** The wall clock is set. Where it is set back, all that was recorded later than now is judged again. */
  jump(to: number): void {
    const back = to < this.now;
    this.now = to;
    if (back) this.judgeAgain(to);
  }

  /** The station begins again; between its end and now nothing happened. */
  started(now: number, policy: NaivePolicy): void {
    this.now = now;
    this.startedAt = now;
    const same = policy === this.policy;
    this.policy = policy;
    this.readings.forget();
    if (this.looking) this.nextWake = now;
    for (const alert of this.list) this.setWake(alert);
    if (!same) this.judgeAgain(now);
  }

  reload(policy: NaivePolicy, now: number): void {
    if (policy === this.policy) return;
    this.policy = policy;
    this.readings.forget();
    this.judgeAgain(now);
  }

  private judgeAgain(now: number): void {
    this.looking = true;
    // Even where nothing stands: the look at what is inhibited comes after.
    this.nextWake = Math.min(this.nextWake, now);
    for (const alert of this.list) {
      if (alert.phase !== 'cleared' || alert.muted !== null) this.look(alert, now);
    }
  }

  private lookAtInhibited(now: number): void {
    this.looking = false;
    for (const alert of this.list) if (alert.muted?.kind === 'inhibited') this.look(alert, now);
  }

  private look(alert: NaiveAlert, now: number): void {
    alert.lookAt = Math.min(alert.lookAt ?? now, now);
    this.setWake(alert);
  }

  /** When what was recorded then is due in fact: what waits over a restart waits until senders could be heard. */
  private inFact(due: number, recordedAt: number): number {
    return recordedAt < this.startedAt && due < this.sleepsUntil ? this.sleepsUntil : due;
  }

  // -------------------------------------------------------------- what happens

  update(update: SaidUpdate, reception: number): void {
    if (!this.takes(`${update.source} ${update.transmissionId}`, reception)) return;
    const offset =
      update.transmissionTime === 0 ? 0 : Math.round((reception - update.transmissionTime) / 1000) * 1000;
    const listed = new Set(update.alerts.map(({ id }) => id));
    for (const said of this.inhibitorsFirst(update)) this.report(update.source, said, offset, reception);
    if (!update.replace) return;
    for (const alert of this.bySource.get(update.source) ?? []) {
      if (alert.phase === 'cleared' || listed.has(alert.id)) continue;
      this.decide(alert, reception, (moment) => this.clear(alert, reception, moment));
    }
  }

  private takes(name: string, at: number): boolean {
    if (at > this.nextForgetting || at < this.nextForgetting - 4 * transmissionMemory) {
      for (const [known, taken] of this.transmissions) {
        if (Math.abs(at - taken) > transmissionMemory) this.transmissions.delete(known);
      }
      this.nextForgetting = at + transmissionMemory;
    }
    const taken = this.transmissions.get(name);
    if (taken !== undefined && Math.abs(at - taken) <= transmissionMemory) return false;
    this.transmissions.set(name, at);
    return true;
  }

  /** What is inhibited by another alert of the same update is not told. */
  private inhibitorsFirst(update: SaidUpdate): readonly Said[] {
    const inhibits = (said: Said): boolean => {
      const known = this.alerts.get(`${update.source} ${said.id}`);
      const texts = {
        source: update.source,
        id: said.id,
        subject: said.subject || known?.subject || update.source,
        summary: said.summary || known?.summary || '',
        importance: said.importance || known?.importance || 50,
      };
      return this.policy.spec.inhibit.some((rule) => matches(rule.while, texts));
    };
    if (update.alerts.length < 2) return update.alerts;
    return [...update.alerts.filter(inhibits), ...update.alerts.filter((said) => !inhibits(said))];
  }

  /** @param concerns who is to be told of a raise whatever the rules say; null: as before. */
  private report(
    source: string,
    said: Said,
    offset: number,
    reception: number,
    concerns: readonly string[] | null = null,
  ): void {
    const at = (time: number): number | null => (time === 0 ? null : time + offset);
    const later = (time: number | null): number | null =>
      time !== null && time > reception + nowTolerance ? time : null;
    const raise = at(said.raise);
    const clear = at(said.clear);
    const raisesNow = raise !== null && later(raise) === null;
    const clearsNow = clear !== null && later(clear) === null;
    const asks =
      raise === null && clear === null
        ? 'raise'
        : raisesNow && clearsNow
          ? raise > clear
            ? 'raise'
            : 'clear'
          : raisesNow
            ? 'raise'
            : clearsNow || clear === null
              ? 'clear'
              : 'stand';
    const then = Math.min(
      reception,
      (asks === 'raise' && raisesNow ? raise : clearsNow ? clear : null) ?? reception,
    );
    const known = this.alerts.get(`${source} ${said.id}`);
    const alert = known ?? this.begin(source, said.id, asks === 'clear' ? then : reception, reception);
    this.decide(alert, reception, (moment) => {
      const wasRaised = alert.phase !== 'cleared';
      this.takeTexts(alert, said, known !== undefined, reception);
      alert.concerns = concerns ?? alert.concerns;
      if (asks === 'raise') this.raise(alert, then, moment);
      else if (asks === 'clear') this.clear(alert, then, moment);
      alert.willRaiseAt = later(raise);
      alert.willClearAt = later(clear);
      const isRaised = alert.phase !== 'cleared';
      const suppressed = alert.suppressUntil !== null && alert.suppressUntil > reception;
      if (isRaised !== wasRaised && !suppressed) {
        const until = at(said.suppress);
        alert.suppressUntil = until !== null && until > reception ? until : null;
        if (alert.suppressUntil !== null) alert.changedAt = reception;
      }
      alert.heardAt = reception;
    });
  }

  private begin(source: string, id: string, since: number, now: number): NaiveAlert {
    const alert: NaiveAlert = {
      source,
      id,
      subject: source,
      summary: '',
      detail: '',
      importance: 50,
      phase: 'cleared',
      since,
      raisedSince: 0,
      acknowledgedBy: '',
      acknowledgedUntil: 0,
      note: '',
      willRaiseAt: null,
      willClearAt: null,
      suppressUntil: null,
      episode: 0,
      announced: { phase: 'cleared', episode: 0 },
      told: new Set(),
      concerns: [],
      reminders: [],
      muted: null,
      heldSince: null,
      heardAt: now,
      changedAt: now,
      lookAt: null,
      wake: never,
    };
    this.alerts.set(`${source} ${id}`, alert);
    this.list.push(alert);
    const others = this.bySource.get(source);
    if (others === undefined) this.bySource.set(source, [alert]);
    else others.push(alert);
    return alert;
  }

  private takeTexts(alert: NaiveAlert, said: Said, known: boolean, now: number): void {
    const before = [alert.subject, alert.summary, alert.detail, alert.importance].join('\n');
    alert.subject = said.subject || alert.subject;
    alert.summary = said.summary || alert.summary;
    alert.detail = said.detail || alert.detail;
    alert.importance = said.importance || alert.importance;
    const after = [alert.subject, alert.summary, alert.detail, alert.importance].join('\n');
    if (before === after) return;
    this.readings.changed(alert);
    if (known) alert.changedAt = now;
  }

  /** The station says that nothing reaches that person. */
  unreachable(person: string, summary: string, concerns: readonly string[], now: number): void {
    this.ownReport(person, { summary, raise: now, clear: 0 }, concerns, now);
  }

  /** The station says that something has reached them. */
  reachable(person: string, now: number): void {
    this.ownReport(person, { summary: '', raise: 0, clear: now }, null, now);
  }

  private ownReport(
    person: string,
    said: Pick<Said, 'summary' | 'raise' | 'clear'>,
    concerns: readonly string[] | null,
    now: number,
  ): void {
    const nothing = { detail: '', importance: 0, suppress: 0 };
    this.report(ownSource, { id: idFor(person), subject: person, ...nothing, ...said }, 0, now, concerns);
  }

  /** Who else is to hear that this person could not be told of that alert; null where there is none. */
  concerned(name: string, person: string, now: number): readonly string[] | null {
    const alert = this.alerts.get(name);
    if (alert === undefined) return null;
    const isLost = (one: string): boolean => {
      const said = this.alerts.get(`${ownSource} ${idFor(one)}`);
      return one === person || (said !== undefined && said.phase !== 'cleared');
    };
    const all = Object.keys(this.policy.spec.people);
    const rules = this.readings.group(alert).rules.flatMap(({ to }) => this.policy.meant(to, now));
    for (const people of [[...alert.told], rules, all]) {
      const left = new Set(people.filter((one) => all.includes(one) && !isLost(one)));
      if (left.size > 0) return [...left];
    }
    return [];
  }

  /** @returns why it is refused; null where it is done. */
  act(name: string, by: string, act: PersonsAct, now: number): string | null {
    const alert = this.alerts.get(name);
    if (alert === undefined) return 'no-such-alert';
    const until = (long: number): number => now + Math.min(long, this.policy.acknowledgeAtMost);
    switch (act.kind) {
      case 'acknowledge': {
        if (alert.phase === 'cleared') return 'not-raised';
        const long = act.for ?? this.readings.group(alert).acknowledgeFor;
        this.decide(alert, now, () => this.acknowledge(alert, by, until(long), act.note, now));
        return null;
      }
      case 'unacknowledge':
        if (alert.phase !== 'acknowledged') return 'not-acknowledged';
        this.decide(alert, now, () => this.beginEpisode(alert, now, now));
        return null;
      case 'clear':
        if (alert.phase === 'cleared') return 'already-cleared';
        this.decide(alert, now, (moment) => {
          this.clear(alert, now, moment);
          this.involve(alert, by);
        });
        return null;
      case 'suppress':
        this.decide(alert, now, () => {
          alert.suppressUntil = until(act.for);
          alert.changedAt = now;
        });
        return null;
      case 'note':
        this.decide(alert, now, () => undefined);
        return null;
      default:
        return act satisfies never;
    }
  }

  silence(name: string, match: MatchSpec, long: number, now: number): void {
    this.silences.set(name, { match, until: now + Math.min(long, this.policy.acknowledgeAtMost) });
    this.judgeAgain(now);
  }

  endSilence(name: string, now: number): string | null {
    const silence = this.silences.get(name);
    if (silence === undefined) return 'no-such-silence';
    if (silence.until <= now) return 'silence-ended';
    this.silences.delete(name);
    for (const alert of this.list) if (alert.muted?.kind === 'silenced') this.look(alert, now);
    return null;
  }

  // -------------------------------------------------------------- the phase

  private raise(alert: NaiveAlert, at: number, moment: Moment): void {
    if (alert.phase !== 'cleared') return;
    moment.clearedBefore = alert.since;
    this.beginEpisode(alert, at, moment.now);
  }

  private beginEpisode(alert: NaiveAlert, at: number, now: number): void {
    alert.phase = 'raised';
    alert.since = at;
    alert.raisedSince = at;
    alert.episode += 1;
    alert.reminders = [];
    alert.changedAt = now;
  }

  private acknowledge(alert: NaiveAlert, by: string, until: number, note: string, now: number): void {
    alert.phase = 'acknowledged';
    alert.since = now;
    alert.acknowledgedBy = by;
    alert.acknowledgedUntil = until;
    alert.note = note;
    alert.reminders = [];
    alert.changedAt = now;
    this.involve(alert, by);
  }

  private clear(alert: NaiveAlert, at: number, moment: Moment): void {
    if (alert.phase === 'cleared') return;
    moment.endedEpisode = alert.raisedSince;
    alert.phase = 'cleared';
    alert.since = at;
    alert.reminders = [];
    alert.changedAt = moment.now;
  }

  private involve(alert: NaiveAlert, by: string): void {
    if (this.policy.person(by) !== undefined) alert.told.add(by);
  }

  /** What is overdue happens in the order of its times: the end of an acknowledgement, then a raise, then a clear. */
  private takeOverdue(alert: NaiveAlert, moment: Moment): void {
    for (;;) {
      const plans: {
        readonly what: 'lapse' | 'raise' | 'clear';
        readonly at: number;
        readonly planned: number;
      }[] = [];
      if (alert.phase === 'acknowledged') {
        const planned = alert.acknowledgedUntil;
        plans.push({ what: 'lapse', at: this.inFact(planned, alert.since), planned });
      }
      const { willRaiseAt, willClearAt, heardAt } = alert;
      if (willRaiseAt !== null)
        plans.push({ what: 'raise', at: this.inFact(willRaiseAt, heardAt), planned: willRaiseAt });
      if (willClearAt !== null)
        plans.push({ what: 'clear', at: this.inFact(willClearAt, heardAt), planned: willClearAt });
      const [first] = plans
        .filter(({ at }) => at <= moment.now)
        .sort((a, b) => a.at - b.at || a.planned - b.planned);
      if (first === undefined) return;
      if (first.what === 'lapse') this.beginEpisode(alert, first.at, moment.now);
      if (first.what === 'raise') {
        alert.willRaiseAt = null;
        this.raise(alert, first.at, moment);
      }
      if (first.what === 'clear') {
        alert.willClearAt = null;
        this.clear(alert, first.at, moment);
      }
    }
  }

  // -------------------------------------------------------------- decisions

  private decide(alert: NaiveAlert, now: number, happens: (moment: Moment) => void): void {
    const moment: Moment = { now, endedEpisode: null, clearedBefore: null };
    const tokens = this.readings.tokens(alert);
    alert.lookAt = null;
    this.takeOverdue(alert, moment);
    happens(moment);
    this.settle(alert, moment);
    this.setWake(alert);
    this.changed.add(alert);
    if (tokens.length === 0) return;
    const kept = this.readings.tokens(alert);
    const freed = tokens.filter((token) => !kept.includes(token));
    if (freed.length === 0) return;
    // Those that only this one may have kept quiet are looked at again.
    for (const other of this.list) {
      if (other !== alert && freed.includes(other.muted?.by ?? '')) this.look(other, now);
    }
  }

  private setWake(alert: NaiveAlert): void {
    let wake = never;
    const at = (time: number | null): void => {
      if (time !== null && time < wake) wake = time;
    };
    at(alert.lookAt);
    if (alert.phase === 'acknowledged') at(this.inFact(alert.acknowledgedUntil, alert.since));
    if (alert.willRaiseAt !== null) at(this.inFact(alert.willRaiseAt, alert.heardAt));
    if (alert.willClearAt !== null) at(this.inFact(alert.willClearAt, alert.heardAt));
    if (alert.muted !== null) at(alert.muted.until === null ? null : Math.max(alert.muted.until, this.now));
    else for (const { due, setAt } of alert.reminders) if (due !== null) at(this.inFact(due, setAt));
    alert.wake = wake;
    if (wake < this.nextWake) this.nextWake = wake;
  }

  private newsOf(alert: NaiveAlert): Exclude<Kind, 'reminder'> | null {
    const { phase, announced, episode } = alert;
    if (phase === announced.phase && (phase === 'cleared' || episode === announced.episode)) return null;
    if (phase !== 'raised') return phase;
    return announced.phase === 'cleared' ? 'raised' : 're-raised';
  }

  private settle(alert: NaiveAlert, moment: Moment): void {
    const { now } = moment;
    const group = this.readings.group(alert);
    const news = this.newsOf(alert);
    this.hold(alert, group, news, moment);
    const before = alert.muted;
    alert.muted = news !== null || alert.phase === 'raised' ? this.mutedBy(alert, group, news, now) : null;
    if (
      alert.muted === null &&
      before !== null &&
      alert.changedAt < this.startedAt &&
      now < this.sleepsUntil
    ) {
      // It was known before the start, and falls due now: senders are heard first.
      if (news !== null) alert.muted = { kind: before.kind, until: this.sleepsUntil };
    }
    if (alert.muted !== null) return;
    if (news !== null) {
      alert.announced = { phase: alert.phase, episode: alert.episode };
      if (news === 'raised' || news === 're-raised') this.telling.raised(alert, group, news, now);
      else this.telling.ended(alert, group, news, moment);
    } else if (alert.phase === 'raised') {
      this.telling.remind(alert, group, now);
    }
  }

  private hold(alert: NaiveAlert, group: NaiveGroup, news: Kind | null, moment: Moment): void {
    if (alert.phase === 'cleared' && news === null) return;
    if (news !== 'raised' || group.hold === 0) {
      alert.heldSince = null;
      return;
    }
    const { clearedBefore } = moment;
    const long = clearedBefore !== null && alert.since - clearedBefore >= group.hold;
    if (alert.heldSince === null || long) alert.heldSince = alert.since;
  }

  private mutedBy(alert: NaiveAlert, group: NaiveGroup, news: Kind | null, now: number): Muted | null {
    if (alert.suppressUntil !== null) {
      const until = this.inFact(alert.suppressUntil, alert.changedAt);
      if (until > now) return { kind: 'suppressed', until };
    }
    for (const { match, until } of this.silences.values()) {
      if (now < until && matches(match, alert)) return { kind: 'silenced', until };
    }
    const silenced = this.policy.silencedUntil(alert, now);
    if (silenced !== null) return { kind: 'silenced', until: silenced };
    const by = this.readings.inhibitedBy(alert, this.list);
    if (by !== null) return { kind: 'inhibited', until: null, by };
    if (this.looking && alert.muted?.kind === 'inhibited') return { ...alert.muted, until: null };
    if (news !== 'raised' || group.hold === 0 || alert.heldSince === null) return null;
    // Raised in what is the future since the clock was set back: nobody knows for how long it has stood.
    if (alert.since > now) return null;
    const planned = Math.min(alert.since + group.hold, alert.heldSince + this.policy.holdAtMost(group.level));
    const until = this.inFact(planned, alert.changedAt);
    return until > now ? { kind: 'settling', until } : null;
  }
}
