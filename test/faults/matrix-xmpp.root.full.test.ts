/** All cells of the fault matrix that are about xmpp. */
import { cells } from './outcomes.ts';
import { testCells } from './run-matrix.ts';

testCells(
  'the fault matrix of xmpp',
  cells.filter(({ channel }) => channel === 'xmpp'),
);
