// `npm run check`: types, lint and format, the rules of who imports whom, dead code, and the tests that need
// neither privilege nor a peer.
import { join } from 'node:path';
import { node, root, run, setup } from './setup.mjs';

await setup();
const bin = (name) => join(root, 'node_modules/.bin', name);
const steps = [
  ['types', bin('tsc'), ['-p', '.']],
  ['lint and format', bin('biome'), ['check', '.']],
  ['who imports whom', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'src']],
  ['dead code', bin('knip'), []],
  ['unit tests', node, [join(root, 'scripts/test.mjs'), '--unit']],
];
for (const [name, command, args] of steps) {
  console.error(`— ${name}`);
  await run(command, args, {
    env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
  });
}
