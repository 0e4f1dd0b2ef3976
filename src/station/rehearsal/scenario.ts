/**
 * A scenario with its times and names given their meaning: what happens when,
 * and what is expected. Every fault that can be found without playing it is
 * found here, at its place in the file.
 */
import { type Duration, type Instant, minutes, plus } from '../../time.ts';
import type { NotificationKind, PersonId } from '../core/alert.ts';
import type { Policy } from '../core/policy.ts';
import { didYouMean } from '../nearest.ts';
import { parseMatch } from '../policy/match.ts';
import type { AlertName } from '../store/store.ts';
import { type FileFault, type Path, parseYaml, type YamlFile } from '../yaml-file.ts';
import { type Moment, momentWords, parseMoment } from './moment.ts';
import {
  scenarioSchema,
  type WrittenCheck,
  type WrittenMessage,
  type WrittenScenario,
  type WrittenStep,
} from './scenario-file.ts';

/** One alert of an update. */
export type Said = {
  readonly id: string;
  readonly subject?: string | undefined;
  readonly summary?: string | undefined;
  readonly detail?: string | undefined;
  readonly importance?: number | undefined;
  readonly raiseAt: Instant | null;
  readonly clearAt: Instant | null;
  readonly suppressUntil: Instant | null;
};

/** Something that happens. */
export type Deed =
  | { readonly kind: 'channels_down'; readonly channels: readonly string[] }
  | {
      readonly kind: 'update';
      readonly source: string;
      readonly alerts: readonly Said[];
      readonly replace: boolean;
    }
  | {
      readonly kind: 'acknowledge';
      readonly alert: AlertName;
      readonly by: string;
      readonly for: Duration | null;
      readonly hours: string | null;
      readonly note: string;
    }
  | { readonly kind: 'unacknowledge' | 'clear_by_hand'; readonly alert: AlertName; readonly by: string }
  | { readonly kind: 'suppress'; readonly alert: AlertName; readonly by: string; readonly for: Duration }
  | {
      readonly kind: 'silence';
      readonly name: string;
      readonly match: unknown;
      readonly by: string;
      readonly for: Duration;
      readonly reason: string;
    }
  | { readonly kind: 'end_silence'; readonly name: string; readonly by: string };

/** A message that is to go out, from `from` on and before `before`. */
export type Expected = {
  readonly from: Instant;
  readonly before: Instant;
  readonly to: PersonId;
  /** Null: on whatever channels. */
  readonly by: string | null;
  readonly of: NotificationKind;
  /** The alert's id; null: of whichever alert. */
  readonly alert: string | null;
};

export type Check = Omit<WrittenCheck, 'id' | 'source'> & { readonly name: AlertName; readonly path: Path };

export type Step = {
  /** When its deeds are done; `at`: when it is looked at what came of them, which is later if nothing is to come. */
  readonly begins: Instant;
  readonly at: Instant;
  readonly path: Path;
  readonly deeds: readonly { readonly deed: Deed; readonly path: Path }[];
  readonly checks: readonly Check[];
  /** All that went out since the last expectation; null where nothing is expected. `others`: whether more may go out. */
  readonly expect: {
    readonly messages: readonly Expected[];
    readonly others: boolean;
    readonly path: Path;
  } | null;
};

export type Scenario = { readonly start: Instant; readonly steps: readonly Step[]; readonly fault: FaultAt };
type FaultAt = Extract<YamlFile<unknown>, { ok: true }>['fault'];

export type Parsed =
  | { readonly ok: true; readonly written: WrittenScenario; readonly fault: FaultAt }
  | { readonly ok: false; readonly faults: readonly FileFault[] };

export type Meant =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly faults: readonly FileFault[] };

/** Its shape alone: which policy it is for is in it. */
export function parseScenario(file: string, content: string): Parsed {
  const parsed = parseYaml(file, content, scenarioSchema);
  return parsed.ok ? { ok: true, written: parsed.value, fault: parsed.fault } : parsed;
}

/** When it begins, in a policy's zone. */
export function startOf(written: WrittenScenario, timezone: string): Instant | null {
  const from = 0 as Instant;
  return /^\d{4}-/.test(written.start)
    ? (parseMoment(written.start, { from, timezone, timeOfDay: 'next' })?.at ?? null)
    : null;
}

/** What it means for a policy. */
export function meantBy(written: WrittenScenario, fault: FaultAt, policy: Policy): Meant {
  const start = startOf(written, policy.timezone);
  if (start === null) {
    const message = 'a date and time such as 2026-11-23 09:00 is expected, in the time zone of the policy';
    return { ok: false, faults: [fault(['start'], message)] };
  }
  const reader = new Reader(policy, fault, start);
  const steps = written.steps.map((step, index) => reader.step(step, ['steps', index]));
  const { faults } = reader;
  return faults.length > 0 ? { ok: false, faults } : { ok: true, scenario: { start, steps, fault } };
}

type SaidWords = Pick<Said, 'id' | 'subject' | 'summary' | 'detail' | 'importance'>;

class Reader {
  readonly faults: FileFault[] = [];
  private readonly policy: Policy;
  private readonly faultAt: FaultAt;
  private at: Instant;
  /** The end of the last expectation: the next begins here. */
  private seen: Instant;
  private readonly alerts: AlertName[] = [];
  private readonly silences: string[] = [];

  constructor(policy: Policy, faultAt: FaultAt, start: Instant) {
    this.policy = policy;
    this.faultAt = faultAt;
    this.at = start;
    this.seen = start;
  }

  step(written: WrittenStep, path: Path): Step {
    if (written.at !== undefined) this.at = this.moment(written.at, this.at, [...path, 'at']).at;
    const deeds = this.deeds(written, path).map(([deed, key]) => ({ deed, path: [...path, key] }));
    const begins = this.at;
    const until = written.expect_nothing_until;
    if (until !== undefined) {
      this.at = this.moment(until, this.at, [...path, 'expect_nothing_until']).at;
    }
    const checks = (written.alert === undefined ? [] : [written.alert].flat()).map((check, index) =>
      this.check(check, [...path, 'alert', ...(Array.isArray(written.alert) ? [index] : [])]),
    );
    const at = this.at;
    const step = { begins, at, path, deeds, checks };
    if (written.expect === undefined && until === undefined) return { ...step, expect: null };
    const key = until === undefined ? 'expect' : 'expect_nothing_until';
    const messages = (written.expect ?? []).flatMap((one, index) => this.message(one, [...path, key, index]));
    this.seen = at;
    const others = written.others === 'ignore';
    return { ...step, expect: { messages, others, path: [...path, key] } };
  }

  private fault(path: Path, message: string): void {
    this.faults.push(this.faultAt(path, message));
  }

  private moment(text: string, from: Instant, path: Path): Moment {
    const moment = parseMoment(text, { from, timezone: this.policy.timezone, timeOfDay: 'next' });
    if (moment === null) this.fault(path, momentWords);
    else if (moment.at < from && !(plus(moment.at, moment.exact) > from)) {
      this.fault(path, 'this is before what comes before it');
    } else return { ...moment, at: moment.at < from ? from : moment.at };
    return { at: from, exact: minutes(1) };
  }

  // ------------------------------------------------------------ what happens

  private deeds(written: WrittenStep, path: Path): readonly (readonly [Deed, string])[] {
    const deeds: (readonly [Deed, string])[] = [];
    const add = (key: string, deed: Deed | null): void => void (deed !== null && deeds.push([deed, key]));
    if (written.channels_down !== undefined) {
      add('channels_down', { kind: 'channels_down', channels: written.channels_down });
    }
    add('raise', this.raise(written));
    add('clear', this.clear(written, [...path, 'clear']));
    add('heartbeat', this.heartbeat(written));
    add('replace', this.replace(written));
    for (const [key, deed] of this.acts(written, path)) add(key, deed);
    add('silence', this.silence(written, [...path, 'silence']));
    add('end_silence', this.endSilence(written, [...path, 'end_silence']));
    return deeds;
  }

  private update(source: string, replace: boolean, ...alerts: readonly Said[]): Deed {
    for (const { id } of alerts) {
      if (!this.alerts.some((one) => one.source === source && one.id === id))
        this.alerts.push({ source, id });
    }
    return { kind: 'update', source, alerts, replace };
  }

  private raise({ raise }: WrittenStep): Deed | null {
    if (raise === undefined) return null;
    const { source, suppress_for, clears_after, ...words } = raise;
    const { at } = this;
    const clearAt = clears_after === undefined ? null : plus(at, clears_after);
    const suppressUntil = suppress_for === undefined ? null : plus(at, suppress_for);
    return this.update(source, false, { ...words, raiseAt: at, clearAt, suppressUntil });
  }

  private clear({ clear }: WrittenStep, path: Path): Deed | null {
    if (clear === undefined) return null;
    const named = this.named(clear, path);
    return named === null ? null : this.update(named.source, false, this.cleared({ ...clear, id: named.id }));
  }

  private cleared({ id, subject, summary, detail, importance }: SaidWords): Said {
    const words = { id, subject, summary, detail, importance };
    return { ...words, raiseAt: null, clearAt: this.at, suppressUntil: null };
  }

  private heartbeat({ heartbeat }: WrittenStep): Deed | null {
    if (heartbeat === undefined) return null;
    const { source, raises_after, ...words } = heartbeat;
    const raiseAt = plus(this.at, raises_after);
    return this.update(source, false, { ...words, raiseAt, clearAt: this.at, suppressUntil: null });
  }

  private replace({ replace }: WrittenStep): Deed | null {
    if (replace === undefined) return null;
    const { at } = this;
    const raised = replace.alerts.map((words) => ({
      ...words,
      raiseAt: at,
      clearAt: null,
      suppressUntil: null,
    }));
    return this.update(replace.source, true, ...raised);
  }

  private acts(written: WrittenStep, path: Path): readonly (readonly [string, Deed | null])[] {
    const { acknowledge, unacknowledge, suppress, clear_by_hand: byHand } = written;
    const on = <T extends { readonly by: string }>(
      act: (T & { readonly id?: string | undefined; readonly source?: string | undefined }) | undefined,
      key: string,
      make: (act: T, alert: AlertName) => Deed,
    ): readonly [string, Deed | null] => {
      const alert = act === undefined ? null : this.named(act, [...path, key]);
      return [key, act === undefined || alert === null ? null : make(act, alert)];
    };
    return [
      on(acknowledge, 'acknowledge', (act, alert) => {
        this.known(act.hours, this.policy.hours.keys(), 'hours', [...path, 'acknowledge', 'hours']);
        const { by, for: length = null, hours = null, note = '' } = act;
        return { kind: 'acknowledge', alert, by, for: length, hours, note };
      }),
      on(unacknowledge, 'unacknowledge', ({ by }, alert) => ({ kind: 'unacknowledge', alert, by })),
      on(suppress, 'suppress', ({ by, for: length }, alert) => ({
        kind: 'suppress',
        alert,
        by,
        for: length,
      })),
      on(byHand, 'clear_by_hand', ({ by }, alert) => ({ kind: 'clear_by_hand', alert, by })),
    ];
  }

  private silence({ silence }: WrittenStep, path: Path): Deed | null {
    if (silence === undefined) return null;
    const { match, by, for: length, reason, name = reason } = silence;
    const parsed = parseMatch(match);
    if (!parsed.ok) {
      this.fault([...path, 'match'], parsed.why);
      return null;
    }
    this.silences.push(name);
    return { kind: 'silence', name, match, by, for: length, reason };
  }

  private endSilence({ end_silence: ended }: WrittenStep, path: Path): Deed | null {
    if (ended === undefined) return null;
    const [only] = this.silences;
    if (ended.name === undefined && (only === undefined || this.silences.length > 1)) {
      this.fault(
        path,
        only === undefined ? 'there is no silence to end' : 'which silence? its name is expected',
      );
      return null;
    }
    this.known(ended.name, this.silences, 'silence', [...path, 'name']);
    return { kind: 'end_silence', name: ended.name ?? only ?? '', by: ended.by };
  }

  // ------------------------------------------------------------ what is expected

  private check(written: WrittenCheck, path: Path): Check {
    const { id: _id, source: _source, ...wanted } = written;
    const groups = this.policy.groups.map(({ name }) => name);
    this.known(written.group, groups, 'group', [...path, 'group']);
    if (Object.values(wanted).every((one) => one === undefined)) {
      this.fault(path, 'one of state, group, level, muted is expected');
    }
    return { ...wanted, name: this.named(written, path) ?? { source: '', id: '' }, path };
  }

  private message(written: WrittenMessage, path: Path): readonly Expected[] {
    const people = [written.to].flat();
    for (const person of people) this.known(person, this.policy.people.keys(), 'person', [...path, 'to']);
    const ids = this.alerts.map(({ id }) => id);
    this.known(written.alert, ids, 'alert', [...path, 'alert']);
    const times = written.at === undefined ? [null] : [written.at].flat();
    const channels = written.by === undefined ? [null] : [written.by].flat();
    const { of, alert = null } = written;
    return times.flatMap((time) => {
      const window = this.window(time, [...path, 'at']);
      return people.flatMap((to) =>
        channels.map((by): Expected => ({ ...window, to: to as PersonId, by, of, alert })),
      );
    });
  }

  private window(time: string | null, path: Path): Pick<Expected, 'from' | 'before'> {
    if (time === null) return { from: this.at, before: plus(this.at, minutes(1)) };
    const { at, exact } = this.moment(time, this.seen, path);
    if (at > this.at) this.fault(path, 'this is after the moment at which it is expected');
    const from = at - (at % exact);
    return { from: from as Instant, before: plus(from as Instant, exact) };
  }

  // ------------------------------------------------------------ names

  /** The alert that is meant: `id` and `source` may be left out where that is plain. */
  private named(ref: { id?: string | undefined; source?: string | undefined }, path: Path): AlertName | null {
    const { id, source } = ref;
    const found = this.alerts.filter(
      (one) => (id === undefined || one.id === id) && (source === undefined || one.source === source),
    );
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    if (only === undefined) {
      const known = this.alerts.map((one) => one.id);
      const hint = id === undefined ? '' : didYouMean(id, known, 'known here');
      this.fault(path, `no step before this one names such an alert${hint}`);
    } else {
      this.fault(path, `which alert? ${id === undefined ? 'its id' : 'its source'} is expected as well`);
    }
    return null;
  }

  private known(name: string | undefined, known: Iterable<string>, what: string, path: Path): void {
    if (name === undefined) return;
    const all = [...known];
    if (!all.includes(name)) this.fault(path, `there is no ${what} "${name}"${didYouMean(name, all, null)}`);
  }
}
