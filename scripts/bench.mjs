// `npm run bench -- NAME`: makes the clone ready and runs one benchmark of bench/.
import { join } from 'node:path';
import { node, root, run, setup } from './setup.mjs';

await setup();
await run(node, [join(root, 'bench/main.ts'), ...process.argv.slice(2)]);
