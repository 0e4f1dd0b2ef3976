// `npm run simulate`: makes the clone ready and runs test/simulate.
import { join } from 'node:path';
import { node, root, runThrough, setup } from './setup.mjs';

await setup();
process.exitCode = await runThrough(node, [join(root, 'test/simulate/main.ts'), ...process.argv.slice(2)]);
