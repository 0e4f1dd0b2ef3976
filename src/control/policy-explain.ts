/**
 * `mauvectl policy explain`: what a policy would do about an alert, worked out
 * by the core itself, without a station: the alert lives from its raise up to
 * the moment from which somebody wants to know.
 */
import { lookup } from 'node:dns/promises';
import type { Alert, AlertKey } from '../station/core/alert.ts';
import { type Context, decideAsk, decideDue, decideReport } from '../station/core/decide.ts';
import { explainGroup, type GroupExplained } from '../station/core/explain.ts';
import { type Acknowledging, type Forecast, forecast } from '../station/core/forecast.ts';
import type { HostNames } from '../station/core/match.ts';
import type { Policy } from '../station/core/policy.ts';
import { momentWords, parseMoment } from '../station/rehearsal/moment.ts';
import { oneLine } from '../station/yaml-file.ts';
import {
  type Duration,
  earliest,
  hours,
  type Instant,
  instant,
  milliseconds,
  minus,
  plus,
  seconds,
  systemClock,
} from '../time.ts';
import { exit, Refusal } from './ending.ts';
import type { AskedAlert, PolicyCommand } from './options.ts';

type ExplainCommand = Extract<PolicyCommand, { kind: 'policy explain' }>;

export type Explained = {
  readonly alert: AskedAlert;
  readonly policy: Policy;
  readonly raisedAt: Instant;
  readonly ackedAt: Instant | null;
  readonly group: GroupExplained;
  readonly forecast: Forecast;
  /** Hosts that the policy asks for and whose addresses nobody knew. */
  readonly unknown: readonly string[];
};

const lengthDefault = hours(24);
/** So many decisions are taken before the moment from which it is told; an alert that stood for years is no example. */
const stepsMax = 100_000;
const by = 'somebody';

/**
 * @param policy with its calendars as they are around the time that is asked for.
 * @throws Refusal for a time that is none.
 */
export async function explain(command: ExplainCommand, policy: Policy, now: Instant): Promise<Explained> {
  const moments = momentsOf(command, policy.timezone, now);
  const { from, raisedAt, ackedAt } = moments;
  const { names, unknown } = await namesFor(command.alert, policy);
  const context: Context = {
    now: from,
    policy,
    startedAt: instant(0),
    sleepsUntil: instant(0),
    silences: [],
    names,
    inhibitor: () => null,
  };
  const acknowledge: Acknowledging | null =
    ackedAt === null ? null : { for: ackFor(command, policy, names), by, at: ackedAt };
  const { alert, acknowledged } = upTo(from, bornAt(raisedAt, command.alert, context), context, acknowledge);
  const until = plus(from, command.length ?? lengthDefault);
  return {
    alert: command.alert,
    policy,
    raisedAt,
    ackedAt,
    group: explainGroup(policy, alert, names),
    forecast: forecast(alert, context, until, acknowledged ? null : acknowledge),
    unknown,
  };
}

function ackFor(command: ExplainCommand, policy: Policy, names: HostNames): Duration {
  const matched = { ...command.alert, subject: command.alert.subject || command.alert.source };
  return command.ackFor ?? explainGroup(policy, matched, names).group.acknowledgeFor;
}

type Moments = { readonly from: Instant; readonly raisedAt: Instant; readonly ackedAt: Instant | null };

/** What is after the raise is counted from it, what is before the moment of telling from that. */
export function momentsOf(command: ExplainCommand, timezone: string, now: Instant): Moments {
  const moment = (option: string, text: string | null, from: Instant, next = false): Instant | null => {
    if (text === null) return null;
    const found = parseMoment(text, { from, timezone, timeOfDay: next ? 'next' : 'same-day' });
    if (found === null) throw new Refusal(exit.usage, `--${option}: ${momentWords}; see mauvectl --help`);
    return found.at;
  };
  const from = moment('at', command.at, now) ?? now;
  const raisedAt = moment('raised-at', command.raisedAt, from) ?? from;
  if (raisedAt > from) throw new Refusal(exit.usage, '--raised-at is after --at; see mauvectl --help');
  const counted = command.ackedAt?.startsWith('-') === true ? from : raisedAt;
  const ackedAt = moment('acked-at', command.ackedAt, counted, true);
  if (ackedAt !== null && ackedAt < raisedAt) {
    throw new Refusal(exit.usage, '--acked-at is before --raised-at; see mauvectl --help');
  }
  return { from, raisedAt, ackedAt };
}

/** An alert that is about to be raised at that moment, as a heartbeat that was missed raises it. */
function bornAt(raisedAt: Instant, alert: AskedAlert, context: Context): Alert {
  const before = minus(raisedAt, milliseconds(1));
  const report = {
    ...alert,
    ask: { kind: 'stand' },
    willRaiseAt: raisedAt,
    willClearAt: null,
    suppressUntil: null,
  } as const;
  return decideReport(null, 1 as AlertKey, alert.source, report, { ...context, now: before }).after;
}

/** The alert as it stands just before `until`, and whether it was acknowledged on the way. */
function upTo(
  until: Instant,
  born: Alert,
  context: Context,
  acknowledge: Acknowledging | null,
): { readonly alert: Alert; readonly acknowledged: boolean } {
  let alert = born;
  let asked = acknowledge?.at ?? null;
  for (let steps = 0; steps < stepsMax; steps++) {
    const at = earliest(alert.wakeAt, asked);
    if (at === null || at >= until) return { alert, acknowledged: acknowledge !== null && asked === null };
    const then = { ...context, now: at };
    if (acknowledge !== null && asked !== null && asked <= at) {
      asked = null;
      const decision = decideAsk(alert, { kind: 'acknowledge', for: acknowledge.for, note: '' }, by, then);
      if (typeof decision !== 'string') alert = decision.after;
    } else alert = decideDue(alert, then).after;
  }
  throw new Refusal(exit.usage, '--raised-at is too long ago to tell step by step what happened since');
}

// ---------------------------------------------------------------- addresses of hosts

/** A resolver that has not answered by then is as good as none. */
const lookupMax = seconds(5);
/** Each round asks for what the last one's answers led to. */
const roundsMax = 3;

/** Looks up the hosts on whose addresses the alert's group depends, as a station does; mostly none. */
async function namesFor(
  alert: AskedAlert,
  policy: Policy,
): Promise<{ readonly names: HostNames; readonly unknown: readonly string[] }> {
  const known = new Map<string, readonly string[]>();
  const unknown: string[] = [];
  const matched = { ...alert, subject: alert.subject === '' ? alert.source : alert.subject };
  for (let round = 1; round <= roundsMax; round++) {
    const asked = new Set<string>();
    explainGroup(policy, matched, {
      generation: round,
      lookup: (host) => {
        if (!known.has(host)) asked.add(host);
        return known.get(host);
      },
    });
    if (asked.size === 0) break;
    for (const { host, addresses } of await Promise.all([...asked].map(lookUp))) {
      if (addresses === null) unknown.push(host);
      known.set(host, addresses ?? []);
    }
  }
  return { names: { generation: 0, lookup: (host) => known.get(host) ?? [] }, unknown };
}

/** Null: nobody knows; none: there is no such host. */
async function lookUp(host: string): Promise<{ host: string; addresses: readonly string[] | null }> {
  const late = new Promise<null>((resolve) => systemClock.after(lookupMax, () => resolve(null)));
  const found = lookup(host, { all: true }).then(
    (all) => all.map(({ address }) => address),
    (error: unknown) => (error instanceof Error && 'code' in error && error.code === 'ENOTFOUND' ? [] : null),
  );
  return { host: oneLine(host), addresses: await Promise.race([found, late]) };
}
