/**
 * Which providers are left alone, and when, as semantics.md says it: after five
 * failures in a row for 10 s, then tried with one message, and left alone for
 * longer, up to 5 minutes, while that fails. Told from what they answered.
 */
import { timeout } from './fates.ts';
import type { Call } from './providers.ts';

const inARow = 5;
const first = 10_000;
const most = 300_000;

type Answer = { readonly at: number; readonly life: number; readonly kind: 'works' | 'fails' | 'neither' };

class Breaker {
  private failures = 0;
  private wait = first;
  /** While it is left alone. */
  from = 0;
  until = Number.NEGATIVE_INFINITY;
  /** Since when it does not work; null: it does. */
  brokenFrom: number | null = null;
  /** When it was last found to work again. */
  mendedAt = Number.NEGATIVE_INFINITY;

  take({ at, kind }: Answer): void {
    if (kind === 'neither') return;
    if (kind === 'works') this.mend(at);
    else this.fail(at);
  }

  private fail(at: number): void {
    this.failures += 1;
    if (this.failures < inARow || (this.from <= at && at < this.until)) return;
    this.brokenFrom ??= at;
    this.from = at;
    this.until = at + this.wait;
    this.wait = Math.min(most, 2 * this.wait);
  }

  mend(at: number): void {
    if (this.brokenFrom !== null) this.mendedAt = at;
    this.failures = 0;
    this.wait = first;
    this.brokenFrom = null;
    this.until = Number.NEGATIVE_INFINITY;
  }
}

export class Breakers {
  private readonly channels = new Map<string, Breaker>();
  private answers: (Answer & { readonly channel: string })[] = [];
  private life = 0;

  /** All that was answered before that moment is known. */
  private follow(until: number): void {
    const known = this.answers.filter(({ at }) => at < until).sort((a, b) => a.at - b.at);
    if (known.length === 0) return;
    this.answers = this.answers.filter(({ at }) => at >= until);
    for (const answer of known) if (answer.life === this.life) this.of(answer.channel).take(answer);
  }

  private of(channel: string): Breaker {
    const known = this.channels.get(channel) ?? new Breaker();
    this.channels.set(channel, known);
    return known;
  }

  /** The clock was set, or the station began anew: it finds out anew who works. */
  forget(at: number): void {
    this.answers = [];
    for (const breaker of this.channels.values()) breaker.mend(at);
  }

  /** @returns until when the provider was to be left alone, where it was. */
  take(call: Call): number | null {
    const { channel, wall, life, said, answered, answeredAt, fault } = call;
    if (channel === 'inbox') return null;
    if (life !== this.life) this.forget(wall);
    this.life = life;
    this.follow(wall);
    const { from, until } = this.of(channel);
    const fails = !answered || said === 'retry';
    const kind = !fails ? 'works' : fault && answered ? 'neither' : 'fails';
    this.answers.push({ channel, life, at: answered ? answeredAt : wall + timeout, kind });
    return from < wall && wall < until ? until : null;
  }

  /** Whether it did not work at some time between those two moments. */
  wasBroken(channel: string, from: number, until: number): boolean {
    this.follow(until + 1);
    const breaker = this.of(channel);
    const { brokenFrom, mendedAt } = breaker;
    return mendedAt >= from || (brokenFrom !== null && brokenFrom <= until);
  }
}
