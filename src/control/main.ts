/**
 * `mauvectl`: accounts of a station. It writes to the station's database in
 * short transactions of its own, so it works beside a running station, which
 * sees the change with the next request, and without one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { hashPassword, passwordProblem } from '../station/password.ts';
import { StoreError } from '../station/store/errors.ts';
import { openAccounts } from '../station/store/sqlite-accounts.ts';
import type { Accounts } from '../station/store/store.ts';
import { hours, plus, rfc3339, systemClock } from '../time.ts';
import { type Command, parseOptions } from './options.ts';

const exit = { refused: 1, usage: 64, data: 65, noInput: 66, io: 74 } as const;
/** 256 bits: 43 characters of base64url. */
const tokenBytes = 32;
const linkLives = hours(1);

/** A reason to end: one line for stderr. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const sha256 = (secret: string): string => createHash('sha256').update(secret).digest('hex');
const secret = (): string => randomBytes(tokenBytes).toString('base64url');

/** @returns what goes to stdout. */
async function perform(command: Command, accounts: Accounts, web: string): Promise<string> {
  const now = systemClock.now();
  switch (command.kind) {
    case 'token add': {
      const token = secret();
      if (await accounts.addToken(command.name, sha256(token), now)) return `${token}\n`;
      throw new Refusal(
        exit.refused,
        `there is a token ${command.name} already: remove it first, or choose another name`,
      );
    }
    case 'token list':
      return table(
        (await accounts.listTokens()).map(({ name, createdAt }) => [name, `since ${rfc3339(createdAt)}`]),
      );
    case 'token remove':
      if (await accounts.removeToken(command.name)) return '';
      throw new Refusal(exit.refused, `there is no token ${command.name}`);
    case 'user add': {
      const hash = await newPassword(command.passwordFile);
      if (await accounts.addUser(command.name, hash, now)) return '';
      throw new Refusal(
        exit.refused,
        `there is a user ${command.name} already: mauvectl user password ${command.name} sets another password`,
      );
    }
    case 'user password': {
      const hash = await newPassword(command.passwordFile);
      if (await accounts.setPassword(command.name, hash)) return '';
      throw new Refusal(exit.refused, `there is no user ${command.name}`);
    }
    case 'user list':
      return table(
        (await accounts.listUsers()).map(({ name, passwordHash, createdAt }) => [
          name,
          `since ${rfc3339(createdAt)}${passwordHash === null ? ', no password' : ''}`,
        ]),
      );
    case 'user remove':
      if (await accounts.removeUser(command.name)) return '';
      throw new Refusal(exit.refused, `there is no user ${command.name}`);
    case 'user link': {
      if ((await accounts.findUser(command.name)) === null)
        throw new Refusal(exit.refused, `there is no user ${command.name}`);
      const link = secret();
      await accounts.addLoginLink(sha256(link), command.name, plus(now, linkLives));
      return `http://${web}/welcome/${link}\n`;
    }
    default:
      return command satisfies never;
  }
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, rest]) => `${name.padEnd(width)}  ${rest}\n`).join('');
}

async function newPassword(file: string | null): Promise<string> {
  const password = file === null && process.stdin.isTTY ? await askTwice() : firstLine(file ?? '-');
  const problem = passwordProblem(password);
  if (problem !== null) throw new Refusal(exit.data, problem);
  return await hashPassword(password);
}

function firstLine(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'an error';
    throw new Refusal(exit.noInput, `${file === '-' ? 'standard input' : file} cannot be read: ${code}`);
  }
}

async function askTwice(): Promise<string> {
  const first = await ask('Password: ');
  if (first !== (await ask('Again: '))) throw new Refusal(exit.data, 'the two passwords differ');
  return first;
}

/** Asks on the terminal, without showing what is typed. */
function ask(prompt: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(prompt);
  return new Promise((answered, failed) => {
    terminal.on('SIGINT', () => failed(new Refusal(130, 'interrupted')));
    terminal.question('', (answer) => {
      terminal.close();
      process.stderr.write('\n');
      answered(answer);
    });
  });
}

async function main(): Promise<number> {
  const asked = parseOptions(process.argv.slice(2), process.env.MAUVE_VERSION ?? 'development');
  if (asked.kind === 'say') {
    process.stdout.write(asked.text);
    return 0;
  }
  if (asked.kind === 'usage') throw new Refusal(exit.usage, asked.fault);
  const folder = resolve(asked.data ?? (process.env.MAUVE_DATA || 'data'));
  const web = asked.web ?? (process.env.MAUVE_WEB || '127.0.0.1:1288');
  const opened = openAccounts(folder);
  try {
    process.stdout.write(await perform(asked.command, opened.accounts, web));
    return 0;
  } finally {
    opened.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Refusal) && !(error instanceof StoreError)) throw error;
  process.stderr.write(`mauvectl: ${error.message}\n`);
  process.exitCode = error instanceof Refusal ? error.code : exit.io;
}
