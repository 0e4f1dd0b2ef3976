/** Reverse DNS: never in the way, and nothing of it taken on trust. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askedAtOnce, cleanName, knownFor, Names, nameMax, waitingMax } from '../../src/probe/names.ts';
import { plus, seconds } from '../../src/time.ts';
import { SimulatedClock, settled } from '../kit/clock.ts';
import { address, noon } from './kit.ts';

const one = address('192.0.2.1');

test('whoever asks gets what is known now, and the name once it has come', async () => {
  const names = new Names(async () => ['r1.example.net'], new SimulatedClock(noon));
  assert.equal(names.of(one), null);
  await settled();
  assert.equal(names.of(one), 'r1.example.net');
});

test('a name is asked for once, and again when it is old', async () => {
  const clock = new SimulatedClock(noon);
  let asked = 0;
  const names = new Names(async () => [`r${++asked}.example.net`], clock);
  for (let n = 0; n < 10; n++) {
    names.of(one);
    await settled();
  }
  assert.equal(asked, 1);
  clock.jumpTo(plus(plus(noon, knownFor), seconds(1)));
  assert.equal(names.of(one), 'r1.example.net', 'the old name is good until the new one is there');
  await settled();
  assert.equal(names.of(one), 'r2.example.net');
});

test('a name server that never answers holds up nobody, and few questions wait for it', async () => {
  let asked = 0;
  const names = new Names(() => {
    asked += 1;
    return new Promise(() => undefined);
  }, new SimulatedClock(noon));
  for (let n = 0; n < waitingMax * 3; n++) names.of(address(`10.0.${n >> 8}.${n & 255}`));
  await settled();
  assert.equal(asked, askedAtOnce);
});

test('an address without a name is not asked for again and again', async () => {
  let asked = 0;
  const names = new Names(async () => {
    asked += 1;
    throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
  }, new SimulatedClock(noon));
  for (let n = 0; n < 5; n++) {
    assert.equal(names.of(one), null);
    await settled();
  }
  assert.equal(asked, 1);
});

test('what can be no name of a host is dropped', async () => {
  assert.equal(cleanName('r1.example.net.'), 'r1.example.net');
  assert.equal(cleanName('_x.r-1.example.net'), '_x.r-1.example.net');
  const bad = [
    '',
    '.',
    'a..b',
    'r1\u001b[2J.example.net',
    'a b',
    'r1\n.example.net',
    '<b>.example.net',
    'a\u0000',
  ];
  for (const name of [...bad, 'a\u202eb', 'x'.repeat(10_240), 'x'.repeat(nameMax + 1)]) {
    assert.equal(cleanName(name), null, JSON.stringify(name.slice(0, 20)));
  }
  const names = new Names(
    async () => ['\u001b]0;owned\u0007', 'x'.repeat(10_240), 'good.example.net'],
    new SimulatedClock(noon),
  );
  names.of(one);
  await settled();
  assert.equal(names.of(one), 'good.example.net');
});
