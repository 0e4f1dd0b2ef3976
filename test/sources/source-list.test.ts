/** What can be written in a source list, what it matches, and what is said of what cannot. */
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import { canonicalAddress, isHostName, parseAddress } from '../../src/station/core/sources.ts';
import { writtenOutMax } from '../../src/station/policy/name-pattern.ts';
import { parseSourceList, parseSourceText, sourceListLimits } from '../../src/station/policy/source-list.ts';
import { contains, faultOf, KnownNames, listOf } from './kit.ts';

/** An entry, subjects that it holds, and some that it does not. */
type Example = readonly [entry: string, inside: readonly string[], outside: readonly string[]];

const names: readonly Example[] = [
  [
    'db1.example.com',
    ['db1.example.com', 'DB1.Example.Com', 'db1.example.com.'],
    ['db1.example.com.evil.net', 'xdb1.example.com', 'db1', 'db1xexample.com', ''],
  ],
  ['DB1.example.com.', ['db1.example.com'], ['db2.example.com']],
  ['db1', ['db1', 'DB1'], ['db1.example.com', 'db10']],
  ['_sip._udp.example.com', ['_sip._udp.example.com'], []],
  ['münchen.example.com', ['MÜNCHEN.example.com'], ['munchen.example.com']],
  [
    'cr*.example.net',
    ['cr1.example.net', 'cr.example.net', 'cr-london-2.example.net'],
    ['cr1.london.example.net', 'acr1.example.net', 'cr1.example.net.evil.com'],
  ],
  ['*.example.com', ['www.example.com'], ['example.com', 'a.b.example.com']],
  ['*', ['db1', 'disk space'], ['db1.example.com']],
  ['*a*.*b*', ['xay.xby'], ['x.b']],
  ['*db*', ['db', 'mydb2'], ['d.b']],
  [
    '[a-c1].example.com',
    ['a.example.com', 'c.example.com', '1.example.com'],
    ['d.example.com', 'ab.example.com'],
  ],
  ['x[_-]y*', ['x_y', 'x-y1'], ['xy']],
];

const ranges: readonly Example[] = [
  [
    'app1..10.example.com',
    ['app1.example.com', 'app9.example.com', 'app10.example.com'],
    ['app0.example.com', 'app11.example.com', 'app01.example.com', 'app100.example.com', 'app.example.com'],
  ],
  ['app01..10', ['app01', 'app09', 'app10'], ['app1', 'app9', 'app010']],
  ['r1..2-p08..11', ['r1-p08', 'r2-p11'], ['r1-p8', 'r3-p08', 'r1-p12']],
  ['app0..99999', ['app0', 'app99999', 'app1234'], ['app100000', 'app01', 'appx']],
  ['app5..12*', ['app5', 'app12', 'app5x', 'app123'], ['app4', 'app1']],
  ['192.0.2.9..11', ['192.0.2.9', '192.0.2.11'], ['192.0.2.8', '192.0.2.12']],
];

const addresses: readonly Example[] = [
  [
    '192.0.2.1',
    ['192.0.2.1', '192.0.2.1:80', '::ffff:192.0.2.1', 'https://192.0.2.1/'],
    ['192.0.2.10', '192.0.2.01'],
  ],
  ['192.0.2.77/24', ['192.0.2.0', '192.0.2.255'], ['192.0.3.0', '192.0.1.255', '192.0.2.0/24', '192.0.2']],
  ['0.0.0.0/0', ['8.8.8.8'], ['2001:db8::1', 'example.com']],
  ['192.0.2.1/32', ['192.0.2.1'], ['192.0.2.2']],
  [
    '2001:DB8::/32',
    ['2001:db8:1::1', '[2001:db8::1]', '[2001:db8::1]:8080', '2001:0DB8:0:0::1', 'http://[2001:db8::2]:80/x'],
    ['2001:db9::1', '192.0.2.1', '2001:db8'],
  ],
  ['::1', ['::1', '0:0:0:0:0:0:0:1', '[::1]'], ['::2', '1::']],
  ['[2001:db8::1]', ['2001:db8::1'], ['2001:db8::2']],
  ['fe80::1', ['fe80::1%eth0'], []],
  ['::/0', ['2001:db8::1'], ['192.0.2.1']],
];

const others: readonly Example[] = [
  ['/db[0-9]+/', ['db1', 'DB22'], ['mydb1', 'db1.example.com', 'db']],
  ['/^web|db$/', ['web', 'db'], ['web1', 'mydb']],
  ['/disk .*/i', ['Disk space'], ['my disk is full']],
  [
    'https://www.example.com:8443/status?x=1',
    [
      'www.example.com',
      'http://www.example.com/other',
      'https://ann@WWW.example.com.:99/',
      'www.example.com:25',
    ],
    ['https://example.com/www.example.com', 'https://www.example.com@evil.net/', 'www.example.com/'],
  ],
  ['https://192.0.2.1/', ['192.0.2.1'], []],
  ['http://[2001:db8::1]:80/', ['2001:db8::1'], []],
];

describe('what is in a list', () => {
  for (const [entry, inside, outside] of [...names, ...ranges, ...addresses, ...others]) {
    test(entry, () => {
      const list = listOf([entry]);
      for (const subject of inside) assert.ok(contains(list, subject), `${subject} is to be in it`);
      for (const subject of outside) assert.ok(!contains(list, subject), `${subject} is not to be in it`);
    });
  }

  test('a name longer than a name can be is in no list', () => {
    assert.ok(!contains(listOf(['*', '/a+/']), 'a'.repeat(254)));
  });

  test('what a list matches does not change because the same text was asked about in another', () => {
    const [one, two] = [listOf(['a']), listOf(['b'])];
    assert.deepEqual(
      [contains(one, 'a'), contains(two, 'a'), contains(two, 'b'), contains(one, 'b')],
      [true, false, true, false],
    );
  });
});

describe('names and addresses that are the same', () => {
  const www = { 'www.example.com': ['192.0.2.1', '2001:db8::1'] };

  test('a name is in the network of one of its addresses, and under another name of an address', () => {
    const known = new KnownNames({ ...www, alias: ['2001:DB8:0::1'], other: ['192.0.2.2'] });
    assert.ok(contains(listOf(['192.0.2.0/24']), 'www.example.com', known));
    assert.ok(contains(listOf(['2001:db8::/64']), 'https://www.example.com/', known));
    assert.ok(contains(listOf(['alias']), 'www.example.com', known));
    assert.ok(contains(listOf(['www.example.com']), '192.0.2.1', known));
    assert.ok(!contains(listOf(['other']), 'www.example.com', known));
  });

  test('the names of a range are looked up like others', () => {
    assert.ok(contains(listOf(['app1..3']), '192.0.2.3', new KnownNames({ app3: ['192.0.2.3'] })));
  });

  test('a new answer counts at once', () => {
    const known = new KnownNames();
    const list = listOf(['www.example.com']);
    assert.ok(!contains(list, '192.0.2.1', known));
    known.set('www.example.com', ['192.0.2.1']);
    assert.ok(contains(list, '192.0.2.1', known));
    known.set('www.example.com', []);
    assert.ok(!contains(list, '192.0.2.1', known));
  });

  test('nothing is looked up where the list says so', () => {
    const known = new KnownNames(www);
    assert.ok(!contains(listOf(['192.0.2.0/24'], false), 'www.example.com', known));
    assert.ok(!contains(listOf(['alias'], false), '192.0.2.1', known));
    assert.deepEqual(known.asked, []);
  });

  test('only hosts whose addresses could matter are asked for', () => {
    const known = new KnownNames();
    const network = listOf(['192.0.2.0/24', 'db1']);
    for (const subject of [
      'db1',
      '192.0.2.1',
      '198.51.100.1',
      'disk space',
      '12',
      '0x7f.1',
      'a'.repeat(64),
      '-x',
      'a..b',
      '',
    ]) {
      contains(network, subject, known);
    }
    contains(listOf(['*.example.com', '/x/']), 'db2', known);
    // 198.51.100.1 may be an address of db1; nothing else is asked for.
    assert.deepEqual(known.asked, ['db1']);
    contains(network, 'https://DB2.example.com:80/', known);
    assert.equal(known.asked.at(-1), 'db2.example.com');
  });
});

describe('addresses', () => {
  test('there is one way to write each', () => {
    for (const [written, canonical] of [
      ['192.0.2.1', '192.0.2.1'],
      ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['2001:db8::192.0.2.1', '2001:db8::c000:201'],
      ['::ffff:c000:201', '192.0.2.1'],
      ['FE80::1%eth0', 'fe80::1'],
      ['::', '::'],
    ] as const) {
      assert.equal(canonicalAddress(written), canonical, written);
    }
  });

  test('what other programs might take for one is none', () => {
    const strange = [
      '0x7f.1',
      '127.1',
      '2130706433',
      '010.0.0.1',
      '1.2.3.4.5',
      '1.2.3',
      '256.1.1.1',
      '1.2.3.4 ',
      ':::',
      '1::2::3',
      '::1.2.3',
      '::01.2.3.4',
      '12345::',
      '::1%',
      'fe80::1%a b',
      ':1',
      '1:',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2:3:4:5:6:7:8',
      '1.2.3.4::',
      `${'0'.repeat(90)}::1`,
    ];
    for (const text of strange) assert.equal(parseAddress(text), null, text);
    assert.equal(isIP('1::2:3:4:5:6:7'), 6);
    assert.notEqual(parseAddress('1::2:3:4:5:6:7'), null);
  });

  test('a text that a resolver would take for an address is no name of a host', () => {
    for (const text of ['1', '10.1', '0x7f.0x1', 'a.0x', '']) assert.ok(!isHostName(text), text);
    for (const text of ['1a', '3com.com', 'a_b', 'x.1a']) assert.ok(isHostName(text), text);
  });
});

/** An entry, and how what is said of it begins. */
const faulty: readonly (readonly [string, string])[] = [
  ['', 'this is empty: a name such as db1.example.com'],
  ['   ', 'this is empty'],
  [
    'disk space',
    'a name has letters, digits, - and _, but no " ": other texts are matched by a /regular expression/',
  ],
  ['db?.example.com', 'there is no ?: write *'],
  ['db{1,2}', 'a name has letters, digits, - and _, but no "{"'],
  ['a..b', 'there is nothing before a dot'],
  ['.example.com', 'there is nothing before a dot'],
  ['.', 'there is nothing after the last dot'],
  ['example.com..', 'there is nothing after the last dot'],
  ['a1..2..3', 'there is nothing before a dot'],
  ['app10..1', 'the smaller number comes first: 1..10'],
  ['app01..100', 'with leading zeros, both ends of a range need as many digits'],
  ['app1..1234567890', 'at most 9 digits are expected'],
  ['[a-c', 'this [ has no ]'],
  ['a]', 'this ] has no ['],
  ['[]', 'between [ and ] letters a to z'],
  ['[!a]', 'between [ and ] letters a to z'],
  ['[^a]', 'between [ and ] letters a to z'],
  ['[c-a]', '"c-a" is no range of characters'],
  ['[a-9]', '"a-9" is no range of characters'],
  ['*a*b*', 'at most 2 * are expected between two dots'],
  ['/db', 'a regular expression is written /…/'],
  ['//', 'a regular expression is written /…/'],
  ['/db/g', 'a regular expression is written /…/'],
  ['/(/', 'is no valid pattern'],
  ['/a)(b/', 'is no valid pattern'],
  ['/(a+)+b/', 'this pattern could take too long'],
  ['/(a|a)*c|x/', 'this pattern could take too long'],
  ['1.2.3', 'this is no IPv4 address'],
  ['1.2.3.256', 'this is no IPv4 address'],
  ['192.0.2.01', 'this is no IPv4 address'],
  ['0x7f.1', 'this is no IPv4 address'],
  ['192.0.2.250..260', 'this is no IPv4 address'],
  ['192.0.2.*', 'parts of addresses are written as a network'],
  ['192.0.2.0/33', 'after the / the number of bits is expected, 0 to 32'],
  ['192.0.2.0/255.255.255.0', 'after the / the number of bits is expected'],
  ['192.0.2.0/', 'after the / the number of bits is expected'],
  ['2001:db8::/129', 'after the / the number of bits is expected, 0 to 128'],
  ['::ffff:192.0.2.0/120', 'after the / the number of bits is expected, 0 to 32, such as 192.0.2.0/16'],
  ['192.0.2/24', 'this is neither a network such as'],
  ['192.0.2.0/24/1', 'this is neither a network such as'],
  ['example.com/24', 'this is neither a network such as'],
  ['www.example.com/status', 'this is neither a network such as'],
  ['2001:db8:::1', 'this is no IPv6 address'],
  ['a:b', 'this is no IPv6 address'],
  ['db1.example.com:80', 'a list has no ports'],
  ['[2001:db8::1]:80', 'a list has no ports'],
  ['https:///x', 'this URL has no host'],
  ['https://a b/', 'a name has letters'],
  [`${'a'.repeat(260)}`, 'at most 253 characters are expected in a name'],
  ['a'.repeat(1025), 'at most 1024 characters are expected in an entry'],
];

describe('what cannot be written is said in words', () => {
  for (const [entry, words] of faulty) {
    test(entry === '' ? 'nothing' : entry.slice(0, 40), () => {
      const why = faultOf(entry);
      assert.ok(why?.startsWith(words), `${why}`);
    });
  }

  test('each fault names its entry, and of many the first are told', () => {
    const parsed = parseSourceList('x', ['a', 'b c', 'd', '1.2.3'], true);
    assert.deepEqual(!parsed.ok && parsed.faults.map(({ index }) => index), [1, 3]);
    const many = parseSourceList('x', Array<string>(100).fill('<html>'), true);
    assert.equal(!many.ok && many.faults.length, 20);
  });
});

describe('limits', () => {
  const many = (count: number, entry: (index: number) => string): string[] =>
    Array.from({ length: count }, (_, index) => entry(index));
  const kinds: readonly (readonly [string, number, (index: number) => string])[] = [
    ['names', sourceListLimits.names, (index) => `host${index}`],
    ['addresses and networks', sourceListLimits.networks, (index) => `10.${index >> 8}.${index & 255}.0/24`],
    ['entries with * and regular expressions', sourceListLimits.patterns, (index) => `*.zone${index}`],
  ];
  for (const [what, limit, entry] of kinds) {
    test(`${limit} ${what}, and no more`, () => {
      assert.ok(parseSourceList('x', many(limit, entry), true).ok);
      const parsed = parseSourceList('x', many(limit + 1, entry), true);
      const [found] = parsed.ok ? [] : parsed.faults;
      assert.equal(found?.index, limit);
      assert.ok(found?.why.startsWith(`at most ${limit} ${what} are expected in a list`), found?.why);
    });
  }

  test('names that ranges stand for count, and a large range counts as one pattern', () => {
    const eleven = many(11, (index) => `h${index}-1..${writtenOutMax}`);
    assert.equal(parseSourceList('x', eleven, true).ok, false);
    const large = listOf([`host1..${writtenOutMax + 1}`]);
    assert.deepEqual([large.hosts.size, large.patterns.length], [0, 1]);
    assert.equal(listOf([`host1..${writtenOutMax}`]).hosts.size, writtenOutMax);
  });

  test('no more entries than can be', () => {
    assert.equal(
      parseSourceList(
        'x',
        many(sourceListLimits.entries + 1, () => 'a'),
        true,
      ).ok,
      false,
    );
    assert.ok(
      parseSourceList(
        'x',
        many(sourceListLimits.entries, () => 'a'),
        true,
      ).ok,
    );
  });
});

describe('a list in a file of its own', () => {
  test('has an entry a line, comments and empty lines', () => {
    const text =
      '\uFEFF# our servers\r\ndb1.example.com  # the old one\r\n\r\n  192.0.2.0/24\n/a#b/\n#x\n\tweb1\t# y';
    const parsed = parseSourceText(text);
    assert.deepEqual(parsed.ok && parsed.entries, [
      { line: 2, entry: 'db1.example.com' },
      { line: 4, entry: '192.0.2.0/24' },
      { line: 5, entry: '/a#b/' },
      { line: 7, entry: 'web1' },
    ]);
  });

  test('may be empty, but not endless', () => {
    assert.deepEqual(parseSourceText(''), { ok: true, entries: [] });
    assert.equal(parseSourceText('a'.repeat(sourceListLimits.text + 1)).ok, false);
  });
});
