/**
 * Leaves V8's compiled form of a program that stands alone: runs it once, with
 * the arguments given, so that what such a run needs is compiled, and writes
 * that down when it exits. Run by the Node that will run the program.
 *
 *   node precompile.cjs PROGRAM COMPILED [ARGUMENT]...
 */
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');

const [, , program, compiled] = process.argv;
process.argv.splice(1, 3, program);
// As src/send/start.cjs has it, to the letter: V8 compares.
const wrapped = `(function (require) {${readFileSync(program, 'latin1')}\n})`;
const script = new Script(wrapped, { filename: program });
process.on('exit', () => writeFileSync(compiled, script.createCachedData()));
script.runInThisContext()(require);
