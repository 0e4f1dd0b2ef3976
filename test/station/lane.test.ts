/** What one channel has to do: how much it takes at once, what goes first, and what is not sent from it any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Channel, SendResult } from '../../src/station/channels/channel.ts';
import type { AlertKey, Level } from '../../src/station/core/alert.ts';
import { Lane } from '../../src/station/lane.ts';
import type { JudgedGroup } from '../../src/station/limits.ts';
import type { MessageId } from '../../src/station/store/store.ts';
import { plus, seconds } from '../../src/time.ts';
import { alertOf, noon, owed } from '../store/samples.ts';

const busy: SendResult = { kind: 'retry', why: 'connection refused', notBefore: null };
const greylisted: SendResult = { ...busy, fault: 'message' };
const ok: SendResult = { kind: 'delivered', why: 'ok' };

const channel = (concurrency: number, rate?: Channel['rate']): Channel => ({
  name: 'sms',
  concurrency,
  timeout: seconds(1),
  send: async () => ok,
  close: async () => undefined,
  ...(rate !== undefined && { rate }),
});

/** A group of messages with these ids. */
function group(level: Level, ...ids: readonly number[]): JudgedGroup {
  const messages = ids.map((id) => {
    const message = owed(alertOf(id as AlertKey), { level });
    return { ...message, id: id as MessageId, attempts: 0, detail: '', code: null };
  });
  return { messages, summary: null, limit: null };
}

const idsOf = (one: JudgedGroup | null): readonly number[] => one?.messages.map(({ id }) => id) ?? [];

describe('a lane', () => {
  it('sends as many at once as its channel takes, and takes as many again out of the outbox', () => {
    const lane = new Lane(channel(2), 100);
    assert.equal(lane.room(noon), 4);
    for (const id of [1, 2, 3]) lane.add(group('normal', id));
    assert.equal(lane.room(noon), 1);
    const first = lane.start(noon);
    assert.deepEqual([idsOf(first), idsOf(lane.start(noon)), idsOf(lane.start(noon))], [[1], [2], []]);
    assert.ok(first !== null);
    lane.ended(first);
    assert.deepEqual(idsOf(lane.start(noon)), [3]);
  });

  it('of a channel that is not set up takes what it is told', () => {
    assert.equal(new Lane(null, 50).room(noon), 100);
    assert.equal(new Lane(null, 50).problem(), null);
  });

  it('has the urgent go first, and otherwise what came first', () => {
    const lane = new Lane(channel(4), 100);
    lane.add(group('low', 1));
    lane.add(group('normal', 2));
    lane.add(group('urgent', 3));
    lane.add(group('urgent', 4));
    lane.add(group('normal', 5));
    assert.deepEqual(Array.from({ length: 4 }, () => idsOf(lane.start(noon))).flat(), [3, 4, 2, 5]);
  });

  it('goes no faster than its channel may, and says when it can again', () => {
    const lane = new Lane(channel(9, { count: 2, per: seconds(10) }), 100);
    for (const id of [1, 2, 3]) lane.add(group('normal', id));
    assert.equal(lane.room(noon), -1);
    lane.start(noon);
    lane.start(noon);
    assert.equal(lane.start(noon), null);
    assert.equal(lane.opensAt(noon), plus(noon, seconds(10)));
    assert.equal(lane.isDown(noon), false, 'a provider with a rate works');
    assert.deepEqual(idsOf(lane.start(plus(noon, seconds(10)))), [3]);
  });

  it('leaves a channel alone that does not work, tries it with one, and says so', () => {
    const lane = new Lane(channel(4), 100);
    for (const id of [1, 2, 3]) lane.add(group('normal', id));
    for (let i = 0; i < 5; i++) lane.heard(busy, noon);
    assert.deepEqual([lane.start(noon), lane.isDown(noon)], [null, true]);
    assert.ok(lane.room(noon) <= 0);
    assert.match(lane.problem() ?? '', /^sms has not worked since 20.*: connection refused$/);
    const opens = lane.opensAt(noon) ?? noon;
    assert.deepEqual([idsOf(lane.start(opens)), idsOf(lane.start(opens))], [[1], []]);
    lane.heard(ok, opens);
    assert.deepEqual([idsOf(lane.start(opens)), lane.problem()], [[2], null]);
  });

  it('does not take it for broken because it refuses some messages', () => {
    const lane = new Lane(channel(4), 100);
    for (let i = 0; i < 50; i++) lane.heard(i % 2 === 0 ? greylisted : { kind: 'failed', why: 'gone' }, noon);
    assert.deepEqual([lane.isDown(noon), lane.problem()], [false, null]);
    for (let i = 0; i < 4; i++) lane.heard(busy, noon);
    lane.heard(greylisted, noon);
    assert.equal(lane.isDown(noon), false);
    lane.heard(busy, noon);
    assert.equal(lane.isDown(noon), true, 'nor for mended');
  });

  it('knows what is on its way, and drops what is not to be sent from it any more', () => {
    const lane = new Lane(channel(1), 100);
    lane.add(group('normal', 1, 2));
    lane.add(group('normal', 3, 4));
    lane.add(group('normal', 5));
    const first = lane.start(noon);
    assert.deepEqual([lane.isStarted(2 as MessageId), lane.isStarted(3 as MessageId)], [true, false]);
    lane.remove(3 as MessageId);
    lane.remove(5 as MessageId);
    assert.ok(first !== null);
    lane.ended(first);
    assert.deepEqual(idsOf(lane.start(noon)), [4], 'the rest of a message that says several things');
    assert.equal(lane.room(noon), 1, 'nothing is left of the third');
  });
});
