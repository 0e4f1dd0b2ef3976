/** All cells of the fault matrix that are about sms. */
import { cells } from './outcomes.ts';
import { testCells } from './run-matrix.ts';

testCells(
  'the fault matrix of sms',
  cells.filter(({ channel }) => channel === 'sms'),
);
