/** The outbox: what is owed is sent once, in order, and never forgotten. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert } from '../../src/station/core/alert.ts';
import type { OwedMessage } from '../../src/station/core/notification.ts';
import type { MessageId, Settlement, Store } from '../../src/station/store/store.ts';
import { type Instant, minutes, plus } from '../../src/time.ts';
import { add, alertOf, dialects, leaseAll, noon, only, owed, person } from './samples.ts';

const leaseFor = minutes(2);
const lease = (store: Store, now: Instant, limit = 10, exclude: readonly string[] = []) =>
  leaseAll(store, now, leaseFor, limit, exclude);
const settle = (store: Store, ...settlements: readonly Settlement[]) =>
  store.transaction((tx) => tx.settle(settlements));
const enqueue = (store: Store, ...messages: readonly OwedMessage[]) =>
  store.transaction((tx) => tx.enqueue(messages, noon));
const keys = (messages: readonly OwedMessage[]): string[] => messages.map(({ key }) => key);
const delivered = (id: MessageId, at: Instant): Settlement => ({
  id,
  kind: 'delivered',
  at,
  title: 'raised: disk',
  text: 'disk is 97% full',
  why: '250 ok',
});

async function withAlert(store: Store): Promise<Alert> {
  return only(await add(store, (key) => alertOf(key, { detail: '<p>df</p>' })));
}

for (const dialect of dialects) {
  describe(dialect.name, () => {
    test('a message is owed once for each key and channel, for ever', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      const message = owed(await withAlert(store));
      const elsewhere = { ...message, channel: 'inbox' };
      await enqueue(store, message, message, elsewhere);
      const leased = await lease(store, noon);
      assert.equal(leased.length, 2);
      await settle(store, ...leased.map(({ id }) => delivered(id, noon)));
      await enqueue(store, message, elsewhere);
      assert.deepEqual(await lease(store, plus(noon, minutes(60))), []);
      await store.close();
    });

    test('a lease brings the message whole, with the detail of the alert', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      const message = owed(alert, { facts: { ...owed(alert).facts, by: 'bob', acknowledgedUntil: noon } });
      await enqueue(store, message);
      const leased = only(await lease(store, noon));
      assert.deepEqual(leased, { ...message, id: leased.id, attempts: 0, code: 1, detail: '<p>df</p>' });
      assert.deepEqual(await store.transaction((tx) => tx.loadMessage(leased.id)), {
        ...message,
        attempts: 0,
        followed: false,
        held: false,
        status: 'leased',
        sentAt: null,
        watchAt: plus(noon, minutes(5)),
        why: '',
      });
      assert.equal(await store.transaction((tx) => tx.loadMessage(999 as MessageId)), null);
      await store.close();
    });

    test('the urgent go first, then those that wait longest; none before it is due', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      const at = (n: number) => plus(noon, minutes(n));
      await enqueue(
        store,
        owed(alert, { key: 'low', person: person('low'), level: 'low', dueAt: at(-9) }),
        owed(alert, { key: 'b', person: person('b'), dueAt: at(-1) }),
        owed(alert, { key: 'a', person: person('a'), dueAt: at(-2), channel: 'inbox' }),
        owed(alert, { key: 'urgent', person: person('urgent'), level: 'urgent', dueAt: noon }),
        owed(alert, { key: 'later', person: person('later'), level: 'urgent', dueAt: at(1) }),
      );
      assert.equal(await store.nextSend([]), at(-9));
      assert.deepEqual(keys(await lease(store, noon, 2)), ['urgent', 'a']);
      assert.deepEqual(keys(await lease(store, noon)), ['b', 'low']);
      assert.equal(await store.nextSend([]), at(1));
      assert.deepEqual(keys(await lease(store, at(1))), ['later']);
      await store.close();
    });

    test('what one person gets of one alert on one channel keeps its order', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      const later = plus(noon, minutes(1));
      await enqueue(store, owed(alert), owed(alert, { key: 'cleared', kind: 'cleared', level: 'urgent' }));
      await enqueue(store, owed(alert, { key: 'elsewhere', channel: 'inbox' }));
      const [first, elsewhere, ...rest] = await lease(store, noon);
      assert.deepEqual([first?.kind, elsewhere?.key, rest], ['raised', 'elsewhere', []]);
      assert.ok(first !== undefined);
      assert.equal((await store.transaction((tx) => tx.loadMessage(first.id)))?.followed, true);
      assert.deepEqual(await lease(store, later), []);
      await settle(store, { id: first.id, kind: 'retry', at: noon, notBefore: later, why: '451' });
      assert.deepEqual(keys(await lease(store, noon)), [], 'it waits for the next try of the first');
      const again = only(await lease(store, later));
      assert.equal(again.id, first.id);
      await settle(store, delivered(first.id, later));
      assert.equal(only(await lease(store, later)).key, 'cleared');
      await store.close();
    });

    test('a channel that is left out keeps its messages', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      await enqueue(store, owed(alert), owed(alert, { channel: 'inbox', dueAt: plus(noon, minutes(3)) }));
      assert.equal(await store.nextSend(['email']), plus(noon, minutes(3)));
      assert.equal(await store.nextSend(['email', 'inbox']), null);
      assert.deepEqual(await lease(store, noon, 10, ['email']), []);
      assert.equal((await lease(store, noon)).length, 1);
      await store.close();
    });

    test('a retry waits as told, and counts', async (t) => {
      const store = dialect.place(t).open();
      await enqueue(store, owed(await withAlert(store)));
      const { id } = only(await lease(store, noon));
      const notBefore = plus(noon, minutes(1));
      await settle(store, { id, kind: 'retry', at: noon, notBefore, why: '451 later' });
      assert.deepEqual(await lease(store, noon), []);
      assert.equal(await store.nextSend([]), notBefore);
      assert.equal(only(await lease(store, notBefore)).attempts, 1);
      await store.close();
    });

    test('what a station took with it when it died is sent when the lease ends, or at the next start', async (t) => {
      const place = dialect.place(t);
      let store = place.open();
      const message = owed(await withAlert(store));
      await enqueue(store, message);
      const { id } = only(await lease(store, noon));
      assert.equal(await store.nextSend([]), plus(noon, leaseFor));
      assert.deepEqual(await lease(store, plus(noon, minutes(1))), []);
      assert.equal(only(await lease(store, plus(noon, leaseFor))).id, id);
      await store.close();
      store = place.open();
      const released = await store.transaction((tx) => tx.releaseLeases(noon));
      assert.deepEqual(released, [message]);
      assert.equal(only(await lease(store, noon)).attempts, 2);
      await store.close();
    });

    test('what is settled stays so, and pages show what became of it', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      const alert = await withAlert(store);
      const other = owed(alert, { key: 'other', person: person('bob') });
      await enqueue(store, owed(alert), other, owed(alert, { key: 'third', person: person('carol') }));
      const [first, second, third] = await lease(store, noon);
      assert.ok(first !== undefined && second !== undefined && third !== undefined);
      await settle(store, delivered(first.id, noon), {
        id: second.id,
        kind: 'failed',
        at: noon,
        why: '550 no',
      });
      await settle(store, { id: third.id, kind: 'obsolete', at: noon, why: 'cleared' });
      const late = plus(noon, minutes(1));
      await settle(store, delivered(second.id, late), {
        id: first.id,
        kind: 'retry',
        at: late,
        notBefore: late,
        why: '',
      });
      assert.equal(await store.transaction((tx) => tx.loadMessage(first.id)), null);
      assert.equal(await store.nextSend([]), null);

      const reads = place.read();
      const inbox = await reads.inbox({ person: null, limit: 10, before: null });
      assert.deepEqual(
        inbox.map(({ status, why, title, settledAt }) => ({ status, why, title, settledAt })),
        [
          { status: 'obsolete', why: 'cleared', title: '', settledAt: noon },
          { status: 'failed', why: '550 no', title: '', settledAt: noon },
          { status: 'delivered', why: '250 ok', title: 'raised: disk', settledAt: noon },
        ],
      );
      assert.deepEqual(
        (await reads.inbox({ person: person('bob'), limit: 10, before: null })).map(({ id }) => id),
        [second.id],
      );
      assert.deepEqual(await reads.inbox({ person: null, limit: 1, before: second.id }), [inbox[2]]);
      assert.deepEqual(await reads.messagesOf(alert.key, 10), inbox);
      assert.deepEqual(await reads.outboxCounts(), {
        pending: 0,
        leased: 0,
        accepted: 0,
        delivered: 1,
        failed: 1,
        obsolete: 1,
      });
      await reads.close();
      await store.close();
    });

    test('what has been overtaken is not sent: what was tried in vain, or is older than said', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      const neighbour = only(await add(store, (key) => alertOf(key, { id: 'neighbour' })));
      const old = owed(alert, { key: 'old', dueAt: plus(noon, minutes(-5)) });
      await enqueue(
        store,
        owed(alert, { key: 'held', level: 'urgent', channel: 'inbox' }),
        owed(alert, { key: 'tried', level: 'urgent' }),
      );
      const [held, tried] = await lease(store, noon);
      assert.ok(held !== undefined && tried !== undefined);
      const notBefore = plus(noon, minutes(1));
      await settle(store, { id: tried.id, kind: 'retry', at: noon, notBefore, why: 'down' });
      await enqueue(
        store,
        old,
        owed(alert, { key: 'fresh' }),
        { ...old, key: 'of another kind', kind: 'cleared', channel: 'pager' },
        { ...old, key: 'of somebody else', person: person('bob') },
        { ...old, key: 'of another alert', alert: neighbour.key },
      );
      const what = {
        alert: alert.key,
        kinds: ['raised' as const],
        people: [person('alice')],
        dueBefore: noon,
        why: 'over',
      };
      const gone = await store.transaction((tx) => tx.makeObsolete([what], noon));
      assert.deepEqual(
        gone.map(({ message, why }) => [message.key, why]),
        [
          ['tried', 'over'],
          ['old', 'over'],
        ],
      );
      assert.deepEqual(gone[1]?.message, old);
      assert.deepEqual(keys(await lease(store, plus(noon, minutes(1)))).sort(), [
        ...['fresh', 'of another alert', 'of another kind', 'of somebody else'],
      ]);
      assert.notEqual(await store.transaction((tx) => tx.loadMessage(held.id)), null);
      await store.close();
    });
  });
}
