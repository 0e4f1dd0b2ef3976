// `npm start`: makes a fresh clone ready, then runs the station on its embedded default.
// Words after `--` go to mauveserver.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { node, root, setup } from './setup.mjs';

await setup();
const server = spawn(node, [join(root, 'dist/mauveserver.mjs'), '--welcome', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal));
server.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128 + 15);
});
