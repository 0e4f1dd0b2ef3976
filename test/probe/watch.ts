/**
 * One target on the synthetic network, watched round by round: a ping and a
 * trace each, and whatever the judging asks for besides, as the agent would.
 */
import assert from 'node:assert/strict';
import { type Chance, chanceFrom } from '../../src/probe/core/chance.ts';
import {
  type Judged,
  type Judgement,
  judgePing,
  judgeTrace,
  newJudged,
  pingSent,
  type VerdictChange,
  type VerdictName,
} from '../../src/probe/core/judge.ts';
import {
  exampleNetwork,
  type Network,
  type NetworkChange,
  pingThrough,
  traceThrough,
} from '../../src/probe/core/network.ts';
import type { Address, Method, PingRecord } from '../../src/probe/core/record.ts';
import { defaultRules, type Rules } from '../../src/probe/core/rules.ts';
import { shapeOf } from '../../src/probe/core/sparing.ts';
import { type Duration, type Instant, instant, milliseconds, plus, seconds } from '../../src/time.ts';

export const v4 = '198.51.100.7' as Address;
export const v6 = '2001:db8:ffff::7' as Address;
export const start = instant(Date.UTC(2024, 4, 6, 3, 0, 0));
export const address = (text: string): Address => text as Address;

export type WatchOptions = {
  readonly target: Address;
  readonly rules: Rules;
  readonly interval: Duration;
  readonly pingsPerRound: number;
  readonly firstHop: number;
  readonly maxHops: number;
  readonly seed: number;
  readonly method: Method;
};

const usually: WatchOptions = {
  target: v4,
  rules: defaultRules,
  interval: seconds(1),
  pingsPerRound: 1,
  firstHop: 1,
  maxHops: 30,
  seed: 1,
  method: 'udp',
};

export class Watch {
  state: Judged;
  now: Instant = start;
  round = 0;
  readonly changes: (VerdictChange & { readonly round: number })[] = [];
  readonly pathIds: (string | null)[] = [];
  options: WatchOptions;
  network: Network;
  private readonly random: Chance;
  private wasSilent = false;

  constructor(network: Network = exampleNetwork(), options: Partial<WatchOptions> = {}) {
    this.options = { ...usually, ...options };
    this.network = network;
    this.random = chanceFrom(this.options.seed);
    this.state = newJudged(this.options.target, start);
  }

  /** The network becomes another one, from now on. */
  change(change: Omit<NetworkChange, 'at'>): this {
    this.network = { ...this.network, changes: [...this.network.changes, { at: this.now, ...change }] };
    return this;
  }

  /** Lives through so many rounds. */
  rounds(count: number): this {
    for (let i = 0; i < count; i++) this.oneRound();
    return this;
  }

  private oneRound(): void {
    const { interval, pingsPerRound } = this.options;
    const begun = this.now;
    this.round++;
    let wanted = 0;
    for (let i = 0; i < pingsPerRound; i++) {
      this.now = plus(begun, milliseconds((i * interval) / pingsPerRound));
      const { confirm, pings } = this.ping();
      this.traces(Math.min(1, confirm));
      wanted = pings;
    }
    wanted = Math.max(wanted, this.traces(1));
    // Pings that are wanted sooner, a sixteenth of the round apart.
    for (let i = 1; i < 16 && wanted > 0; i++) {
      this.now = plus(begun, milliseconds((i * interval) / 16));
      const { pings, confirm } = this.ping();
      this.traces(Math.min(1, confirm));
      wanted = Math.max(wanted - 1, pings);
    }
    this.now = plus(begun, interval);
  }

  ping(): Judgement {
    const { target, rules } = this.options;
    this.state = pingSent(this.state);
    const record = pingThrough(this.network, { address: target, timeout: seconds(2) }, this.random, this.now);
    return this.take(judgePing(this.state, record, rules, this.now));
  }

  /** A ping that came out as it is told. */
  judgePing(record: PingRecord, rules: Rules = this.options.rules): Judgement {
    return this.take(judgePing(this.state, record, rules, this.now));
  }

  wait(duration: Duration): this {
    this.now = plus(this.now, duration);
    return this;
  }

  /** @returns how many pings are wanted. */
  private traces(count: number): number {
    let left = count;
    let wanted = 0;
    while (left > 0) {
      const judgement = this.trace();
      left = Math.max(left - 1, judgement.confirm);
      wanted = judgement.pings;
    }
    return wanted;
  }

  trace(): Judgement {
    const { target, rules, firstHop, maxHops, method } = this.options;
    const shape = shapeOf(this.state, { v4: 0, v6: 0 }, this.wasSilent);
    const order = { retries: 1, ...shape, address: target, method, firstHop, maxHops };
    const rest = { timeout: seconds(2), flow: 33_434 };
    const record = traceThrough(this.network, { ...order, ...rest }, this.random, this.now);
    this.wasSilent = record.end === 'silent';
    const judgement = this.take(judgeTrace(this.state, record, rules, this.now));
    this.pathIds.push(judgement.pathId);
    return judgement;
  }

  private take(judgement: Judgement): Judgement {
    this.state = judgement.state;
    this.changes.push(...judgement.verdicts.map((change) => ({ ...change, round: this.round })));
    return judgement;
  }

  /** What changed since it was last asked, as `raised slow`. */
  said(): readonly string[] {
    return this.changes.splice(0).map(({ state, verdict }) => `${state} ${verdict}`);
  }

  /** What stands. */
  standing(): readonly VerdictName[] {
    return this.state.standing.map(({ verdict }) => verdict);
  }

  /** The verdict as it was raised; the last one, if more than once. */
  raised(verdict: VerdictName): VerdictChange {
    const found = this.changes.findLast((one) => one.verdict === verdict && one.state === 'raised');
    assert.ok(found, `${verdict} was not raised, but: ${this.summaries().join('; ')}`);
    return found;
  }

  summaries(): readonly string[] {
    return this.changes.map(
      ({ round, state, verdict, summary }) => `${round} ${state} ${verdict}: ${summary}`,
    );
  }
}

/** A watch whose target is known already: ten quiet rounds. */
export function known(network: Network = exampleNetwork(), options: Partial<WatchOptions> = {}): Watch {
  const watch = new Watch(network, options).rounds(10);
  assert.deepEqual(watch.summaries(), []);
  return watch;
}

/** The address of a node of a network. */
export function nodeOf(network: Network, name: string, target: Address = v4): Address {
  const node = network.nodes[name];
  assert.ok(node, name);
  return target === v6 ? node.v6 : node.v4;
}
