/**
 * What an event does to one alert: the whole semantics of updates, plans and
 * people's acts, as pure functions of the alert, the event and the time. Who
 * hears of it is `tell.ts`. Nothing here knows of the store or of other alerts.
 */
import { type Duration, earliest, type Instant, plus, since } from '../../time.ts';
import { type Alert, type AlertKey, type HistoryEntry, isSuppressed, raisedAt } from './alert.ts';
import { countedFrom } from './count.ts';
import {
  acknowledge,
  type Context,
  clear,
  type Draft,
  draft,
  dueInFact,
  raise,
  record,
  reRaise,
} from './draft.ts';
import { detailMatchMax } from './match.ts';
import type { Obsolete, OwedMessage } from './notification.ts';
import { groupOf } from './policy.ts';
import { settle } from './tell.ts';
import { importanceDefault, type Report } from './update.ts';

export type { Context } from './draft.ts';

export type Decision = {
  readonly before: Alert | null;
  readonly after: Alert;
  readonly history: readonly HistoryEntry[];
  readonly messages: readonly OwedMessage[];
  readonly obsolete: readonly Obsolete[];
};

const nothing: readonly never[] = [];

/** An alert that is heard of for the first time, before its first update is applied: cleared, and nobody knows. */
function unknownAlert(key: AlertKey, source: string, id: string, clearedAt: Instant, now: Instant): Alert {
  return {
    key,
    source,
    id,
    subject: source,
    summary: '',
    detail: '',
    importance: importanceDefault,
    phase: { kind: 'cleared', since: clearedAt },
    willRaiseAt: null,
    willClearAt: null,
    suppressUntil: null,
    muted: null,
    heldSince: null,
    inhibits: [],
    concerns: [],
    episode: 0,
    announced: { kind: 'cleared', episode: 0 },
    told: [],
    group: null,
    level: null,
    reminders: [],
    firstSeenAt: now,
    heardAt: now,
    changedAt: now,
    wakeAt: null,
  };
}

/** An update mentions this alert; `context.now` is the reception. */
export function decideReport(
  before: Alert | null,
  key: AlertKey,
  source: string,
  report: Report,
  context: Context,
): Decision {
  if (before !== null) {
    const repeated = repeat(before, report, context);
    if (repeated !== null) return repeated;
  }
  const clearedAt = report.ask.kind === 'clear' ? report.ask.at : context.now;
  const d = draft(
    before,
    before ?? unknownAlert(key, source, report.id, clearedAt, context.now),
    context,
    null,
  );
  takeOverdue(d);
  const wasRaised = d.alert.phase.kind !== 'cleared';
  takeTexts(d, report);
  if (report.concerns !== undefined) d.alert.concerns = report.concerns;
  if (report.ask.kind === 'raise') raise(d, report.ask.at, 'update');
  else if (report.ask.kind === 'clear') clear(d, report.ask.at, 'update');
  takePlans(d, report);
  takeSuppression(d, report, wasRaised);
  d.alert.heardAt = context.now;
  return finish(d);
}

/**
 * The short way for what nearly every update is: the alert is as it was, only its plans move. It owes nobody
 * anything, so nothing is judged, and a wake-up that is set already is left as a lower bound.
 * @returns null when something else changes.
 */
function repeat(before: Alert, report: Report, context: Context): Decision | null {
  if (!isRepeat(before, report, context.now)) return null;
  const { willRaiseAt, willClearAt } = report;
  const wakeAt = earliest(before.wakeAt, willRaiseAt, willClearAt);
  const after = { ...before, willRaiseAt, willClearAt, wakeAt, heardAt: context.now };
  return { before, after, history: nothing, messages: nothing, obsolete: nothing };
}

/** Whether an update that mentions this alert changes nothing but its plans' times: it then owes nobody anything. */
export function isRepeat(before: Alert, report: Report, now: Instant): boolean {
  const raised = before.phase.kind !== 'cleared';
  return (
    report.concerns === undefined &&
    (report.ask.kind === 'stand' || (report.ask.kind === 'raise') === raised) &&
    (before.wakeAt === null || before.wakeAt > now) &&
    sameTexts(before, report) &&
    (report.willRaiseAt === null) === (before.willRaiseAt === null) &&
    (report.willClearAt === null) === (before.willClearAt === null)
  );
}

function sameTexts(alert: Alert, report: Report): boolean {
  return (
    (report.subject === '' || report.subject === alert.subject) &&
    (report.summary === '' || report.summary === alert.summary) &&
    (report.detail === '' || report.detail === alert.detail) &&
    (report.importance === 0 || report.importance === alert.importance)
  );
}

function takeTexts(d: Draft, report: Report): void {
  const { alert } = d;
  const same = sameTexts(alert, report);
  const detailChanged = report.detail !== '' && report.detail !== alert.detail;
  alert.subject = report.subject === '' ? alert.subject : report.subject;
  alert.summary = report.summary === '' ? alert.summary : report.summary;
  alert.detail = report.detail === '' ? alert.detail : report.detail;
  alert.importance = report.importance === 0 ? alert.importance : report.importance;
  const { subject, summary, importance } = alert;
  if (d.before === null) {
    const detail = alert.detail.slice(0, detailMatchMax);
    record(d, { kind: 'first-seen', subject, summary, importance, detail });
  } else if (!same) {
    alert.changedAt = d.context.now;
    const detail = detailChanged ? alert.detail.slice(0, detailMatchMax) : null;
    record(d, { kind: 'texts', subject, summary, importance, detail });
  }
}

/** An update replaces both plans: one that it does not give is dropped. */
function takePlans(d: Draft, report: Report): void {
  const { willRaiseAt, willClearAt } = report;
  const had = [d.alert.willRaiseAt !== null, d.alert.willClearAt !== null];
  d.alert.willRaiseAt = willRaiseAt;
  d.alert.willClearAt = willClearAt;
  // A heartbeat moves its plan each time: only that there is one, or no longer, is worth an entry.
  if (had[0] !== (willRaiseAt !== null) || had[1] !== (willClearAt !== null)) {
    recordPlans(d);
  }
}

/** Also where a plan falls due that changes nothing: the history says which plans there are. */
function recordPlans(d: Draft): void {
  const { willRaiseAt, willClearAt } = d.alert;
  record(d, { kind: 'planned', willRaiseAt, willClearAt });
}

/** Taken only with a change of the raised state, and never extended by repeats. */
function takeSuppression(d: Draft, report: Report, wasRaised: boolean): void {
  const changed = (d.alert.phase.kind !== 'cleared') !== wasRaised;
  if (!changed || isSuppressed(d.alert, d.context.now)) return;
  if (report.suppressUntil === null) d.alert.suppressUntil = null;
  else suppress(d, report.suppressUntil);
}

function suppress(d: Draft, until: Instant): void {
  d.alert.suppressUntil = until;
  d.alert.changedAt = d.context.now;
  record(d, { kind: 'suppressed', until });
}

/** A full update of its source did not list this alert: it is cleared, its plans stand. */
export function decideReplaced(before: Alert, context: Context): Decision {
  const d = draft(before, before, context, null);
  takeOverdue(d);
  clear(d, context.now, 'replace');
  return finish(d);
}

/** Something of this alert may be due: plans, the end of an acknowledgement or a suppression, reminders. */
export function decideDue(before: Alert, context: Context): Decision {
  const d = draft(before, before, context, null);
  takeOverdue(d);
  return finish(d);
}

/** What a person asks of one alert. */
export type Ask =
  | {
      readonly kind: 'acknowledge';
      readonly for: Duration | null;
      /** Hours of the policy in which `for` is counted; every hour counts where it is absent. */
      readonly hours?: string;
      readonly note: string;
    }
  | { readonly kind: 'unacknowledge' }
  | { readonly kind: 'suppress'; readonly for: Duration }
  | { readonly kind: 'clear' }
  | { readonly kind: 'note'; readonly text: string };

export type RefusedAsk = 'not-raised' | 'not-acknowledged' | 'already-cleared' | 'no-such-hours';

/** A person (or `token:NAME`) acts. Lengths of time are cut to the policy's cap. */
export function decideAsk(before: Alert, ask: Ask, by: string, context: Context): Decision | RefusedAsk {
  const overdue = draft(before, before, context, null);
  takeOverdue(overdue);
  const d: Draft = { ...overdue, by };
  const latest = plus(context.now, context.policy.settings.acknowledgeAtMost);
  const until = (length: Duration): Instant => earliest(plus(context.now, length), latest) ?? latest;
  switch (ask.kind) {
    case 'acknowledge': {
      if (raisedAt(d.alert) === null) return 'not-raised';
      const length = ask.for ?? groupOf(context.policy, d.alert, context.names).acknowledgeFor;
      const counted =
        ask.hours === undefined ? until(length) : countedUntil(ask.hours, length, latest, context);
      if (counted === null) return 'no-such-hours';
      acknowledge(d, by, counted, ask.note);
      break;
    }
    case 'unacknowledge':
      if (d.alert.phase.kind !== 'acknowledged') return 'not-acknowledged';
      reRaise(d, context.now, 'taken-back');
      break;
    case 'clear':
      if (raisedAt(d.alert) === null) return 'already-cleared';
      clear(d, context.now, 'by-hand');
      break;
    case 'suppress':
      suppress(d, until(ask.for));
      break;
    case 'note':
      record(d, { kind: 'note', text: ask.text });
      break;
    default:
      ask satisfies never;
  }
  return finish(d);
}

/** The end of an acknowledgement counted in named hours; null where the policy has none of that name. */
function countedUntil(name: string, length: Duration, latest: Instant, context: Context): Instant | null {
  const hours = context.policy.hours.get(name);
  if (hours === undefined) return null;
  // What is longer than the cap need not be counted to its end: that would take the station a while.
  const most = since(context.now, latest);
  return earliest(countedFrom(context.now, length < most ? length : most, hours), latest);
}

type Plan = {
  readonly kind: 'lapse' | 'raise' | 'clear';
  readonly planned: Instant;
  /** When it falls due in fact, the initial sleep considered. */
  readonly at: Instant;
};

/** The plan that comes first; what waited for one instant goes in the order in which it was planned. */
function firstPlan(alert: Alert, context: Context): Plan | null {
  const plans: Plan[] = [];
  const add = (kind: Plan['kind'], planned: Instant | null, recordedAt: Instant): void => {
    if (planned !== null) plans.push({ kind, planned, at: dueInFact(planned, recordedAt, context) });
  };
  // At one instant in this order: the sort is stable.
  if (alert.phase.kind === 'acknowledged') add('lapse', alert.phase.until, alert.phase.since);
  add('raise', alert.willRaiseAt, alert.heardAt);
  add('clear', alert.willClearAt, alert.heardAt);
  return plans.sort((a, b) => a.at - b.at || a.planned - b.planned)[0] ?? null;
}

/** Takes what fell due by now in the order of its times. */
function takeOverdue(d: Draft): void {
  const { alert, context } = d;
  for (;;) {
    const plan = firstPlan(alert, context);
    if (plan === null || plan.at > context.now) return;
    switch (plan.kind) {
      case 'lapse':
        reRaise(d, plan.at, 'lapsed');
        break;
      case 'raise':
        alert.willRaiseAt = null;
        if (alert.phase.kind === 'cleared') raise(d, plan.at, 'planned');
        else recordPlans(d);
        break;
      case 'clear':
        alert.willClearAt = null;
        if (alert.phase.kind === 'cleared') recordPlans(d);
        else clear(d, plan.at, 'planned');
        break;
      default:
        plan.kind satisfies never;
    }
  }
}

function finish(d: Draft): Decision {
  settle(d);
  const { alert, context } = d;
  alert.wakeAt = earliest(alert.wakeAt, firstPlan(alert, context)?.at ?? null);
  return { before: d.before, after: alert, history: d.history, messages: d.messages, obsolete: d.obsolete };
}
