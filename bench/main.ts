/** `npm run bench -- NAME`: runs one benchmark, or says which there are. */
import { readdirSync } from 'node:fs';

const names = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.ts') && name !== 'main.ts' && !name.endsWith('-thread.ts'))
  .map((name) => name.replace('.ts', ''));
const [name = ''] = process.argv.slice(2);
if (names.includes(name)) {
  await import(`./${name}.ts`);
} else {
  process.stderr.write(`npm run bench -- ${names.join(' | ')}\n`);
  process.exitCode = 64;
}
