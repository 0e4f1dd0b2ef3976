/** All cells of the fault matrix that are about webhook. */
import { cells } from './outcomes.ts';
import { testCells } from './run-matrix.ts';

testCells(
  'the fault matrix of webhook',
  cells.filter(({ channel }) => channel === 'webhook'),
);
