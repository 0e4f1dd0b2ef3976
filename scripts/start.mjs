// `npm start`: makes a fresh clone ready, then runs the station on its embedded default.
// Words after `--` go to mauveserver. Any signal that ends this ends the station in good order.
import { join } from 'node:path';
import { node, root, runThrough, setup } from './setup.mjs';

await setup();
process.exitCode = await runThrough(node, [
  join(root, 'dist/mauveserver.mjs'),
  '--welcome',
  ...process.argv.slice(2),
]);
