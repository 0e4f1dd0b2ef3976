/** Where updates are told to go: the words people write, and the order of SRV targets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Destination,
  defaultPort,
  formatAddress,
  looksLikeDestination,
  orderSrv,
  parseDestination,
  type SrvRecord,
} from '../../src/wire/destination.ts';

const address = (text: string, family: 4 | 6, port: number): Destination => ({
  kind: 'address',
  address: text,
  family,
  port,
});
const host = (name: string, port: number | null): Destination => ({ kind: 'host', host: name, port });

describe('a destination', () => {
  const good: Record<string, Destination> = {
    '127.0.0.1': address('127.0.0.1', 4, defaultPort),
    '127.0.0.1:40001': address('127.0.0.1', 4, 40001),
    '192.0.2.1:65535': address('192.0.2.1', 4, 65535),
    '::1': address('::1', 6, defaultPort),
    '[::1]': address('::1', 6, defaultPort),
    '[::1]:40002': address('::1', 6, 40002),
    '[0:0:0:0:0:0:0:1]:40002': address('0:0:0:0:0:0:0:1', 6, 40002),
    '2001:db8::4001': address('2001:db8::4001', 6, defaultPort),
    '::ffff:192.0.2.1': address('::ffff:192.0.2.1', 6, defaultPort),
    '[fe80::1%eth0]:40001': address('fe80::1%eth0', 6, 40001),
    'alert.example.com': host('alert.example.com', null),
    'alert.example.com.': host('alert.example.com.', null),
    'alert.example.com:1': host('alert.example.com', 1),
    alert: host('alert', null),
    localhost: host('localhost', null),
    'münchen.example': host('münchen.example', null),
    '3com.example': host('3com.example', null),
    a_b: host('a_b', null),
  };
  for (const [word, destination] of Object.entries(good)) {
    test(`${word} is taken`, () => assert.deepEqual(parseDestination(word), { ok: true, destination }));
  }

  const bad: Record<string, RegExp> = {
    '': /no host/,
    ':40001': /no host/,
    '127.0.0.1:': /no port/,
    '127.0.0.1:0': /1 to 65535/,
    '127.0.0.1:65536': /1 to 65535/,
    '127.0.0.1:105537': /1 to 65535/,
    '127.0.0.1:http': /not a number/,
    '127.0.0.1:-1': /not a number/,
    '127.0.0.999': /not an IPv4/,
    '127.0.0': /not an IPv4/,
    '127.0.0.01': /not an IPv4/,
    '10:30': /not an IPv4/,
    '[::1': /colons/,
    '[::1]x': /not :PORT/,
    '[::1]:': /no port/,
    '[127.0.0.1]:1': /not an IPv6/,
    '::1::2': /colons/,
    '1:2:3:4:5:6:7:8:9': /colons/,
    '12345::1': /colons/,
    'a b': /not a host name/,
    'a..b': /not a host name/,
    '-x.example': /not a host name/,
    'http://alert.example.com/': /not a number|not a host name/,
    [`${'a'.repeat(300)}`]: /253/,
  };
  for (const [word, detail] of Object.entries(bad)) {
    test(`${word.slice(0, 40)} is refused, and why`, () => {
      const parsed = parseDestination(word);
      assert.ok(!parsed.ok);
      assert.match(parsed.detail, detail);
    });
  }

  test('any text at all is taken or refused, quickly', () => {
    fc.assert(fc.property(fc.string(), (word) => typeof parseDestination(word).ok === 'boolean'));
    parseDestination('a.'.repeat(30_000));
  });
  test('an address is written so that it can be read again', () => {
    assert.equal(formatAddress('127.0.0.1', 32741), '127.0.0.1:32741');
    assert.equal(formatAddress('::1', 32741), '[::1]:32741');
  });
});

describe('a word after --raise', () => {
  for (const word of [
    '127.0.0.1',
    '127.0.0.1:40001',
    '::1',
    '[::1]:1',
    'alert.example.com',
    'alert:32741',
    'localhost',
  ]) {
    test(`${word} can only be a destination`, () => assert.equal(looksLikeDestination(word), true));
  }
  for (const word of [
    'soon',
    '10:30',
    '12:00:00',
    '1.5h',
    '2023-11-14',
    '+10w',
    '5 m',
    '',
    'now ',
    'Now',
    '1700000000.5',
  ]) {
    test(`"${word}" is no destination, but a mistaken time`, () =>
      assert.equal(looksLikeDestination(word), false));
  }
});

describe('SRV records', () => {
  const record = (name: string, priority: number, weight = 0): SrvRecord => ({
    name,
    port: 1,
    priority,
    weight,
  });
  const order = (records: SrvRecord[], random = 0.5): string[] =>
    orderSrv(records, () => random).map(({ name }) => name);

  test('the lowest priority is tried first', () => {
    assert.deepEqual(order([record('b', 20, 100), record('a', 10), record('c', 30)]), ['a', 'b', 'c']);
  });
  test('among equals the weight decides how often which is first', () => {
    let seed = 0;
    const random = (): number => (seed = (seed + 0.618033988749895) % 1);
    const records = [record('seldom', 1, 10), record('often', 1, 90), record('never', 1, 0)];
    const first: Record<string, number> = {};
    for (let i = 0; i < 10_000; i++) {
      const name = orderSrv(records, random)[0]?.name ?? '';
      first[name] = (first[name] ?? 0) + 1;
    }
    assert.ok(Math.abs((first.often ?? 0) - 8_900) < 500, JSON.stringify(first));
    assert.ok(Math.abs((first.seldom ?? 0) - 1_000) < 300, JSON.stringify(first));
  });
  test('every target comes once, whatever is drawn', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const some = fc.array(fc.tuple(fc.nat(3), fc.nat(65_535)), { maxLength: 6 });
    fc.assert(
      fc.property(some, fc.infiniteStream(random), (pairs, stream) => {
        const records = pairs.map(([priority, weight], index) => record(`t${index}`, priority, weight));
        const ordered = orderSrv(records, () => stream.next().value ?? 0);
        assert.deepEqual(new Set(ordered), new Set(records));
        assert.deepEqual(
          ordered.map((r) => r.priority),
          records.map((r) => r.priority).sort(),
        );
      }),
    );
  });
  test('a target of "." says that there is no such service', () =>
    assert.deepEqual(order([record('.', 0)]), []));
});
