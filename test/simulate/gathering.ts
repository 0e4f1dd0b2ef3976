/**
 * What goes out as one, judged naively from what reached the providers: digests
 * (the first message goes at once, what follows becomes one), and summaries in
 * place of reminders while many alerts stand.
 */
import type { AlertKey, Change } from '../../src/station/core/alert.ts';
import type { Followed } from './followed.ts';
import { clock as shown } from './input.ts';
import type { Call } from './providers.ts';
import type { NaivePolicy } from './rules.ts';

type Standing = {
  isRaised: boolean;
  episode: number;
  /** Who was told, and in which episode last. */
  readonly told: Map<string, number>;
  /** In which episode people were told of a raise last. */
  announced: number;
};
type Count = { readonly at: number; readonly least: number; readonly most: number };
type Gathered = { readonly message: Followed; readonly at: number };
type Last = { readonly call: Call; readonly isSummary: boolean };

/**
 * How many alerts of which a person was told stand unacknowledged: at least those that they were told of in this
 * episode, at most those that nobody has told them the end of.
 */
class Counts {
  private readonly alerts = new Map<AlertKey, Standing>();
  private readonly people = new Map<string, Count[]>();

  take(alert: AlertKey, change: Change, at: number, by: string | null): void {
    const standing = this.alerts.get(alert) ?? { isRaised: false, episode: 0, told: new Map(), announced: 0 };
    this.alerts.set(alert, standing);
    const before = countsOf(standing);
    switch (change.kind) {
      case 'raised':
      case 're-raised':
        standing.isRaised = true;
        standing.episode = change.episode;
        break;
      case 'acknowledged':
      case 'cleared':
        standing.isRaised = false;
        if (by !== null) standing.told.set(by, standing.episode);
        break;
      case 'told':
        if (/raised/.test(change.of) && standing.announced !== standing.episode) {
          standing.announced = standing.episode;
          standing.told.clear();
        }
        standing.told.set(change.person, standing.episode);
        break;
      default:
        return;
    }
    const after = countsOf(standing);
    for (const person of new Set([...before.keys(), ...after.keys()])) {
      this.add(person, at, before.get(person) ?? none, after.get(person) ?? none);
    }
  }

  private add(person: string, at: number, before: Stands, after: Stands): void {
    const least = after.surely - before.surely;
    const most = after.maybe - before.maybe;
    if (least === 0 && most === 0) return;
    const counts = this.people.get(person) ?? [];
    const last = counts.at(-1) ?? { least: 0, most: 0 };
    counts.push({ at, least: last.least + least, most: last.most + most });
    this.people.set(person, counts);
  }

  /** At that moment, or just before. */
  at(person: string, at: number): { readonly least: number; readonly most: number } {
    const counts = this.people.get(person) ?? [];
    const before = counts.findLast((count) => count.at < at) ?? { least: 0, most: 0 };
    const then = counts.filter((count) => count.at === at);
    return {
      least: Math.min(before.least, ...then.map(({ least }) => least)),
      most: Math.max(before.most, ...then.map(({ most }) => most)),
    };
  }

  /** When it came to what it is now is not asked for any more. */
  forget(): void {
    for (const [person, counts] of this.people) {
      const last = counts.at(-1);
      if (last !== undefined) this.people.set(person, [{ ...last, at: Number.NEGATIVE_INFINITY }]);
    }
  }
}

type Stands = { readonly surely: number; readonly maybe: number };
const none: Stands = { surely: 0, maybe: 0 };

function countsOf({ isRaised, episode, told }: Standing): ReadonlyMap<string, Stands> {
  if (!isRaised) return new Map();
  return new Map([...told].map(([person, last]) => [person, { surely: last === episode ? 1 : 0, maybe: 1 }]));
}

export type Complaint = { readonly kind: string; readonly expected: string; readonly found: string };

export class GatheringJudge {
  private readonly counts = new Counts();
  private readonly last = new Map<string, Last>();
  private readonly lastSummary = new Map<string, Last>();
  private gathered: Gathered[] = [];

  change(alert: AlertKey, change: Change, at: number, by: string | null): void {
    this.counts.take(alert, change, at, by);
  }

  /** History says that it waits for a summary. */
  gathers(message: Followed, at: number): void {
    this.gathered.push({ message, at });
  }

  /** When the last call to them on that channel was: what follows may wait for as long as a digest. */
  lastCall(person: string, channel: string): number {
    return this.last.get(`${person} ${channel}`)?.call.wall ?? Number.NEGATIVE_INFINITY;
  }

  /** @param policies the one in force, and the one before it. @param since the clock and the station have run on since then. */
  judge(
    call: Call,
    messages: readonly Followed[],
    policies: readonly NaivePolicy[],
    since: number,
  ): Complaint[] {
    const [first] = messages;
    if (first === undefined || call.channel === 'inbox') return [];
    const { person, channel } = first.row;
    const name = `${person} ${channel}`;
    const complaints = [
      ...this.judgeGathered(policies, call.wall, since),
      ...this.judgeParts(call, messages, policies),
      ...this.judgeSpacing(call, name, policies, since),
      ...this.judgeKind(call, person, messages, policies, since),
    ];
    const last = { call, isSummary: call.event === 'summary' };
    this.last.set(name, last);
    if (last.isSummary) this.lastSummary.set(name, last);
    return complaints;
  }

  private judgeParts(
    call: Call,
    messages: readonly Followed[],
    policies: readonly NaivePolicy[],
  ): Complaint[] {
    const [first] = messages;
    const strangers = messages.filter(
      ({ row }) => row.person !== first?.row.person || row.channel !== first.row.channel,
    );
    if (strangers.length > 0 || new Set(call.covers).size < call.covers.length)
      return [{ kind: 'a strange mixture', expected: 'one person, each once', found: call.covers.join(' ') }];
    if (messages.length === 1 || call.event === 'summary' || policies.some(({ digest }) => digest > 0))
      return [];
    return [{ kind: 'gathered', expected: 'each by itself', found: call.covers.join(' ') }];
  }

  /** What is owed within the time of a digest after a message goes out as one then. */
  private judgeSpacing(
    call: Call,
    name: string,
    policies: readonly NaivePolicy[],
    since: number,
  ): Complaint[] {
    const before = this.last.get(name)?.call;
    const digest = Math.min(...policies.map((policy) => policy.digest));
    if (before === undefined || before.wall < since || !before.accepted || !before.answered) return [];
    if (before.life !== call.life || before.answeredAt > call.wall || call.wall >= before.wall + digest)
      return [];
    const expected = `nothing until ${shown(before.wall + digest)}, after ${before.covers.join(' ')}`;
    return [{ kind: 'not gathered', expected, found: `${call.covers.join(' ')} at ${shown(call.wall)}` }];
  }

  /** While more stand than the policy says, a summary takes the place of reminders, and not too often. */
  private judgeKind(
    call: Call,
    person: string,
    messages: readonly Followed[],
    policies: readonly NaivePolicy[],
    since: number,
  ): Complaint[] {
    const found = `${call.covers.join(' ')} at ${shown(call.wall)}`;
    const { least, most } = this.counts.at(person, call.wall);
    const overs = policies.map(({ summaryOver }) => summaryOver[call.channel] ?? Number.POSITIVE_INFINITY);
    if (call.event !== 'summary') {
      const reminder = messages.find(({ row }) => row.kind === 'reminder');
      if (reminder === undefined || !overs.every((over) => least > over)) return [];
      return [{ kind: 'a single reminder', expected: `a summary: ${least} alerts stand`, found }];
    }
    if (overs.every((over) => most <= over))
      return [{ kind: 'a summary', expected: `reminders: ${most} alerts stand`, found }];
    const before = this.lastSummary.get(`${person} ${call.channel}`)?.call;
    if (before === undefined || before.wall < since || !before.accepted || !before.answered) return [];
    const every = Math.min(...policies.map(({ summaryEvery }) => summaryEvery));
    if (call.wall >= before.wall + every || call.wall < before.wall) return [];
    return [{ kind: 'a summary', expected: `none before ${shown(before.wall + every)}`, found }];
  }

  /** What waits for a summary waits because many stand. */
  judgeGathered(policies: readonly NaivePolicy[], until: number, since: number): Complaint[] {
    const complaints: Complaint[] = [];
    const known = this.gathered.filter(({ at }) => at < until);
    this.gathered = this.gathered.filter(({ at }) => at >= until);
    for (const { message, at } of known) {
      const { person, channel, key, kind } = message.row;
      const { most } = this.counts.at(person, at);
      const overs = policies.map(({ summaryOver }) => summaryOver[channel] ?? Number.POSITIVE_INFINITY);
      const found = `${key} waits for a summary at ${shown(at)}`;
      if (kind !== 'reminder') complaints.push({ kind: 'gathered', expected: 'news goes', found });
      else if (at >= since && overs.every((over) => most <= over))
        complaints.push({ kind: 'gathered', expected: `a reminder: ${most} alerts stand`, found });
    }
    return complaints;
  }

  /** All that was before is judged. */
  forget(): void {
    this.counts.forget();
  }
}
