/**
 * Any sequence of what deliveries do to the outbox, restarts included, leaves
 * what a plain list would say: who may be sent what now, alone or together, what
 * a person was sent, what has not arrived, and which channel a message moved on to.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NotificationKind } from '../../src/station/core/alert.ts';
import type { OwedMessage } from '../../src/station/core/notification.ts';
import type { MessageId, SentIn, Settlement, Store } from '../../src/station/store/store.ts';
import { type Instant, minus, minutes, plus, seconds } from '../../src/time.ts';
import { asWaiting, List, type Row } from './outbox-list.ts';
import { add, alertOf, dialects, noon, owed, type Place, person } from './samples.ts';

const runs = 60;
const leaseFor = minutes(2);
const people = ['alice', 'bob'].map(person);
const channels = ['sms', 'email', 'inbox'];
const kinds: readonly NotificationKind[] = ['raised', 'cleared'];
const references = ['r1', 'r2', 'r3'];
const togetherMost = 3;

type Kind = Settlement['kind'];

type Step =
  | { readonly do: 'owe'; readonly n: number; readonly channel: number; readonly next: boolean }
  | { readonly do: 'settle'; readonly n: number; readonly kind: Kind; readonly wait: number }
  | { readonly do: 'together'; readonly n: number; readonly sentIn: SentIn | null }
  | { readonly do: 'postpone'; readonly n: number; readonly wait: number; readonly patiently: boolean }
  | { readonly do: 'overtake'; readonly n: number; readonly old: number }
  | { readonly do: 'lease' | 'release' | 'hurry' | 'reopen' | 'watch' }
  | { readonly do: 'wait'; readonly n: number };

/** What can become of a message that waits or is under way, of one that a provider took, and of one that arrived. */
const becomes: Readonly<Partial<Record<Row['status'], readonly Kind[]>>> = {
  pending: ['gathered', 'held-back', 'moved-on', 'overdue', 'obsolete'],
  leased: [
    ...(['delivered', 'accepted', 'failed', 'obsolete', 'retry', 'held-back', 'gathered'] as const),
    ...(['moved-on', 'passed-on', 'overdue'] as const),
  ],
  accepted: ['confirmed', 'noted', 'passed-on', 'overdue', 'watched', 'failed', 'moved-on', 'delivered'],
  delivered: ['failed', 'moved-on', 'noted', 'confirmed', 'overdue'],
  failed: ['delivered', 'retry'],
};
const allKinds = [...new Set(Object.values(becomes).flat())];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('owe' as const),
      n: fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(11) }),
      channel: fc.nat(2),
      next: fc.boolean(),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      n: fc.nat(20),
      kind: fc.constantFrom(...allKinds, 'delivered', 'accepted', 'retry', 'held-back' as const),
      wait: fc.nat(5),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('together' as const),
      n: fc.nat(5),
      sentIn: fc.constantFrom('digest', 'digest', 'summary', null),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('postpone' as const),
      n: fc.nat(5),
      wait: fc.nat(3),
      patiently: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('overtake' as const), n: fc.nat(7), old: fc.nat(3) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('lease' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('release', 'hurry', 'reopen', 'watch' as const) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), n: fc.nat(5) }) },
);

function settlementOf(id: MessageId, { kind, wait, n }: Step & { do: 'settle' }, at: Instant): Settlement {
  const later = plus(at, minutes(wait));
  const reference = references[n % references.length] ?? '';
  switch (kind) {
    case 'accepted':
      return { id, kind, at, ask: later, title: '', text: '', why: 'queued', reference };
    case 'delivered':
      return { id, kind, at, title: '', text: '', why: '', ...(n % 2 === 0 && { reference }) };
    case 'retry':
      return { id, kind, at, notBefore: later, why: '451' };
    case 'held-back':
    case 'gathered':
    case 'watched':
      return { id, kind, at, until: later, why: kind };
    default:
      return { id, kind, at, why: kind };
  }
}

class Run {
  readonly #place: Place;
  readonly #list = new List();
  #store: Store;
  #now = noon;
  #samples: readonly OwedMessage[] = [];

  constructor(place: Place) {
    this.#place = place;
    this.#store = place.open();
  }

  async begin(): Promise<void> {
    const alerts = await add(
      this.#store,
      (key) => alertOf(key),
      (key) => alertOf(key),
    );
    // Three messages of each alert to each person.
    this.#samples = alerts.flatMap((alert) =>
      people.flatMap((who) =>
        [0, 1, 2].map((n) =>
          owed(alert, {
            key: `${alert.key}/${n}/${who}`,
            person: who,
            kind: kinds[n % 2] ?? 'raised',
            level: n === 2 ? 'urgent' : 'normal',
          }),
        ),
      ),
    );
  }

  async do(step: Step): Promise<void> {
    this.#now = plus(this.#now, seconds(1));
    const now = this.#now;
    switch (step.do) {
      case 'owe':
        return await this.#owe(step);
      case 'settle':
        return await this.#settle(step);
      case 'overtake':
        return await this.#overtake(step);
      case 'lease':
        return await this.#lease();
      case 'together':
        return await this.#together(step);
      case 'postpone':
        return await this.#postpone(step);
      case 'watch':
        return await this.#watch();
      case 'release':
        this.#list.release(now);
        await this.#store.transaction((tx) => tx.releaseLeases(now));
        return;
      case 'hurry':
        this.#list.hurry(now);
        return await this.#store.transaction((tx) => tx.hurry(now));
      case 'reopen':
        await this.#store.close();
        this.#store = this.#place.open();
        return;
      case 'wait':
        this.#now = plus(now, minutes(step.n));
        return;
      default:
        step satisfies never;
    }
  }

  async #owe({ n, channel, next }: Step & { do: 'owe' }): Promise<void> {
    const sample = this.#samples[n];
    const [first = '', ...rest] = [...channels.slice(channel), ...channels.slice(0, channel)];
    assert.ok(sample !== undefined);
    const plan = next ? { channels: rest, wait: minutes(1) } : null;
    const overdueAfter = first === 'inbox' && plan === null ? null : minutes(3);
    const message = { ...sample, channel: first, next: plan, dueAt: this.#now, overdueAfter };
    this.#list.owe(message, this.#now);
    await this.#store.transaction((tx) => tx.enqueue([message], this.#now));
  }

  /** Each by itself. */
  async #lease(): Promise<void> {
    const [now, end] = [this.#now, plus(this.#now, leaseFor)];
    const waiting = this.#list.waiting(now, []);
    const expected = waiting.map(asWaiting);
    const ids = waiting.flatMap((row) => this.#list.take([row], now, end, null)).map(({ id }) => id);
    await this.#store.transaction(async (tx) => {
      assert.deepEqual(await tx.waiting(now, 100, []), expected);
      assert.deepEqual(
        await tx.waiting(now, 100, ['sms']),
        expected.filter(({ channel }) => channel !== 'sms'),
      );
      const taken: MessageId[] = [];
      for (const { id } of expected) {
        for (const message of await tx.take([id], now, end, null)) taken.push(message.id);
      }
      assert.deepEqual(taken, ids);
    });
  }

  #of(n: number): readonly [who: (typeof people)[number], channel: string] {
    return [people[n % people.length] ?? person('alice'), channels[n % channels.length] ?? 'sms'];
  }

  /** What waits for one person on one channel. */
  async #together({ n, sentIn }: Step & { do: 'together' }): Promise<void> {
    const [now, end] = [this.#now, plus(this.#now, leaseFor)];
    const [who, channel] = this.#of(n);
    const waiting = this.#list.waitingFor(who, channel, now).slice(0, togetherMost);
    const expected = waiting.map(asWaiting);
    const taken = this.#list.take(waiting, now, end, sentIn).map(({ id, attempts, message }) => ({
      ...message,
      ...{ id, attempts: attempts - 1 },
    }));
    await this.#store.transaction(async (tx) => {
      const found = await tx.waitingFor(who, channel, now, togetherMost);
      assert.deepEqual(found, expected);
      const leased = await tx.take(
        found.map(({ id }) => id),
        now,
        end,
        sentIn,
      );
      assert.deepEqual(
        leased.map(({ detail: _, code: __, ...message }) => message),
        taken,
      );
    });
  }

  async #postpone({ n, wait, patiently }: Step & { do: 'postpone' }): Promise<void> {
    const until = plus(this.#now, minutes(wait));
    const rows = this.#list.waitingFor(...this.#of(n), this.#now);
    this.#list.postpone(rows, until, patiently);
    const ids = rows.map(({ id }) => id);
    await this.#store.transaction((tx) => tx.postpone(ids, until, patiently));
  }

  async #watch(): Promise<void> {
    const again = plus(this.#now, minutes(1));
    const expected = this.#list.watched(this.#now, 2, again);
    const found = await this.#store.transaction((tx) => tx.loadWatched(this.#now, 2, again));
    assert.deepEqual(found, expected);
  }

  async #settle(step: Step & { do: 'settle' }): Promise<void> {
    const rows = this.#list.rows.filter(
      ({ status, message }) =>
        (becomes[status] ?? []).includes(step.kind) && (step.kind !== 'passed-on' || message.next !== null),
    );
    const row = rows[step.n % Math.max(1, rows.length)];
    if (row === undefined) return;
    const settled = settlementOf(row.id, step, this.#now);
    this.#list.settle(settled);
    await this.#store.transaction((tx) => tx.settle([settled]));
  }

  async #overtake({ n, old }: Step & { do: 'overtake' }): Promise<void> {
    const now = this.#now;
    const what = {
      alert: this.#samples[n < 4 ? 0 : 6]?.alert ?? (0 as never),
      kinds: kinds.slice(n % 2),
      people: n % 4 < 2 ? null : people.slice(0, 1),
      dueBefore: minus(now, minutes(old)),
      why: 'over',
    };
    const gone = this.#list.rows.filter(
      ({ message, status, sendAt, attempts, heldAt }) =>
        sendAt !== null &&
        (status === 'pending' || sendAt <= now) &&
        message.alert === what.alert &&
        what.kinds.includes(message.kind) &&
        (what.people?.includes(message.person) ?? true) &&
        (attempts > 0 || heldAt !== null || message.dueAt < what.dueBefore),
    );
    const expected = gone.map(({ message }) => message);
    for (const { id } of gone) this.#list.settle({ id, kind: 'obsolete', at: now, why: what.why });
    const found = await this.#store.transaction((tx) => tx.makeObsolete([what], now));
    assert.deepEqual(
      found.map(({ message }) => message),
      expected,
    );
  }

  async compare(): Promise<void> {
    const list = this.#list;
    const now = this.#now;
    await this.#store.transaction(async (tx) => {
      const except = list.rows.filter(({ id }) => id % 3 === 0).map(({ id }) => id);
      for (const who of people) {
        const sent = list.sentTo(who, []);
        assert.deepEqual(await tx.sentTo(who, 100), sent);
        assert.deepEqual(await tx.sentTo(who, 2), sent.slice(0, 2));
        assert.deepEqual(await tx.sentTo(who, 3, except), list.sentTo(who, except).slice(0, 3));
        for (const since of [noon, minus(now, minutes(3))]) {
          assert.equal(await tx.heldBack(who, since), list.heldBack(who, since));
          for (const channel of channels)
            assert.deepEqual(await tx.lastSent(who, channel, since, now), list.lastSent(who, channel, since));
        }
      }
      for (const channel of channels) {
        const movable = [...(await tx.movable(channel, now, 100))].sort((a, b) => a - b);
        assert.deepEqual(movable, list.movable(channel, now));
        for (const reference of references)
          assert.deepEqual(await tx.loadReported(channel, reference), list.reported(channel, reference));
      }
      for (const { key } of this.#samples) assert.deepEqual(await tx.loadFates(key), list.fates(key));
      for (const row of list.rows) assert.deepEqual(await tx.loadMessage(row.id), list.unsettled(row));
    });
    assert.equal(await this.#store.nextSend([]), list.nextSend());
    assert.equal(await this.#store.nextWatch(), list.nextWatch());
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

for (const dialect of dialects) {
  test(`${dialect.name}: the outbox says what a list would of what waits, was sent, has not arrived and moved on`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), async (steps) => {
        const run = new Run(dialect.place(t));
        await run.begin();
        for (const one of steps) {
          await run.do(one);
          await run.compare();
        }
        await run.close();
      }),
      { numRuns: runs },
    );
  });
}
