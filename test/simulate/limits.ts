/**
 * Rate limits, judged naively from what reached the providers: a message that
 * went out although the person's last ones had reached a limit, and one that was
 * held back although they had not.
 */

import { timeout } from './fates.ts';
import { clock as shown } from './input.ts';
import { length } from './match.ts';
import type { Call } from './providers.ts';
import type { NaivePolicy } from './rules.ts';

/** A message of one person: when it was first tried, last tried, and when the station heard that it was accepted. */
type Sent = {
  /** By which it is known, on whatever channel; those of all that it says, once it was sent. */
  readonly keys: Set<string>;
  readonly level: number;
  readonly first: number;
  last: number;
  acceptedAt: number | null;
  heardAt: number | null;
  /** Until then it is under way. */
  busyUntil: number;
};
type Message = { readonly key: string; readonly person: string; readonly level: string };
type Counting = (sent: Sent, now: number) => number | null;

/**
 * What may count as sent, and when: the semantics leave it open while a message is under way, and in which order
 * messages of one instant come. `ties`: -1 the lower levels count as the later ones, 1 the higher.
 */
const countings: readonly { readonly at: Counting; readonly ties: 1 | -1 }[] = [
  ...both(({ acceptedAt }) => acceptedAt),
  ...both(({ heardAt }) => heardAt),
  ...both(({ heardAt, last, busyUntil }, now) => (now < busyUntil ? last : heardAt)),
  // A refusal of the same instant may come after the next message was judged.
  ...both(({ heardAt, last, busyUntil }, now) => (now <= busyUntil ? last : heardAt)),
  ...both(({ first }) => first),
  ...both(({ last }) => last),
];
/** Of these all must say so before a message is one too many. */
const sure = countings.slice(0, 4);

function both(at: Counting) {
  return [
    { at, ties: 1 as const },
    { at, ties: -1 as const },
  ];
}

const levels: readonly string[] = ['low', 'normal', 'urgent'];
const remembered = 100;
/** What a limit is judged over: so many times its largest number of messages. */
const judgedOver = 3;
/** A limit once reached lasts until a pause as long as it, which may be days after what is known begins. */
const longest = length('10d');
const byDefault = { 5: '10m' };

export class LimitJudge {
  private readonly sentTo = new Map<string, Sent[]>();
  private forgotAt = Number.NEGATIVE_INFINITY;

  /** The clock was set: what was sent before is not to be compared with what comes. */
  forget(wall: number): void {
    this.sentTo.clear();
    this.forgotAt = wall;
  }

  /**
   * @param message the one that counts. @param says the keys of all that it goes out with.
   * @returns in words, the limit that it broke; null where it broke none.
   */
  sent(policy: NaivePolicy, message: Message, says: readonly string[], call: Call): string | null {
    const { key, person } = message;
    if (call.channel === 'inbox' || policy.person(person) === undefined) return null;
    const all = this.sentTo.get(person) ?? [];
    const known = all.find((one) => one.keys.has(key));
    const level = levels.indexOf(message.level);
    const ends =
      known === undefined
        ? sure.map((counting) => this.limitEnds(counting, policy, person, level, call.wall))
        : [];
    const sent = known ?? {
      keys: new Set([key]),
      level,
      first: call.wall,
      last: 0,
      acceptedAt: null,
      heardAt: null,
      busyUntil: 0,
    };
    sent.last = call.wall;
    sent.busyUntil = call.answered ? call.answeredAt : call.wall + timeout;
    if (call.accepted && call.answered) {
      sent.acceptedAt ??= call.wall;
      sent.heardAt ??= call.answeredAt;
      for (const one of says) sent.keys.add(one);
    }
    if (known === undefined) this.sentTo.set(person, [sent, ...all].slice(0, remembered));
    const broken = ends.length > 0 && ends.every((end) => end !== null);
    return broken
      ? `the limit of ${person} holds it back until ${shown(Math.max(...ends.map(Number)))}`
      : null;
  }

  /** Whether a limit was reached, by one way of counting or another. */
  mayHoldBack(policy: NaivePolicy, person: string, level: string, at: number): boolean {
    if (at < this.forgotAt + longest) return true;
    return countings.some(
      (counting) => this.limitEnds(counting, policy, person, levels.indexOf(level), at) !== null,
    );
  }

  /** Until when a limit holds a message back that would go out at that moment; null where none does. */
  private limitEnds(
    counting: (typeof countings)[number],
    policy: NaivePolicy,
    person: string,
    level: number,
    now: number,
  ): number | null {
    const limits = Object.entries(policy.person(person)?.limits ?? byDefault);
    const most = judgedOver * Math.max(...limits.map(([count]) => Number(count)));
    const sent = (this.sentTo.get(person) ?? [])
      .flatMap((one) => {
        const at = counting.at(one, now);
        return at === null || at > now ? [] : { at, level: one.level };
      })
      .sort((a, b) => b.at - a.at || (b.level - a.level) * counting.ties)
      .slice(0, most);
    let ends: number | null = null;
    for (const [written, period] of limits) {
      const count = Number(written);
      const per = length(period);
      const [newest] = sent;
      const last = sent.slice(0, count);
      if (newest === undefined || last.length < count || now >= newest.at + per) continue;
      // Since the last pause of a whole period: were so many of them within one?
      const pause = sent.findIndex(({ at }, i) => at - (sent[i + 1]?.at ?? Number.NEGATIVE_INFINITY) >= per);
      const run = sent.slice(0, pause + 1);
      const reached = run.some(
        ({ at }, i) => at - (run[i + count - 1]?.at ?? Number.NEGATIVE_INFINITY) < per,
      );
      if (reached && last.every((one) => one.level >= level)) ends = Math.max(ends ?? 0, newest.at + per);
    }
    return ends;
  }
}
