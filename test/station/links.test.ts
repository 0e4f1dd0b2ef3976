/** Links in messages: short, the same each time, good for a week, and nobody makes one but the station. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AlertKey, PersonId } from '../../src/station/core/alert.ts';
import type { Policy } from '../../src/station/core/policy.ts';
import { linkLives, loadLinkSecret, openLinks, tokenMax } from '../../src/station/links.ts';
import { days, hours, instant, minutes, plus } from '../../src/time.ts';
import { SimulatedClock } from '../kit/clock.ts';
import { timeline } from '../kit/station.ts';
import { policyOf } from '../policy/kit.ts';

const start = instant(Date.UTC(2026, 10, 21, 2, 10));
const two = policyOf('version: 1\npeople: {ann: {}, bob: {}}\ngroups: [{name: d, notify: []}]\n');
const annOnly = policyOf('version: 1\npeople: {ann: {}}\ngroups: [{name: d, notify: []}]\n');
const [ann, bob] = ['ann' as PersonId, 'bob' as PersonId];
const key = (n: number): AlertKey => n as AlertKey;

function kit() {
  const clock = new SimulatedClock(start);
  let policy: Policy = two;
  const secret = randomBytes(32);
  return {
    clock,
    links: openLinks({ secret, clock, policy: () => policy }),
    load: (next: Policy) => {
      policy = next;
    },
  };
}

test('a link says which alert and which person, in at most 40 letters that need no care in an address', () => {
  const { links } = kit();
  for (const n of [1, 127, 128, 16_384, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
    for (const person of [ann, bob]) {
      const token = links.make(key(n), person, start);
      assert.match(token, /^[\w-]{24,40}$/);
      assert.deepEqual(links.read(token), { ok: true, alert: n, person });
    }
  }
  assert.equal(tokenMax, 40);
});

test('a message that is sent again has the same link; other alerts, people and hours have others', () => {
  const { links } = kit();
  const token = links.make(key(7), ann, start);
  assert.equal(links.make(key(7), ann, plus(start, minutes(40))), token);
  const others = [
    links.make(key(8), ann, start),
    links.make(key(7), bob, start),
    links.make(key(7), ann, plus(start, hours(1))),
    kit().links.make(key(7), ann, start),
  ];
  assert.equal(new Set([token, ...others]).size, 5);
});

test('it works for a week after the message fell due, and not much longer', () => {
  const { links, clock } = kit();
  const token = links.make(key(7), ann, start);
  clock.jumpTo(plus(start, linkLives));
  assert.equal(links.read(token).ok, true);
  clock.jumpTo(plus(start, days(7.05)));
  assert.deepEqual(links.read(token), { ok: false, why: 'expired', alert: 7 });
});

test('it dies with its person’s place in the policy, and comes back with it', () => {
  const { links, load } = kit();
  const token = links.make(key(7), bob, start);
  load(annOnly);
  assert.deepEqual(links.read(token), { ok: false, why: 'no-such-person', alert: 7 });
  load(two);
  assert.equal(links.read(token).ok, true);
});

test('whatever is changed in a link, it is no link any more', () => {
  const { links } = kit();
  const token = links.make(key(300), ann, start);
  const bytes = Buffer.from(token, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 16, 128]) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ bit, at);
      assert.deepEqual(links.read(changed.toString('base64url')), { ok: false, why: 'bad' }, `byte ${at}`);
    }
  }
  const forged = [
    token.slice(0, -1),
    `${token}A`,
    `${token}=`,
    ` ${token}`,
    token.toLowerCase(),
    kit().links.make(key(300), ann, start),
  ];
  for (const each of forged) assert.deepEqual(links.read(each), { ok: false, why: 'bad' }, each);
  // Two ways of writing the same bytes are not two links.
  const loose = links.make(key(2), ann, start);
  const last = loose.at(-1) ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const letter of alphabet.replace(last, '')) {
    assert.equal(links.read(loose.slice(0, -1) + letter).ok, false);
  }
});

test('nothing that strangers send throws or is taken for a link', () => {
  const { links } = kit();
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^AQ[\w-]{10,45}$/)), (token) => {
      assert.deepEqual(links.read(token), { ok: false, why: 'bad' });
    }),
  );
});

test('the secret is made once, and outlives a restart', () =>
  timeline({}, async (t) => {
    const secret = await loadLinkSecret(t.store);
    assert.equal(secret.length, 32);
    assert.deepEqual(await loadLinkSecret(t.store), secret);
    await t.restart();
    assert.deepEqual(await loadLinkSecret(t.store), secret);
    await t.store.transaction((tx) => tx.setFact('link_secret', 'damaged'));
    assert.notDeepEqual(await loadLinkSecret(t.store), secret);
  }));
