/** What the store keeps in memory stays within its limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertKey } from '../../src/station/core/alert.ts';
import { RecentAlerts } from '../../src/station/store/recent.ts';
import type { TransmissionName } from '../../src/station/store/store.ts';
import { NamePacker, TransmissionMemory } from '../../src/station/store/transmissions.ts';
import { milliseconds, minutes, plus } from '../../src/time.ts';
import { alertOf, noon } from './samples.ts';

const key = (n: number) => n as AlertKey;

test('alerts used of late are kept, others go, by number and by the size of their texts', () => {
  const few = new RecentAlerts({ alerts: 100, bytes: 1_000_000_000 });
  const used = alertOf(key(1));
  few.set('used', used);
  for (let n = 0; n < 1_000; n++) {
    few.set(`${n}`, alertOf(key(n)));
    assert.equal(few.get('used'), used);
    assert.ok(few.size <= 100);
  }
  assert.equal(few.get('0'), undefined);
  const small = new RecentAlerts({ alerts: 1_000, bytes: 1_000_000 });
  for (let n = 0; n < 100; n++) small.set(`${n}`, alertOf(key(n), { detail: 'x'.repeat(65_535) }));
  assert.ok(small.size <= 8);
});

test('an alert that was replaced or dropped does not come back from the older half', () => {
  const recent = new RecentAlerts({ alerts: 4, bytes: 1_000_000 });
  const [old, fresh] = [alertOf(key(1)), alertOf(key(1), { subject: 'new' })];
  recent.set('a', old);
  recent.set('b', alertOf(key(2)));
  recent.set('c', alertOf(key(3)));
  recent.set('a', fresh);
  assert.equal(recent.get('a'), fresh);
  recent.delete('a');
  assert.equal(recent.get('a'), undefined);
  recent.clear();
  assert.equal(recent.size, 0);
});

function take(memory: TransmissionMemory, name: TransmissionName, at = noon): boolean {
  const packer = new NamePacker(1);
  packer.put(0, name);
  const isFirst = memory.take(packer.words, 0, at);
  memory.commit();
  return isFirst;
}

test('a flood of transmissions forgets the oldest before its time, never the newest', () => {
  const memory = new TransmissionMemory(6_000);
  for (let n = 0; n < 20_000; n++) {
    assert.equal(take(memory, { source: 'flood', id: BigInt(n) }), true);
    assert.ok(memory.size <= 6_000);
  }
  assert.equal(take(memory, { source: 'flood', id: 15_001n }), false);
  assert.equal(take(memory, { source: 'flood', id: 0n }), true);
});

test('counters in step from many sources are told apart, and so are ids that differ in one bit', () => {
  const memory = new TransmissionMemory();
  for (let n = 1; n <= 20; n++) {
    for (let host = 0; host < 500; host++) {
      assert.equal(take(memory, { source: `host-${host}.example.net`, id: BigInt(n) }), true);
    }
  }
  for (let bit = 5n; bit < 64n; bit++) assert.equal(take(memory, { source: 'bits', id: 1n << bit }), true);
  for (let bit = 5n; bit < 64n; bit++) assert.equal(take(memory, { source: 'bits', id: 1n << bit }), false);
});

test('what is past its time takes no memory', () => {
  const memory = new TransmissionMemory();
  for (let minute = 0; minute < 60; minute++) {
    for (let n = 0; n < 100; n++) {
      const at = plus(plus(noon, minutes(minute)), milliseconds(n * 600));
      assert.equal(take(memory, { source: 'a', id: BigInt(minute * 100 + n) }, at), true);
    }
    assert.ok(memory.size <= 700);
  }
});
