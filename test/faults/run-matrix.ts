/** Runs cells of the fault matrix as tests, two at a time. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { runCell } from './matrix.ts';
import { type Cell, nameOf, promises } from './outcomes.ts';
import { endXmppServer } from './peer-xmpp.ts';

/** In milliseconds, of one cell on a machine that is busy with others. */
const cellMax = 150_000;
const atOnce = 2;

export function testCells(title: string, cells: readonly Cell[]): void {
  const promised = promises();
  describe(title, { concurrency: atOnce }, () => {
    for (const cell of cells) {
      it(nameOf(cell), { timeout: cellMax }, async (context) => {
        const promise = promised.get(nameOf(cell));
        assert.ok(promise !== undefined, 'docs/delivery-faults.md says nothing of it');
        const copies = await runCell(cell, promise);
        context.diagnostic(`${nameOf(cell)}: ${copies} copies came`);
      });
    }
    after(() => endXmppServer());
  });
}
