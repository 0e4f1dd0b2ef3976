/** Bytes to updates and back: everything that protoc accepts or refuses, and whatever else may arrive. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type AlertUpdate,
  datagramMax,
  decode,
  encode,
  type Refusal,
  refusals,
  type UpdateAlert,
} from '../../src/wire/update.ts';

const lines = (file: string): string[] =>
  readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

type Text = string | { hex: string };
interface ExpectedAlert {
  id: Text;
  raise_time?: number | string;
  clear_time?: number | string;
  subject?: Text;
  summary?: Text;
  detail?: Text;
  importance?: number;
  suppress_until?: number | string;
}
interface Expected {
  transmission_id: string;
  source: Text;
  replace: boolean;
  alert?: ExpectedAlert[];
  signature?: Text;
  transmission_time?: number | string;
}
interface Vector {
  name: string;
  hex: string;
  expect: Expected | 'reject';
  reason?: string;
}

const text = (value: Text | undefined): string =>
  value === undefined
    ? ''
    : typeof value === 'string'
      ? value
      : new TextDecoder().decode(Buffer.from(value.hex, 'hex'));
const number = (value: number | string | undefined): bigint => BigInt(value ?? 0);
const bytes = (value: Text | undefined): Uint8Array =>
  typeof value === 'object' ? new Uint8Array(Buffer.from(value.hex, 'hex')) : new Uint8Array(0);

const expectedAlert = (alert: ExpectedAlert): UpdateAlert => ({
  id: text(alert.id),
  raiseTime: number(alert.raise_time),
  clearTime: number(alert.clear_time),
  subject: text(alert.subject),
  summary: text(alert.summary),
  detail: text(alert.detail),
  importance: alert.importance ?? 0,
  suppressUntil: number(alert.suppress_until),
});
const expectedUpdate = (expected: Expected): AlertUpdate => ({
  transmissionId: BigInt(expected.transmission_id),
  source: text(expected.source),
  replace: expected.replace,
  alerts: (expected.alert ?? []).map(expectedAlert),
  signature: bytes(expected.signature),
  transmissionTime: number(expected.transmission_time),
});

/** The name that each refusal recorded from protoc goes by here; what is merely garbage may have any. */
const names: readonly [RegExp, Refusal][] = [
  [/^empty packet/, 'empty'],
  [/^alert without id|^required field/, 'missing-field'],
  [/^eleven-byte varint/, 'overlong-varint'],
  [/^wire type/, 'bad-wire-type'],
  [/^field number 0|zero byte/, 'bad-field-number'],
  [/group/, 'bad-group'],
  [/^truncated/, 'truncated'],
];

describe('what protoc made of it', () => {
  for (const line of lines('protoc.jsonl')) {
    const vector: Vector = JSON.parse(line);
    const datagram = Buffer.from(vector.hex, 'hex');
    test(vector.name, () => {
      const decoded = decode(datagram);
      if (vector.expect === 'reject') {
        assert.equal(decoded.ok, false);
        assert.ok(!decoded.ok && refusals.includes(decoded.why) && decoded.detail !== '');
        const name = names.find(([pattern]) => pattern.test(vector.name));
        if (name !== undefined) assert.equal(decoded.why, name[1]);
      } else {
        assert.deepEqual(decoded, { ok: true, update: expectedUpdate(vector.expect) });
      }
      // The same whether it comes as a Buffer or as bare bytes, wherever those lie.
      const framed = new Uint8Array(datagram.length + 7);
      framed.set(datagram, 3);
      assert.deepEqual(decode(framed.subarray(3, 3 + datagram.length)), decoded);
    });
  }
});

describe('what the original mauvesend sent', () => {
  for (const line of lines('mauvesend.jsonl')) {
    const vector: { name: string; hex: string | null; decoded: Expected | null } = JSON.parse(line);
    if (vector.hex === null || vector.decoded === null) continue;
    const { hex, decoded: expected } = vector;
    test(vector.name, () => {
      const decoded = decode(Buffer.from(hex, 'hex'));
      assert.deepEqual(decoded, { ok: true, update: expectedUpdate(expected) });
      assert.ok(decoded.ok);
      assert.equal(Buffer.from(encode(decoded.update)).toString('hex'), hex, 'written again, byte by byte');
    });
  }
});

const minimal = '082a1201731800';
const refusal = (hex: string): string => {
  const decoded = decode(Buffer.from(hex, 'hex'));
  return decoded.ok ? 'accepted' : decoded.why;
};
const group = (depth: number, field = 20): string => {
  const tag = (wire: number): string =>
    Buffer.from([(((field << 3) | wire) & 0x7f) | 0x80, field >> 4]).toString('hex');
  return tag(3).repeat(depth) + tag(4).repeat(depth);
};

describe('refusals beyond those recorded', () => {
  test('a datagram longer than UDP allows is oversized', () => {
    assert.equal(refusal('00'.repeat(datagramMax + 1)), 'oversized');
  });
  test('every shorter form of a whole update is refused, or is whole itself', () => {
    const whole = Buffer.from(
      '088180808080808010120f6d6f6e2e6578616d706c652e636f6d180122060a046469736b',
      'hex',
    );
    const ends = [28, whole.length];
    for (let end = 0; end <= whole.length; end++) {
      const decoded = decode(whole.subarray(0, end));
      assert.equal(decoded.ok, ends.includes(end), `${end} bytes`);
      if (!decoded.ok) assert.ok(['empty', 'truncated', 'missing-field'].includes(decoded.why), decoded.why);
    }
  });
  test('an alert that claims more bytes than there are', () =>
    assert.equal(refusal(`${minimal}22700a0161`), 'truncated'));
  test('a text that claims more bytes than its alert has, though the datagram has them', () => {
    assert.equal(refusal(`${minimal}22030a0561ffffffffff`), 'truncated');
  });
  test('a number that runs over the end of its alert', () => {
    assert.equal(refusal(`${minimal}22050a016110ff01`), 'truncated');
  });
  test('an endless number in a field that nobody knows', () => {
    assert.equal(refusal(`${minimal}78${'ff'.repeat(10)}01`), 'overlong-varint');
    assert.equal(refusal(`${minimal}78${'ff'.repeat(9)}01`), 'accepted');
  });
  test('a length of six bytes, and one of more than 2 GiB', () => {
    assert.equal(refusal(`${minimal}2a808080808000`), 'overlong-varint');
    assert.equal(refusal(`${minimal}2affffffff0f`), 'overlong-varint');
    assert.equal(refusal(`${minimal}2affffffff07`), 'truncated');
    assert.equal(refusal(`${minimal}2a8080808000`), 'accepted');
  });
  test('a tag of six bytes, and one of more than 32 bits', () => {
    assert.equal(refusal(`${minimal}f8808080800000`), 'overlong-varint');
    assert.equal(refusal(`${minimal}f8ffffff7f00`), 'bad-field-number');
    assert.equal(refusal(`${minimal}f8ffffff0f00`), 'accepted');
  });
  test('wire type 6', () => assert.equal(refusal(`${minimal}7e`), 'bad-wire-type'));
  test('a field number 0 in an alert and in a group', () => {
    assert.equal(refusal(`${minimal}22050a01610000`), 'bad-field-number');
    assert.equal(refusal(`${minimal}a3010000a401`), 'bad-field-number');
  });
  test('groups inside each other: a hundred levels, an alert being one of them', () => {
    assert.equal(refusal(minimal + group(100)), 'accepted');
    assert.equal(refusal(minimal + group(101)), 'nested-too-deep');
    const alert = (depth: number): string => {
      const content = `0a0161${group(depth)}`;
      const length = content.length / 2;
      return `22${Buffer.from([(length & 0x7f) | 0x80, length >> 7]).toString('hex')}${content}`;
    };
    assert.equal(refusal(minimal + alert(99)), 'accepted');
    assert.equal(refusal(minimal + alert(100)), 'nested-too-deep');
  });
  test('a group does not end where its alert ends', () => {
    assert.equal(refusal(`${minimal}22050a0161a301a401`), 'bad-group');
  });
  test('the alert field as a number is a field that nobody knows', () => {
    assert.deepEqual(decode(Buffer.from(`${minimal}2001`, 'hex')), decode(Buffer.from(minimal, 'hex')));
  });
  test('one bad alert among good ones refuses the whole', () => {
    assert.equal(refusal(`${minimal}22030a016122022a0022030a0162`), 'missing-field');
  });
});

const uint64 = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  fc.constantFrom(0n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n),
);
const anyText = fc.string({ unit: 'binary', maxLength: 40 });
const anyAlert: fc.Arbitrary<UpdateAlert> = fc.record(
  {
    id: anyText,
    raiseTime: uint64,
    clearTime: uint64,
    subject: anyText,
    summary: anyText,
    detail: anyText,
    importance: fc.nat(0xffff_ffff),
    suppressUntil: uint64,
  },
  { noNullPrototype: true },
);
const anyUpdate: fc.Arbitrary<AlertUpdate> = fc.record(
  {
    transmissionId: uint64,
    source: anyText,
    replace: fc.boolean(),
    alerts: fc.array(anyAlert, { maxLength: 5 }),
    signature: fc.uint8Array({ maxLength: 40 }),
    transmissionTime: uint64,
  },
  { noNullPrototype: true },
);

describe('whatever is sent', () => {
  test('is read as it was written, to the last of 64 bits', () => {
    fc.assert(
      fc.property(anyUpdate, (update) => {
        assert.deepEqual(decode(encode(update)), { ok: true, update });
      }),
    );
  });
  test('bytes at random are refused by a name or read, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const decoded = decode(noise);
        assert.ok(decoded.ok || refusals.includes(decoded.why));
      }),
      { numRuns: 2000 },
    );
  });
  test('an update with some bytes changed is refused by a name or read, and never throws', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyUpdate, changes, (update, changed) => {
        const datagram = Buffer.from(encode(update));
        for (const [at, byte] of changed) datagram[at % datagram.length] = byte;
        const decoded = decode(datagram);
        // The check lets nothing through that the decoder cannot read.
        assert.ok(decoded.ok || decoded.why !== 'malformed');
      }),
      { numRuns: 1000 },
    );
  });
  test('an update keeps nothing of the datagram, which may be used for the next', () => {
    const datagram = Buffer.from(`${minimal}2a03010203`, 'hex');
    const decoded = decode(datagram);
    datagram.fill(0);
    assert.ok(decoded.ok);
    assert.deepEqual([...decoded.update.signature], [1, 2, 3]);
  });
});
