/**
 * Any sequence of what deliveries do to the outbox, restarts included, leaves
 * what a plain list would say: who may be sent what now, what a person was sent,
 * what was held back from them, and which channel a message moved on to.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NotificationKind } from '../../src/station/core/alert.ts';
import type { OwedMessage } from '../../src/station/core/notification.ts';
import type { MessageId, SentMessage, Settlement, Store } from '../../src/station/store/store.ts';
import { type Instant, minus, minutes, plus, seconds } from '../../src/time.ts';
import { add, alertOf, dialects, leaseAll, noon, owed, type Place, person } from './samples.ts';

const runs = 60;
const leaseFor = minutes(2);
const people = ['alice', 'bob'].map(person);
const channels = ['sms', 'email', 'inbox'];
const kinds: readonly NotificationKind[] = ['raised', 'cleared'];

type Row = {
  /** The store's, known once it was leased. */
  id: MessageId | null;
  /** As they were owed. */
  readonly order: number;
  readonly message: OwedMessage;
  status: 'pending' | 'leased' | 'delivered' | 'failed' | 'obsolete';
  /** When it may be taken, or when its lease ends. */
  readyAt: Instant;
  attempts: number;
  leasedAt: Instant | null;
  heldAt: Instant | null;
  settledAt: Instant | null;
};

/** What a model of plain sending knows of. */
type Plain = Extract<Settlement, { readonly kind: (typeof settlementKinds)[number] }>;

type Step =
  | { readonly do: 'owe'; readonly n: number; readonly channel: number; readonly next: boolean }
  | { readonly do: 'settle'; readonly n: number; readonly kind: Plain['kind']; readonly wait: number }
  | { readonly do: 'overtake'; readonly n: number; readonly old: number }
  | { readonly do: 'lease' | 'release' | 'hurry' | 'reopen' }
  | { readonly do: 'wait'; readonly n: number };

const settlementKinds = ['delivered', 'failed', 'obsolete', 'retry', 'held-back', 'moved-on'] as const;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('owe' as const),
      n: fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(11) }),
      channel: fc.nat(2),
      next: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      n: fc.nat(20),
      kind: fc.constantFrom(...settlementKinds, 'delivered', 'held-back' as const),
      wait: fc.nat(5),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('overtake' as const), n: fc.nat(7), old: fc.nat(3) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('lease' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('release', 'hurry', 'reopen' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), n: fc.nat(5) }) },
);

const isOwed = (row: Row): boolean => row.status === 'pending' || row.status === 'leased';
const isTaken = (row: Row, now: Instant): boolean => row.status === 'leased' && row.readyAt > now;
const nameOf = ({ key, channel }: OwedMessage): string => `${key} ${channel}`;
const queueOf = ({ message }: Row): string => `${message.alert} ${message.person} ${message.channel}`;

class Model {
  readonly rows: Row[] = [];

  owe(message: OwedMessage, readyAt: Instant): void {
    if (this.rows.some((row) => nameOf(row.message) === nameOf(message))) return;
    const nothing = { leasedAt: null, heldAt: null, settledAt: null };
    const order = this.rows.length;
    this.rows.push({ id: null, order, message, status: 'pending', readyAt, attempts: 0, ...nothing });
  }

  /** The first that is owed of each queue. */
  heads(): Row[] {
    const heads = new Map<string, Row>();
    for (const row of this.rows) if (isOwed(row) && !heads.has(queueOf(row))) heads.set(queueOf(row), row);
    return [...heads.values()];
  }

  lease(now: Instant): Row[] {
    const taken = this.heads().filter((row) => row.readyAt <= now);
    for (const row of taken) {
      row.status = 'leased';
      row.leasedAt = now;
      row.readyAt = plus(now, leaseFor);
      row.attempts += 1;
    }
    return taken;
  }

  end(row: Row, status: 'delivered' | 'failed' | 'obsolete', at: Instant): void {
    row.status = status;
    row.settledAt = at;
  }

  settle(row: Row, settled: Plain): void {
    switch (settled.kind) {
      case 'held-back':
        if (row.status === 'leased') row.attempts -= 1;
        row.heldAt = settled.at;
        row.status = 'pending';
        row.leasedAt = null;
        row.readyAt = settled.until;
        break;
      case 'retry':
        row.status = 'pending';
        row.leasedAt = null;
        row.readyAt = settled.notBefore;
        break;
      case 'moved-on': {
        this.end(row, 'failed', settled.at);
        const { next } = row.message;
        const [channel, ...rest] = next?.channels ?? [];
        if (next === null || channel === undefined) break;
        const left = rest.length === 0 ? null : { ...next, channels: rest };
        this.owe({ ...row.message, channel, next: left }, settled.at);
        break;
      }
      default:
        this.end(row, settled.kind, settled.at);
    }
  }

  sentTo(who: string, except: readonly MessageId[]): SentMessage[] {
    const rows = this.rows.filter(({ message }) => message.person === who && message.channel !== 'inbox');
    const sent = [...new Set(rows.map(({ message }) => message.key))].flatMap((key) => {
      const mine = rows.filter(({ message }) => message.key === key);
      const delivered = mine.flatMap(({ order, status, settledAt, leasedAt }) =>
        status === 'delivered' && settledAt !== null
          ? [{ order, at: settledAt, begunAt: leasedAt ?? settledAt }]
          : [],
      );
      const underWay = mine.flatMap(({ id, order, status, leasedAt }) =>
        status === 'leased' && leasedAt !== null && (id === null || !except.includes(id))
          ? [{ order, at: leasedAt, begunAt: leasedAt }]
          : [],
      );
      const [first] = (delivered.length > 0 ? delivered : underWay).sort(
        (a, b) => a.at - b.at || a.order - b.order,
      );
      const level = mine[0]?.message.level ?? 'low';
      return first === undefined ? [] : [{ ...first, key, level }];
    });
    return sent
      .sort((a, b) => b.at - a.at || b.order - a.order)
      .map(({ key, at, begunAt, level }) => ({ key, at, begunAt, level }));
  }

  heldBack(who: string, after: Instant): number {
    const held = this.rows.filter(
      ({ message, heldAt }) => message.person === who && heldAt !== null && heldAt >= after,
    );
    return new Set(held.map(({ message }) => message.key)).size;
  }
}

function settlementOf(id: MessageId, { kind, wait }: Step & { do: 'settle' }, at: Instant): Plain {
  const later = plus(at, minutes(wait));
  switch (kind) {
    case 'delivered':
      return { id, kind, at, title: '', text: '', why: '' };
    case 'retry':
      return { id, kind, at, notBefore: later, why: '451' };
    case 'held-back':
      return { id, kind, at, until: later, why: 'limit' };
    default:
      return { id, kind, at, why: kind };
  }
}

class Run {
  readonly #place: Place;
  readonly #model = new Model();
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
      case 'lease': {
        const leased = await leaseAll(this.#store, now, leaseFor, 100);
        const expected = this.#model.lease(now);
        for (const row of expected) {
          row.id = leased.find((message) => nameOf(message) === nameOf(row.message))?.id ?? null;
        }
        assert.deepEqual(leased.map(nameOf).sort(), expected.map(({ message }) => nameOf(message)).sort());
        return;
      }
      case 'release':
        for (const row of this.#model.rows.filter(({ status }) => status === 'leased')) {
          row.status = 'pending';
          row.readyAt = row.message.dueAt;
        }
        await this.#store.transaction((tx) => tx.releaseLeases(now));
        return;
      case 'hurry':
        for (const row of this.#model.rows.filter(({ status }) => status === 'pending')) {
          if (row.readyAt > now) row.readyAt = now;
        }
        return await this.#store.transaction((tx) => tx.hurry(now));
      case 'reopen':
        await this.#store.close();
        this.#store = this.#place.open();
        return;
      case 'wait':
        this.#now = plus(now, minutes(step.n));
        return;
    }
  }

  async #owe({ n, channel, next }: Step & { do: 'owe' }): Promise<void> {
    const sample = this.#samples[n];
    const [first = '', ...rest] = [...channels.slice(channel), ...channels.slice(0, channel)];
    assert.ok(sample !== undefined);
    const plan = next ? { channels: rest, wait: minutes(1) } : null;
    const message = { ...sample, channel: first, next: plan, dueAt: this.#now };
    this.#model.owe(message, this.#now);
    await this.#store.transaction((tx) => tx.enqueue([message], this.#now));
  }

  async #settle(step: Step & { do: 'settle' }): Promise<void> {
    const leased = this.#model.rows.filter(({ status }) => status === 'leased');
    const row = leased[step.n % Math.max(1, leased.length)];
    if (row === undefined || row.id === null) return;
    const settled = settlementOf(row.id, step, this.#now);
    this.#model.settle(row, settled);
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
    const gone = this.#model.rows.filter(
      (row) =>
        isOwed(row) &&
        !isTaken(row, now) &&
        row.message.alert === what.alert &&
        what.kinds.includes(row.message.kind) &&
        (what.people?.includes(row.message.person) ?? true) &&
        (row.attempts > 0 || row.heldAt !== null || row.message.dueAt < what.dueBefore),
    );
    for (const row of gone) this.#model.end(row, 'obsolete', now);
    const found = await this.#store.transaction((tx) => tx.makeObsolete([what], now));
    assert.deepEqual(
      found.map(({ message }) => message),
      gone.map(({ message }) => message),
    );
  }

  async compare(): Promise<void> {
    const model = this.#model;
    await this.#store.transaction(async (tx) => {
      const except = model.rows.flatMap(({ id, order }) => (id !== null && order % 3 === 0 ? [id] : []));
      for (const who of people) {
        const sent = model.sentTo(who, []);
        assert.deepEqual(await tx.sentTo(who, 100), sent);
        assert.deepEqual(await tx.sentTo(who, 2), sent.slice(0, 2));
        assert.deepEqual(await tx.sentTo(who, 3, except), model.sentTo(who, except).slice(0, 3));
        for (const after of [noon, minus(this.#now, minutes(3))]) {
          assert.equal(await tx.heldBack(who, after), model.heldBack(who, after));
        }
      }
      for (const row of model.rows) {
        if (row.id === null) continue;
        const expected = isOwed(row)
          ? {
              ...row.message,
              attempts: row.status === 'leased' ? row.attempts - 1 : row.attempts,
              held: row.heldAt !== null,
              status: row.status,
              sentAt: null,
            }
          : null;
        const found = await tx.loadMessage(row.id);
        const {
          followed: _,
          why: __,
          watchAt: ___,
          ...rest
        } = found ?? { followed: false, why: '', watchAt: null };
        assert.deepEqual(found === null ? null : rest, expected);
      }
    });
    const heads = model.heads();
    const next = await this.#store.nextSend([]);
    assert.equal(next === null, heads.length === 0);
    assert.ok(
      heads.every(({ readyAt }) => next !== null && next <= readyAt),
      'it is never woken late',
    );
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

for (const dialect of dialects) {
  test(`${dialect.name}: the outbox says what a list would of what was sent, held back and moved on`, async (t) => {
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
