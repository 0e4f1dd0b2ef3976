/**
 * Starts mauvesend a third faster than Node would: compiling the program takes
 * longer than running it, so the build leaves V8's compiled form beside it
 * (scripts/precompile.cjs), and this hands it over. If there is none, or V8
 * does not take it (made by another Node), the program is compiled as usual.
 *
 * JavaScript of long ago, so that a Node too old for the program can say so.
 */
'use strict';
const nodeMin = 18;
if (Number.parseInt(process.versions.node, 10) < nodeMin) {
  process.stderr.write(`mauvesend: needs Node ${nodeMin} or newer, and this is ${process.version}\n`);
  process.exit(69);
}
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const program = `${__dirname}/mauvesend.cjs`;
// The bundle is ASCII; its last line is a comment that names its compiled form.
const source = readFileSync(program, 'latin1');
let compiled;
try {
  compiled = readFileSync(`${__dirname}/${source.slice(source.lastIndexOf('//') + 2).trim()}`);
} catch (_) {
  compiled = undefined;
}
const wrapped = `(function (require) {${source}\n})`;
new Script(wrapped, { filename: program, cachedData: compiled }).runInThisContext()(require);
