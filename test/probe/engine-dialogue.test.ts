/** The dialogue with scamper, however its bytes arrive, and whatever else arrives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Dialogue, dataMax, lineMax, type Said } from '../../src/probe/engine/scamper-dialogue.ts';

const recorded = readFileSync(join(import.meta.dirname, 'fixtures/scamper-dialogue.txt'));
const all = (bytes: Buffer): Said[] => new Dialogue().push(bytes);

test('a recorded dialogue is understood', () => {
  const said = all(recorded);
  assert.equal(said.filter(({ kind }) => kind === 'nonsense').length, 0);
  assert.equal(said.filter(({ kind }) => kind === 'data').length, 30);
  assert.deepEqual(
    said.flatMap((one) => (one.kind === 'refused' ? [one.why] : [])),
    ['no task id--1', 'no task id-4000000', 'command not accepted'],
  );
  for (const one of said) if (one.kind === 'data') JSON.parse(one.text);
  // One for `attach`, and two for tasks that were halted.
  assert.equal(said.filter((one) => one.kind === 'taken' && one.id === null).length, 3);
});

test('it does not matter how the bytes are cut', () => {
  const whole = all(recorded);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 50 }), (sizes) => {
      const dialogue = new Dialogue();
      const said: Said[] = [];
      for (let at = 0, turn = 0; at < recorded.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        said.push(...dialogue.push(recorded.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(said, whole);
    }),
    { numRuns: 40 },
  );
});

test('garbage is nonsense once, and nothing after it is believed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      const dialogue = new Dialogue();
      const said = dialogue.push(Buffer.concat([Buffer.from(bytes), Buffer.from('\n')]));
      const broken = said.findIndex(({ kind }) => kind === 'nonsense');
      if (broken === -1) return;
      assert.equal(broken, said.length - 1);
      assert.deepEqual(dialogue.push(Buffer.from('OK id-1\n')), []);
    }),
  );
});

test('an absurd size, or a line without an end, is nonsense before it is held', () => {
  const nonsense = (text: string) => all(Buffer.from(text)).at(-1)?.kind === 'nonsense';
  assert.ok(nonsense(`DATA ${dataMax + 1}\n`));
  assert.ok(nonsense('DATA 99999999999\n'));
  assert.ok(nonsense('DATA -1\n'));
  assert.ok(nonsense('x'.repeat(lineMax + 1)));
  assert.ok(nonsense('HTTP/1.1 400 Bad Request\n'));
  assert.equal(all(Buffer.from(`DATA ${dataMax}\n`)).length, 0);
});

test('what it says of nonsense can be shown', () => {
  const [said] = all(Buffer.from('\x1b[2J\x00\xff bad\n', 'latin1'));
  assert.ok(said?.kind === 'nonsense' && /^[\x20-\x7e]+$/.test(said.why));
});
