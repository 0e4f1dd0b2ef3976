/** Source lists against models that are too simple to be wrong: bits one by one, ranges counted out, node:net. */
import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress, parseAddress } from '../../src/station/core/sources.ts';
import { namePattern, parseName, writtenOut } from '../../src/station/policy/name-pattern.ts';
import { parseSourceList } from '../../src/station/policy/source-list.ts';
import { contains, listOf } from './kit.ts';

const bytes = (length: number) => fc.array(fc.nat(255), { minLength: length, maxLength: length });

const text4 = (address: readonly number[]): string => address.join('.');
/** Written at full length: no shortening to get wrong. */
const text6 = (address: readonly number[]): string =>
  Array.from({ length: 8 }, (_, group) =>
    ((address[2 * group] ?? 0) * 256 + (address[2 * group + 1] ?? 0)).toString(16),
  ).join(':');

const bitsOf = (address: readonly number[]): string =>
  address.map((byte) => byte.toString(2).padStart(8, '0')).join('');

/** Two addresses that share some of their first bytes, so that prefixes of all lengths tell them apart. */
const pair = (length: number) =>
  fc
    .tuple(bytes(length), bytes(length), fc.nat(length), fc.nat(7))
    .map(([one, other, shared, bit]): readonly [number[], number[]] => [
      one,
      one.map((byte, index) =>
        index < shared ? byte : index === shared ? byte ^ (1 << bit) : (other[index] ?? 0),
      ),
    ]);

const mapped = (address: readonly number[]): boolean =>
  bitsOf(address).startsWith(`${'0'.repeat(80)}${'1'.repeat(16)}`);

describe('networks', () => {
  for (const [version, length, write] of [
    [4, 4, text4],
    [6, 16, text6],
  ] as const) {
    test(`IPv${version}: an address is in a network if its first bits are the same`, () => {
      fc.assert(
        fc.property(pair(length), fc.nat(length * 8), ([network, address], prefix) => {
          fc.pre(version === 4 || (!mapped(network) && !mapped(address)));
          const same = bitsOf(network).slice(0, prefix) === bitsOf(address).slice(0, prefix);
          assert.equal(contains(listOf([`${write(network)}/${prefix}`]), write(address)), same);
        }),
        { numRuns: 2000 },
      );
    });
  }

  test('of many networks, one that holds the address is enough', () => {
    const network = fc.tuple(bytes(4), fc.integer({ min: 20, max: 32 }));
    fc.assert(
      fc.property(fc.array(network, { maxLength: 20 }), bytes(4), fc.nat(19), (networks, other, chosen) => {
        const near = networks[chosen]?.[0].with(3, other[3] ?? 0) ?? other;
        const naive = networks.some(
          ([address, prefix]) => bitsOf(address).slice(0, prefix) === bitsOf(near).slice(0, prefix),
        );
        const list = listOf(networks.map(([address, prefix]) => `${text4(address)}/${prefix}`));
        assert.equal(contains(list, text4(near)), naive);
      }),
    );
  });
});

describe('addresses', () => {
  test('what is an IPv6 address, and which, is what node:net and the URL standard say', () => {
    const group = fc.oneof(
      fc.constantFrom('', '0', 'ffff', '1', '12345', 'g', '1.2.3.4', '1.2.3', '00db'),
      fc.nat(0xffff).map((number) => number.toString(16)),
    );
    fc.assert(
      fc.property(fc.array(group, { minLength: 2, maxLength: 10 }), (groups) => {
        const text = groups.join(':');
        const canonical = canonicalAddress(text);
        assert.equal(canonical !== null, isIPv6(text), text);
        if (canonical?.includes(':')) assert.equal(`[${canonical}]`, new URL(`http://[${text}]/`).hostname);
      }),
      { numRuns: 5000 },
    );
  });

  test('the one way to write an address is read as that address', () => {
    fc.assert(
      fc.property(fc.oneof(bytes(4).map(text4), bytes(16).map(text6)), (text) => {
        const canonical = canonicalAddress(text) ?? assert.fail();
        assert.deepEqual(parseAddress(canonical), parseAddress(text));
        assert.equal(canonicalAddress(canonical), canonical);
      }),
    );
  });
});

const partsOf = (entry: string) => {
  const parsed = parseName(entry);
  return parsed.ok ? parsed.parts : assert.fail(parsed.why);
};

/** A few branches for each number of digits; a thousand such entries are to be read in no time. */
const patternLengthMax = 1200;

describe('ranges', () => {
  const ends = fc
    .tuple(fc.nat(3000), fc.nat(400), fc.integer({ min: 0, max: 5 }))
    .map(([from, more, digits]) => ({ from, to: from + more, digits }));

  test('a range is the numbers counted out, as a pattern and written out', () => {
    fc.assert(
      fc.property(ends, ({ from, to, digits }) => {
        const pad = (number: number): string => String(number).padStart(digits, '0');
        const [low, high] = [pad(from), pad(to)];
        const zeros = /^0./.test(low);
        fc.pre(!zeros || low.length === high.length);
        const parts = partsOf(`a${low}..${high}.b`);
        const naive = new Set<string>();
        for (let number = from; number <= to; number++) naive.add(`a${zeros ? pad(number) : number}.b`);
        assert.deepEqual(writtenOut(parts), [...naive]);
        const pattern = namePattern(parts);
        for (let number = Math.max(0, from - 120); number <= to + 120; number++) {
          for (const text of [`a${number}.b`, `a0${number}.b`, `a${pad(number)}.b`]) {
            assert.equal(pattern.test(text), naive.has(text), `a${low}..${high}.b ${text}`);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('the ends of large ranges are exact', () => {
    const end = fc.nat(999_999_999);
    fc.assert(
      fc.property(end, end, (one, other) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        const pattern = namePattern(partsOf(`${from}..${to}`));
        assert.ok(pattern.source.length < patternLengthMax, pattern.source);
        for (const number of [from - 1, from, from + 1, to - 1, to, to + 1, Math.floor((from + to) / 2)]) {
          assert.equal(
            pattern.test(String(number)),
            from <= number && number <= to,
            `${from}..${to} ${number}`,
          );
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('whatever is written', () => {
  test('is a list or a fault in words, and a list can be asked anything', () => {
    const piece = fc.constantFrom(
      'a',
      '1',
      '01',
      '..',
      '.',
      '*',
      '[a-c]',
      '[',
      ']',
      '-',
      '/',
      ':',
      '::',
      '://',
      '@',
      ' ',
      '%',
      'Ä',
      '0x',
      '\u0000',
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      fc.string(),
    );
    fc.assert(
      fc.property(text, text, (entry, subject) => {
        const parsed = parseSourceList('x', [entry], true);
        if (!parsed.ok) assert.notEqual(parsed.faults[0]?.why, '');
        else {
          contains(parsed.list, subject);
          // A name that is written without anything special is in its own list.
          if (parsed.list.hosts.size === 1) {
            const [name = ''] = parsed.list.hosts;
            assert.ok(contains(parsed.list, name), entry);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});
