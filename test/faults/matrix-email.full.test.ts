/** All cells of the fault matrix that are about email. */
import { cells } from './outcomes.ts';
import { testCells } from './run-matrix.ts';

testCells(
  'the fault matrix of email',
  cells.filter(({ channel }) => channel === 'email'),
);
