/**
 * What will be told of an alert if nothing else happens: the core's own
 * decisions, taken one after the other at the times at which the station would
 * take them. So a forecast cannot disagree with what then happens.
 *
 * Only this alert is looked at: others that its people are told of count
 * towards their limits too, and an alert that inhibits this one stays raised.
 * It must never change anything.
 */
import { type Duration, earliest, formatDuration, type Instant } from '../../time.ts';
import type {
  Alert,
  Change,
  HistoryEntry,
  Level,
  MutedKind,
  NotificationKind,
  PersonId,
  RuleId,
} from './alert.ts';
import { type Decision, decideAsk, decideDue } from './decide.ts';
import type { Context } from './draft.ts';
import { heldUntil, type Sent } from './limit.ts';
import { everyAlert, type HostNames, holds } from './match.ts';
import { groupOf, type Limit, type Silence } from './policy.ts';
import { clockTime } from './words.ts';

/** One thing that will happen, or will not and why. */
export type ForecastEntry =
  | {
      readonly kind: 'told';
      readonly at: Instant;
      readonly person: PersonId;
      readonly of: NotificationKind;
      readonly rule: RuleId | null;
      readonly channels: readonly string[];
      readonly level: Level;
    }
  | {
      readonly kind: 'not-told';
      readonly at: Instant;
      readonly person: PersonId;
      readonly of: NotificationKind;
      readonly why: string;
      /** Held back until then, by the person's limit; null where they are not told at all. */
      readonly until: Instant | null;
    }
  | {
      readonly kind: 'muted';
      readonly at: Instant;
      readonly by: MutedKind;
      readonly why: string;
      readonly until: Instant | null;
    }
  | { readonly kind: 'unmuted'; readonly at: Instant; readonly by: MutedKind }
  /** The alert changes by itself: a plan, the end of an acknowledgement. */
  | { readonly kind: 'raised' | 're-raised' | 'acknowledged' | 'cleared'; readonly at: Instant };

export type Forecast = {
  readonly group: string;
  readonly level: Level;
  readonly from: Instant;
  readonly until: Instant;
  readonly entries: readonly ForecastEntry[];
  /** Whether there would be more than `forecastMax` entries, or too many steps to them: the rest is left out. */
  readonly cut: boolean;
};

/** As if somebody acknowledged the alert. */
export type Acknowledging = {
  readonly for: Duration;
  /** Hours of the policy in which `for` is counted; where it has none of that name, nothing is acknowledged. */
  readonly hours?: string;
  readonly by: string;
  /** When; otherwise now. */
  readonly at?: Instant;
};

/** So many entries are worked out; a page shows fewer. */
export const forecastMax = 500;
/** So many decisions are taken: some tell nobody, such as looking again for an opening that is far ahead. */
export const forecastStepsMax = 5000;
/** So often, in all of them, a rule is looked at: the station waits meanwhile, and each look takes a few microseconds. */
export const forecastLooksMax = 25_000;

/** The inbox has no limit: it wakes nobody. */
const unlimited = 'inbox';

/**
 * What will be told of an alert from `context.now` to `until`, both included.
 * @param acknowledge of no account where the alert is not raised then.
 */
export function forecast(
  alert: Alert,
  context: Context,
  until: Instant,
  acknowledge: Acknowledging | null,
): Forecast {
  let asked = acknowledge === null ? null : (acknowledge.at ?? context.now);
  const known = concerning(alert, context);
  const decide = (state: Alert, at: Instant): Decision => {
    const then = { ...known, now: at };
    if (asked === null || acknowledge === null || asked > at) return decideDue(state, then);
    asked = null;
    const { for: length, hours, by } = acknowledge;
    const ask = {
      kind: 'acknowledge',
      for: length,
      note: '',
      ...(hours === undefined ? {} : { hours }),
    } as const;
    const decision = decideAsk(state, ask, by, then);
    return typeof decision === 'string' ? decideDue(state, then) : decision;
  };
  const line = new Line(context, alert);
  const first = decide(alert, context.now);
  line.take(first, context.now);
  let state = first.after;
  let looks = 0;
  for (let steps = 0; ; steps++) {
    const at = earliest(state.wakeAt, asked, line.heldEnds());
    if (at === null || at > until) return line.result(until, first, false);
    looks += state.reminders.length;
    const tooMuch = steps === forecastStepsMax || looks > forecastLooksMax;
    if (tooMuch || line.entries.length > forecastMax) return line.result(until, first, true);
    if (earliest(state.wakeAt, asked) === at) {
      const decision = decide(state, at);
      line.take(decision, at);
      state = decision.after;
    }
    line.release(at);
  }
}

/**
 * Of groups, silences and inhibitions only those that this alert meets. Its texts stay as they are, so each step
 * would find the same again: with hundreds of them that takes most of the time, and the station waits meanwhile.
 */
function concerning(alert: Alert, context: Context): Context {
  const { policy, silences } = context;
  let unknown = false;
  const names: HostNames = {
    generation: context.names.generation,
    lookup: (host) => {
      const found = context.names.lookup(host);
      unknown ||= found === undefined;
      return found;
    },
  };
  const group = { ...groupOf(policy, alert, names), match: everyAlert };
  const meets = ({ match }: Silence): boolean => holds(match, alert, names);
  const own = {
    groups: [group],
    silences: policy.silences.filter(meets),
    inhibits: policy.inhibits.filter((rule) =>
      [rule.mutes, rule.while].some((one) => holds(one, alert, names)),
    ),
  };
  const met = silences.filter(meets);
  // An address that is being looked up is itself a reason to wait: that is for the whole policy to say.
  return unknown ? context : { ...context, silences: met, policy: { ...policy, ...own } };
}

type Told = Extract<ForecastEntry, { kind: 'told' }>;

/** The entries as they come, with what each person's limit makes of them. */
class Line {
  readonly entries: ForecastEntry[] = [];
  private readonly context: Context;
  private readonly mutedBefore: Alert['muted'];
  private readonly sent = new Map<PersonId, readonly Sent[]>();
  /** The newest message that is held back from each: it overtakes those before it. */
  private readonly held = new Map<PersonId, { readonly told: Told; readonly until: Instant }>();

  constructor(context: Context, alert: Alert) {
    this.context = context;
    this.mutedBefore = alert.muted;
  }

  take(decision: Decision, at: Instant): void {
    const { after, history } = decision;
    const level = after.level ?? 'normal';
    const { muted } = after;
    // Who asks wants to know why nobody is told, also where that began before.
    if (this.entries.length === 0 && muted !== null && this.mutedBefore !== null) {
      if (!history.some(({ change }) => change.kind === 'muted')) {
        this.entries.push(mutedEntry(at, muted.kind, muted.why, muted.until));
      }
    }
    for (const { change } of history) {
      if (ends(change)) this.held.clear();
      // A reminder replaces what is held back, also where it finds its receiver away.
      if (change.kind === 'not-told' && change.of === 'reminder') this.held.delete(change.person);
      if (change.kind === 'told') this.tell(toldEntry(at, change, level));
      else this.entries.push(...entriesOf(at, change));
    }
  }

  private tell(told: Told): void {
    const { person, at, level } = told;
    const limits = this.limitsOf(told);
    const until = heldUntil(limits, this.sent.get(person) ?? [], level, at);
    this.held.delete(person);
    if (until === null) {
      this.send(told);
      return;
    }
    this.held.set(person, { told, until });
    const why = `${limitWords(limits)}, held back until ${clockTime(until, at, this.context.policy.timezone)}`;
    this.entries.push({ kind: 'not-told', at, person, of: told.of, why, until });
  }

  private limitsOf({ person, channels }: Told): readonly Limit[] {
    const counts = channels.some((channel) => channel !== unlimited);
    return counts ? (this.context.policy.people.get(person)?.limits ?? []) : [];
  }

  private send(told: Told): void {
    this.entries.push(told);
    const { person, at, level } = told;
    const most = Math.max(0, ...this.limitsOf(told).map(({ count }) => count));
    this.sent.set(person, [{ at, level }, ...(this.sent.get(person) ?? [])].slice(0, most));
  }

  heldEnds(): Instant | null {
    return earliest(...[...this.held.values()].map(({ until }) => until));
  }

  /** What was held back until now, and still stands, goes out. */
  release(at: Instant): void {
    for (const [person, { told, until }] of this.held) {
      if (until > at) continue;
      this.held.delete(person);
      this.tell({ ...told, at });
    }
  }

  result(until: Instant, { after }: Decision, cut: boolean): Forecast {
    const more = this.entries.length > forecastMax;
    return {
      group: after.group ?? '',
      level: after.level ?? 'normal',
      from: this.context.now,
      until,
      entries: more ? this.entries.slice(0, forecastMax) : this.entries,
      cut: cut || more,
    };
  }
}

/** Whether this overtakes all that was to be told before. */
const ends = (change: Change): boolean =>
  ['raised', 're-raised', 'acknowledged', 'cleared'].includes(change.kind);

function toldEntry(at: Instant, change: Extract<Change, { kind: 'told' }>, level: Level): Told {
  const { person, of, rule, channels } = change;
  return { kind: 'told', at, person, of, rule, channels, level };
}

function entriesOf(at: Instant, change: HistoryEntry['change']): readonly ForecastEntry[] {
  switch (change.kind) {
    case 'not-told':
      return [{ kind: 'not-told', at, person: change.person, of: change.of, why: change.why, until: null }];
    case 'muted':
      return [mutedEntry(at, change.by, change.why, change.until)];
    case 'unmuted':
      return [{ kind: 'unmuted', at, by: change.by }];
    case 'raised':
    case 're-raised':
    case 'acknowledged':
    case 'cleared':
      return [{ kind: change.kind, at }];
    default:
      return [];
  }
}

function mutedEntry(at: Instant, by: MutedKind, why: string, until: Instant | null): ForecastEntry {
  const words = by === 'inhibited' ? `${why}, until that is cleared` : why;
  return { kind: 'muted', at, by, why: words, until };
}

const limitWords = (limits: readonly Limit[]): string =>
  `over the limit of ${limits.map(({ count, per }) => `${count} in ${formatDuration(per)}`).join(', ')}`;
