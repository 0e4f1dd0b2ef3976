/**
 * Of the fault matrix, the worst moment of each channel, and that its page and
 * its tests say the same. All other cells are in matrix-*.full.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cells, nameOf, promises } from './outcomes.ts';
import { testCells } from './run-matrix.ts';

test('docs/delivery-faults.md has each cell, and no others', () => {
  assert.deepEqual([...promises().keys()].sort(), cells.map(nameOf).sort());
});

const worst: readonly string[] = [
  'email: slow, killed after',
  'sms: accepted, then lost, killed during',
  'webhook: permanent, killed after',
  'xmpp: accepted, then lost, killed after',
];
testCells(
  'the worst of the fault matrix',
  cells.filter((cell) => worst.includes(nameOf(cell))),
);
