/**
 * A new password, from the terminal or from a file. What is typed is not shown;
 * what is in a file is read no further than a password can be long, so that a
 * pipe works and a device without an end does no harm. No message here ever
 * repeats a password.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { fileWords } from '../station/local-file.ts';
import { passwordProblem } from '../station/password.ts';

/** In bytes: more than the longest password has, whatever its characters. */
const lineMax = 8192;

export type NewPassword =
  | { readonly ok: true; readonly password: string }
  | { readonly ok: false; readonly why: 'no-input' | 'bad' | 'interrupted'; readonly words: string };

const bad = (words: string): NewPassword => ({ ok: false, why: 'bad', words });

/** @param file its first line is the password; `-` is standard input; null: the terminal is asked, if there is one. */
export async function newPassword(file: string | null): Promise<NewPassword> {
  // Not process.stdin.isTTY: to look at process.stdin makes a pipe one that cannot be waited for.
  const given = file === null && isatty(0) ? await askTwice() : firstLine(file ?? '-');
  const problem = given.ok ? passwordProblem(given.password) : null;
  // The page has sentences, a command has the rest of a line.
  return problem === null ? given : bad(`${problem.charAt(0).toLowerCase()}${problem.slice(1, -1)}`);
}

function firstLine(file: string): NewPassword {
  const name = file === '-' ? 'standard input' : file;
  let bytes: Uint8Array | null;
  try {
    bytes = readLine(file);
  } catch (error) {
    return { ok: false, why: 'no-input', words: `${name} cannot be read: ${fileWords(error)}` };
  }
  if (bytes === null) return bad(`${name}: the first line is longer than any password`);
  const line = decoded(bytes)?.replace(/\r$/, '');
  if (line === undefined || line.includes('\0')) return bad(`${name} is no text in UTF-8`);
  if (line === '') return bad(`${name}: the first line is empty, where a password is expected`);
  return { ok: true, password: line };
}

/** @returns what comes before the first newline; null where that is too long. */
function readLine(file: string): Uint8Array | null {
  const buffer = new Uint8Array(lineMax);
  const fd = file === '-' ? 0 : openSync(file, 'r');
  try {
    for (let length = 0; length < lineMax; ) {
      const read = readSync(fd, buffer, length, lineMax - length, null);
      const newline = buffer.subarray(length, length + read).indexOf(0x0a);
      if (newline >= 0) return buffer.subarray(0, length + newline);
      length += read;
      if (read === 0) return buffer.subarray(0, length);
    }
    return null;
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

/** Without the mark that some editors put before the first character; undefined where it is not UTF-8. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Asks on the terminal; both answers may come at once, as when they are pasted. */
async function askTwice(): Promise<NewPassword> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true, historySize: 0 });
  let interrupted = false;
  terminal.on('SIGINT', () => {
    interrupted = true;
    terminal.close();
  });
  const lines = terminal[Symbol.asyncIterator]();
  try {
    const answers: string[] = [];
    for (const prompt of ['Password: ', 'Again: ']) {
      process.stderr.write(prompt);
      const line = await lines.next();
      process.stderr.write('\n');
      if (interrupted) return { ok: false, why: 'interrupted', words: 'interrupted' };
      if (line.done === true) return { ok: false, why: 'no-input', words: 'no password was given' };
      answers.push(line.value);
    }
    const [password = '', again] = answers;
    return password === again ? { ok: true, password } : bad('the two passwords differ');
  } finally {
    terminal.close();
  }
}
