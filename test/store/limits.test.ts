/** What a person's limit holds back waits and is not lost, and what one channel cannot send moves on to the next. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert } from '../../src/station/core/alert.ts';
import type { OwedMessage } from '../../src/station/core/notification.ts';
import type { MessageId, Settlement, Store } from '../../src/station/store/store.ts';
import { type Instant, minutes, plus } from '../../src/time.ts';
import { add, alertOf, dialects, leaseAll, noon, only, owed, person } from './samples.ts';

const at = (n: number): Instant => plus(noon, minutes(n));
const lease = (store: Store, now: Instant, limit = 10) => leaseAll(store, now, minutes(2), limit);
const settle = (store: Store, ...settlements: readonly Settlement[]) =>
  store.transaction((tx) => tx.settle(settlements));
const enqueue = (store: Store, ...messages: readonly OwedMessage[]) =>
  store.transaction((tx) => tx.enqueue(messages, noon));
const keys = (messages: readonly { readonly key: string }[]): string[] => messages.map(({ key }) => key);
const held = (id: MessageId, from: Instant, until: Instant): Settlement => ({
  id,
  kind: 'held-back',
  at: from,
  until,
  why: '5 in 10 minutes',
});
const delivered = (id: MessageId, now: Instant): Settlement => ({
  id,
  kind: 'delivered',
  at: now,
  title: '',
  text: '',
  why: '',
});
const alice = person('alice');
const sentTo = (store: Store, limit = 10, except: readonly MessageId[] = []) =>
  store.transaction((tx) => tx.sentTo(alice, limit, except));
const heldBack = (store: Store, since: Instant) => store.transaction((tx) => tx.heldBack(alice, since));

async function withAlert(store: Store): Promise<Alert> {
  return only(await add(store, (key) => alertOf(key)));
}

for (const dialect of dialects) {
  describe(dialect.name, () => {
    test('what is held back waits as told, is no try, and keeps those behind it waiting', async (t) => {
      const place = dialect.place(t);
      let store = place.open();
      const alert = await withAlert(store);
      await enqueue(store, owed(alert), owed(alert, { key: 'reminder', kind: 'reminder' }));
      const { id } = only(await lease(store, noon));
      await settle(store, held(id, noon, at(10)));
      assert.deepEqual(await lease(store, at(9)), []);
      await store.close();
      store = place.open();
      await store.transaction((tx) => tx.releaseLeases(noon));
      assert.deepEqual(await lease(store, at(9)), [], 'a restart does not let it go');
      const again = only(await lease(store, at(10)));
      assert.deepEqual([again.id, again.attempts], [id, 0]);
      await settle(store, delivered(id, at(10)));
      assert.deepEqual(keys(await lease(store, at(10))), ['reminder']);
      const reads = place.read();
      const kept = await reads.messagesOf(alert.key, 10);
      assert.deepEqual(
        kept.map(({ status, why }) => [status, why]),
        [
          ['leased', ''],
          ['delivered', ''],
        ],
      );
      await reads.close();
      await store.close();
    });

    test('why it is held back is shown meanwhile', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      const alert = await withAlert(store);
      await enqueue(store, owed(alert));
      await settle(store, held(only(await lease(store, noon)).id, noon, at(10)));
      const reads = place.read();
      const { status, why, settledAt } = only(await reads.messagesOf(alert.key, 10));
      assert.deepEqual(
        { status, why, settledAt },
        { status: 'pending', why: '5 in 10 minutes', settledAt: null },
      );
      await reads.close();
      await store.close();
    });

    test('what is held back is overtaken however fresh it is, and then the one behind it may go', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      await enqueue(store, owed(alert), owed(alert, { key: 'cleared', kind: 'cleared', dueAt: at(1) }));
      await settle(store, held(only(await lease(store, noon)).id, noon, at(10)));
      assert.deepEqual(await lease(store, at(1)), []);
      const over = { alert: alert.key, people: null, dueBefore: at(-5), why: 'cleared' };
      const gone = await store.transaction((tx) => tx.makeObsolete([{ ...over, kinds: ['raised'] }], at(1)));
      assert.deepEqual(
        gone.map(({ message }) => message.kind),
        ['raised'],
      );
      assert.deepEqual(keys(await lease(store, at(1))), ['cleared']);
      await store.close();
    });

    test('what goes from behind a message that is held back does not let it go', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      await enqueue(store, owed(alert), owed(alert, { key: 'reminder', kind: 'reminder' }));
      await settle(store, held(only(await lease(store, noon)).id, noon, at(10)));
      const over = { alert: alert.key, people: null, dueBefore: at(1), why: 'acknowledged' };
      const gone = await store.transaction((tx) =>
        tx.makeObsolete([{ ...over, kinds: ['reminder'] }], at(1)),
      );
      assert.equal(gone.length, 1);
      assert.deepEqual(await lease(store, at(9)), []);
      assert.equal((await lease(store, at(10))).length, 1);
      await store.close();
    });

    test('a clock that was set back has what is held back judged again', async (t) => {
      const store = dialect.place(t).open();
      await enqueue(store, owed(await withAlert(store)));
      const { id } = only(await lease(store, noon));
      await settle(store, held(id, noon, at(10)));
      await store.transaction((tx) => tx.hurry(at(-600)));
      assert.equal(only(await lease(store, at(-600))).id, id);
      await store.close();
    });

    test('a message that fails on one channel is owed on the next ones, in order, and no longer than there are any', async (t) => {
      const place = dialect.place(t);
      const store = place.open();
      const alert = await withAlert(store);
      const wait = minutes(1);
      const first = owed(alert, { channel: 'sms', next: { channels: ['email', 'inbox'], wait } });
      await enqueue(store, first);
      const route: unknown[] = [];
      for (let n = 1; n <= 3; n++) {
        const { id, channel, next, attempts, dueAt } = only(await lease(store, at(n)));
        route.push([channel, next?.channels ?? null, attempts, dueAt]);
        await settle(store, { id, kind: 'moved-on', at: at(n), why: `${channel} is down` });
      }
      assert.deepEqual(route, [
        ['sms', ['email', 'inbox'], 0, noon],
        ['email', ['inbox'], 0, noon],
        ['inbox', null, 0, noon],
      ]);
      assert.equal(await store.nextSend([]), null);
      const reads = place.read();
      assert.deepEqual(
        (await reads.messagesOf(alert.key, 10)).map(({ channel, status, why }) => [channel, status, why]),
        [
          ['inbox', 'failed', 'inbox is down'],
          ['email', 'failed', 'email is down'],
          ['sms', 'failed', 'sms is down'],
        ],
      );
      await reads.close();
      await store.close();
    });

    test('a message does not move on to a channel on which it is owed already', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      const next = { channels: ['email'], wait: minutes(1) };
      await enqueue(store, owed(alert, { channel: 'sms', next }), owed(alert, { channel: 'email' }));
      for (const { id, channel } of await lease(store, noon)) {
        if (channel === 'sms') await settle(store, { id, kind: 'moved-on', at: noon, why: 'down' });
        else await settle(store, delivered(id, noon));
      }
      assert.deepEqual(await lease(store, at(60)), []);
      await store.close();
    });

    test('a message counts once for a limit, at its first delivery, and what is under way from its lease', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      await enqueue(
        store,
        ...['sms', 'email', 'inbox'].map((channel) => owed(alert, { key: 'twice', channel })),
      );
      await enqueue(store, owed(alert, { key: 'for bob', person: person('bob') }));
      for (const [n, { id }] of (await lease(store, noon)).entries())
        await settle(store, delivered(id, at(n)));
      await enqueue(store, owed(alert, { key: 'a', level: 'urgent', dueAt: at(5) }));
      await enqueue(store, owed(alert, { key: 'only in the inbox', channel: 'inbox', dueAt: at(5) }));
      const [a, aside] = await lease(store, at(6));
      assert.ok(a !== undefined && aside !== undefined);
      const twice = { key: 'twice', at: noon, begunAt: noon, level: 'normal' };
      const underWay = { key: 'a', at: at(6), begunAt: at(6), level: 'urgent' };
      assert.deepEqual(await sentTo(store), [underWay, twice]);
      assert.deepEqual(await sentTo(store, 1), [underWay]);
      assert.deepEqual(await sentTo(store, 10, [a.id]), [twice], 'not the one that is being judged');
      await settle(store, delivered(aside.id, at(6)));
      await settle(store, { id: a.id, kind: 'retry', at: at(7), notBefore: at(8), why: '451' });
      assert.deepEqual(await sentTo(store), [twice], 'what was not sent does not count');
      await settle(store, delivered(only(await lease(store, at(8))).id, at(9)));
      assert.deepEqual(await sentTo(store), [
        { key: 'a', at: at(9), begunAt: at(8), level: 'urgent' },
        twice,
      ]);
      await store.close();
    });

    test('how many messages were held back is known, each once, whatever became of them', async (t) => {
      const store = dialect.place(t).open();
      const alert = await withAlert(store);
      const neighbour = only(await add(store, (key) => alertOf(key, { id: 'neighbour' })));
      await enqueue(store, owed(alert), owed(alert, { channel: 'sms' }), owed(neighbour, { key: 'b' }));
      const [first, second, third] = await lease(store, noon);
      assert.ok(first !== undefined && second !== undefined && third !== undefined);
      assert.equal(await heldBack(store, at(-60)), 0);
      for (const { id } of [first, second, third]) await settle(store, held(id, at(1), at(10)));
      assert.equal(await heldBack(store, noon), 2);
      await lease(store, at(10));
      await settle(store, delivered(first.id, at(10)), held(third.id, at(10), at(20)));
      assert.equal(await heldBack(store, noon), 2);
      assert.equal(await heldBack(store, at(2)), 1, 'the one that was held back again');
      assert.equal(await heldBack(store, at(11)), 0);
      await store.close();
    });
  });
}
